"""What takes longest is begun first: a process that begins such a test last keeps the other ones waiting.

`--dist loadfile` gives whole files to the processes, since the tests of a file share what was made for it. Those of the
files in APART share nothing and take long: each is given away by itself, so that they run beside each other.
"""

from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
LONG = (
    "house/test_installation.py",
    "browser/test_offline.py::test_45_true_seconds",
    "browser/test_whole_study.py",
    "drills/test_drills_short.py",
    "browser/test_accessibility.py",
    "analysis/test_analyse.py",
    "browser/",
    "webapp/test_staff_browser.py",
    "webapp/test_sitting_model.py",
)
APART = ("browser/test_offline.py", "browser/test_whole_study.py", "drills/test_drills_short.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`--no-loadscope-reorder` keeps this order."""
    tests = Counter(item.path for item in items)

    def place(item: pytest.Item) -> int:
        name = f"{item.path.relative_to(TESTS).as_posix()}::{item.name}"
        return next((place for place, long in enumerate(LONG) if name.startswith(long)), len(LONG))

    items.sort(key=lambda item: (place(item), -tests[item.path], item.path))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """As `loadfile` does, but for the files in APART."""
    if config.getvalue("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class ByFileOrTest(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file = super()._split_scope(nodeid)
            return nodeid if file.endswith(APART) else file

    return ByFileOrTest(config, log)
