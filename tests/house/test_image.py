"""The image, as far as it can be read: no container engine is needed to see these."""

import re
from fnmatch import fnmatch

import pytest


@pytest.fixture(scope="module")
def dockerfile(repository) -> str:
    return (repository / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")


def test_its_only_step_is_the_script_that_the_tests_run(dockerfile):
    assert re.findall(r"^RUN (.*)$", dockerfile, re.MULTILINE) == ["sh /src/docker/install.sh"]


def test_it_runs_as_a_number_that_is_not_root(dockerfile):
    users = re.findall(r"^USER (\d+):(\d+)$", dockerfile, re.MULTILINE)
    assert users
    assert all(int(part) > 999 for part in users[-1])


def test_it_says_whether_it_is_well(dockerfile):
    assert re.search(r"^HEALTHCHECK .*healthy\.py", dockerfile, re.MULTILINE)


def test_what_the_script_reads_passes_the_ignore_file(repository, dockerfile):
    allowed = re.findall(r"^!(.*)$", (repository / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    script = (repository / "docker" / "install.sh").read_text(encoding="utf-8")
    read = set(re.findall(r"requirements[\w-]*\.txt", script)) | {"pyproject.toml", "README.md", "LICENSE", "docker"}
    copied = {path.split("/")[0] for path in re.findall(r"\bdocker/\S+", dockerfile)}
    assert all(any(fnmatch(name, pattern) for pattern in allowed) for name in read | copied)
