"""What is in the repository: nothing of the machine it was written on, and no address that a build would follow."""

import re
import subprocess
from pathlib import Path

import pytest

# Spelled so that this file does not find itself.
MACHINE = re.compile(r"(?<![\w.$~}-])/(?:" + "|".join(("work", "root", "home")) + r")/")
ADDRESS = re.compile(
    r"https?://|\b(?:git|hg|svn)\+|--(?:extra-)?index-url|--find-links|--trusted-host|^-[if] ", re.MULTILINE
)
REGISTRY = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|(?<!no-emit-)index-url|find-links", re.IGNORECASE
)
DELIVERY = re.compile(
    r"(?:src|href|action|url\()\s*=?\s*[\"']?(?:https?:)?//|jsdelivr|unpkg|cdnjs|googleapis|gstatic|bootstrapcdn",
    re.IGNORECASE,
)
CONFIGURATION = (".toml", ".cfg", ".ini", ".lock", ".yml", ".yaml", ".sh", ".dockerignore")


def tracked(repository: Path, *patterns: str) -> list[Path]:
    if not (repository / ".git").exists():
        pytest.skip("not a git checkout: nothing is tracked")
    listed = subprocess.run(
        ["git", "ls-files", "-z", *patterns], cwd=repository, capture_output=True, check=True
    ).stdout
    return [path for name in listed.decode().split("\0") if name and (path := repository / name).is_file()]


def found(paths: list[Path], pattern: re.Pattern[str]) -> list[str]:
    """`file:line: text` of every match; files that are not text hold none."""
    matches = []
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        matches += [
            f"{path}:{number}: {line.strip()[:100]}" for number, line in enumerate(lines, 1) if pattern.search(line)
        ]
    return matches


def test_no_path_of_a_machine_is_tracked(repository):
    assert found(tracked(repository), MACHINE) == []


def test_locks_hold_hashes_and_no_address(repository):
    locks = tracked(repository, "requirements*.txt")
    assert {lock.name for lock in locks} == {"requirements.txt", "requirements-build.txt", "requirements-dev.txt"}
    assert found(locks, ADDRESS) == []
    for lock in locks:
        pins = re.findall(
            r"^[a-z0-9][\w.-]*(?:\[[\w,]+\])?==.*?(?=^[a-z0-9]|\Z)",
            lock.read_text(encoding="utf-8"),
            re.MULTILINE | re.DOTALL,
        )
        assert pins
        assert [pin.split()[0] for pin in pins if "--hash=sha256:" not in pin] == []


def test_the_locks_agree_with_each_other(repository):
    pinned: dict[str, set[str]] = {}
    for lock in tracked(repository, "requirements*.txt"):
        text = lock.read_text(encoding="utf-8")
        for name, version, marker in re.findall(
            r"^([a-z0-9][\w.-]*)(?:\[[\w,]+\])?==(\S+)(?: ; (.*?))? \\$", text, re.MULTILINE
        ):
            pinned.setdefault(f"{name} {marker}", set()).add(version)
    assert {name: versions for name, versions in pinned.items() if len(versions) > 1} == {}


def test_no_configuration_names_a_registry(repository):
    named = [
        path
        for path in tracked(repository)
        if path.suffix in CONFIGURATION or path.name in ("Makefile", "Dockerfile") or ".ci" in path.parts
    ]
    assert found(named, REGISTRY) == []


def test_no_page_loads_anything_from_elsewhere(repository):
    pages = tracked(repository, "webapp/*.html", "webapp/*.css", "webapp/*.js", "analysis/*.html", "analysis/*.css")
    assert found(pages, DELIVERY) == []


@pytest.mark.parametrize(
    ("pattern", "line", "matches"),
    [
        (MACHINE, "open('" + "/ho" + "me/ada/x')", True),
        (MACHINE, "https://example.org" + "/wo" + "rk/", False),
        (MACHINE, "see work/home", False),
        (ADDRESS, "numpy @ https://example.org/numpy.whl", True),
        (ADDRESS, "--index-url x", True),
        (ADDRESS, "numpy==2.4.6 \\", False),
        (DELIVERY, '<script src="https://example.org/x.js">', True),
        (DELIVERY, '<link href="//example.org/x.css">', True),
        (DELIVERY, "<a href=\"{{ url_for('x') }}\">", False),
    ],
)
def test_the_patterns_find_what_they_are_for(pattern, line, matches):
    assert bool(pattern.search(line)) is matches
