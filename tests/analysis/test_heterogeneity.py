"""How far groups lie apart: Cochran's Q by hand where estimates are independent, and generalised where they are not."""

import numpy as np
import pytest

from analysis.inference.estimate import RefusalCode
from analysis.inference.heterogeneity import heterogeneity


def draws_with(covariance, n=4_000):
    """Draws whose sample covariance is exactly this."""
    raw = np.random.default_rng(3).normal(size=(n, len(covariance)))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw.T))).T
    return white @ np.linalg.cholesky(np.array(covariance)).T


def test_independent_groups_have_the_textbooks_q():
    estimates, variances = np.array([0.1, 0.3, 0.7]), np.array([0.01, 0.02, 0.04])
    weights = 1 / variances
    common = (weights * estimates).sum() / weights.sum()
    q = (weights * (estimates - common) ** 2).sum()
    found = heterogeneity("abc", estimates, draws_with(np.diag(variances)))
    assert (found.q, found.common, found.df) == (pytest.approx(q), pytest.approx(common), 2)
    assert found.share == pytest.approx((q - 2) / q)


def test_what_groups_share_is_heeded():
    covariance = np.array([[0.02, 0.015], [0.015, 0.02]])
    estimates = np.array([0.2, 0.5])
    inverse, ones = np.linalg.inv(covariance), np.ones(2)
    common = (ones @ inverse @ estimates) / (ones @ inverse @ ones)
    q = (estimates - common) @ inverse @ (estimates - common)
    found = heterogeneity("ab", estimates, draws_with(covariance))
    assert found.q == pytest.approx(q)
    alone = heterogeneity("ab", estimates, draws_with(np.diag([0.02, 0.02])))
    assert found.q > 3 * alone.q


def test_equal_groups_are_not_apart():
    found = heterogeneity("ab", np.array([0.4, 0.4]), draws_with(np.diag([0.01, 0.02])))
    assert (found.q, found.share) == (pytest.approx(0, abs=1e-12), 0.0)
    assert found.common == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("estimates", "draws", "code"),
    [
        ([0.1], np.random.default_rng(1).normal(size=(100, 1)), RefusalCode.NOT_IDENTIFIED),
        ([0.1, 0.2], np.repeat(np.random.default_rng(1).normal(size=(100, 1)), 2, axis=1), RefusalCode.NOT_IDENTIFIED),
        ([0.1, 0.2], np.full((100, 2), np.nan), RefusalCode.DRAWS_WITHOUT_VALUE),
    ],
)
def test_what_cannot_be_told_is_refused_without_a_number(estimates, draws, code):
    found = heterogeneity("ab"[: len(estimates)], np.array(estimates), draws)
    assert found.refused.code is code
    assert np.isnan([found.q, found.share, found.common]).all()


def test_the_order_of_the_draws_does_not_show():
    draws = draws_with([[0.02, 0.01], [0.01, 0.03]])
    estimates = np.array([0.2, 0.5])
    assert heterogeneity("ab", estimates, draws) == heterogeneity("ab", estimates, draws[::-1])
