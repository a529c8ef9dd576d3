"""Two-way cluster-robust variances against loops over clusters, R's sandwich, and their own laws."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.inference.estimate import Method, RefusalCode, Weighting
from analysis.inference.layout import layout_of, weights_of
from analysis.inference.robust import LARGER, robust, two_way_covariance, two_way_variance
from analysis.inference.student import t_quantile


def some(seed, shape=(6, 8), holes=0.3):
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1, (shape[0], 1)) + rng.normal(0, 1, (1, shape[1])) + rng.normal(0.3, 1, shape)
    mask = rng.random(shape) >= holes
    return values[mask], layout_of(mask)


@given(st.integers(0, 10_000))
def test_the_covariance_is_a_sum_over_pairs_of_readings_that_share_something(seed):
    _, layout = some(seed)
    scores = np.random.default_rng(seed).normal(size=(layout.n_readings, 3))
    factor = {n: n / (n - 1) for n in (layout.n_readers, layout.n_cases, layout.n_readings)}
    expected = np.zeros((3, 3))
    for i, j in itertools.product(range(layout.n_readings), repeat=2):
        share = (layout.reader[i] == layout.reader[j]) * factor[layout.n_readers]
        share += (layout.case[i] == layout.case[j]) * factor[layout.n_cases]
        share -= (i == j) * factor[layout.n_readings]
        expected += share * np.outer(scores[i], scores[j])
    found = two_way_covariance(scores, layout)
    assert found == pytest.approx(expected, rel=1e-10, abs=1e-10)
    contrast = np.array([1.0, -2.0, 0.5])
    one = two_way_variance(scores @ contrast, layout)
    assert one.combined == pytest.approx(contrast @ found @ contrast, rel=1e-10, abs=1e-10)


# R 4.2.2, sandwich 3.0-2, on y below in row-major order of the 4 x 5 table without its first cell, x = 0, 1, 2, ...:
#   vcovCL(lm(y ~ x), cluster = ~ reader + case, type = "HC1", multi0 = FALSE)
VCOVCL = [[2.114187691117448, -0.182058143188215], [-0.182058143188215, 0.017757348804834]]
VCOVCL_MEAN = 0.440609895736084


def a_regression():
    mask = np.ones((4, 5), bool)
    mask[0, 0] = False
    layout = layout_of(mask)
    y = np.array([3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8], dtype=float)
    return y, np.column_stack([np.ones(19), np.arange(19.0)]), layout


def test_a_regression_has_the_covariance_that_sandwich_gives():
    y, x, layout = a_regression()
    inverse = np.linalg.inv(x.T @ x)
    scores = (y - x @ inverse @ x.T @ y)[:, None] * x @ inverse
    assert two_way_covariance(scores, layout, n_coefficients=2) == pytest.approx(np.array(VCOVCL), rel=1e-9)


def test_a_mean_has_the_variance_that_sandwich_gives_and_a_t_of_the_fewer_clusters():
    y, _, layout = a_regression()
    found = robust(y, layout, level=0.95)
    assert found.se**2 == pytest.approx(VCOVCL_MEAN, rel=1e-9)
    assert found.df == 3
    assert found.high - found.value == pytest.approx(t_quantile(0.975, 3) * found.se)
    assert found.value == pytest.approx(y.mean())
    assert (found.method, found.random) == (Method.ROBUST, ("reader", "case"))
    assert found.label.startswith("sensitivity")
    assert np.isnan([found.components.case, found.shares.reader]).all()


@given(st.integers(0, 10_000), st.sampled_from(Weighting), st.floats(0.01, 100), st.floats(-50, 50))
def test_units_scale_the_interval_and_a_shift_moves_it(seed, weighting, factor, shift):
    values, layout = some(seed)
    here = robust(values, layout, level=0.9, weighting=weighting)
    there = robust(factor * values + shift, layout, level=0.9, weighting=weighting)
    assert there.value == pytest.approx(factor * here.value + shift, abs=1e-9)
    assert there.se == pytest.approx(factor * here.se, rel=1e-6)


@given(st.integers(0, 10_000), st.sampled_from(Weighting))
def test_influence_values_carry_the_value_they_belong_to(seed, weighting):
    values, layout = some(seed)
    mean = float(weights_of(layout, weighting) @ values)
    direct = robust(values, layout, level=0.95, weighting=weighting)
    carried = robust(values - mean, layout, level=0.95, weighting=weighting, value=12.5)
    assert carried.value == 12.5
    assert carried.se == pytest.approx(direct.se, rel=1e-9)


def test_a_variance_that_would_be_negative_gives_way_to_the_larger_one_and_says_so():
    values = np.array([[1.0, -1, 0], [-1, 1, 0], [0, 0, 0], [1, -1, 1e-3]])
    layout = layout_of(np.ones_like(values, bool))
    found = robust(values.ravel(), layout, level=0.95)
    scores = (values.ravel() - values.mean()) / values.size
    parts = two_way_variance(scores, layout)
    assert parts.combined < 0
    assert found.se**2 == pytest.approx(max(parts.reader, parts.case))
    assert LARGER in found.label


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (np.ones((2, 5)), RefusalCode.FEW_READERS),
        (np.ones((5, 2)), RefusalCode.FEW_CASES),
        (np.ones((5, 5)), RefusalCode.ZERO_VARIANCE),
        (np.zeros((5, 5)), RefusalCode.ZERO_VARIANCE),
        (np.where(np.eye(5), 1.0, np.nan), RefusalCode.FEW_SHARED_CASES),
        (np.full((3, 3), np.nan), RefusalCode.NO_PAIRS),
        # every reader's and every case's sum is the mean's: clusters vary in nothing
        (np.array([[0.0, 1, 2], [1, 2, 0], [2, 0, 1]]), RefusalCode.ZERO_VARIANCE),
    ],
)
def test_what_carries_no_interval_is_refused_by_name(values, code):
    mask = np.isfinite(values)
    found = robust(values[mask], layout_of(mask), level=0.95)
    assert found.refused.code is code
    assert np.isnan([found.se, found.df, found.low, found.high, found.p]).all()
