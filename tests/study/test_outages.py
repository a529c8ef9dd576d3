"""An outage takes no reader's time: what it gives back, to whom, once, and what it leaves alone."""

import json
import threading
from functools import partial

import pytest
from builders import (
    GRACE_US,
    LIMIT_US,
    MINUTE_US,
    NOON_US,
    SECOND_US,
    a_draft,
    a_protocol,
    a_reader_joined,
    a_stage,
    a_study_in,
    become,
    chain_faults,
    kinds_of,
    rows,
)
from hypothesis import given
from hypothesis import strategies as st

from study.outage import (
    LONGEST_US,
    SHORTEST_US,
    Outage,
    between,
    credit_us,
    is_wrong,
    must_wait,
    ran_into,
    under_way_since,
)
from study.store import closing, conduct, outages
from study.store.answering import Closed, Saved
from study.store.studies import StudyRefuses
from study.tables import ClosedBy, StudyState, metadata
from study.timing import SLACK_US

ENDS_US = NOON_US + LIMIT_US
MS_US = 1000
TIMES = st.integers(NOON_US - 30 * MINUTE_US, NOON_US + 60 * MINUTE_US)
LENGTHS = st.integers(SHORTEST_US + 1, LONGEST_US)


# The rule ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gap_us", "noticed", "gives_back"),
    [
        (3 * SECOND_US, False, None),
        (SHORTEST_US - MS_US, False, None),
        (SHORTEST_US, False, None),
        (SHORTEST_US + MS_US, True, True),
        (LONGEST_US - MS_US, True, True),
        (LONGEST_US, True, True),
        (LONGEST_US + MS_US, True, False),
        (-MINUTE_US, False, None),
    ],
)
def test_a_gap_is_an_outage_from_fifteen_seconds_and_gives_back_up_to_fifteen_minutes(gap_us, noticed, gives_back):
    found = between(NOON_US, NOON_US + gap_us)
    assert (found is not None) is noticed
    assert (found and found.gives_back) == gives_back
    assert (under_way_since(NOON_US, NOON_US + gap_us) == NOON_US) is bool(gives_back)


def test_the_first_beat_ever_ends_no_outage():
    assert between(None, NOON_US) is None
    assert under_way_since(None, NOON_US) is None


@pytest.mark.parametrize(
    ("from_us", "to_us", "credited_us"),
    [
        (NOON_US + MINUTE_US, NOON_US + 3 * MINUTE_US, 2 * MINUTE_US),
        (NOON_US - MINUTE_US, NOON_US + MINUTE_US, MINUTE_US),  # it was begun as the web went, or just before
        (NOON_US - MINUTE_US, NOON_US, 0),
        (ENDS_US - MS_US, ENDS_US + MINUTE_US, MINUTE_US + MS_US),
        (ENDS_US, ENDS_US + MINUTE_US, 0),
        (ENDS_US + MS_US, ENDS_US + MINUTE_US, 0),
    ],
)
def test_it_gives_back_what_it_took_of_a_running_reading_and_nothing_of_another(from_us, to_us, credited_us):
    assert credit_us(Outage(from_us, to_us), opened_at_us=NOON_US, deadline_us=ENDS_US) == credited_us


def test_without_a_deadline_there_is_nothing_to_give_back():
    assert credit_us(Outage(NOON_US, ENDS_US), opened_at_us=NOON_US, deadline_us=None) == 0
    assert must_wait(NOON_US, deadline_us=None) is False


@given(begun=TIMES, lasts=st.integers(1, LIMIT_US), gone=TIMES, away=LENGTHS)
def test_whoever_ran_into_an_outage_has_as_much_left_after_it_as_before(begun, lasts, gone, away):
    outage, deadline = Outage(gone, gone + away), begun + lasts
    given_us = credit_us(outage, opened_at_us=begun, deadline_us=deadline)
    if ran_into(outage, opened_at_us=begun, deadline_us=deadline):
        assert deadline + given_us - outage.to_us == deadline - max(begun, outage.from_us)
    else:
        assert given_us == 0


@given(begun=TIMES, lasts=st.integers(1, LIMIT_US), beats=st.lists(st.integers(1, 20 * MINUTE_US), max_size=12))
def test_credits_add_up_to_the_outages_that_were_run_into_and_a_deadline_only_moves_later(begun, lasts, beats):
    deadline = begun + lasts
    at_us, total, overlaps = NOON_US - 30 * MINUTE_US, 0, 0
    for gap in beats:
        outage, at_us = between(at_us, at_us + gap), at_us + gap
        if outage is None:
            continue
        given_us = credit_us(outage, opened_at_us=begun, deadline_us=deadline)
        later = deadline + given_us
        assert later >= deadline
        if outage.gives_back:  # of its time as it then is: the outage stops the clock and lets it go on afterwards
            overlaps += max(0, min(outage.to_us, later) - max(outage.from_us, begun)) if given_us else 0
        deadline, total = later, total + given_us
    assert (total, deadline) == (overlaps, begun + lasts + total)


@given(opened=TIMES, lasts=st.integers(1, LIMIT_US), gone=TIMES, away=st.integers(1, 2 * LONGEST_US))
def test_nothing_waits_that_gets_nothing_and_nothing_is_given_that_did_not_wait(opened, lasts, gone, away):
    """A closer that looks during the outage must foresee whom its end gives time."""
    deadline, at_us = opened + lasts, gone + away
    given_us = credit_us(Outage(gone, at_us), opened_at_us=opened, deadline_us=deadline) if between(gone, at_us) else 0
    waits = must_wait(under_way_since(gone, at_us), deadline_us=deadline)
    assert waits or not given_us
    assert given_us or not (waits and opened < min(at_us, deadline))


# In the database -----------------------------------------------------------------------------------------------


@pytest.fixture
def study(database):
    return a_study_in(database)


@pytest.fixture
def reader(study):
    return a_reader_joined(study)


@pytest.fixture(autouse=True)
def _every_chain_verifies(database):
    yield
    assert chain_faults(database) == []


def beat(database, at_us):
    return database.write(lambda session: outages.beat(session, at_us))


def an_outage(database, from_us, to_us):
    beat(database, from_us)
    return beat(database, to_us)


def sweep(database, at_us):
    return database.write(lambda session: closing.close_all_due(session, by=ClosedBy.SWEEP, at_us=at_us))


def told(database, reading_id):
    """What the newest event of a reading says."""
    bodies = [row for row in rows(database, "event_payload") if row["subject_id"] == reading_id]
    return json.loads(max(bodies, key=lambda row: row["seq"])["body"])


def test_one_beat_in_five_seconds_is_enough_for_any_number_of_processes(database):
    for at_us in (NOON_US, NOON_US, NOON_US + outages.EVERY_US - 1):
        assert beat(database, at_us) is None
    assert rows(database, "pulse") == [{"name": "web", "at_us": NOON_US}]
    beat(database, NOON_US + outages.EVERY_US)
    assert rows(database, "pulse") == [{"name": "web", "at_us": NOON_US + outages.EVERY_US}]
    assert rows(database, "outage") == []


def test_an_outage_moves_deadline_and_credit_by_an_event_that_says_from_when_to_when(database, reader):
    reader.begin()
    assert an_outage(database, NOON_US + MINUTE_US, NOON_US + 3 * MINUTE_US) == Outage(
        NOON_US + MINUTE_US, NOON_US + 3 * MINUTE_US
    )
    row = reader.found().row
    assert (row.deadline_at_us, row.credit_us, row.extension_us) == (ENDS_US + 2 * MINUTE_US, 2 * MINUTE_US, 0)
    assert kinds_of(database, reader.readings[0]) == ["opened", "incident time"]
    assert told(database, reader.readings[0]) == {
        "from_us": NOON_US + MINUTE_US,
        "to_us": NOON_US + 3 * MINUTE_US,
        "credit_us": 2 * MINUTE_US,
        "deadline_at_us": ENDS_US + 2 * MINUTE_US,
    }
    (outage,) = rows(database, "outage")
    assert (outage["from_us"], outage["to_us"], outage["readings"]) == (
        NOON_US + MINUTE_US,
        NOON_US + 3 * MINUTE_US,
        1,
    )


def test_the_same_beat_again_changes_nothing(database, reader):
    reader.begin()
    an_outage(database, NOON_US + MINUTE_US, NOON_US + 3 * MINUTE_US)
    tables = ("reading", "pulse", "outage", "event", "event_payload")
    before = [rows(database, table) for table in tables]
    for at_us in (NOON_US + 3 * MINUTE_US, NOON_US + MINUTE_US, NOON_US + 3 * MINUTE_US + 1):
        assert beat(database, at_us) is None
    assert [rows(database, table) for table in tables] == before


def test_a_beat_in_the_future_is_replaced_and_no_outage_and_only_once(database, reader):
    """It was left by a host whose clock was ahead: while it stood, no outage was seen."""
    reader.begin()
    wrong_us = NOON_US + 60 * MINUTE_US
    beat(database, wrong_us)
    replace = partial(outages.beat, wrong_us=wrong_us)
    assert database.write(lambda session: replace(session, NOON_US)) is None
    assert database.write(lambda session: replace(session, NOON_US - MINUTE_US)) is None  # another one's, who waited
    assert rows(database, "pulse") == [{"name": "web", "at_us": NOON_US}]
    assert beat(database, NOON_US + MINUTE_US) == Outage(NOON_US, NOON_US + MINUTE_US)
    assert reader.found().row.credit_us == MINUTE_US


@pytest.mark.parametrize(("ahead_us", "needed"), [(0, False), (SLACK_US, False), (SLACK_US + 1, True)])
def test_a_beat_is_wrong_that_is_further_ahead_than_anybody_waits(ahead_us, needed):
    assert is_wrong(NOON_US + ahead_us, NOON_US) is needed
    assert outages.is_needed(NOON_US + ahead_us, NOON_US) is needed


def test_processes_that_come_back_together_give_an_outage_back_once(database, reader):
    reader.begin()
    beat(database, NOON_US + MINUTE_US)
    together, failed = threading.Barrier(6), []

    def come_back():
        together.wait()
        try:
            beat(database, NOON_US + 2 * MINUTE_US)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=come_back) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(rows(database, "outage")) == 1
    assert reader.found().row.credit_us == MINUTE_US


def test_a_sitting_ends_later_too_and_the_next_case_of_it_has_the_time(database):
    reader = a_reader_joined(a_study_in(database, protocol=a_protocol(session_limit_s=900)))
    reader.begin()
    an_outage(database, NOON_US + MINUTE_US, NOON_US + 5 * MINUTE_US)
    assert reader.found().row.session_ends_at_us == NOON_US + 19 * MINUTE_US
    reader.submit(a_draft("a"), at_us=NOON_US + 6 * MINUTE_US)
    second = reader.begin(2, at_us=NOON_US + 10 * MINUTE_US).row
    assert (second.session_ends_at_us, second.deadline_at_us) == (NOON_US + 19 * MINUTE_US, NOON_US + 19 * MINUTE_US)


def a_sitting(database, *, minutes=15, **who):
    reader = a_reader_joined(a_study_in(database, protocol=a_protocol(session_limit_s=60 * minutes)), **who)
    reader.begin()
    reader.submit(a_draft("a"), at_us=NOON_US + 2 * MINUTE_US)
    return reader


def test_an_outage_in_a_break_takes_nothing_from_the_sitting(database):
    """A minute after the first case the web goes for ten; then thirteen minutes are left, as there were before."""
    reader = a_sitting(database)
    back_us = NOON_US + 13 * MINUTE_US
    an_outage(database, NOON_US + 3 * MINUTE_US, back_us)
    row = reader.begin(2, at_us=back_us).row
    assert (row.session_ends_at_us, row.deadline_at_us) == (back_us + 12 * MINUTE_US, back_us + LIMIT_US)
    assert row.credit_us == 0


def test_an_outage_counts_once_for_a_sitting_whether_a_case_was_open_or_not(database):
    reader = a_reader_joined(a_study_in(database, protocol=a_protocol(session_limit_s=1200)))
    an_outage(database, NOON_US - MINUTE_US, NOON_US - MS_US)  # before it
    reader.begin()
    beat(database, NOON_US + 14 * SECOND_US)
    an_outage(database, NOON_US + 14 * SECOND_US, NOON_US + 74 * SECOND_US)  # in the case: a minute
    reader.submit(a_draft("a"), at_us=NOON_US + 80 * SECOND_US)
    for at_us in range(NOON_US + 80 * SECOND_US, NOON_US + 2 * MINUTE_US + 1, 10 * SECOND_US):
        beat(database, at_us)
    beat(database, NOON_US + 4 * MINUTE_US)  # in the break: two
    row = reader.begin(2, at_us=NOON_US + 5 * MINUTE_US).row
    assert row.session_ends_at_us == NOON_US + 23 * MINUTE_US


def test_an_outage_in_a_break_that_is_too_long_for_the_rule_gives_the_sitting_nothing(database):
    reader = a_sitting(database, minutes=30)
    an_outage(database, NOON_US + 3 * MINUTE_US, NOON_US + 3 * MINUTE_US + LONGEST_US + MS_US)
    row = reader.begin(2, at_us=NOON_US + 19 * MINUTE_US).row
    assert row.session_ends_at_us == NOON_US + 30 * MINUTE_US


def test_who_is_not_running_is_given_nothing_and_no_event(database, study, reader):
    """Not begun, submitted, set aside, over before, without a limit, of a locked study."""
    readers = [a_reader_joined(study, f"r{number}@example.org") for number in range(3)]
    submitted, aside, over = readers
    submitted.begin()
    submitted.submit(a_draft("a"))
    aside.begin()
    database.write(
        lambda session: conduct.set_aside(
            session, study.id, aside.readings[0], reason="so", actor_id=reader.account_id, at_us=NOON_US
        )
    )
    over.begin(at_us=NOON_US - LIMIT_US)
    timeless = a_reader_joined(a_study_in(database, protocol=a_protocol("free", stage=a_stage(limit_s=None))))
    timeless.begin()
    locked = a_study_in(database, protocol=a_protocol("locked"))
    test_reader = a_reader_joined(locked, "test@example.org", test=True)
    test_reader.begin()
    become(locked, StudyState.LOCKED)
    before = rows(database, "reading"), rows(database, "event")
    assert an_outage(database, NOON_US, NOON_US + MINUTE_US) is not None
    assert (rows(database, "reading"), rows(database, "event")) == before
    assert [row["readings"] for row in rows(database, "outage")] == [0]


def test_a_pause_of_the_study_takes_no_credit(database, study, reader):
    reader.begin()
    become(study, StudyState.PAUSED)
    an_outage(database, NOON_US, NOON_US + MINUTE_US)
    assert reader.found().row.credit_us == MINUTE_US


def test_a_long_outage_is_on_the_chain_of_whoever_ran_into_it_and_gives_nothing(database, reader):
    reader.begin()
    an_outage(database, NOON_US, NOON_US + LONGEST_US + MS_US)
    assert (reader.found().row.deadline_at_us, reader.found().row.credit_us) == (ENDS_US, 0)
    assert kinds_of(database, reader.readings[0]) == ["opened", "incident time"]
    assert told(database, reader.readings[0])["credit_us"] == 0
    assert [row["readings"] for row in rows(database, "outage")] == [0]


def test_the_pi_sees_what_was_given_back_and_what_is_left_to_judge(database, study, reader):
    reader.begin()
    an_outage(database, NOON_US, NOON_US + MINUTE_US)
    an_outage(database, NOON_US + 2 * MINUTE_US, NOON_US + 20 * MINUTE_US)
    with database.read() as session:
        first, *others = conduct.roster(session, study.id, at_us=NOON_US + 20 * MINUTE_US)[0].readings
    assert (first.credit_us, first.lost_us) == (2 * MINUTE_US, 18 * MINUTE_US)
    assert {(other.credit_us, other.lost_us) for other in others} == {(0, 0)}


@pytest.mark.parametrize("gone_before_us", [MS_US, SECOND_US, MINUTE_US])
def test_a_deadline_that_fell_into_an_outage_is_after_it(database, reader, gone_before_us):
    reader.begin()
    reader.save(a_draft("a"))
    back = ENDS_US + 5 * MINUTE_US
    beat(database, ENDS_US - gone_before_us)
    assert sweep(database, back - 1) == 0
    beat(database, back)
    assert reader.found().row.deadline_at_us == back + gone_before_us
    assert isinstance(reader.save(a_draft("b"), key="key-2", base=1, at_us=back + gone_before_us), Saved)
    due = back + gone_before_us + GRACE_US + SLACK_US + 1
    for at_us in range(back, due, SHORTEST_US):
        beat(database, at_us)
    assert sweep(database, due) == 1
    assert reader.found().row.closed_at_us == back + gone_before_us


def test_while_the_web_is_down_nobody_closes_what_was_running(database, study, reader):
    earlier = a_reader_joined(study, "early@example.org")
    earlier.begin(at_us=NOON_US - MINUTE_US)
    reader.begin()
    gone = ENDS_US - SECOND_US  # a minute after the other one's time was over
    beat(database, gone)
    for at_us in (ENDS_US + GRACE_US + SLACK_US + 1, gone + LONGEST_US):
        with database.read() as session:
            waiting = [reading for _study, reading in closing.due(session, at_us)]
        assert reader.readings[0] not in waiting
        assert sweep(database, at_us) == (at_us != gone + LONGEST_US)
        closed = database.write(
            lambda session, at_us=at_us: closing.close_due(
                session, study.id, reader.readings[0], by=ClosedBy.READ, at_us=at_us
            )
        )
        assert closed is False
    assert earlier.found().row.state == "expired"
    assert sweep(database, gone + LONGEST_US + 1) == 1
    assert (reader.found().row.state, reader.found().row.closed_at_us) == ("expired", ENDS_US)


@pytest.mark.parametrize("late_us", [SHORTEST_US, SHORTEST_US + 1])
def test_a_web_that_was_heard_of_keeps_nothing_open(database, reader, late_us):
    reader.begin()
    at_us = ENDS_US + GRACE_US + SLACK_US + 1
    beat(database, at_us - late_us)
    assert sweep(database, at_us) == 1


def test_the_lock_waits_for_an_outage_no_longer_than_it_may_give_back(database, study, reader):
    reader.begin()
    beat(database, ENDS_US - 1)
    with pytest.raises(StudyRefuses, match="being answered"):
        become(study, StudyState.LOCKED, at_us=ENDS_US + MINUTE_US)
    become(study, StudyState.LOCKED, at_us=ENDS_US + LONGEST_US)
    assert reader.found().row.state == "expired"


@pytest.mark.parametrize("first", ["extension", "outage"])
def test_an_extension_and_an_outage_add_up_whichever_comes_first(database, study, reader, first):
    reader.begin()
    moved = [reader.found().row.deadline_at_us]

    def extend():
        database.write(
            lambda session: conduct.extend(
                session,
                study.id,
                reader.readings[0],
                seconds=60,
                reason="so",
                actor_id=reader.account_id,
                at_us=NOON_US + 4 * MINUTE_US,
            )
        )
        moved.append(reader.found().row.deadline_at_us)

    def go_away():
        an_outage(database, NOON_US + MINUTE_US, NOON_US + 3 * MINUTE_US)
        moved.append(reader.found().row.deadline_at_us)

    for step in (extend, go_away) if first == "extension" else (go_away, extend):
        step()
    assert moved == sorted(moved)
    assert moved[-1] == ENDS_US + 3 * MINUTE_US
    row = reader.found().row
    assert (row.extension_us, row.credit_us) == (MINUTE_US, 2 * MINUTE_US)


def test_an_extension_during_an_outage_is_kept_beside_its_credit(database, study, reader):
    reader.begin()
    beat(database, NOON_US + MINUTE_US)
    database.write(
        lambda session: conduct.extend(
            session,
            study.id,
            reader.readings[0],
            seconds=60,
            reason="so",
            actor_id=reader.account_id,
            at_us=NOON_US + 2 * MINUTE_US,
        )
    )
    beat(database, NOON_US + 3 * MINUTE_US)
    assert reader.found().row.deadline_at_us == ENDS_US + 3 * MINUTE_US


def test_what_was_sent_before_the_outage_is_settled_counts_once_it_is(database, reader):
    """Its page sends it again and again; it arrives after a deadline that has moved by then."""
    reader.begin()
    beat(database, ENDS_US - SECOND_US)
    back = ENDS_US + 2 * MINUTE_US
    assert isinstance(reader.save(a_draft("a"), at_us=back), Closed)  # as it would be without the next line
    beat(database, back)
    assert isinstance(reader.save(a_draft("a"), key="key-2", at_us=back), Saved)
    late = metadata.tables["late_payload"]
    assert [row["key"] for row in rows(database, late.name)] == ["key-1"]
