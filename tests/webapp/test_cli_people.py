"""`primum staff …`, `password-link` and `invite`: links that work, mail where it is set, everybody or nobody."""

import json
import re

import pytest
from builders import a_reader_joined, chain_faults, kinds_of, rows
from commands import command_line
from panels import a_loaded_study, a_panel_in, dump, lock

from study.store import accounts, enrolment
from study.store.people import COMMAND_LINE
from study.tables import TicketPurpose
from webapp.commands.database import now_us

LINK = re.compile(r"^(\S+@\S+)\thttps://study\.example/(join|set-password)/([\w-]{32})$")


@pytest.fixture
def primum(capsys, tmp_path, sqlite_database, monkeypatch):
    return command_line(capsys, tmp_path, sqlite_database, monkeypatch)


def links(primum):
    return [LINK.match(line).groups() for line in primum.out.splitlines()]


def test_staff_is_added_with_a_link_to_set_a_password(primum, sqlite_database):
    assert primum("staff", "add", "Pi@Clinic.Example", "--role", "pi") == 0, primum.err
    ((email, where, token),) = links(primum)
    assert (email, where) == ("pi@clinic.example", "set-password")
    with sqlite_database.read() as session:
        ticket = accounts.usable_ticket(session, token, TicketPurpose.PASSWORD, at_us=now_us())
        assert accounts.by_id(session, ticket.account_id).role == "pi"
    assert rows(sqlite_database, "outbox") == []
    assert primum("staff", "add", "nobody", "--role", "pi") == 1
    assert primum.err == "'nobody' is not an e-mail address.\n"


def test_invitations_are_printed_and_known_people_are_left_as_they_are(primum, sqlite_database):
    a_loaded_study(sqlite_database)
    assert primum("invite", "--study", "small", "a@x.example", "b@x.example") == 0, primum.err
    (_, _, first), (_, where, _) = links(primum)
    assert where == "join"
    before = dump(sqlite_database)
    assert primum("invite", "--study", "small", "a@x.example") == 0
    assert primum.out == "a@x.example\tstands on the roster already\n"
    assert dump(sqlite_database) == before
    with sqlite_database.read() as session:
        assert enrolment.invited_by(session, first, at_us=now_us())[0].email == "a@x.example"


def test_inviting_again_is_a_deed_of_its_own_with_an_event(primum, sqlite_database):
    a_loaded_study(sqlite_database)
    primum("invite", "--study", "small", "a@x.example")
    ((_, _, first),) = links(primum)
    assert primum("invite", "--study", "small", "--again", "a@x.example") == 0, primum.err
    ((email, _, second),) = links(primum)
    assert email == "a@x.example"
    with sqlite_database.read() as session:
        assert enrolment.invited_by(session, second, at_us=now_us())[0].email == "a@x.example"
        with pytest.raises(accounts.Refused):
            enrolment.invited_by(session, first, at_us=now_us())
    (reader,) = rows(sqlite_database, "reader")
    assert kinds_of(sqlite_database, reader["respondent_id"]) == ["invited", "invited again"]
    assert primum("invite", "--study", "small", "--again", "nobody@x.example") == 1
    assert primum.err == "nobody@x.example is not on the roster of small.\n"


def test_whoever_has_joined_or_withdrawn_gets_no_link(primum, sqlite_database, monkeypatch):
    monkeypatch.setenv("PRIMUM_SMTP_HOST", "mail.example")
    panel = a_panel_in(a_loaded_study(sqlite_database))
    primum("invite", "--study", "small", "gone@x.example")
    (gone,) = [row for row in rows(sqlite_database, "reader") if row["email"] == "gone@x.example"]

    def withdraw(session):
        reader = enrolment.reader_of(session, panel.study.id, gone["respondent_id"])
        enrolment.withdraw(session, reader, reason="", actor_id=None, at_us=now_us())

    sqlite_database.write(withdraw)
    before = dump(sqlite_database)
    assert primum("invite", "--study", "small", "submitted@clinic.example", "gone@x.example") == 0
    assert primum.out == "submitted@clinic.example\thas joined already\ngone@x.example\thas withdrawn\n"
    for email in ("submitted@clinic.example", "gone@x.example"):
        assert primum("invite", "--study", "small", "--again", email) == 1
    assert dump(sqlite_database) == before


def bodies(database, subject_id):
    """What the events of one subject say, beside who did it."""
    return [
        (json.loads(row["body"]), event["actor_id"])
        for row, event in zip(rows(database, "event_payload"), rows(database, "event"), strict=True)
        if row["subject_id"] == subject_id
    ]


def test_what_the_command_line_did_says_so(primum, sqlite_database):
    study = a_loaded_study(sqlite_database)
    primum("invite", "--study", "small", "a@x.example")
    (reader,) = rows(sqlite_database, "reader")
    assert bodies(sqlite_database, reader["respondent_id"]) == [({"by": "command line", "test": False}, None)]
    primum("study", "pause", "small")
    assert bodies(sqlite_database, study.id)[-1][0]["by"] == "command line"
    assert chain_faults(sqlite_database) == []


def test_a_link_to_a_new_password_is_made_by_whoever_runs_the_site_and_leaves_an_event(primum, sqlite_database):
    reader = a_reader_joined(a_loaded_study(sqlite_database), "a@x.example")
    assert primum("password-link", "A@x.example") == 0, primum.err
    ((email, where, token),) = links(primum)
    assert (email, where) == ("a@x.example", "set-password")
    with sqlite_database.read() as session:
        assert accounts.usable_ticket(session, token, TicketPurpose.PASSWORD, at_us=now_us())
    assert kinds_of(sqlite_database, reader.account_id)[-1] == "password link issued"
    assert bodies(sqlite_database, reader.account_id)[-1] == ({"by": "command line", "mailed": False}, None)
    assert primum("password-link", "nobody@x.example") == 1
    assert primum.err == "Nobody has an account as nobody@x.example.\n"


def test_staff_that_is_disabled_is_out_at_once_and_gets_no_link(primum, sqlite_database):
    primum("staff", "add", "pi@x.example", "--role", "pi")
    ((_, _, token),) = links(primum)

    def sign_in(session):
        account = accounts.by_email(session, "pi@x.example")
        accounts.start_login(session, account, "t" * 40, at_us=now_us(), ttl_us=10**12)
        return account.id

    account_id = sqlite_database.write(sign_in)
    assert primum("staff", "disable", "pi@x.example") == 0, primum.err
    assert rows(sqlite_database, "login") == []
    with sqlite_database.read() as session, pytest.raises(accounts.Refused):
        accounts.usable_ticket(session, token, TicketPurpose.PASSWORD, at_us=now_us())
    for refused in (["password-link", "pi@x.example"], ["staff", "add", "pi@x.example", "--role", "owner"]):
        assert primum(*refused) == 1
        assert "disabled" in primum.err
    for _ in "twice":
        assert primum("staff", "enable", "pi@x.example") == 0
    assert kinds_of(sqlite_database, account_id)[-2:] == ["disabled", "enabled"]
    assert primum("password-link", "pi@x.example") == 0


def test_readers_and_the_command_line_itself_are_not_staff(primum, sqlite_database):
    a_reader_joined(a_loaded_study(sqlite_database), "a@x.example")
    assert primum("study", "export", "small", "--out", primum.folder / "x.zip") == 0, primum.err
    before = dump(sqlite_database)
    for email in ("a@x.example", COMMAND_LINE):
        assert primum("staff", "disable", email) == 1
        assert primum("staff", "enable", email) == 1
    assert primum("password-link", COMMAND_LINE) == 1
    assert primum("staff", "add", COMMAND_LINE, "--role", "pi") == 1
    assert dump(sqlite_database) == before


def test_mail_is_put_in_the_outbox_where_a_server_is_set(primum, sqlite_database, monkeypatch):
    monkeypatch.setenv("PRIMUM_SMTP_HOST", "mail.example")
    a_loaded_study(sqlite_database)
    assert primum("staff", "add", "pi@x.example", "--role", "owner") == 0
    assert primum("invite", "--study", "small", "a@x.example") == 0
    ((_, _, token),) = links(primum)
    staff, reader = sorted(rows(sqlite_database, "outbox"), key=lambda row: row["created_at_us"])
    assert (staff["recipient"], reader["recipient"]) == ("pi@x.example", "a@x.example")
    assert f"https://study.example/join/{token}" in reader["body"]
    assert "set-password" in staff["body"]


def test_a_list_is_invited_with_its_strata(primum, sqlite_database):
    a_loaded_study(sqlite_database)
    people = primum.file("people.csv", "email,name,site\na@x.example,Änne A,North\nb@x.example,,\n".encode())
    assert primum("invite", "--study", "small", "--csv", people, "--test") == 0, primum.err
    assert [email for email, _, _ in links(primum)] == ["a@x.example", "b@x.example"]
    found = {row["email"]: row for row in rows(sqlite_database, "reader")}
    assert found["a@x.example"]["strata"] == {"site": "North"}
    assert all(row["test"] for row in found.values())


def test_a_list_with_a_fault_invites_nobody(primum, sqlite_database):
    a_loaded_study(sqlite_database)
    before = dump(sqlite_database)
    people = primum.file("people.csv", b"email,name\na@x.example,A\nnobody,B\na@x.example,C\n")
    assert primum("invite", "--study", "small", "--csv", people) == 1
    assert [line.partition(" ")[0] for line in primum.err.splitlines()] == ["people.csv:3:", "people.csv:4:"]
    assert dump(sqlite_database) == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--study", "none", "a@x.example"], "There is no study 'none' here."),
        (["--study", "small", "a@x.example", "--arm", "other"], "There is no arm 'other'; there are physician."),
        (["--study", "small", "a@x.example", "staff@x.example"], "staff@x.example belongs to the study's staff"),
    ],
)
def test_a_refused_invitation_invites_nobody(primum, sqlite_database, arguments, said):
    a_loaded_study(sqlite_database)
    primum("staff", "add", "staff@x.example", "--role", "pi")
    before = dump(sqlite_database)
    assert primum("invite", *arguments) == 1
    assert primum.err.startswith(said)
    assert dump(sqlite_database) == before


def test_nobody_is_invited_to_a_locked_study(primum, sqlite_database):
    lock(a_loaded_study(sqlite_database))
    assert primum("invite", "--study", "small", "a@x.example") == 1
    assert "locked" in primum.err


def test_an_arm_can_be_named(primum, sqlite_database):
    a_loaded_study(sqlite_database)
    assert primum("invite", "--study", "small", "a@x.example", "--arm", "physician") == 0
    assert rows(sqlite_database, "reader")[0]["arm"] == "physician"
