"""Ratios through influence values: the same interval as for a mean, and no variance where nothing differs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.inference.estimate import RefusalCode
from analysis.inference.influence import difference, harmonic_mean, mean, ratio
from analysis.inference.layout import layout_of, weights_of
from analysis.inference.twoway import twoway

LAYOUT = layout_of(np.ones((4, 5), bool))
EQUAL = weights_of(LAYOUT, "pair")


def some(seed, low=0.5, high=2.0):
    return np.random.default_rng(seed).uniform(low, high, 20)


@given(st.integers(0, 1000))
def test_a_ratio_over_ones_is_the_mean(seed):
    values = some(seed)
    as_ratio, as_mean = ratio(values, np.ones(20), EQUAL), mean(values, EQUAL)
    assert as_ratio[0] == pytest.approx(as_mean[0])
    np.testing.assert_allclose(as_ratio[1], as_mean[1], atol=1e-14)


@given(st.integers(0, 1000))
def test_influences_say_how_the_ratio_moves_when_a_reading_weighs_more(seed):
    above, below = some(seed), some(seed + 1)
    value, influence = ratio(above, below, EQUAL)
    assert EQUAL @ influence == pytest.approx(0, abs=1e-12)
    step = 1e-6
    for i in (0, 7, 19):
        heavier = EQUAL.copy()
        heavier[i] += step
        assert (ratio(above, below, heavier)[0] - value) / step == pytest.approx(influence[i], rel=1e-4, abs=1e-6)


@given(st.integers(0, 1000), st.floats(0.1, 50))
def test_counting_in_other_units_changes_no_ratio(seed, factor):
    above, below = some(seed), some(seed + 1)
    here = ratio(above, below, EQUAL)
    there = ratio(factor * above, factor * below, EQUAL)
    assert there[0] == pytest.approx(here[0])
    np.testing.assert_allclose(there[1], here[1], atol=1e-12)


def test_equal_ratios_differ_by_nothing():
    above, below = some(1), some(2)
    value, influence = difference(ratio(3 * above, 3 * below, EQUAL), ratio(above, below, EQUAL))
    estimate = twoway(influence, LAYOUT, level=0.95, value=value)
    assert estimate.value == pytest.approx(0, abs=1e-12)
    assert estimate.refused.code is RefusalCode.ZERO_VARIANCE


def test_a_ratio_of_constant_ratios_has_no_variance():
    below = some(3)
    value, influence = ratio(0.25 * below, below, EQUAL)
    assert value == pytest.approx(0.25)
    assert (influence == 0).all()


def test_nothing_below_the_line_has_no_value():
    value, influence = ratio(np.ones(20), np.zeros(20), EQUAL)
    assert np.isnan(value)
    assert np.isnan(influence).all()


@given(st.integers(0, 1000), st.integers(2, 3))
def test_influences_say_how_a_harmonic_mean_moves_when_a_reading_weighs_more(seed, n):
    above, below = (
        [some(seed + 2 * k, 0.1, 0.3 + k) for k in range(n)],
        [some(seed + 2 * k + 1, 3.0, 4.0) for k in range(n)],
    )

    def harmonic(weights):
        return harmonic_mean([ratio(a, b, weights) for a, b in zip(above, below, strict=True)])

    value, influence = harmonic(EQUAL)
    assert value == pytest.approx(n / sum(1 / ratio(a, b, EQUAL)[0] for a, b in zip(above, below, strict=True)))
    step = 1e-6
    for i in (0, 7, 19):
        heavier = EQUAL.copy()
        heavier[i] += step
        assert (harmonic(heavier)[0] - value) / step == pytest.approx(influence[i], rel=1e-4, abs=1e-6)
