"""A reading from Begin to its end: what is accepted, what is refused, and what is kept apart."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

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
from sqlalchemy import event

from study.draft import Draft, Unacceptable
from study.progress import NotNow, State
from study.protocol import Window
from study.store import closing, conduct, enrolment, readings
from study.store.answering import Closed, Saved, Stale
from study.store.readings import NoSuchReading
from study.tables import ClosedBy, StudyState, metadata
from study.timing import SLACK_US

ENDS_US = NOON_US + LIMIT_US
LAST_US = ENDS_US + GRACE_US
DUE_US = LAST_US + SLACK_US + 1
NOTHING = a_draft(nothing_to_recommend=True)


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


# Begin ---------------------------------------------------------------------------------------------------------


def test_begin_fixes_the_deadline_the_grace_and_the_presented_order(reader):
    row = reader.begin().row
    assert (row.state, row.opened_at_us, row.deadline_at_us, row.grace_us) == ("open", NOON_US, ENDS_US, GRACE_US)
    assert sorted(row.presented) == ["a", "b", "c", "d"]


def test_beginning_again_changes_nothing(reader, database):
    first = reader.begin()
    again = reader.begin(at_us=NOON_US + MINUTE_US)
    assert again.row == first.row
    assert kinds_of(database, reader.readings[0]) == ["opened"]


def test_a_longer_limit_and_the_windows_close_bound_the_deadline(database):
    closes = datetime.fromtimestamp(NOON_US / SECOND_US, UTC) + timedelta(minutes=12, microseconds=7)
    study = a_study_in(database, protocol=a_protocol(window=Window(closes=closes)))
    assert a_reader_joined(study).begin().row.deadline_at_us == ENDS_US
    slower = a_reader_joined(study, "slow@example.org", accommodation_percent=150)
    assert slower.begin().row.deadline_at_us == NOON_US + 12 * MINUTE_US + 7


def test_a_sitting_ends_for_all_of_its_cases(database):
    reader = a_reader_joined(a_study_in(database, protocol=a_protocol(session_limit_s=900)))
    reader.begin()
    reader.submit(NOTHING)
    assert reader.begin(2, at_us=NOON_US + 8 * MINUTE_US).row.deadline_at_us == NOON_US + 15 * MINUTE_US
    reader.submit(NOTHING, position=2, at_us=NOON_US + 9 * MINUTE_US)
    with pytest.raises(NotNow, match="time for this study is over"):
        reader.begin(3, at_us=NOON_US + 15 * MINUTE_US)


def test_without_any_limit_there_is_no_deadline_and_nothing_becomes_due(database):
    reader = a_reader_joined(a_study_in(database, protocol=a_protocol(stage=a_stage(limit_s=None))))
    assert reader.begin().row.deadline_at_us is None
    assert sweep(database, NOON_US + 10**15) == 0
    assert isinstance(reader.save(a_draft("a"), at_us=NOON_US + 10**15), Saved)


def test_cases_are_begun_in_their_order(reader):
    with pytest.raises(NotNow, match="earlier case"):
        reader.begin(2)
    reader.begin()
    with pytest.raises(NotNow, match="earlier case"):
        reader.begin(2)
    reader.submit(NOTHING)
    assert reader.begin(2).state is State.OPEN


def test_a_case_that_was_set_aside_holds_up_no_other(reader, study):
    set_aside(reader, study)
    with pytest.raises(NotNow, match="set this case aside"):
        reader.begin()
    assert reader.begin(2).state is State.OPEN


@pytest.mark.parametrize(
    ("states", "said"),
    [
        ((StudyState.PAUSED,), "paused"),
        ((StudyState.LOCKED,), "closed"),
        ((StudyState.PAUSED, StudyState.LOCKED), "closed"),
    ],
)
def test_no_case_is_begun_unless_the_study_is_open(reader, study, states, said):
    become(study, *states)
    with pytest.raises(NotNow, match=said):
        reader.begin()


def test_no_case_is_begun_before_the_study_opens(database):
    reader = a_reader_joined(a_study_in(database, state=StudyState.DRAFT))
    with pytest.raises(NotNow, match="not been opened yet"):
        reader.begin()


@pytest.mark.parametrize(("early_us", "begins"), [(1, False), (0, True)])
def test_the_window_opens_to_the_microsecond(database, early_us, begins):
    opens = datetime.fromtimestamp(NOON_US / SECOND_US, UTC) + timedelta(microseconds=500_000)
    reader = a_reader_joined(a_study_in(database, protocol=a_protocol(window=Window(opens=opens))))
    if begins:
        assert reader.begin(at_us=NOON_US + 500_000).state is State.OPEN
    else:
        with pytest.raises(NotNow, match="not started"):
            reader.begin(at_us=NOON_US + 500_000 - early_us)


# Save ----------------------------------------------------------------------------------------------------------


def test_each_save_makes_one_revision_and_one_event(reader, database):
    reader.begin()
    drafts = [a_draft("a"), a_draft("a", "b", confidence=70), a_draft("b", rationale="Über–dacht")]
    for revision, draft in enumerate(drafts):
        assert reader.save(draft, key=f"key-{revision}", base=revision) == Saved(
            revision + 1, NOON_US + 1, ENDS_US, None
        )
    assert reader.found().draft == drafts[-1]
    assert reader.found().row.revision == 3
    assert kinds_of(database, reader.readings[0]) == ["opened", "saved", "saved", "saved"]


@pytest.mark.parametrize("base", [0, 1, 7])
def test_the_same_key_again_changes_nothing_and_gets_the_same_answer(reader, database, base):
    """Whatever the repeat carries besides: a reload may have moved its base, a script may have lost its draft."""
    reader.begin()
    first = reader.save(a_draft("a"))
    before = rows(database, "answer"), rows(database, "reading"), rows(database, "save")
    assert reader.save(a_draft("b"), base=base) == first
    assert (rows(database, "answer"), rows(database, "reading"), rows(database, "save")) == before


def test_a_repeat_after_the_end_is_still_acknowledged(reader):
    reader.begin()
    first = reader.save(a_draft("a"))
    reader.submit(a_draft("a"), base=1)
    assert reader.save(a_draft("a")) == first


@pytest.mark.parametrize("base", [0, 2, 10**30])
def test_a_stale_base_is_given_the_draft_that_stands(reader, database, base):
    reader.begin()
    reader.save(a_draft("a", confidence=5))
    assert reader.save(a_draft("b"), key="other", base=base) == Stale(1, a_draft("a", confidence=5))
    assert reader.submit(a_draft("b"), key="other", base=base) == Stale(1, a_draft("a", confidence=5))
    assert reader.found().draft == a_draft("a", confidence=5)
    assert kinds_of(database, reader.readings[0]) == ["opened", "saved"]


def test_another_persons_reading_does_not_exist(reader, study):
    reader.begin()
    stranger = a_reader_joined(study, "eve@example.org")
    with study.database.read() as session:
        for reading_id, account_id in ((reader.readings[0], stranger.account_id), (uuid4(), reader.account_id)):
            with pytest.raises(NoSuchReading) as refusal:
                readings.of_reader(session, reading_id, account_id)
            assert str(refusal.value) == "There is no such case for you."


def test_nothing_is_kept_before_begin(reader, database):
    with pytest.raises(NotNow, match="not been begun"):
        reader.save(a_draft("a"))
    with pytest.raises(NotNow, match="not been begun"):
        reader.submit(a_draft("a"))
    assert rows(database, "answer") == rows(database, "save") == rows(database, "late_payload") == []


@pytest.mark.parametrize("key", ["", "submit:key-1", "a b", "x" * 65, "\ud800", "\x00", "é", "a\n"])
def test_a_key_that_cannot_be_stored_or_would_meet_one_of_ours_is_refused(reader, key):
    reader.begin()
    with pytest.raises(Unacceptable, match="key"):
        reader.save(a_draft("a"), key=key)
    with pytest.raises(Unacceptable, match="key"):
        reader.submit(a_draft("a"), key=key)


def test_a_pause_of_the_study_costs_nobody_an_open_case(reader, study):
    reader.begin()
    become(study, StudyState.PAUSED)
    assert isinstance(reader.save(a_draft("a")), Saved)
    assert reader.submit(a_draft("a"), base=1).state is State.SUBMITTED


# The end -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_us", [ENDS_US - 1, ENDS_US, ENDS_US + 1, LAST_US])
def test_a_save_is_accepted_until_the_last_microsecond_of_grace(reader, at_us):
    reader.begin()
    assert reader.save(a_draft("a"), at_us=at_us) == Saved(1, at_us, ENDS_US, None)


@pytest.mark.parametrize("at_us", [ENDS_US, LAST_US])
def test_a_submit_is_accepted_until_the_last_microsecond_of_grace(reader, at_us):
    reader.begin()
    outcome = reader.submit(a_draft("a"), at_us=at_us)
    assert (outcome.state, outcome.kept_apart) == (State.SUBMITTED, False)
    assert (reader.found().row.closed_at_us, reader.found().row.closed_by) == (at_us, "reader")


@pytest.mark.parametrize(
    ("at_us", "kinds"),
    [
        (LAST_US + 1, ["opened", "saved", "late payload"]),
        (DUE_US - 1, ["opened", "saved", "late payload"]),
        (DUE_US, ["opened", "saved", "expired", "late payload"]),
    ],
)
@pytest.mark.parametrize("how", ["save", "submit"])
def test_what_comes_later_is_kept_apart_once_and_never_used(reader, database, how, at_us, kinds):
    reader.begin()
    reader.save(a_draft("a"))
    late = {"draft": a_draft("b"), "key": "late", "base": 1, "at_us": at_us}
    first, again = getattr(reader, how)(**late), getattr(reader, how)(**late)
    assert first == again == Closed(State.EXPIRED, reader.found().row.receipt, kept_apart=True)
    assert reader.found().draft == a_draft("a")
    (kept,) = rows(database, "late_payload")
    assert (kept["key"], kept["at_us"]) == ("late", at_us)
    assert kept["body"] == {
        "base_revision": 1,
        "draft": a_draft("b").as_json(),
        "offsets_ms": {},
        "elapsed_ms": None,
    }
    assert kinds_of(database, reader.readings[0]) == kinds


@pytest.mark.parametrize("at_us", [LAST_US, ENDS_US, LAST_US + 1 - SLACK_US])
@pytest.mark.parametrize("how", ["save", "submit"])
def test_what_arrived_in_time_stands_though_others_came_first(reader, database, how, at_us):
    """It waited for its turn to write: a sweep, a late payload and a look at the case had theirs meanwhile."""
    reader.begin()
    assert sweep(database, DUE_US - 1) == 0
    assert _closed_by_a_read(reader, DUE_US - 1) is False
    reader.save(a_draft("c"), key="late", at_us=LAST_US + 1)
    getattr(reader, how)(a_draft("a"), key="in-time", at_us=at_us)
    sweep(database, DUE_US)
    assert reader.found().draft == a_draft("a")
    assert reader.found().state is (State.SUBMITTED if how == "submit" else State.EXPIRED)


def test_who_waited_longer_than_any_turn_is_kept_apart(reader, database):
    reader.begin()
    sweep(database, DUE_US)
    assert reader.save(a_draft("a"), at_us=LAST_US) == Closed(State.EXPIRED, None, kept_apart=True)


def test_an_over_case_is_told_as_over_and_holds_up_no_other(reader):
    reader.begin()
    assert reader.found().told(LAST_US) is State.OPEN
    assert reader.found().told(LAST_US + 1) is State.EXPIRED
    assert (reader.found().is_due(DUE_US - 1), reader.found().is_due(DUE_US)) == (False, True)
    with pytest.raises(NotNow, match="earlier case"):
        reader.begin(2, at_us=LAST_US)
    assert reader.begin(2, at_us=LAST_US + 1).state is State.OPEN


def test_a_late_repeat_of_what_stands_needs_no_keeping(reader, database):
    reader.begin()
    reader.save(a_draft("a"))
    assert reader.save(a_draft("a"), key="late", base=1, at_us=LAST_US + 1).kept_apart is False
    assert rows(database, "late_payload") == []


@pytest.mark.parametrize("late", [a_draft(), NOTHING])
def test_a_late_empty_answer_is_not_the_same_as_none(reader, database, late):
    reader.begin()
    assert reader.save(late, at_us=LAST_US + 1).kept_apart is True
    assert reader.found().ever_saved is False
    assert len(rows(database, "late_payload")) == 1


def sweep(database, at_us):
    return database.write(lambda session: closing.close_all_due(session, by=ClosedBy.SWEEP, at_us=at_us))


def _by_sweep(reader, at_us):
    assert sweep(reader.study.database, at_us) == 1


def _closed_by_a_read(reader, at_us):
    study = reader.study
    return study.database.write(
        lambda session: closing.close_due(session, study.id, reader.readings[0], by=ClosedBy.READ, at_us=at_us)
    )


def _by_read(reader, at_us):
    assert _closed_by_a_read(reader, at_us) is True


def _by_late_submit(reader, at_us):
    reader.submit(a_draft("b"), key="late", base=1, at_us=at_us)


@pytest.mark.parametrize("late_us", [SLACK_US + 1, SLACK_US + SECOND_US, 3600 * SECOND_US])
@pytest.mark.parametrize("close", [_by_sweep, _by_read, _by_late_submit])
def test_whoever_closes_first_the_answer_the_time_and_the_receipt_are_the_same(reader, close, late_us):
    reader.begin()
    reader.save(a_draft("a"))
    close(reader, LAST_US + late_us)
    row = reader.found().row
    assert (row.state, row.closed_at_us, row.revision) == ("expired", ENDS_US, 1)
    assert reader.found().draft == a_draft("a")
    assert row.receipt == closing.receipt_of(row.id, a_draft("a"), ENDS_US)
    assert sweep(reader.study.database, LAST_US + 2 * late_us) == 0


@pytest.mark.parametrize("at_us", [ENDS_US, LAST_US, DUE_US - 1])
def test_nothing_is_closed_while_an_answer_in_time_may_be_under_way(reader, database, at_us):
    reader.begin()
    assert sweep(database, at_us) == 0
    assert reader.found().state is State.OPEN


def test_expired_without_a_save_has_no_answer_and_no_receipt(reader, database):
    reader.begin()
    sweep(database, DUE_US)
    assert (reader.found().state, reader.found().ever_saved, reader.found().row.receipt) == (State.EXPIRED, False, None)
    assert rows(database, "answer") == []


def test_a_saved_empty_draft_is_not_nothing_saved(reader, database):
    reader.begin()
    reader.save(a_draft())
    sweep(database, DUE_US)
    assert (reader.found().ever_saved, reader.found().draft) == (True, Draft())
    assert reader.found().row.receipt is not None


def test_nothing_to_recommend_is_said_on_purpose_or_not_at_all(reader, database):
    reader.begin()
    with pytest.raises(Unacceptable, match="Nothing is chosen"):
        reader.submit(a_draft(rationale="hm"))
    assert reader.found().state is State.OPEN
    assert reader.submit(NOTHING).state is State.SUBMITTED
    (answer,) = rows(database, "answer")
    assert (answer["selected"], answer["nothing_to_recommend"]) == ([], True)


def test_submit_keeps_its_last_changes_and_gives_a_receipt_of_what_is_stored(reader, database):
    reader.begin()
    reader.save(a_draft("a"))
    outcome = reader.submit(a_draft("a", "c"), base=1)
    assert outcome.receipt == closing.receipt_of(reader.readings[0], reader.found().draft, NOON_US + 2)
    assert kinds_of(database, reader.readings[0]) == ["opened", "saved", "saved", "submitted"]
    assert reader.found().row.revision == 2


def test_submitting_what_was_saved_adds_no_revision(reader, database):
    reader.begin()
    reader.save(a_draft("a"))
    reader.submit(a_draft("a"), base=1)
    assert reader.found().row.revision == 1
    assert kinds_of(database, reader.readings[0]) == ["opened", "saved", "submitted"]


def test_a_second_submit_gets_the_first_ones_receipt(reader, database):
    reader.begin()
    first = reader.submit(a_draft("a"))
    assert reader.submit(a_draft("a")) == first
    assert reader.submit(a_draft("a"), key="other") == first
    differing = reader.submit(a_draft("b"), key="third")
    assert differing == Closed(State.SUBMITTED, first.receipt, kept_apart=True)
    assert reader.found().draft == a_draft("a")
    assert [late["key"] for late in rows(database, "late_payload")] == ["third"]


# What the study team does ----------------------------------------------------------------------------------------


def extend(reader, seconds, *, at_us=NOON_US + 1):
    study, actor = reader.study, uuid4()
    study.database.write(
        lambda session: conduct.extend(
            session, study.id, reader.readings[0], seconds=seconds, reason="alarm", actor_id=actor, at_us=at_us
        )
    )


def set_aside(reader, study, *, at_us=NOON_US + 1):
    actor = uuid4()
    study.database.write(
        lambda session: conduct.set_aside(
            session, study.id, reader.readings[0], reason="fire alarm", actor_id=actor, at_us=at_us
        )
    )


def test_an_extension_moves_the_deadline_later_and_says_so(reader, database):
    reader.begin()
    extend(reader, 60)
    extend(reader, 30)
    row = reader.found().row
    assert (row.deadline_at_us, row.extension_us) == (ENDS_US + 90 * SECOND_US, 90 * SECOND_US)
    assert kinds_of(database, reader.readings[0]) == ["opened", "extended", "extended"]
    assert isinstance(reader.save(a_draft("a"), at_us=LAST_US + 90 * SECOND_US), Saved)
    assert sweep(database, DUE_US + 90 * SECOND_US - 1) == 0
    assert sweep(database, DUE_US + 90 * SECOND_US) == 1


@pytest.mark.parametrize("at_us", [ENDS_US, LAST_US])
def test_an_extension_may_still_come_in_grace(reader, at_us):
    reader.begin()
    extend(reader, 60, at_us=at_us)
    assert reader.found().row.deadline_at_us == ENDS_US + MINUTE_US


@pytest.mark.parametrize("seconds", [0, -1, 24 * 3600 + 1, 10**15])
def test_an_extension_is_longer_than_nothing_and_a_day_at_most(reader, seconds):
    reader.begin()
    with pytest.raises(conduct.CannotChange):
        extend(reader, seconds)
    assert reader.found().row.deadline_at_us == ENDS_US


def test_what_is_over_or_was_not_begun_is_not_extended(reader, study):
    with pytest.raises(conduct.CannotChange, match="open"):
        extend(reader, 60)
    reader.begin()
    with pytest.raises(conduct.CannotChange, match="not over"):
        extend(reader, 60, at_us=LAST_US + 1)
    reader.submit(NOTHING)
    with pytest.raises(conduct.CannotChange, match="open"):
        extend(reader, 60)


def test_a_case_that_was_set_aside_keeps_everything_and_takes_nothing_more(reader, study, database):
    reader.begin()
    reader.save(a_draft("a"))
    set_aside(reader, study)
    assert reader.save(a_draft("b"), key="key-2", base=1) == Closed(State.OPEN, None, kept_apart=True)
    assert reader.submit(a_draft("b"), base=1) == Closed(State.OPEN, None, kept_apart=True)
    row = reader.found().row
    assert (row.void_reason, row.revision, reader.found().draft) == ("fire alarm", 1, a_draft("a"))
    with pytest.raises(conduct.CannotChange, match="already"):
        set_aside(reader, study)
    with pytest.raises(conduct.CannotChange, match="open"):
        extend(reader, 60)
    assert kinds_of(database, reader.readings[0]) == ["opened", "saved", "void", "late payload", "late payload"]


def test_whoever_has_withdrawn_finds_no_case_any_more_but_it_is_closed_in_its_time(reader, study, database):
    reader.begin()
    reader.save(a_draft("a"))

    def work(session):
        found = enrolment.reader_of(session, study.id, reader.respondent_id)
        enrolment.withdraw(session, found, reason="no time", actor_id=None, at_us=NOON_US + 3)

    database.write(work)
    for act in (lambda: reader.save(a_draft("b"), key="key-2", base=1), lambda: reader.submit(a_draft("b"), base=1)):
        with pytest.raises(NoSuchReading):
            act()
    assert sweep(database, DUE_US) == 1
    (row,) = [row for row in rows(database, "reading") if row["id"] == reader.readings[0]]
    assert (row["state"], row["closed_at_us"]) == ("expired", ENDS_US)


# The lock ------------------------------------------------------------------------------------------------------


def test_after_the_lock_nothing_that_was_left_open_changes(database):
    """Only a test reader's case, or one that was set aside, can be open then: what comes leaves no trace at all."""
    study = a_study_in(database)
    tester = a_reader_joined(study, "test@example.org", test=True)
    tester.begin()
    tester.save(a_draft("a"))
    become(study, StudyState.LOCKED)
    before = {name: rows(database, name) for name in metadata.tables}
    assert tester.save(a_draft("b"), key="key-2", base=1) == Closed(State.OPEN, None, kept_apart=False)
    assert tester.submit(a_draft("b"), base=1) == Closed(State.OPEN, None, kept_apart=False)
    assert tester.save(a_draft("b"), key="key-2", base=1, at_us=DUE_US).kept_apart is False
    assert sweep(database, DUE_US) == 0
    assert {name: rows(database, name) for name in metadata.tables} == before
    assert (tester.found().state, tester.found().draft) == (State.OPEN, a_draft("a"))
    for act in (lambda: extend(tester, 60), lambda: set_aside(tester, study)):
        with pytest.raises(conduct.CannotChange, match="locked"):
            act()


def test_a_sweep_of_one_study_closes_all_of_it_and_nothing_else(database):
    one, other = (a_study_in(database, protocol=a_protocol(name)) for name in ("one", "other"))
    readers = [a_reader_joined(study, "ada@example.org") for study in (one, other)]
    for reader in readers:
        reader.begin()
    closed = database.write(
        lambda session: closing.close_all_due(session, by=ClosedBy.SWEEP, at_us=DUE_US, study_id=other.id)
    )
    assert (closed, readers[0].found().state, readers[1].found().state) == (1, State.OPEN, State.EXPIRED)


# What it costs -------------------------------------------------------------------------------------------------


STATEMENTS = {
    "sqlite": ["BEGIN", "SELECT", "INSERT", "INSERT", "INSERT", "UPDATE", "UPDATE", "COMMIT"],
    "postgresql": ["SELECT", "SELECT", "WITH", "COMMIT"],
}


def test_a_save_is_eight_statements_in_one_file_and_three_on_the_way_to_a_server(database):
    """Every tick of every physician is one: one statement more is a decision."""
    reader = a_reader_joined(a_study_in(database))
    reader.begin()
    reader.save(a_draft("a"))
    sent = []
    event.listen(database.engine, "before_cursor_execute", lambda *sending: sent.append(sending[2]))
    event.listen(database.engine, "commit", lambda _: sent.append("COMMIT"))
    reader.save(a_draft("b"), key="key-2", base=1)
    assert [statement.split()[0] for statement in sent] == STATEMENTS[database.engine.dialect.name]
