"""Intervals of one rate against R, and what is said where nothing varied."""

from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.inference.estimate import Estimate, Method, Refusal, RefusalCode, Weighting
from analysis.inference.rates import (
    EFFECTIVE,
    EXACT,
    effective_n,
    exact_on_cases,
    on_log_scale,
    on_logit_scale,
    wilson,
    with_effective_n,
)
from analysis.inference.refusals import ZERO_VARIANCE


def a_rate(value, **fields):
    counts = {"n_readers": 10, "n_cases": 30, "n_readings": 300} | fields
    return Estimate(value, 0.95, Method.TWO_WAY, Weighting.PAIR, **counts)


@pytest.mark.parametrize(("call", "events", "n"), [("wilson_81_263", 81, 263), ("wilson_22_100", 22, 100)])
def test_wilson_is_that_of_r(reference, call, events, n):
    assert wilson(events / n, n, 0.95) == pytest.approx(reference["proportions"]["expected"][call]["value"], rel=1e-7)


def test_no_event_and_every_event_reach_the_ends_of_wilson(reference):
    expected = reference["proportions"]["expected"]["wilson_0_20"]["value"]
    assert wilson(0.0, 20, 0.95) == (0.0, pytest.approx(expected[1], rel=1e-7))
    assert wilson(1.0, 20, 0.95) == (pytest.approx(1 - expected[1], rel=1e-7), 1.0)


def test_with_the_variance_of_independent_trials_the_effective_sample_is_their_number(reference):
    found = with_effective_n(a_rate(0.22, se=(0.22 * 0.78 / 100) ** 0.5, df=1e12))
    assert effective_n(found) == pytest.approx(100)
    expected = reference["proportions"]["expected"]["wilson_22_100"]["value"]
    assert [found.low, found.high] == pytest.approx(expected, rel=1e-7)
    assert (found.method, found.label, found.random) == (Method.WILSON, EFFECTIVE, ("reader", "case"))


def test_a_variance_that_is_known_from_few_readers_is_worth_fewer_trials():
    se = (0.22 * 0.78 / 100) ** 0.5
    of_few, of_many = (with_effective_n(a_rate(0.22, se=se, df=df)) for df in (9.0, 90.0))
    assert of_few.low < of_many.low < of_many.high < of_few.high
    assert of_few.df == 9.0


def test_readings_that_hang_together_are_worth_fewer_trials_than_there_are():
    found = a_rate(0.2, se=0.06, df=12.0)
    assert effective_n(found) == pytest.approx(0.16 / 0.0036)
    assert effective_n(found) < found.n_readings


@given(st.floats(0.001, 0.999), st.floats(1e-4, 0.4), st.floats(2, 200))
def test_both_intervals_stay_between_0_and_1_and_hold_the_rate(value, se, df):
    rate = a_rate(value, se=se, df=df)
    for found in (on_logit_scale(rate), with_effective_n(rate)):
        assert 0 <= found.low < value < found.high <= 1


@given(st.floats(0.001, 50), st.floats(1e-4, 100), st.floats(2, 200))
def test_the_interval_of_a_count_stays_above_0_and_holds_it(value, se, df):
    found = on_log_scale(a_rate(value, se=se, df=df))
    assert 0 < found.low < value < found.high
    assert found.low * found.high == pytest.approx(value**2)


@pytest.mark.parametrize(("value", "low", "high"), [(0.0, 0.0, 1 - 0.025 ** (1 / 30)), (1.0, 0.025 ** (1 / 30), 1.0)])
def test_without_variance_the_trials_are_the_cases_and_the_label_says_so(value, low, high):
    rate = a_rate(value, refused=ZERO_VARIANCE)
    found = with_effective_n(rate)
    assert found == exact_on_cases(rate)
    assert (found.low, found.high) == pytest.approx((low, high))
    assert (found.method, found.label, found.random) == (Method.CLOPPER_PEARSON, EXACT, ("case",))
    assert found.refused is None


def test_a_rate_between_that_does_not_vary_over_cases_has_the_exact_interval_too():
    found = exact_on_cases(a_rate(0.5, refused=ZERO_VARIANCE))
    assert found.low + found.high == pytest.approx(1)
    assert 0.3 < found.low < 0.5


@pytest.mark.parametrize("carried_over", [on_logit_scale, on_log_scale, with_effective_n, exact_on_cases])
def test_another_refusal_stays_refused(carried_over):
    rate = a_rate(0.2, refused=Refusal(RefusalCode.FEW_READERS, "2 readers."))
    assert carried_over(rate).refused is rate.refused
    assert isnan(carried_over(rate).low)
