"""The audit finds whatever was altered, cut off or taken away behind the back of this software."""

import pytest
from builders import a_draft, chain_faults
from panels import a_loaded_study, a_panel_in
from sqlalchemy import text

from study.store import events, studies
from study.store.audit import audit
from study.store.closing import receipt_of
from study.tables import metadata


@pytest.fixture
def stood(database):
    panel = a_panel_in(a_loaded_study(database))
    return database, panel


def audited(database):
    with database.read() as session:
        return audit(session)


def behind_its_back(database, *statements):
    """As somebody would who owns the database: the triggers are no obstacle."""
    freed = (
        ["DROP TRIGGER event_no_update", "DROP TRIGGER event_no_delete"]
        if database.is_sqlite
        else ["SET LOCAL session_replication_role = replica"]
    )

    def work(session):
        for statement in (*freed, *statements):
            session.connection().execute(text(statement))

    database.write(work)


def test_what_this_software_wrote_verifies(stood):
    database, _ = stood
    found = audited(database)
    assert found.faults == ()
    assert chain_faults(database) == []
    assert found.chains == 1 + 6 + 6 + 8
    assert found.erased == 0


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["UPDATE event SET at_us = at_us + 1 WHERE kind = 'submitted'"], "was altered"),
        (["UPDATE event SET kind = 'voided' WHERE kind = 'void'"], "was altered"),
        (
            [
                "DELETE FROM event_payload WHERE EXISTS (SELECT 1 FROM event WHERE event.kind = 'void'"
                " AND event.subject_id = event_payload.subject_id AND event.seq = event_payload.seq)",
                "DELETE FROM event WHERE kind = 'void'",
            ],
            "is missing",
        ),
        (
            [
                "DELETE FROM event_payload WHERE subject_kind = 'account'",
                "DELETE FROM event WHERE subject_kind = 'account'",
            ],
            "0 events stand, 1 were written",
        ),
        (["UPDATE reading SET event_count = event_count - 1 WHERE state = 'submitted'"], "were written"),
        (["UPDATE study SET head = 'x'"], "the last event is not the one"),
        (["UPDATE event_payload SET body = salt WHERE seq = 1 AND subject_kind = 'study'"], "payload of event 1 was"),
        (["DELETE FROM event_payload WHERE subject_kind = 'study' AND seq = 1"], "the payload of event 1 is missing"),
        (["UPDATE study SET id = id, event_count = 0"], "0 were written"),
    ],
)
def test_every_harm_to_a_chain_is_found(stood, statements, said):
    database, _ = stood
    behind_its_back(database, *statements)
    assert [fault for fault in audited(database).faults if said in fault], audited(database).faults


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["UPDATE answer SET selected = '[\"1\"]' WHERE rationale <> ''"], "is not the one that its receipt was given"),
        (["UPDATE answer SET confidence = 71 WHERE confidence = 70"], "is not the one that its receipt was given for"),
        (["UPDATE reading SET receipt = 'ffff' WHERE state = 'submitted'"], "its receipt was given for"),
        (["UPDATE reading SET receipt = NULL WHERE state = 'submitted'"], "its receipt was given for"),
        (["UPDATE reading SET closed_at_us = closed_at_us + 1 WHERE state = 'submitted'"], "its receipt was given for"),
        (["UPDATE reading SET revision = revision + 1 WHERE state = 'expired'"], "its events say"),
        (["DELETE FROM answer"], "its answer is gone"),
    ],
)
def test_an_answer_that_was_altered_beside_its_chain_is_found(stood, statements, said):
    database, _ = stood
    behind_its_back(database, *statements)
    assert [fault for fault in audited(database).faults if said in fault], audited(database).faults


def test_an_answer_whose_receipt_was_forged_with_it_is_found_by_its_event(stood):
    database, panel = stood
    reading_id = panel.submitted.readings[0]
    found = panel.submitted.found(1)
    forged = receipt_of(reading_id, a_draft("4"), found.row.closed_at_us)

    def forge(session):
        for name, key, values in (
            ("answer", "reading_id", {**a_draft("4").as_json()}),
            ("reading", "id", {"receipt": forged}),
        ):
            table = metadata.tables[name]
            session.connection().execute(table.update().where(table.c[key] == reading_id).values(**values))

    database.write(forge)
    (fault,) = audited(database).faults
    assert fault == f"reading {reading_id}: its answer is not the one that its receipt was given for"


def test_events_of_nobody_are_found(stood):
    database, _ = stood
    behind_its_back(
        database,
        "DELETE FROM save",
        "DELETE FROM late_payload",
        "DELETE FROM answer",
        "DELETE FROM problem",
        "DELETE FROM reading",
    )
    faults = audited(database).faults
    assert len(faults) == 8
    assert all("but no such reading" in fault for fault in faults)


def test_a_payload_that_was_erased_and_says_so_is_no_fault(stood):
    database, _ = stood

    def erase(session):
        session.connection().execute(text("DELETE FROM event_payload WHERE subject_kind = 'study' AND seq = 1"))
        events.record(session, studies.by_name(session, "small"), "erased", at_us=1, actor_id=None, body={"seq": 1})

    database.write(erase)
    found = audited(database)
    assert (found.faults, found.erased) == ((), 1)


def test_erasing_one_payload_excuses_no_other(stood):
    database, _ = stood

    def erase(session):
        session.connection().execute(text("DELETE FROM event_payload WHERE subject_kind = 'study' AND seq <= 2"))
        events.record(session, studies.by_name(session, "small"), "erased", at_us=1, actor_id=None, body={"seq": 1})

    database.write(erase)
    (fault,) = audited(database).faults
    assert "payload of event 2 is missing" in fault
