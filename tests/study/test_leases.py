"""One page at a time may write to a reading, and going on elsewhere is a deed that leaves a trace."""

import json

import pytest
from builders import (
    GRACE_US,
    LIMIT_US,
    MINUTE_US,
    NOON_US,
    PAGE,
    SECOND_US,
    a_draft,
    a_reader_joined,
    a_study_in,
    chain_faults,
    kinds_of,
    rows,
)

from study.lease import LEASE_QUIET_US, gives_way, may_write
from study.progress import NotNow, State
from study.store import conduct, readings
from study.store.answering import Closed, Moved, Saved, Stale
from study.tables import metadata

OTHER = "page-2"
ENDS_US = NOON_US + LIMIT_US


@pytest.fixture
def reader(database):
    found = a_reader_joined(a_study_in(database))
    found.begin()
    return found


@pytest.mark.parametrize(
    ("held", "asking", "heard", "writes", "given"),
    [
        (None, "a", None, True, True),
        ("a", "a", 0, True, True),
        ("b", "a", 0, False, False),
        ("b", "a", -LEASE_QUIET_US, False, False),
        ("b", "a", -LEASE_QUIET_US - 1, False, True),
        ("b", "a", None, False, True),
    ],
)
def test_a_lease_is_given_where_it_is_free_own_or_gone_quiet(held, asking, heard, writes, given):
    assert may_write(held, asking) is writes
    heard_at_us = None if heard is None else NOON_US + heard
    assert gives_way(held, asking, heard_at_us=heard_at_us, at_us=NOON_US) is given


def test_the_first_page_that_writes_has_the_lease(reader):
    assert isinstance(reader.save(a_draft("a")), Saved)
    assert reader.found().row.lease == PAGE


def test_another_page_may_not_write_and_is_told_what_stands(reader, database):
    reader.save(a_draft("a"))
    before = rows(database, "reading"), rows(database, "answer"), rows(database, "save")
    assert reader.save(a_draft("b"), key="key-2", base=1, lease=OTHER) == Moved(1, a_draft("a"))
    assert reader.submit(a_draft("b"), base=1, lease=OTHER) == Moved(1, a_draft("a"))
    assert (rows(database, "reading"), rows(database, "answer"), rows(database, "save")) == before


def test_continuing_elsewhere_makes_the_old_page_read_only_and_leaves_a_trace(reader, database):
    reader.save(a_draft("a"))
    taken = reader.take(OTHER, at_us=NOON_US + 5)
    assert (taken.row.lease, taken.row.revision, taken.draft) == (OTHER, 1, a_draft("a"))
    assert isinstance(reader.save(a_draft("b"), key="key-2", base=1), Moved)
    assert isinstance(reader.save(a_draft("c"), key="key-3", base=1, lease=OTHER), Saved)
    assert kinds_of(database, reader.readings[0]) == ["opened", "saved", "continued", "saved"]
    told = next(json.loads(row["body"]) for row in rows(database, "event_payload") if b"heard_at_us" in row["body"])
    assert told == {"asked": True, "heard_at_us": NOON_US + 1}
    assert chain_faults(database) == []


def test_a_save_that_was_acknowledged_is_acknowledged_again_after_the_lease_moved(reader):
    """The answer was lost on the way, and the page was left for another meanwhile: it was kept all the same."""
    saved = reader.save(a_draft("a"))
    reader.take(OTHER)
    assert reader.save(a_draft("a")) == saved


def test_an_open_page_that_was_just_heard_of_keeps_its_lease_until_it_is_asked_for(reader, database):
    reader.save(a_draft("a"))
    assert reader.take(OTHER, asked=False, at_us=NOON_US + 1 + LEASE_QUIET_US) == Moved(1, a_draft("a"))
    assert reader.found().row.lease == PAGE
    assert reader.take(OTHER, asked=False, at_us=NOON_US + 2 + LEASE_QUIET_US).row.lease == OTHER
    assert kinds_of(database, reader.readings[0])[-1] == "continued"


def test_taking_ones_own_lease_again_leaves_no_trace(reader, database):
    reader.save(a_draft("a"))
    for asked in (True, False):
        assert reader.take(PAGE, asked=asked, at_us=NOON_US + 9).row.revision == 1
    assert reader.found().row.lease_at_us == NOON_US + 9
    assert kinds_of(database, reader.readings[0]) == ["opened", "saved"]


def test_the_right_lease_on_an_old_revision_is_still_stale(reader):
    reader.save(a_draft("a"))
    reader.take(OTHER)
    assert reader.save(a_draft("b"), key="key-2", base=0, lease=OTHER) == Stale(1, a_draft("a"))


def test_a_case_that_is_over_gives_no_lease(reader, database):
    reader.save(a_draft("a"))
    before = rows(database, "reading")
    late = ENDS_US + GRACE_US + 1
    assert reader.take(OTHER, at_us=late) == Closed(State.EXPIRED, None, kept_apart=False)
    assert rows(database, "reading") == before


def test_a_case_that_was_not_begun_gives_no_lease(reader):
    with pytest.raises(NotNow, match="has not been begun"):
        reader.take(OTHER, position=2)


def test_a_clock_that_went_back_gives_no_time_back(reader):
    """An hour back after the last save: the reading goes on where it was, and ends when it would have."""
    reader.save(a_draft("a"), at_us=ENDS_US - SECOND_US)
    saved = reader.save(a_draft("b"), key="key-2", base=1, at_us=ENDS_US - 3600 * SECOND_US)
    assert (saved.at_us, saved.deadline_us) == (ENDS_US - SECOND_US, ENDS_US)
    assert reader.found().remaining_us(ENDS_US - 3600 * SECOND_US) == SECOND_US


def test_what_arrived_by_a_clock_that_is_a_little_behind_is_not_before_the_opening(reader):
    """Two hosts told the time: used time and the time of the first choice are never below nothing."""
    saved = reader.save(a_draft("a"), at_us=NOON_US - 20 * SECOND_US)
    reader.submit(a_draft("a"), base=1, at_us=NOON_US - 5 * SECOND_US)
    row = reader.found().row
    assert (saved.at_us, row.first_selected_at_us, row.closed_at_us) == (NOON_US,) * 3


def test_a_case_is_not_begun_before_what_was_stamped_of_it(database):
    """Its reader told of a problem with it; then the clock went back twenty minutes."""
    reader = a_reader_joined(a_study_in(database))
    database.write(
        lambda session: conduct.report_problem(
            session,
            readings.of_reader(session, reader.readings[0], reader.account_id, for_update=True),
            "a word is cut off",
            at_us=NOON_US,
        )
    )
    back_us = NOON_US - 20 * MINUTE_US
    row = reader.begin(at_us=back_us).row
    assert (row.opened_at_us, row.deadline_at_us) == (NOON_US, ENDS_US)
    assert isinstance(reader.save(a_draft("a"), at_us=back_us + SECOND_US), Saved)


def test_a_first_choice_that_was_made_before_it_was_measured_is_not_dated_later(reader, database):
    reader.save(a_draft("a"))
    reading = metadata.tables["reading"]
    forgotten = reading.update().values(first_selected_at_us=None)
    database.write(lambda session: session.connection().execute(forgotten))
    reader.save(a_draft("a", "b"), key="key-2", base=1, at_us=NOON_US + 90)
    assert reader.found().row.first_selected_at_us is None


def test_the_first_choice_is_dated_by_the_page_within_what_the_server_knows(reader):
    reader.save(a_draft(confidence=50))
    assert reader.found().row.first_selected_at_us is None
    reader.save(a_draft("a"), key="key-2", base=1, at_us=NOON_US + 90)
    assert reader.found().row.first_selected_at_us == NOON_US + 90
    reader.save(a_draft("b"), key="key-3", base=2, at_us=NOON_US + 99)
    assert reader.found().row.first_selected_at_us == NOON_US + 90
