"""What a principal investigator may see before the lock: a whitelist, held where the queries are written."""

import json
import re
from contextlib import contextmanager
from dataclasses import fields
from uuid import uuid4

import pytest
from builders import (
    GRACE_US,
    LIMIT_US,
    MINUTE_US,
    NOON_US,
    a_draft,
    a_protocol,
    a_reader_joined,
    a_study_in,
    become,
    chain_faults,
    chain_of,
    kinds_of,
    rows,
)
from sqlalchemy import event

from study.progress import NotNow, State
from study.store import closing, conduct, outages, tally
from study.store.conduct import CannotChange, RosterLine, Seen
from study.tables import ClosedBy, StudyState
from study.timing import SLACK_US

FORBIDDEN = {
    "answer", "event_payload", "late_payload", "save", "selected", "partial", "actions", "graded", "confidence",
    "rationale", "resources", "nothing_to_recommend", "presented", "receipt", "revision", "arm", "body", "artefact",
}  # fmt: skip


@contextmanager
def statements(database):
    """Every statement that reaches the database, as it is sent."""
    sent = []

    def note(_connection, _cursor, statement, _parameters, _context, _many):
        sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


@pytest.fixture
def study(database):
    made = a_study_in(database)
    yield made
    assert chain_faults(database) == []


@pytest.fixture
def reader(study):
    return a_reader_joined(study)


LOOKS = {
    "roster": lambda session, study: conduct.roster(session, study.id, at_us=NOON_US),
    "problems": lambda session, study: conduct.problems(session, study.id),
    "readers": lambda session, study: tally.readers(session, study.id),
    "readings": lambda session, study: tally.readings(session, study.id),
    "due": lambda session, _: closing.due(session, NOON_US),
}


@pytest.mark.parametrize("look", LOOKS.values(), ids=LOOKS)
def test_no_look_at_conduct_names_anything_that_could_bias(study, reader, look):
    reader.begin()
    reader.save(a_draft("a"))
    with statements(study.database) as sent, study.database.read() as session:
        look(session, study)
    named = {word for statement in sent for word in re.findall(r"\w+", statement.lower())}
    assert sent
    assert "reading" in named or "reader" in named or "problem" in named
    assert named & FORBIDDEN == set()
    assert not [statement for statement in sent if "*" in statement.replace("count(*)", "")]


def test_what_may_be_seen_is_listed_word_for_word():
    assert {field.name for field in fields(Seen)} == {
        "id", "case_id", "position", "state", "opened_at_us", "closed_at_us", "deadline_at_us", "session_ends_at_us",
        "closing", "any_save", "used_us", "extension_us", "credit_us", "lost_us", "void_reason",
    }  # fmt: skip
    assert {field.name for field in fields(RosterLine)} == {
        "at_us", "sitting_us", "respondent_id", "label", "email", "full_name", "strata", "invited_at_us",
        "invitation_sent_at_us",
        "joined_at_us", "withdrawn_at_us", "withdrawn_reason", "test", "accommodation_percent", "readings",
    }  # fmt: skip


@pytest.mark.parametrize(
    "draft", [a_draft("a"), a_draft("b", "c", confidence=3, rationale="so"), a_draft(nothing_to_recommend=True)]
)
def test_what_is_seen_is_the_same_whatever_was_answered(study, reader, draft):
    reader.begin()
    reader.save(draft)
    reader.submit(draft, base=1)
    (line,) = roster(study)
    assert line.readings[0] == Seen(
        id=reader.readings[0],
        case_id=reader.case_ids[0],
        position=1,
        state=State.SUBMITTED,
        opened_at_us=NOON_US,
        closed_at_us=NOON_US + 2,
        deadline_at_us=NOON_US + LIMIT_US,
        session_ends_at_us=None,
        closing=False,
        any_save=True,
        used_us=2,
        extension_us=0,
        credit_us=0,
        lost_us=0,
        void_reason=None,
    )


def roster(study, *, at_us=NOON_US):
    with study.database.read() as session:
        return conduct.roster(session, study.id, at_us=at_us)


def test_time_used_stops_at_the_deadline(study, reader):
    reader.begin()
    assert roster(study, at_us=NOON_US + MINUTE_US)[0].readings[0].used_us == MINUTE_US
    assert roster(study, at_us=NOON_US + LIMIT_US + 1)[0].readings[0].used_us == LIMIT_US
    assert [seen.used_us for seen in roster(study)[0].readings[1:]] == [None, None]


def test_a_reading_is_closing_between_its_grace_and_its_closing(study, reader, database):
    reader.begin()
    over = NOON_US + LIMIT_US + GRACE_US
    assert [roster(study, at_us=at_us)[0].readings[0].closing for at_us in (over, over + 1)] == [False, True]
    database.write(lambda session: closing.close_all_due(session, by=ClosedBy.SWEEP, at_us=over + SLACK_US + 1))
    assert not roster(study, at_us=over + SLACK_US + 1)[0].readings[0].closing


def test_a_readers_status_follows_what_they_did(study, reader, database):
    assert [line.status for line in roster(study)] == ["joined"]
    for position in (1, 2, 3):
        reader.begin(position)
        assert [line.status for line in roster(study)] == ["reading"]
        reader.submit(a_draft("a"), position=position)
    assert [(line.status, line.done) for line in roster(study)] == [("complete", 3)]


def test_the_roster_holds_the_readers_of_its_own_study(database, study, reader):
    other = a_study_in(database, protocol=a_protocol("another"))
    a_reader_joined(other, "eve@example.org")
    assert [line.email for line in roster(study)] == ["ada@example.org"]
    assert [line.email for line in roster(other)] == ["eve@example.org"]


def test_what_the_team_does_to_a_reading_is_an_event_with_its_reason(study, reader, database):
    actor = uuid4()
    reader.begin()
    place = {"reason": "fire alarm", "actor_id": actor, "at_us": NOON_US + 1}
    database.write(lambda session: conduct.extend(session, study.id, reader.readings[0], seconds=60, **place))
    database.write(lambda session: conduct.set_aside(session, study.id, reader.readings[0], **place))
    assert kinds_of(database, reader.readings[0]) == ["opened", "extended", "void"]
    bodies = [row["body"] for row in rows(database, "event_payload") if row["subject_id"] == reader.readings[0]]
    assert sum(b'"reason":"fire alarm"' in body for body in bodies) == 2
    assert {row["actor_id"] for row in rows(database, "event") if row["kind"] in ("extended", "void")} == {actor}


@pytest.mark.parametrize("act", ["extend", "set_aside"])
def test_a_reading_of_another_study_is_not_reached(study, reader, database, act):
    reader.begin()
    more = {"seconds": 60} if act == "extend" else {}
    with pytest.raises(CannotChange, match="no such reading in this study"):
        database.write(
            lambda session: getattr(conduct, act)(
                session, uuid4(), reader.readings[0], reason="r", actor_id=uuid4(), at_us=NOON_US, **more
            )
        )


def test_a_problem_is_kept_in_the_readers_words_and_the_chain_names_it_alone(study, reader, database):
    found = reader.begin()
    database.write(lambda session: conduct.report_problem(session, found, "Option 3 is cut off", at_us=NOON_US + 5))
    with database.read() as session:
        (problem,) = conduct.problems(session, study.id)
    assert (problem.label, problem.position, problem.text) == ("R001", 1, "Option 3 is cut off")
    assert kinds_of(database, reader.readings[0]) == ["opened", "problem reported"]
    bodies = [row["body"] for row in rows(database, "event_payload") if row["subject_id"] == reader.readings[0]]
    assert b"cut off" not in b"".join(bodies)
    assert str(rows(database, "problem")[0]["id"]).encode() in bodies[-1]


def test_after_the_lock_no_problem_is_reported(study, reader, database):
    reader.begin()
    reader.submit(a_draft("a"))
    become(study, StudyState.LOCKED)
    with pytest.raises(CannotChange, match="write to the study team"):
        database.write(lambda session: conduct.report_problem(session, reader.found(), "late", at_us=NOON_US + 5))
    assert rows(database, "problem") == []


def test_a_sweep_is_seen_as_the_deadline(study, reader, database):
    reader.begin()
    after = NOON_US + LIMIT_US + GRACE_US + SLACK_US + 1
    database.write(lambda session: closing.close_all_due(session, by=ClosedBy.SWEEP, at_us=after))
    seen = roster(study, at_us=after)[0].readings[0]
    assert (seen.state, seen.closed_at_us, seen.any_save) == (State.EXPIRED, NOON_US + LIMIT_US, False)


def test_a_clock_that_went_back_brings_no_case_to_life_again(study, reader, database):
    """Its reader was told that it is over: the PI, whom the clock tells an earlier time, cannot give it more."""
    reader.begin()
    late = NOON_US + LIMIT_US + GRACE_US + 1
    assert reader.save(a_draft("a"), at_us=late).kept_apart
    more = {"seconds": 60, "reason": "r", "actor_id": uuid4(), "at_us": NOON_US}
    with pytest.raises(CannotChange, match="not over"):
        database.write(lambda session: conduct.extend(session, study.id, reader.readings[0], **more))


def test_what_the_team_does_is_never_stamped_before_what_was_done(study, reader, database):
    reader.begin()
    reader.save(a_draft("a"), at_us=NOON_US + 2 * MINUTE_US)
    more = {"seconds": 60, "reason": "r", "actor_id": uuid4(), "at_us": NOON_US + MINUTE_US}
    database.write(lambda session: conduct.extend(session, study.id, reader.readings[0], **more))
    assert [link.at_us - NOON_US for link in chain_of(database, reader.readings[0])] == [
        0,
        2 * MINUTE_US,
        2 * MINUTE_US,
    ]
    later = NOON_US + 5 * MINUTE_US
    database.write(lambda session: conduct.report_problem(session, reader.found(), "noise", at_us=later))
    assert reader.found().row.latest_at_us == later


# More time, and the limit of all cases together -------------------------------------------------------------------


def extended(reader, position=1, *, seconds=60, at_us=NOON_US + 1):
    study = reader.study
    study.database.write(
        lambda session: conduct.extend(
            session,
            study.id,
            reader.readings[position - 1],
            seconds=seconds,
            reason="fire alarm",
            actor_id=uuid4(),
            at_us=at_us,
        )
    )
    return reader.found(position).row


@pytest.fixture
def sitter(database):
    """A reader whose three cases of ten minutes share a quarter of an hour."""
    yield a_reader_joined(a_study_in(database, protocol=a_protocol(session_limit_s=900)))
    assert chain_faults(database) == []


def test_more_time_for_a_case_is_not_taken_from_the_others(sitter, database):
    sitter.begin()
    row = extended(sitter, seconds=300)
    ends = NOON_US + 20 * MINUTE_US
    assert (row.deadline_at_us, row.session_ends_at_us) == (NOON_US + 15 * MINUTE_US, ends)
    bodies = [json.loads(row["body"]) for row in rows(database, "event_payload") if b"fire alarm" in row["body"]]
    assert bodies == [
        {"seconds": 300, "reason": "fire alarm", "deadline_at_us": row.deadline_at_us, "session_ends_at_us": ends}
    ]
    sitter.submit(a_draft("a"), at_us=NOON_US + 14 * MINUTE_US)
    second = sitter.begin(2, at_us=NOON_US + 14 * MINUTE_US).row
    assert (second.session_ends_at_us, second.deadline_at_us) == (ends, ends)


def test_time_that_was_given_for_several_cases_adds_up_and_only_moves_ends_later(sitter):
    sitter.begin()
    extended(sitter)
    before = sitter.found().row.deadline_at_us
    assert extended(sitter).deadline_at_us == before + MINUTE_US
    sitter.submit(a_draft("a"), at_us=NOON_US + 6 * MINUTE_US)
    second = sitter.begin(2, at_us=NOON_US + 7 * MINUTE_US).row
    assert (second.session_ends_at_us, second.deadline_at_us) == (NOON_US + 17 * MINUTE_US, NOON_US + 17 * MINUTE_US)
    second = extended(sitter, 2, at_us=NOON_US + 8 * MINUTE_US)
    assert (second.session_ends_at_us, second.deadline_at_us) == (NOON_US + 18 * MINUTE_US, NOON_US + 18 * MINUTE_US)
    sitter.submit(a_draft("a"), position=2, at_us=NOON_US + 9 * MINUTE_US)
    assert sitter.begin(3, at_us=NOON_US + 9 * MINUTE_US).row.session_ends_at_us == NOON_US + 18 * MINUTE_US


def test_time_given_to_one_reader_is_given_to_no_other(sitter):
    another = a_reader_joined(sitter.study, "eve@example.org")
    sitter.begin()
    extended(sitter)
    assert another.begin().row.session_ends_at_us == NOON_US + 15 * MINUTE_US


def test_without_a_limit_for_all_cases_more_time_makes_none(reader):
    reader.begin()
    assert extended(reader).session_ends_at_us is None


@pytest.mark.parametrize(
    ("at_us", "status"), [(NOON_US + 15 * MINUTE_US - 1, "reading"), (NOON_US + 15 * MINUTE_US, "time over")]
)
def test_a_reader_whose_time_for_all_cases_is_over_is_not_still_reading(sitter, at_us, status):
    sitter.begin()
    sitter.submit(a_draft("a"))
    (line,) = roster(sitter.study, at_us=at_us)
    assert line.sitting_us == (NOON_US, NOON_US + 15 * MINUTE_US)
    assert (line.status, line.missed) == (status, 2 if status == "time over" else 0)
    if status == "time over":
        with pytest.raises(NotNow, match="time for this study is over"):
            sitter.begin(2, at_us=at_us)


def test_an_outage_between_two_cases_is_known_to_the_roster_as_to_begin(sitter, database):
    sitter.begin()
    sitter.submit(a_draft("a"), at_us=NOON_US + 2 * MINUTE_US)
    for minute in (3, 8):
        database.write(lambda session, minute=minute: outages.beat(session, NOON_US + minute * MINUTE_US))
    statuses = [roster(sitter.study, at_us=NOON_US + minute * MINUTE_US)[0].status for minute in (14, 16, 20)]
    assert statuses == ["reading", "reading", "time over"]
    (line,) = roster(sitter.study, at_us=NOON_US + 16 * MINUTE_US)
    second = sitter.begin(2, at_us=NOON_US + 16 * MINUTE_US).row
    assert line.sitting_us == (NOON_US, second.session_ends_at_us)


def test_while_a_case_is_open_a_readers_time_is_not_over(sitter):
    sitter.begin()
    assert roster(sitter.study, at_us=NOON_US + 16 * MINUTE_US)[0].status == "reading"


def test_whoever_finished_or_withdrew_is_not_called_out_of_time(sitter):
    sitter.begin()
    sitter.submit(a_draft("a"))
    for position in (2, 3):
        sitter.study.database.write(
            lambda session, id=sitter.readings[position - 1]: conduct.set_aside(
                session, sitter.study.id, id, reason="r", actor_id=uuid4(), at_us=NOON_US + 3
            )
        )
    (line,) = roster(sitter.study, at_us=NOON_US + 16 * MINUTE_US)
    assert (line.status, line.missed) == ("complete", 0)
