"""Whoever takes a study out leaves an event in a chain of their own, and the study's bytes stay as they are."""

import hashlib
import json

import pytest
from builders import chain_faults, kinds_of, rows
from commands import command_line
from panels import a_loaded_study, a_panel_in, lock
from sites import SiteUnderTest

from study.store.people import COMMAND_LINE
from study.tables import Role, StudyState


def last_payload(database, account_id):
    found = [row for row in rows(database, "event_payload") if row["subject_id"] == account_id]
    return json.loads(max(found, key=lambda row: row["seq"])["body"])


def account_called(database, email):
    (found,) = [row for row in rows(database, "account") if row["email"] == email]
    return found["id"]


def test_an_archive_from_the_page_stands_in_the_chain_of_who_took_it_and_is_the_same_again(site: SiteUnderTest):
    study = site.load(StudyState.LOCKED)
    visitor = site.staff(Role.STATISTICIAN)
    taken = [visitor.get(f"/stats/{study.name}/export.zip").data for _ in "twice"]
    assert taken[0] == taken[1]
    account_id = account_called(site.database, f"{Role.STATISTICIAN}@example.org")
    assert kinds_of(site.database, account_id)[-2:] == ["exported", "exported"]
    assert last_payload(site.database, account_id) == {
        "study": study.name,
        "state": "locked",
        "sha256": hashlib.sha256(taken[0]).hexdigest(),
    }
    assert chain_faults(site.database) == []


@pytest.mark.parametrize("locked", [False, True])
def test_an_archive_from_the_command_line_stands_in_the_chain_of_the_command_line(
    capsys, tmp_path, sqlite_database, monkeypatch, locked
):
    study = a_loaded_study(sqlite_database)
    a_panel_in(study)
    if locked:
        lock(study)
    before = [rows(sqlite_database, table) for table in ("study", "reader", "reading")]
    primum = command_line(capsys, tmp_path, sqlite_database, monkeypatch)
    for name in ("first.zip", "second.zip"):
        assert primum("study", "export", "small", "--out", tmp_path / name) == 0, primum.err
    assert (tmp_path / "first.zip").read_bytes() == (tmp_path / "second.zip").read_bytes()
    assert [rows(sqlite_database, table) for table in ("study", "reader", "reading")] == before
    account_id = account_called(sqlite_database, COMMAND_LINE)
    assert kinds_of(sqlite_database, account_id) == ["exported", "exported"]
    said = last_payload(sqlite_database, account_id)
    assert (said["by"], said["state"]) == ("command line", "locked" if locked else "open")
    assert primum("audit", "verify") == 0
