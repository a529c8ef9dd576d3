"""Obuchowski–Rockette–Hillis in complete tables, and its refusal everywhere else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.inference.estimate import Method, RefusalCode
from analysis.inference.layout import layout_of
from analysis.inference.orh import orh
from analysis.inference.twoway import twoway


def full(seed, shape=(5, 8), spread=(1.0, 1.0, 1.0)):
    rng = np.random.default_rng(seed)
    return (
        0.4
        + rng.normal(0, spread[0], (shape[0], 1))
        + rng.normal(0, spread[1], (1, shape[1]))
        + rng.normal(0, spread[2], shape)
    )


def everyone(table):
    return table.ravel(), layout_of(np.ones_like(table, bool))


@given(st.integers(0, 10_000))
def test_it_is_the_covariance_of_the_readers_figures_of_merit(seed):
    table = full(seed)
    n_readers, n_cases = table.shape
    found = orh(*everyone(table), level=0.95)
    covariance = np.cov(table) / n_cases
    shared = n_readers * max(covariance[~np.eye(n_readers, dtype=bool)].mean(), 0)
    mean_square = table.mean(axis=1).var(ddof=1)
    assert found.se**2 == pytest.approx((mean_square + shared) / n_readers)
    assert found.df == pytest.approx((n_readers - 1) * ((mean_square + shared) / mean_square) ** 2)
    assert found.shares.case + found.shares.reader + found.shares.cell == pytest.approx(1)
    assert min(found.shares.case, found.shares.reader, found.shares.cell) >= 0
    assert found.method is Method.ORH


def test_with_positive_components_its_error_is_the_defaults_and_its_degrees_of_freedom_are_not():
    table = full(1, spread=(1.0, 3.0, 1.0))
    default, found = twoway(*everyone(table), level=0.95), orh(*everyone(table), level=0.95)
    assert [found.value, found.se] == pytest.approx([default.value, default.se])
    assert found.components.reader == pytest.approx(default.components.reader)
    assert found.df > 1.2 * default.df


def test_one_missing_reading_is_refused():
    table = full(2)
    mask = np.ones_like(table, bool)
    mask[0, 0] = False
    found = orh(table[mask], layout_of(mask), level=0.95)
    assert found.refused.code is RefusalCode.INCOMPLETE_TABLE
    assert found.refused.reason.startswith("1 reading of the table is missing")
    assert found.value == pytest.approx(table[mask].mean())
    assert np.isnan([found.se, found.df, found.low, found.high, found.p]).all()


@pytest.mark.parametrize(
    ("table", "code"),
    [
        (np.ones((2, 5)), RefusalCode.FEW_READERS),
        (np.ones((5, 1)), RefusalCode.FEW_CASES),
        (np.ones((5, 5)), RefusalCode.ZERO_VARIANCE),
        (np.zeros((5, 5)), RefusalCode.ZERO_VARIANCE),
        (np.zeros((0, 0)), RefusalCode.NO_PAIRS),
        # every reader has the same mean
        (np.array([[0.0, 1, 2], [1, 2, 0], [2, 0, 1]]), RefusalCode.ZERO_VARIANCE),
    ],
)
def test_what_carries_no_interval_is_refused_by_name(table, code):
    found = orh(*everyone(table), level=0.95)
    assert found.refused.code is code
    assert np.isnan([found.se, found.df, found.low, found.high, found.p]).all()
