"""The files of the suite that take longest come first: a process that begins one last keeps the other ones waiting.

`--dist loadfile` gives whole files to the processes, by itself those with the most tests first. These have few.
"""

from collections import Counter
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parent
LONG = (
    "drills/test_drills_short.py",
    "browser/test_whole_study.py",
    "house/test_installation.py",
    "webapp/test_sitting_model.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`--no-loadscope-reorder` keeps this order."""
    tests = Counter(item.path for item in items)
    known = {TESTS / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: (known.get(item.path, len(LONG)), -tests[item.path], item.path))
