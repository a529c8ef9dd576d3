"""Sums that every processor makes the same."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.inference.exact import dot, grid, on_grid, total, total_by_halves

FINITE = st.floats(-1e6, 1e6, allow_subnormal=False)


@given(st.lists(FINITE, max_size=300))
def test_a_sum_by_halves_is_rounded_no_oftener_than_there_are_halvings(values):
    bound = 2e-15 * math.fsum(map(abs, values))  # nine halvings and an odd one each, of half a last digit
    assert abs(total_by_halves(np.array(values)) - math.fsum(values)) <= bound


@given(st.lists(FINITE, min_size=1, max_size=50))
def test_a_sum_is_rounded_once(values):
    exact = sum(map(Fraction, values))
    assert total(np.array(values)) == float(exact)


@given(st.lists(st.tuples(FINITE, FINITE), min_size=1, max_size=50), st.randoms(use_true_random=False))
def test_a_product_sum_has_no_order(pairs, random):
    left, right = np.array(pairs).T
    random.shuffle(pairs)
    again_left, again_right = np.array(pairs).T
    assert dot(left, right) == dot(again_left, again_right)


@given(st.lists(st.tuples(FINITE, st.integers(0, 1000)), min_size=1, max_size=50))
def test_on_the_grid_no_step_of_a_weighted_sum_is_rounded(pairs):
    values, weights = np.array([value for value, _ in pairs]), [weight for _, weight in pairs]
    step = grid(float(np.abs(values).max()), sum(weights))
    placed = on_grid(values, step)
    exact = sum(Fraction(value) * weight for value, weight in zip(placed.tolist(), weights, strict=True))
    added = 0.0
    for value, weight in zip(placed.tolist(), weights, strict=True):
        added += value * weight
        assert Fraction(added) % Fraction(step) == 0
    assert Fraction(added) == exact
    assert np.abs(placed - values).max() <= step / 2


def test_the_grid_is_far_finer_than_what_is_written():
    assert grid(1.0, 101 * 100) < 1e-11
    assert math.log2(grid(3.0, 7.0)).is_integer()
    assert grid(0.0, 100.0) == 1.0


def test_what_has_no_value_keeps_none():
    assert on_grid(np.array([np.nan, 0.3]), 0.25) == pytest.approx([np.nan, 0.25], nan_ok=True)
