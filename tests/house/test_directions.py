"""The directions of imports: the contracts hold, and break when they are made to."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

PACKAGES = ("webapp", "analysis", "study")

# For each contract, a module and an import that it must not gain.
BREAKS = {
    "directions": ("study/case.py", "import analysis.inference.estimate"),
    "web": ("study/case.py", "import flask"),
    "database": ("study/case.py", "import sqlalchemy"),
    "storage": ("study/case.py", "import study.tables"),
    "estimators": ("analysis/inference/estimate.py", "import analysis.outcomes.frame"),
    "bridge": ("analysis/digits.py", "import study.case"),
    "reliability": ("analysis/inference/estimate.py", "import pingouin"),
    "blind": ("webapp/reader/__init__.py", "import study.rubric"),
    "light": ("webapp/front.py", "def late():\n    import analysis.inference.estimate"),
}


def contracts(repository: Path) -> list[str]:
    settings = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    return [contract["id"] for contract in settings["tool"]["importlinter"]["contracts"]]


def lint_imports(tree: Path, *contract: str) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    chosen = [part for name in contract for part in ("--contract", name)]
    return subprocess.run([program, "--no-cache", "--no-logo", *chosen], cwd=tree, capture_output=True, text=True)


@pytest.fixture
def tree(repository, tmp_path) -> Path:
    """A copy of what the contracts are about, to do harm to."""
    for package in PACKAGES:
        shutil.copytree(repository / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(repository / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contracts_hold(repository):
    linted = lint_imports(repository)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_every_contract_is_broken_on_purpose_below(repository):
    assert sorted(contracts(repository)) == sorted(BREAKS)


@pytest.mark.parametrize("contract", BREAKS)
def test_a_contract_breaks_when_it_is_made_to(tree, contract):
    module, line = BREAKS[contract]
    with (tree / module).open("a", encoding="utf-8") as source:
        source.write(f"\n{line}\n")
    linted = lint_imports(tree, contract)
    assert linted.returncode == 1
    assert "BROKEN" in linted.stdout
