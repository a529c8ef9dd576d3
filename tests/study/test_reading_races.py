"""Readings when several requests come at once: threads here, as the threads and workers of the site do."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import pytest
from builders import (
    GRACE_US,
    LIMIT_US,
    NOON_US,
    PAGE,
    a_draft,
    a_protocol,
    a_reader_joined,
    a_study_in,
    become,
    chain_faults,
    kinds_of,
    rows,
)
from sqlalchemy import select

from study.progress import NotNow, State
from study.store import answering, beginning, closing, conduct, enrolment, readings, studies
from study.store.answering import Closed, Saved, Sent, Stale
from study.store.studies import StudyRefuses
from study.tables import ClosedBy, StudyState
from study.timing import SLACK_US

ENDS_US = NOON_US + LIMIT_US
LAST_US = ENDS_US + GRACE_US
DUE_US = LAST_US + SLACK_US + 1
T = TypeVar("T")


def at_once(acts: Sequence[Callable[[], T]]) -> list[T]:
    """Let every act start at the same moment; give what each returned, or raise what one raised."""
    ready = threading.Barrier(len(acts))

    def act(one: Callable[[], T]) -> T:
        ready.wait(30)
        return one()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(act, acts))


@pytest.fixture(autouse=True)
def _every_chain_verifies(database):
    yield
    assert chain_faults(database) == []


@pytest.fixture
def study(database):
    return a_study_in(database, cases=[f"case-{number}" for number in range(1, 9)])


@pytest.fixture
def reader(study):
    return a_reader_joined(study)


def test_sixteen_who_begin_one_case_at_once_get_one_deadline(reader, database):
    found = at_once([lambda at=at: reader.begin(at_us=NOON_US + at) for at in range(16)])
    assert len({one.row.deadline_at_us for one in found}) == 1
    assert len({tuple(one.row.presented) for one in found}) == 1
    assert kinds_of(database, reader.readings[0]) == ["opened"]


def test_sixteen_saves_on_one_base_keep_one_and_tell_the_others_what_stands(reader, database):
    reader.begin()
    drafts = [a_draft("abcd"[at % 4], confidence=at) for at in range(16)]
    outcomes = at_once(
        [lambda at=at, draft=draft: reader.save(draft, key=f"key-{at}") for at, draft in enumerate(drafts)]
    )
    saved = [at for at, outcome in enumerate(outcomes) if isinstance(outcome, Saved)]
    assert len(saved) == 1
    kept = drafts[saved[0]]
    assert [outcome for outcome in outcomes if not isinstance(outcome, Saved)] == [Stale(1, kept)] * 15
    assert reader.found().draft == kept


def test_one_save_that_is_sent_sixteen_times_stands_once(reader, database):
    reader.begin()
    outcomes = at_once([lambda: reader.save(a_draft("a"))] * 16)
    assert set(outcomes) == {Saved(1, NOON_US + 1, ENDS_US, None)}
    assert kinds_of(database, reader.readings[0]) == ["opened", "saved"]


def test_eight_cases_submitted_sixteen_times_at_once_are_final_once_each(reader, database):
    for position in range(1, 9):
        reader.begin(position)
        reader.save(a_draft("a"), position=position)
        outcomes = at_once(
            [
                lambda at=at, position=position: reader.submit(
                    a_draft("a"), key=f"end-{at}", base=1, position=position, at_us=NOON_US + 2 + at
                )
                for at in range(16)
            ]
        )
        receipt = reader.found(position).row.receipt
        assert set(outcomes) == {Closed(State.SUBMITTED, receipt, kept_apart=False)}
        assert kinds_of(database, reader.readings[position - 1]) == ["opened", "saved", "submitted"]
    assert rows(database, "late_payload") == []


def test_of_submits_that_differ_one_stands_and_the_others_are_kept_apart(reader, database):
    reader.begin()
    drafts = [a_draft("abcd"[at % 4], confidence=at) for at in range(16)]
    outcomes = at_once(
        [lambda at=at, draft=draft: reader.submit(draft, key=f"end-{at}") for at, draft in enumerate(drafts)]
    )
    assert len({outcome.receipt for outcome in outcomes}) == 1
    won = [at for at, outcome in enumerate(outcomes) if not outcome.kept_apart]
    assert len(won) == 1
    assert reader.found().draft == drafts[won[0]]
    assert {late["key"] for late in rows(database, "late_payload")} == {f"end-{at}" for at in range(16)} - {
        f"end-{won[0]}"
    }


def test_sweeps_reads_and_late_submits_at_once_close_a_case_once(reader, database):
    reader.begin()
    reader.save(a_draft("a"))
    study = reader.study

    def close(by: ClosedBy) -> bool:
        return database.write(
            lambda session: closing.close_due(session, study.id, reader.readings[0], by=by, at_us=DUE_US)
        )

    def late() -> Closed | Stale:
        return reader.submit(a_draft("a"), key="late", base=1, at_us=DUE_US)

    outcomes = at_once([lambda: close(ClosedBy.SWEEP), lambda: close(ClosedBy.READ), late, late] * 3)
    assert sum(outcome is True for outcome in outcomes) <= 1
    row = reader.found().row
    assert (row.state, row.closed_at_us) == ("expired", ENDS_US)
    assert row.receipt == closing.receipt_of(row.id, a_draft("a"), ENDS_US)
    assert kinds_of(database, reader.readings[0]) == ["opened", "saved", "expired"]


def test_an_extension_and_a_sweep_at_once_leave_either_but_not_both(reader, database):
    reader.begin()
    study = reader.study

    def extending() -> str:
        try:
            database.write(
                lambda session: conduct.extend(
                    session,
                    study.id,
                    reader.readings[0],
                    seconds=60,
                    reason="alarm",
                    actor_id=reader.account_id,
                    at_us=LAST_US,
                )
            )
        except conduct.CannotChange:
            return "refused"
        return "extended"

    def sweeping() -> int:
        return database.write(
            lambda session: closing.close_all_due(session, by=ClosedBy.SWEEP, at_us=DUE_US, study_id=study.id)
        )

    extended, closed = at_once([extending, sweeping])
    assert (extended, closed) in {("extended", 0), ("refused", 1)}
    assert reader.found().row.deadline_at_us == ENDS_US + (60_000_000 if extended == "extended" else 0)


def test_no_save_is_accepted_beside_a_lock(database):
    """A test reader's case may stand open at the lock. What it holds then is what it holds ever after."""
    study = a_study_in(database, protocol=a_protocol("raced"))
    tester = a_reader_joined(study, "test@example.org", test=True)
    tester.begin()
    outcomes = at_once(
        [
            lambda: become(study, StudyState.LOCKED),
            *(lambda at=at: tester.save(a_draft("a"), key=f"key-{at}") for at in range(6)),
        ]
    )
    events = kinds_of(database, study.id)
    assert events[-1] == "locked"
    saved = [outcome for outcome in outcomes if isinstance(outcome, Saved)]
    assert len(saved) == kinds_of(database, tester.readings[0]).count("saved") <= 1
    assert isinstance(tester.save(a_draft("b"), key="after", base=len(saved)), Closed)


def test_no_case_is_begun_beside_a_lock(reader, study):
    """Either the case was open first, and the lock is refused, or the study was locked first."""

    def locking() -> str:
        try:
            become(study, StudyState.LOCKED)
        except StudyRefuses:
            return "refused"
        return "locked"

    def beginning() -> str:
        try:
            reader.begin()
        except Exception as refusal:
            return str(refusal)
        return "open"

    locked, begun = at_once([locking, beginning])
    assert (locked, begun) in {("refused", "open"), ("locked", "The study is closed: no further case can be begun.")}


@pytest.mark.parametrize("database", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
def test_who_waited_for_a_save_sees_the_draft_that_was_saved(database):
    """A statement that waits for a row gives that row's newest version beside what it saw of other tables before."""
    reader = a_reader_joined(a_study_in(database))
    reader.begin()
    saved, waiting = threading.Event(), threading.Event()

    def slow(session):
        found = readings.of_reader(session, reader.readings[0], reader.account_id, for_update=True)
        outcome = answering.save(session, found, Sent("first", 0, PAGE, a_draft("a")), at_us=NOON_US + 1)
        saved.set()
        waiting.wait(0.3)  # the other one cannot tell that it waits: the server holds it
        return outcome

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(database.write, slow)
        assert saved.wait(10)
        second = pool.submit(reader.save, a_draft("b"), key="second")
        assert first.result(10).revision == 1
        assert second.result(10) == Stale(1, a_draft("a"))


@pytest.mark.parametrize("database", [pytest.param("postgres", marks=pytest.mark.postgres)], indirect=True)
@pytest.mark.parametrize("first", ["begin", "accommodate"])
def test_a_limit_is_not_changed_while_the_first_case_is_begun(database, first):
    """The one who comes second waits, and then sees what the first one did."""
    study = a_study_in(database)
    reader = a_reader_joined(study)
    done, waiting = threading.Event(), threading.Event()

    def slow(act):
        def work(session):
            outcome = act(session)
            session.flush()
            done.set()
            waiting.wait(0.3)  # the other one cannot tell that it waits: the server holds it
            return outcome

        return lambda: database.write(work)

    def begin(session):
        return beginning.begin(
            session,
            reader.readings[0],
            reader.account_id,
            protocol=study.protocol,
            stage=study.stage,
            case=study.cases[reader.case_ids[0]],
            at_us=NOON_US,
        )

    def accommodate(session):
        found = enrolment.reader_of(session, study.id, reader.respondent_id)
        enrolment.set_accommodation(session, found, 200, actor_id=None, at_us=NOON_US)

    acts = {"begin": begin, "accommodate": accommodate}
    other = "accommodate" if first == "begin" else "begin"
    with ThreadPoolExecutor(2) as pool:
        early = pool.submit(slow(acts[first]))
        assert done.wait(10)
        late = pool.submit(database.write, acts[other])
        early.result(10)
        if first == "begin":
            with pytest.raises(NotNow, match="has begun a case"):
                late.result(10)
        else:
            late.result(10)
    limit_us = LIMIT_US if first == "begin" else 2 * LIMIT_US
    assert reader.found().row.deadline_at_us == NOON_US + limit_us
    assert reader.found().row.accommodation_percent == (100 if first == "begin" else 200)


def test_beside_a_lock_nothing_comes_late_to_a_case_that_was_submitted(reader, study, database):
    """Either it was kept apart before the study was locked, or it left no trace."""
    reader.begin()
    reader.submit(a_draft("a"))

    def locking() -> int:
        def work(session):
            studies.change_state(
                session, study.protocol.id, StudyState.LOCKED, protocol=study.protocol, actor_id=None, at_us=NOON_US + 3
            )
            return len(session.connection().execute(select(answering.LATE.c.id)).all())

        return database.write(work)

    late = [lambda at=at: reader.save(a_draft("b"), key=f"late-{at}", base=1).kept_apart for at in range(8)]
    locked_with, *kept = at_once([locking, *late])
    assert locked_with == sum(kept) == len(rows(database, "late_payload"))
