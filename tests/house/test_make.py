"""The one door: nothing to do the second time, and what the system lacks is said as the exact line to run."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture
def checkout(repository, tmp_path) -> Path:
    """The parts of a checkout that make looks at, with an environment that was made after them."""
    for name in ("Makefile", "pyproject.toml", "requirements.txt", "requirements-build.txt", "requirements-dev.txt"):
        shutil.copyfile(repository / name, tmp_path / name)
    shutil.copytree(repository / ".ci", tmp_path / ".ci")
    (tmp_path / ".venv").mkdir()
    for stamp in (".made", ".runtime", ".dev"):
        (tmp_path / ".venv" / stamp).touch()
    return tmp_path


@pytest.fixture
def bare_path(tmp_path) -> Path:
    """A folder to be the whole PATH: an ordinary user, and none of this system's programs."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for needed in ("bash", "dirname", "grep"):
        (folder / needed).symlink_to(shutil.which(needed) or "")
    program(folder / "id", "echo 1000")
    return folder


def program(path: Path, line: str) -> None:
    path.write_text(f"#!/bin/sh\n{line}\n", encoding="utf-8")
    path.chmod(0o755)


def run(repository: Path, script: str, path: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    bash = shutil.which("bash") or "bash"
    return subprocess.run(
        [bash, repository / ".ci" / script], env={"PATH": str(path), **variables}, capture_output=True, text=True
    )


@pytest.mark.parametrize("target", ["setup", "setup-dev"])
def test_the_second_time_there_is_nothing_to_do(checkout, target):
    assert subprocess.run(["make", "--question", target], cwd=checkout).returncode == 0


@pytest.mark.parametrize(
    "changed", ["requirements.txt", "requirements-build.txt", "requirements-dev.txt", "pyproject.toml"]
)
def test_a_changed_lock_is_noticed(checkout, changed):
    later = (checkout / ".venv" / ".dev").stat().st_mtime + 10
    os.utime(checkout / changed, (later, later))
    assert subprocess.run(["make", "--question", "setup-dev"], cwd=checkout).returncode == 1


def test_the_demo_does_not_wait_for_what_only_tests_need(checkout):
    (checkout / ".venv" / ".dev").unlink()
    planned = subprocess.run(["make", "--dry-run", "demo"], cwd=checkout, capture_output=True, text=True, check=True)
    assert "requirements-dev.txt" not in planned.stdout
    assert planned.stdout.split() == [".venv/bin/primum", "demo"]


def test_make_alone_lists_every_target(checkout):
    listed = subprocess.run(["make"], cwd=checkout, capture_output=True, text=True, check=True).stdout
    declared = (checkout / "Makefile").read_text(encoding="utf-8").split(".PHONY:")[1].splitlines()[0].split()
    assert {line.split()[1] for line in listed.splitlines()} == set(declared)


def test_a_python_without_venv_is_answered_with_the_line_to_run(repository, bare_path):
    program(
        bare_path / "python3",
        f"""shift; exec {sys.executable} -c "import sys; sys.modules['ensurepip'] = None; exec(sys.argv[1])" "$@" """,
    )
    asked = run(repository, "python", bare_path)
    assert asked.returncode == 1
    assert f"sudo apt-get install -y python3.{sys.version_info.minor}-venv\n" in asked.stderr
    assert asked.stdout == ""


def test_an_unsuitable_python_that_was_asked_for_is_named(repository, bare_path):
    program(bare_path / "old", "exit 1")
    asked = run(repository, "python", bare_path, PYTHON="old")
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "old" in asked.stderr


def test_the_newest_python_is_taken(repository, bare_path):
    for name in ("python3.11", "python3.13", "python3"):
        program(bare_path / name, f'exec {sys.executable} "$@"')
    assert run(repository, "python", bare_path).stdout.strip() == str(bare_path / "python3.13")


def test_a_missing_chromium_is_answered_with_the_line_to_run(repository, bare_path):
    asked = run(repository, "chromium", bare_path)
    assert (asked.returncode, asked.stdout) == (1, "")
    line = (
        "snap install" if "ID=ubuntu" in Path("/etc/os-release").read_text(encoding="utf-8") else "apt-get install -y"
    )
    assert f"sudo {line} chromium\n" in asked.stderr


def test_a_chromium_of_ones_own_is_taken_or_named(repository, bare_path):
    program(bare_path / "mine", "exit 0")
    assert run(repository, "chromium", bare_path, PRIMUM_CHROMIUM="mine").stdout.strip() == str(bare_path / "mine")
    refused = run(repository, "chromium", bare_path, PRIMUM_CHROMIUM="absent")
    assert refused.returncode == 1
    assert "absent" in refused.stderr


def test_bench_collects_the_figures_of_every_program(checkout):
    figure = {"name": "ratio", "value": 60.0, "unit": "×", "target": ">= 50", "holds": True}
    (checkout / "benchmarks").mkdir()
    (checkout / "benchmarks" / "one.py").write_text(
        f"print('prose')\nprint({json.dumps(figure)!r})\n", encoding="utf-8"
    )
    (checkout / "benchmarks" / "two.py").write_text(f"print({json.dumps([figure, figure])!r})\n", encoding="utf-8")
    ran = subprocess.run([sys.executable, checkout / ".ci" / "bench"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert "prose" in ran.stdout
    assert json.loads((checkout / "var" / "bench.json").read_text(encoding="utf-8")) == [figure] * 3


def test_a_benchmark_without_a_figure_is_an_error(checkout):
    (checkout / "benchmarks").mkdir()
    (checkout / "benchmarks" / "silent.py").write_text("", encoding="utf-8")
    ran = subprocess.run([sys.executable, checkout / ".ci" / "bench"], capture_output=True, text=True)
    assert ran.returncode == 1
    assert "silent.py" in ran.stderr


def drill(checkout: Path, name: str, text: str) -> None:
    (checkout / "benchmarks" / "drills").mkdir(parents=True, exist_ok=True)
    (checkout / "benchmarks" / "drills" / f"{name}.py").write_text(text, encoding="utf-8")


def drilled(checkout: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, checkout / ".ci" / "drills", *arguments], capture_output=True, text=True)


def test_drills_end_with_an_error_where_a_figure_is_missed(checkout):
    figure = {"name": "saves lost", "value": 0, "unit": "", "target": 0, "holds": True}
    missed = {**figure, "name": "gaps", "value": 1, "holds": False}
    drill(checkout, "one", f"print({json.dumps(figure)!r})\n")
    drill(checkout, "_site", "raise SystemExit('no program')\n")
    assert drilled(checkout).returncode == 0
    drill(checkout, "two", f"print({json.dumps(missed)!r})\n")
    ran = drilled(checkout)
    assert ran.returncode == 1
    assert "missed: gaps" in ran.stdout
    assert json.loads((checkout / "var" / "drills.json").read_text(encoding="utf-8")) == [figure, missed]


def test_a_drill_that_fails_does_not_hide_the_others(checkout):
    figure = {"name": "saves lost", "value": 0, "unit": "", "target": 0, "holds": True}
    drill(checkout, "broken", "raise SystemExit(3)\n")
    drill(checkout, "whole", f"print({json.dumps(figure)!r})\n")
    ran = drilled(checkout)
    assert ran.returncode == 1
    assert "broken.py ended with 3" in ran.stderr
    assert json.loads((checkout / "var" / "drills.json").read_text(encoding="utf-8")) == [figure]


def test_short_drills_are_told_to_be_short(checkout):
    figure = {"name": "short", "value": 1, "unit": "", "target": 1, "holds": True}
    drill(checkout, "one", f"import sys\nassert sys.argv[1:] == ['--short']\nprint({json.dumps(figure)!r})\n")
    assert drilled(checkout, "--short").returncode == 0
    assert drilled(checkout).returncode == 1
