"""`primum staff add` and `primum invite`: links that work, mail where it is set, everybody or nobody."""

import re

import pytest
from builders import a_reader_joined, rows
from commands import command_line
from panels import a_loaded_study, dump, lock

from study.store import accounts, enrolment
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


def test_invitations_are_printed_and_known_people_get_a_fresh_link(primum, sqlite_database):
    a_loaded_study(sqlite_database)
    assert primum("invite", "--study", "small", "a@x.example", "b@x.example") == 0, primum.err
    (_, _, first), (_, where, _) = links(primum)
    assert where == "join"
    assert primum("invite", "--study", "small", "a@x.example") == 0
    ((email, _, second),) = links(primum)
    assert email == "a@x.example"
    with sqlite_database.read() as session:
        assert enrolment.invited_by(session, second, at_us=now_us())[0].email == "a@x.example"
        with pytest.raises(accounts.Refused):
            enrolment.invited_by(session, first, at_us=now_us())
    assert len(rows(sqlite_database, "reader")) == 2


def test_whoever_has_joined_gets_no_link(primum, sqlite_database):
    a_reader_joined(a_loaded_study(sqlite_database), "a@x.example")
    assert primum("invite", "--study", "small", "a@x.example") == 0
    assert primum.out == "a@x.example\thas joined already\n"


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
