"""Our files under addresses of their version: kept for good where they cannot change, asked for again elsewhere."""

import re
from pathlib import Path

import pytest

from webapp.static_files import FOLDER, version

KEPT = "public, max-age=31536000, immutable"
OURS = re.compile(r'(?:src|href)="(/static/[^"]+)"')


def test_a_page_names_its_files_in_this_version_and_they_may_be_kept_for_good(site):
    client = site.visitor().client
    named = OURS.findall(client.get("/sign-in").text)
    assert named
    for address in named:
        assert address.startswith(f"/static/{version()}/")
        answer = client.get(address, buffered=True)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, KEPT)
        assert answer.data == (FOLDER / Path(address).name).read_bytes()


@pytest.mark.parametrize("other", ["0123456789abcdef", "any", "..."])
def test_a_page_from_before_an_update_finds_its_files_and_asks_for_them_each_time(site, other):
    client = site.visitor().client
    answer = client.get(f"/static/{other}/case.js", buffered=True)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-cache")
    assert answer.data == (FOLDER / "case.js").read_bytes()
    again = client.get(f"/static/{other}/case.js", headers={"If-None-Match": answer.headers["ETag"]}, buffered=True)
    assert (again.status_code, again.headers["Cache-Control"]) == (304, "no-cache")
    before = {"If-None-Match": '"0123456789abcdef"', "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}
    assert client.get(f"/static/{other}/case.js", headers=before, buffered=True).status_code == 200


@pytest.mark.parametrize("path", ["none.js", "../static_files.py", "..%2fstatic_files.py", ""])
def test_what_is_no_file_of_ours_is_not_there_and_nobody_keeps_that(site, path):
    answer = site.visitor().client.get(f"/static/{version()}/{path}")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "no-store")


def test_what_a_module_imports_stands_beside_it():
    """So that the version in its own address goes for all that it asks for."""
    named = re.compile(r"""(?:from|import|import\()\s*["']([^"']+)["']""")
    imported = {(path.name, name) for path in FOLDER.glob("*.js") for name in named.findall(path.read_text("utf-8"))}
    assert ("case.js", "./plan.js") in imported
    assert [pair for pair in imported if not (pair[1].startswith("./") and (FOLDER / pair[1]).is_file())] == []


def test_a_version_is_of_every_byte_and_every_name_and_of_nothing_else(tmp_path):
    def made(number: int, files: dict[str, str]) -> str:
        folder = tmp_path / str(number)
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return version(folder)

    one = made(1, {"a.js": "x", "b.js": "y"})
    assert re.fullmatch(r"[0-9a-f]{16}", one)
    assert made(2, {"b.js": "y", "a.js": "x"}) == one
    others = ({"a.js": "x", "b.js": "z"}, {"a.js": "x", "c.js": "y"}, {"a.js": "xb.jsy"}, {"a.js": "x"})
    assert len({made(number, files) for number, files in enumerate(others, 3)} | {one}) == 5
