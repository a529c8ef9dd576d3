"""How many cases to one harm: turned-over intervals, in one part or two, or none."""

from math import inf, isnan

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.inference.estimate import Estimate, Method, Refusal, RefusalCode, Weighting
from analysis.inference.numbers_needed import cases_per_severe, nnh_difference
from analysis.inference.rates import exact_on_cases
from analysis.inference.refusals import ZERO_VARIANCE


def an_estimate(value, low=float("nan"), high=float("nan"), **fields):
    return Estimate(
        value, 0.95, Method.TWO_WAY, Weighting.PAIR, 10, 30, 300, low=low, high=high, se=0.05, df=9.0, **fields
    )


def test_the_number_needed_to_harm_is_that_of_newcombe(reference):
    expected = reference["proportions"]["expected"]
    value, low, high = expected["newcombe_unpaired_56_70_vs_48_80"]["value"]
    found = nnh_difference(an_estimate(value, low, high))
    assert [found.value, found.low, found.high] == pytest.approx(expected["nnh_from_rd"]["value"], rel=1e-7)
    assert not found.two_part


def test_a_test_that_harms_less_has_a_negative_number():
    found = nnh_difference(an_estimate(-0.2, -0.25, -0.1))
    assert (found.value, found.low, found.high, found.two_part) == (-5, -10, -4, False)


def test_across_zero_the_interval_is_in_two_parts():
    found = nnh_difference(an_estimate(0.1, -0.05, 0.25))
    assert (found.value, found.low, found.high, found.two_part) == (10, -20, 4, True)
    assert found.refused is None


@pytest.mark.parametrize(("low", "high", "expected"), [(0.0, 0.2, (-inf, 5)), (-0.2, 0.0, (-5, inf))])
def test_a_bound_at_zero_leaves_one_part_and_infinity(low, high, expected):
    found = nnh_difference(an_estimate(0.1 if high else -0.1, low, high))
    assert (found.low, found.high) == expected
    assert found.two_part


@given(st.floats(-1, 1), st.floats(-1.5, 1), st.floats(-1, 1.5), st.floats(-1, 1))
def test_the_numbers_held_are_the_inverses_of_the_differences_held(value, low, high, other):
    assume(low <= value <= high and value != 0 and abs(other) > 1e-9)
    found = nnh_difference(an_estimate(value, low, high))
    number = 1 / other
    held = number <= found.low or number >= found.high if found.two_part else found.low <= number <= found.high
    assume(min(abs(other - low), abs(other - high)) > 1e-9)
    assert held == (low <= other <= high)


def test_no_difference_has_no_number_and_says_why():
    found = nnh_difference(an_estimate(0.0, -0.1, 0.1))
    assert isnan(found.value)
    assert found.refused is not None
    assert found.refused.code is RefusalCode.CROSSES_ZERO


def test_cases_to_one_severe_harm_are_one_over_the_rate():
    found = cases_per_severe(an_estimate(0.2, 0.1, 0.4))
    assert (found.value, found.low, found.high, found.two_part) == (5, 2.5, 10, False)
    assert cases_per_severe(an_estimate(0.2, -0.1, 0.4)).high == inf


def test_no_severe_harm_has_no_number_and_the_sentence_says_what_is_left():
    rate = exact_on_cases(an_estimate(0.0, refused=ZERO_VARIANCE))
    found = cases_per_severe(rate)
    assert isnan(found.value)
    assert found.refused is not None
    assert found.refused.reason.endswith(f"reaches one in {1 / rate.high:.1f} cases.")


@pytest.mark.parametrize("turned_over", [cases_per_severe, nnh_difference])
def test_a_refused_interval_stays_refused_beside_its_value(turned_over):
    refusal = Refusal(RefusalCode.FEW_READERS, "2 readers.")
    found = turned_over(an_estimate(0.25, refused=refusal))
    assert (found.value, found.refused) == (4, refusal)
    assert isnan(found.low)


@pytest.mark.parametrize("turned_over", [cases_per_severe, nnh_difference])
def test_rates_in_per_cent_are_turned_away(turned_over):
    with pytest.raises(ValueError, match="no proportion"):
        turned_over(an_estimate(22.0, 15.0, 31.0))


def test_the_number_of_the_mean_rate_is_not_the_mean_of_the_runs_numbers():
    rates = [0.02, 0.2, 0.2]
    mean = sum(rates) / 3
    assert cases_per_severe(an_estimate(mean, 0.1, 0.2)).value == pytest.approx(1 / mean)
    assert sum(1 / rate for rate in rates) / 3 > 2 / mean
