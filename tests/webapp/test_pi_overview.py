"""What a study's conduct comes to, from its roster alone."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.progress import State
from study.protocol import Window
from study.store.conduct import RosterLine, Seen
from study.tables import StudyRow, StudyState
from study.timing import SECOND_US
from webapp.pi.finding import PAGE, find
from webapp.pi.overview import CaseTimeouts, overview
from webapp.pi.stalled import stalled

MINUTE_US = 60 * SECOND_US
DAY_US = 24 * 60 * MINUTE_US
NOW_US = 100 * DAY_US
ALWAYS = Window()


def a_reading(state: State, *, case: str = "c1", opened: int = 90 * DAY_US, used: int = 4, **changed: object) -> Seen:
    begun = state is not State.ASSIGNED
    closed = state in (State.SUBMITTED, State.EXPIRED)
    known = {
        "id": uuid4(),
        "case_id": case,
        "position": 1,
        "state": state,
        "opened_at_us": opened if begun else None,
        "closed_at_us": opened + used * MINUTE_US if closed else None,
        "deadline_at_us": opened + 10 * MINUTE_US if begun else None,
        "session_ends_at_us": None,
        "closing": False,
        "any_save": begun,
        "used_us": used * MINUTE_US if begun else None,
        "extension_us": 0,
        "credit_us": 0,
        "lost_us": 0,
        "void_reason": None,
    }
    return Seen(**(known | changed))


def a_line(label: str, *readings: Seen, **changed: object) -> RosterLine:
    known = {
        "at_us": NOW_US,
        "sitting_us": None,
        "respondent_id": uuid4(),
        "label": label,
        "email": f"{label.lower()}@example.org",
        "full_name": f"Dr {label}",
        "strata": {"site": "north"},
        "invited_at_us": 80 * DAY_US,
        "invitation_sent_at_us": 80 * DAY_US,
        "joined_at_us": 81 * DAY_US if readings else None,
        "withdrawn_at_us": None,
        "withdrawn_reason": None,
        "test": False,
        "accommodation_percent": 100,
        "readings": readings,
    }
    return RosterLine(**(known | changed))


def seen_of(*lines: RosterLine):
    return overview(lines, target=30)


class TestStalled:
    two, seven = NOW_US - 2 * DAY_US, NOW_US - 7 * DAY_US
    lines = (
        a_line("JUST", a_reading(State.OPEN, opened=two), a_reading(State.ASSIGNED)),
        a_line("ALMOST", a_reading(State.OPEN, opened=two + 1), a_reading(State.ASSIGNED)),
        a_line("LONGER", a_reading(State.SUBMITTED, opened=90 * DAY_US), a_reading(State.ASSIGNED)),
        a_line("WAITS", a_reading(State.ASSIGNED), joined_at_us=two),
        a_line("WAITED", a_reading(State.ASSIGNED)),
        a_line("NEW", a_reading(State.ASSIGNED), joined_at_us=two + 1),
        a_line("ASKED", invited_at_us=seven, invitation_sent_at_us=seven),
        a_line("AGAIN", invited_at_us=seven - DAY_US, invitation_sent_at_us=seven + 1),
        a_line("LOST", invited_at_us=seven - DAY_US, invitation_sent_at_us=None),
        a_line("DONE", a_reading(State.SUBMITTED)),
        a_line("SPENT", a_reading(State.SUBMITTED), a_reading(State.ASSIGNED), sitting_us=(90 * DAY_US, 91 * DAY_US)),
        a_line("ASIDE", a_reading(State.SUBMITTED), a_reading(State.ASSIGNED, void_reason="an incident")),
        a_line("GONE", a_reading(State.SUBMITTED), a_reading(State.ASSIGNED), withdrawn_at_us=95 * DAY_US),
        a_line("TEST", a_reading(State.SUBMITTED), a_reading(State.ASSIGNED), test=True),
    )

    def of(self, state: StudyState = StudyState.OPEN, window: Window = ALWAYS, opened: int = 70 * DAY_US):
        study = StudyRow(name="demo", state=state, opened_at_us=None if state is StudyState.DRAFT else opened)
        found = stalled(self.lines, study, window, at_us=NOW_US)
        kinds = (found.amid, found.never_began, found.never_joined)
        assert found.number == sum(map(len, kinds))
        return [[line.label for line in lines] for lines in kinds]

    def test_each_kind_apart_and_the_longest_silence_first(self):
        assert self.of() == [["LONGER", "JUST"], ["WAITED", "WAITS"], ["LOST", "ASKED"]]

    @pytest.mark.parametrize(("state", "expected"), [
        (StudyState.DRAFT, [[], [], ["LOST", "ASKED"]]),
        (StudyState.PAUSED, [[], [], ["LOST", "ASKED"]]),
        (StudyState.LOCKED, [[], [], []]),
    ])  # fmt: skip
    def test_nobody_is_stalled_by_what_the_study_does_not_allow(self, state, expected):
        assert self.of(state) == expected

    def test_a_study_that_opened_yesterday_has_kept_nobody_waiting(self):
        assert self.of(opened=NOW_US - DAY_US)[1] == []

    def test_a_window_that_is_not_open_yet_or_shut_has_no_stalled(self):
        now = datetime.fromtimestamp(NOW_US / SECOND_US, UTC)
        assert self.of(window=Window(opens=now))[1] == []
        assert self.of(window=Window(closes=now)) == [[], [], []]


def test_a_reading_that_was_set_aside_counts_neither_as_closed_nor_as_to_do_wherever_it_is_counted():
    lines = [
        a_line("A", a_reading(State.SUBMITTED), a_reading(State.EXPIRED, void_reason="network")),
        a_line("B", a_reading(State.SUBMITTED), a_reading(State.ASSIGNED), a_reading(State.OPEN, void_reason="drill")),
    ]
    readings = seen_of(*lines).readings
    assert (readings.closed, readings.expected, readings.set_aside) == (2, 3, 2)
    assert [(line.done, line.expected, line.set_aside, line.status) for line in lines] == [
        (1, 1, 1, "complete"),
        (1, 2, 1, "reading"),
    ]


@given(st.lists(st.lists(st.tuples(st.sampled_from(State), st.booleans()), max_size=8), max_size=5))
def test_the_card_is_the_sum_of_the_roster(people):
    lines = [
        a_line(f"R{number}", *(a_reading(state, void_reason="an incident" if aside else None) for state, aside in own))
        for number, own in enumerate(people)
    ]
    readings = seen_of(*lines).readings
    assert readings.closed == sum(line.done for line in lines)
    assert readings.expected == sum(line.expected for line in lines)
    assert readings.set_aside == sum(line.set_aside for line in lines)


def test_time_used_is_of_closed_readings_that_were_not_set_aside():
    used = seen_of(
        a_line(
            "A",
            a_reading(State.SUBMITTED, used=2),
            a_reading(State.SUBMITTED, used=4),
            a_reading(State.EXPIRED, used=10),
            a_reading(State.EXPIRED, used=9, void_reason="the network failed"),
            a_reading(State.OPEN, used=7),
        )
    ).time_used
    assert (used.median_us, used.shortest_us, used.longest_us, used.readings) == (
        4 * MINUTE_US,
        2 * MINUTE_US,
        10 * MINUTE_US,
        3,
    )


def test_no_closed_reading_has_no_time_used():
    assert seen_of(a_line("A", a_reading(State.OPEN))).time_used is None


def test_time_outs_are_counted_by_case_the_worst_first():
    timeouts = seen_of(
        a_line("A", a_reading(State.EXPIRED, case="c1"), a_reading(State.EXPIRED, case="c2", any_save=False)),
        a_line("B", a_reading(State.SUBMITTED, case="c1"), a_reading(State.EXPIRED, case="c2")),
        a_line(
            "C", a_reading(State.SUBMITTED, case="c3"), a_reading(State.EXPIRED, case="c4", void_reason="fire drill")
        ),
    ).timeouts
    assert timeouts == (CaseTimeouts("c2", 2, 2, 1), CaseTimeouts("c1", 2, 1, 0))


def test_test_readers_count_nowhere():
    counted = seen_of(a_line("A", a_reading(State.EXPIRED)), a_line("T", a_reading(State.EXPIRED), test=True))
    assert (counted.enrolment.invited, counted.readings.total, counted.timeouts[0].closed) == (1, 1, 1)


def test_an_empty_roster_has_an_overview():
    empty = seen_of()
    assert (empty.enrolment.invited, empty.readings.total, empty.time_used, empty.last_activity_us) == (
        0,
        0,
        None,
        None,
    )
    assert empty.timeouts == ()


@given(st.lists(st.tuples(st.sampled_from(State), st.booleans()), max_size=30))
def test_every_reading_is_counted_once(readings):
    seen = [a_reading(state, void_reason="an incident" if aside else None) for state, aside in readings]
    counted = seen_of(a_line("A", *seen)).readings
    assert counted.total == len(seen)
    assert counted.set_aside == sum(aside for _, aside in readings)


class TestFinding:
    people = tuple(a_line(f"R{number:03d}") for number in range(1, 251))

    def test_a_page_holds_a_hundred(self):
        found = find(self.people, "", 3)
        assert (found.page, found.pages, found.first, found.last, len(found.lines)) == (3, 3, 201, 250, 250 - 2 * PAGE)

    @pytest.mark.parametrize(("page", "shown"), [(0, 1), (-5, 1), (99, 3)])
    def test_a_page_that_is_not_there_is_the_nearest(self, page, shown):
        assert find(self.people, "", page).page == shown

    @pytest.mark.parametrize("wanted", ["r007", "Dr R007", "r007@example.org", "NORTH r007", "invited  R007"])
    def test_every_word_must_occur_somewhere(self, wanted):
        assert [line.label for line in find(self.people, wanted, 1).lines] == ["R007"]

    def test_nobody_found_is_an_empty_page(self):
        found = find(self.people, "nobody", 1)
        assert (found.lines, found.number, found.pages) == ((), 0, 1)
