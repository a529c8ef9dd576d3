"""What befell a study's readings, as the PI may see it: everything of it, and nothing of any answer."""

import re
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
    rows,
)
from sqlalchemy import event

from study.outage import LONGEST_US
from study.store import accounts, conduct, incidents, outages, studies
from study.store.incidents import Incident, Kind, Whose
from study.tables import Role, StudyState

ENDS_US = NOON_US + LIMIT_US
LATE_US = ENDS_US + GRACE_US + 1
SECRET = {
    "answer",
    "save",
    "selected",
    "confidence",
    "rationale",
    "resources",
    "presented",
    "receipt",
    "revision",
    "arm",
}


@pytest.fixture
def study(database):
    made = a_study_in(database)
    yield made
    assert chain_faults(database) == []


@pytest.fixture
def reader(study):
    return a_reader_joined(study)


@pytest.fixture
def actor(database):
    return database.write(
        lambda session: accounts.add_staff(session, "pi@example.org", Role.PI, actor_id=None, at_us=NOON_US).id
    )


def told(study):
    with study.database.read() as session:
        return incidents.of_study(session, studies.by_name(session, study.protocol.id))


def whose(reader, position=1):
    return Whose(reader.readings[position - 1], reader.respondent_id, position, "R001")


def act(reader, deed, actor, **more):
    study = reader.study
    more = {"reason": "fire alarm", "actor_id": actor, "at_us": NOON_US + 1} | more
    study.database.write(lambda session: deed(session, study.id, reader.readings[0], **more))


def an_outage(database, from_us, to_us):
    for at_us in (from_us, to_us):
        database.write(lambda session, at_us=at_us: outages.beat(session, at_us))


def test_where_nothing_happened_nothing_is_told(study, reader):
    reader.begin()
    reader.submit(a_draft("a"))
    assert told(study) == []


def test_more_time_is_told_with_reason_and_by_whom(study, reader, actor):
    reader.begin()
    act(reader, conduct.extend, actor, seconds=120)
    assert told(study) == [
        Incident(
            Kind.EXTENSION,
            NOON_US + 1,
            whose(reader),
            us=2 * MINUTE_US,
            reason="fire alarm",
            by="pi@example.org",
        )
    ]


def test_what_was_set_aside_is_told_and_an_actor_who_is_not_known_is_left_empty(study, reader):
    reader.begin()
    act(reader, conduct.set_aside, uuid4())
    assert told(study) == [Incident(Kind.SET_ASIDE, NOON_US + 1, whose(reader), reason="fire alarm")]


def test_of_what_came_late_the_last_is_told_and_nothing_of_what_it_was(study, reader):
    reader.begin()
    assert reader.save(a_draft("a"), key="one", at_us=LATE_US).kept_apart
    assert reader.save(a_draft("b", "c"), key="two", at_us=LATE_US + 5).kept_apart
    assert told(study) == [Incident(Kind.LATE, LATE_US + 5, whose(reader))]


def test_an_outage_is_told_with_how_many_of_this_study_were_given_time(study, reader, database):
    other = a_reader_joined(study, "eve@example.org")
    reader.begin()
    other.begin()
    first, long = NOON_US + 2 * MINUTE_US, NOON_US + 3 * MINUTE_US + LONGEST_US
    an_outage(database, NOON_US + MINUTE_US, first)
    reader.submit(a_draft("a"), at_us=first)
    an_outage(database, first, long)
    an_outage(database, long, long + MINUTE_US)
    assert told(study) == [
        Incident(Kind.OUTAGE, long + MINUTE_US, from_us=long),
        Incident(Kind.OUTAGE, long, from_us=first, met=1),
        Incident(Kind.OUTAGE, first, from_us=NOON_US + MINUTE_US, met=2, given=2),
    ]


def test_an_outage_before_the_opening_or_after_the_lock_is_none_of_the_studys(study, database):
    before = NOON_US - 8 * 24 * 60 * MINUTE_US
    an_outage(database, before, before + MINUTE_US)
    become(study, StudyState.LOCKED, at_us=NOON_US)
    an_outage(database, NOON_US + MINUTE_US, NOON_US + 2 * MINUTE_US)
    assert [one for one in told(study) if one.from_us in (before, NOON_US + MINUTE_US)] == []


def test_another_studys_incidents_are_not_told(study, reader, database):
    other = a_study_in(database, protocol=a_protocol("another"))
    reader.begin()
    act(reader, conduct.extend, uuid4(), seconds=60)
    assert told(other) == []


def test_no_statement_names_an_answer_and_only_what_may_be_told_is_read_of_the_events(study, reader, actor):
    reader.begin()
    reader.save(a_draft("a", rationale="so"))
    act(reader, conduct.extend, actor, seconds=60, at_us=NOON_US + 2)
    assert reader.save(a_draft("b"), key="late", at_us=LATE_US + MINUTE_US).kept_apart
    sent, read = [], []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        sent.append(statement)
        read.extend(parameters.values() if isinstance(parameters, dict) else parameters)

    engine = study.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        found = told(study)
    finally:
        event.remove(engine, "before_cursor_execute", note)
    assert {one.kind for one in found} == {Kind.EXTENSION, Kind.LATE}
    assert {word for statement in sent for word in re.findall(r"\w+", statement.lower())} & SECRET == set()
    assert set(re.findall(r"late_payload\.(\w+)", " ".join(sent))) == {"study_id", "reading_id", "at_us"}
    assert set(incidents.TOLD) <= set(read)
    kinds = {row["kind"] for row in rows(study.database, "event")}
    assert {"save", "late payload"} & kinds & set(read) == set()
