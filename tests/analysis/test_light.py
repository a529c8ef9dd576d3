"""What may be loaded when the analysis is only imported: a web worker asks for nothing more."""

import subprocess
import sys

import pytest

HEAVY = ("scipy.stats", "pandas", "pingouin", "matplotlib", "statsmodels", "jinja2", "flask", "sqlmodel")


@pytest.mark.parametrize("module", ["analysis", "analysis.compare", "analysis.analyse", "analysis.plan"])
def test_importing_loads_nothing_heavy(module, repository):
    code = f"import sys, {module}\nprint([name for name in {HEAVY!r} if name in sys.modules])"
    found = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_package_alone_loads_not_even_numpy(repository):
    code = "import sys, analysis\nprint('numpy' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], cwd=repository, capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
