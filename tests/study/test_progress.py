"""The states of a reading and its kinds of nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.answer import EMPTY, Response
from study.case import CaseId, OptionId
from study.progress import COMPLETED, NEXT, SCORED, Ending, NotNow, Reading, State, check_may_become

CHOSEN = Response(selected=frozenset({OptionId("a")}))


def a_reading(state, response=None, void=None):
    return Reading("R001", CaseId("case-1"), "physician", 1, state, response=response, void=void)


@pytest.mark.parametrize("wanted", State)
@pytest.mark.parametrize("state", State)
def test_a_reading_goes_forward_only(state, wanted):
    allowed = {(State.ASSIGNED, State.OPEN), (State.OPEN, State.SUBMITTED), (State.OPEN, State.EXPIRED)}
    if (state, wanted) in allowed:
        check_may_become(state, wanted)
    else:
        with pytest.raises(NotNow, match=f"is {state} cannot become {wanted}"):
            check_may_become(state, wanted)


def test_the_states_that_may_follow_are_said_for_every_state():
    assert set(NEXT) == set(State)


@pytest.mark.parametrize(
    ("reading", "ending", "scored"),
    [
        (a_reading(State.ASSIGNED), Ending.NEVER_OPENED, None),
        (a_reading(State.OPEN), Ending.STILL_OPEN, None),
        (a_reading(State.OPEN, CHOSEN), Ending.STILL_OPEN, None),
        (a_reading(State.EXPIRED), Ending.EXPIRED_NOTHING_SAVED, EMPTY),
        (a_reading(State.EXPIRED, CHOSEN), Ending.EXPIRED_WITH_DRAFT, CHOSEN),
        (a_reading(State.EXPIRED, EMPTY), Ending.EXPIRED_WITH_DRAFT, EMPTY),
        (a_reading(State.SUBMITTED, CHOSEN), Ending.SUBMITTED, CHOSEN),
        (a_reading(State.SUBMITTED, EMPTY), Ending.NOTHING_TO_RECOMMEND, EMPTY),
        (a_reading(State.SUBMITTED, CHOSEN, void="alarm"), Ending.VOID, None),
        (a_reading(State.ASSIGNED, void=""), Ending.VOID, None),
    ],
)
def test_each_kind_of_nothing_stays_apart_and_is_scored_by_its_rule(reading, ending, scored):
    assert (reading.ending, reading.scored_response) == (ending, scored)


@given(st.sampled_from(State), st.sampled_from([None, EMPTY, CHOSEN]), st.sampled_from([None, "alarm"]))
def test_a_reading_is_scored_exactly_where_its_ending_says_so(state, response, void):
    reading = a_reading(state, response, void)
    assert (reading.scored_response is not None) == (reading.ending in SCORED)


def test_what_was_completed_is_scored_too():
    assert COMPLETED < SCORED
