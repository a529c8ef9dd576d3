"""Every drill, in seconds: a new program in benchmarks/drills is met here by itself."""

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_S = 300


def _collector() -> ModuleType:
    """What `make drills` collects figures with."""
    spec = importlib.util.spec_from_file_location("figures", ROOT / ".ci" / "figures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FIGURES = _collector()
DRILLS = [program.stem for program in FIGURES.programs("benchmarks/drills")]
PLAYED_HERE = {"model"}
"""The suite plays that one by itself, in tests/webapp/test_sitting_model.py."""


def test_the_drills_of_the_sitting_are_there():
    assert {"kill", "submits", "restarts"} <= set(DRILLS)


@pytest.mark.postgres
@pytest.mark.browser
@pytest.mark.parametrize("name", sorted(set(DRILLS) - PLAYED_HERE))
def test_every_figure_of_the_short_drill_holds(name):
    ran = subprocess.run(
        [sys.executable, ROOT / "benchmarks" / "drills" / f"{name}.py", "--short"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
    )
    figures = [figure for line in ran.stdout.splitlines() for figure in FIGURES.figures_of(line)]
    assert ran.returncode == 0, ran.stderr
    assert figures
    assert [figure for figure in figures if not figure["holds"]] == [], ran.stderr
