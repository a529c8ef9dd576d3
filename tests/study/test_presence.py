"""Presence: what pages say of themselves, never more than the server saw, however often and in which order it comes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from builders import DAY_US, LIMIT_US, NOON_US, SECOND_US, a_draft, a_reader_joined, a_study_in, become, kinds_of, rows
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event

from study.presence import BEAT_US, MOST_PAGES, Beat, Counts, Page, presence
from study.progress import NotNow
from study.store import conduct, readings
from study.store import presence as stored
from study.store.answering import Closed, Moved
from study.store.readings import Found
from study.tables import StudyState

COUNT = st.integers(0, 2**40)
COUNTS = st.builds(Counts, COUNT, COUNT, COUNT, COUNT)
MILLISECONDS = st.integers(0, 3_600_000)


@st.composite
def pages(draw) -> Page:
    first = NOON_US + draw(st.integers(0, LIMIT_US))
    return Page(first, first + draw(st.integers(0, LIMIT_US)), draw(st.builds(Counts, *[MILLISECONDS] * 4)))


@given(COUNTS, COUNTS, COUNTS)
def test_counts_grow_alike_in_whatever_order_and_however_often_they_are_told(a, b, c):
    assert a.grown(b) == b.grown(a)
    assert a.grown(b).grown(c) == a.grown(c.grown(b))
    assert a.grown(b).grown(b) == a.grown(b)


@given(st.lists(pages(), min_size=1, max_size=6), st.integers(0, LIMIT_US))
def test_no_time_is_longer_than_the_server_saw(found, lasted):
    said = presence(found, opened_at_us=NOON_US, closed_at_us=NOON_US + lasted)
    assert 0 <= said.active_us <= said.visible_us <= lasted
    for page in found:
        assert 0 <= page.active_us <= page.visible_us <= page.last_at_us - page.first_at_us + BEAT_US
    assert said.visible_us <= sum(page.counts.visible_ms for page in found) * 1000
    assert said.active_us <= sum(page.counts.active_ms for page in found) * 1000


@given(st.lists(pages(), min_size=1, max_size=6), st.randoms())
def test_the_order_of_the_pages_does_not_matter(found, rng):
    shuffled = list(found)
    rng.shuffle(shuffled)
    times = {"opened_at_us": NOON_US, "closed_at_us": NOON_US + LIMIT_US}
    a, b = presence(found, **times), presence(shuffled, **times)
    firsts = [page.first_at_us for page in found]
    if firsts.count(min(firsts)) == 1:
        assert a == b
    assert replace(a, load_us=0) == replace(b, load_us=0)


def test_one_page_that_told_the_truth_is_believed_to_the_millisecond():
    page = Page(NOON_US + SECOND_US, NOON_US + 61 * SECOND_US, Counts(900, 60_100, 42_007, 2))
    said = presence([page], opened_at_us=NOON_US, closed_at_us=NOON_US + LIMIT_US)
    assert (said.load_us, said.visible_us, said.active_us) == (900_000, 60_100_000, 42_007_000)
    assert (said.pages, said.hidden_count) == (1, 2)


def test_a_page_that_says_more_than_the_server_saw_is_cut_to_what_it_saw():
    page = Page(NOON_US, NOON_US + 60 * SECOND_US, Counts(2**50, 2**50, 2**50, 0))
    said = presence([page], opened_at_us=NOON_US, closed_at_us=NOON_US + LIMIT_US)
    assert (said.load_us, said.visible_us, said.active_us) == (BEAT_US, 75 * SECOND_US, 75 * SECOND_US)


def test_two_pages_side_by_side_are_not_seen_for_longer_than_the_reading_lasted():
    page = Page(NOON_US, NOON_US + 60 * SECOND_US, Counts(0, 60_000, 50_000, 0))
    said = presence([page, page], opened_at_us=NOON_US, closed_at_us=NOON_US + 70 * SECOND_US)
    assert (said.visible_us, said.active_us) == (70 * SECOND_US, 70 * SECOND_US)


def test_without_a_page_that_told_anything_nothing_is_known():
    assert presence([], opened_at_us=NOON_US, closed_at_us=NOON_US + 1) is None


# In the database


@pytest.fixture
def reader(database):
    return a_reader_joined(a_study_in(database))


def a_beat(visible_ms=0, *, page="load-of-it", lease="page-1", load_ms=800, active_ms=0, hidden_count=0) -> Beat:
    return Beat(page, lease, Counts(load_ms, visible_ms, active_ms, hidden_count))


def beats(reader, told: Beat, *, at_us: int) -> Found | Moved | Closed:
    return reader.study.database.write(
        lambda session: stored.beat(
            session,
            readings.of_reader(session, reader.readings[0], reader.account_id, for_update=True),
            told,
            at_us=at_us,
        )
    )


def noted(reader):
    return [
        (row["page"], row["first_at_us"] - NOON_US, row["last_at_us"] - NOON_US, row["visible_ms"], row["hidden_count"])
        for row in rows(reader.study.database, "presence")
    ]


def test_beats_add_up_to_one_row_for_each_load_of_the_page(reader):
    reader.begin()
    beats(reader, a_beat(0), at_us=NOON_US + 1)
    beats(reader, a_beat(15_000), at_us=NOON_US + 15 * SECOND_US)
    beats(reader, a_beat(0, page="load-2-of-it"), at_us=NOON_US + 20 * SECOND_US)
    beats(reader, a_beat(21_000, hidden_count=1), at_us=NOON_US + 21 * SECOND_US)
    assert sorted(noted(reader)) == [
        ("load-2-of-it", 20 * SECOND_US, 20 * SECOND_US, 0, 0),
        ("load-of-it", 1, 21 * SECOND_US, 21_000, 1),
    ]


def test_a_beat_that_comes_again_or_too_late_changes_nothing_at_all(reader):
    reader.begin()
    for number in (1, 2, 3):
        beats(reader, a_beat(number * 15_000), at_us=NOON_US + number * 15 * SECOND_US)
    before = rows(reader.study.database, "presence"), rows(reader.study.database, "reading")
    for number in (3, 1, 2, 3):
        assert isinstance(beats(reader, a_beat(number * 15_000), at_us=NOON_US + 50 * SECOND_US), Found)
    assert (rows(reader.study.database, "presence"), rows(reader.study.database, "reading")) == before


def test_the_first_beat_takes_a_lease_that_is_free_and_every_one_keeps_it_without_an_event(reader):
    reader.begin()
    assert isinstance(beats(reader, a_beat(), at_us=NOON_US + 1), Found)
    assert isinstance(beats(reader, a_beat(15_000), at_us=NOON_US + 15 * SECOND_US), Found)
    row = reader.found().row
    assert (row.lease, row.lease_at_us) == ("page-1", NOON_US + 15 * SECOND_US)
    assert kinds_of(reader.study.database, reader.readings[0]) == ["opened"]


@pytest.mark.parametrize("quiet_us", [SECOND_US, 60 * SECOND_US], ids=["just heard of", "gone quiet"])
def test_a_beat_of_another_page_is_noted_but_takes_no_lease(reader, quiet_us):
    reader.begin()
    beats(reader, a_beat(), at_us=NOON_US + 1)
    outcome = beats(reader, a_beat(page="another-load", lease="page-2"), at_us=NOON_US + 1 + quiet_us)
    assert isinstance(outcome, Moved)
    assert {page for page, *_ in noted(reader)} == {"load-of-it", "another-load"}
    assert (reader.found().row.lease, reader.found().row.lease_at_us) == ("page-1", NOON_US + 1)


def test_a_page_that_beats_is_not_quiet_and_gives_way_to_nobody_who_did_not_ask(reader):
    reader.begin()
    for number in range(1, 5):
        beats(reader, a_beat(number * 15_000), at_us=NOON_US + number * 15 * SECOND_US)
    assert isinstance(reader.take("page-2", asked=False, at_us=NOON_US + 70 * SECOND_US), Moved)


def set_aside(reader):
    reader.study.database.write(
        lambda session: conduct.set_aside(
            session,
            reader.study.id,
            reader.readings[0],
            reason="a test",
            actor_id=reader.account_id,
            at_us=NOON_US + 1,
        )
    )


def submitted(reader):
    reader.submit(a_draft("b"), lease="page-1", at_us=NOON_US + SECOND_US)


@pytest.mark.parametrize(
    ("end", "at_us"),
    [
        (lambda reader: None, NOON_US + DAY_US),
        (submitted, NOON_US + 2 * SECOND_US),
        (set_aside, NOON_US + 2 * SECOND_US),
        (lambda reader: (set_aside(reader), become(reader.study, StudyState.LOCKED)), NOON_US + 2 * SECOND_US),
    ],
    ids=["time is over", "submitted", "set aside", "locked"],
)
def test_nothing_is_written_where_no_answer_is_taken_any_more(reader, end, at_us):
    reader.begin()
    end(reader)
    before = rows(reader.study.database, "reading")
    assert isinstance(beats(reader, a_beat(), at_us=at_us), Closed)
    assert rows(reader.study.database, "presence") == []
    assert rows(reader.study.database, "reading") == before


def test_before_begin_there_is_nothing_to_be_present_at(reader):
    with pytest.raises(NotNow):
        beats(reader, a_beat(), at_us=NOON_US)


def test_a_clock_that_went_back_leaves_no_stamp_before_the_newest_one(reader):
    reader.begin()
    beats(reader, a_beat(), at_us=NOON_US + 60 * SECOND_US)
    beats(reader, a_beat(15_000), at_us=NOON_US - 3600 * SECOND_US)
    assert noted(reader) == [("load-of-it", 60 * SECOND_US, 60 * SECOND_US, 15_000, 0)]


def test_more_loads_of_a_page_than_any_reader_needs_are_not_kept_but_hold_the_lease(sqlite_database):
    reader = a_reader_joined(a_study_in(sqlite_database))
    reader.begin()
    for number in range(MOST_PAGES + 3):
        beats(reader, a_beat(page=f"load-{number:03}"), at_us=NOON_US + number)
    assert len(noted(reader)) == MOST_PAGES
    assert reader.found().row.lease_at_us == NOON_US + MOST_PAGES + 2


def test_beats_of_one_page_at_the_same_moment_are_one_row(reader):
    reader.begin()
    told = [a_beat(number * 1000) for number in range(16)]
    with ThreadPoolExecutor(8) as at_once:
        outcomes = list(at_once.map(lambda beat: beats(reader, beat, at_us=NOON_US + SECOND_US), told))
    assert all(isinstance(outcome, Found) for outcome in outcomes)
    assert noted(reader) == [("load-of-it", SECOND_US, SECOND_US, 15_000, 0)]


def test_a_beat_is_five_statements_at_most(reader):
    """It stands in one queue of writers with the saves, and nobody waits for a beat."""
    asked: list[str] = []
    engine = reader.study.database.engine
    listener = lambda *told: asked.append(told[2])  # noqa: E731  the engine gives six things, the third is the words
    event.listen(engine, "before_cursor_execute", listener)
    reader.begin()
    beats(reader, a_beat(), at_us=NOON_US + 1)
    asked.clear()
    beats(reader, a_beat(15_000), at_us=NOON_US + 15 * SECOND_US)
    event.remove(engine, "before_cursor_execute", listener)
    assert len(asked) <= 5, asked
