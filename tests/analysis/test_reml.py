"""The mixed model against R, against a dense likelihood, and against the default."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.estimate import RefusalCode
from analysis.layout import layout_of
from analysis.reml import fit_at, maximise, reml, sums_of
from analysis.twoway import twoway


def test_the_penicillin_table_gives_what_r_gives(penicillin, reference):
    expected = {name: entry["value"] for name, entry in reference["crossed_mean_penicillin"]["expected"].items()}
    layout = layout_of(np.ones_like(penicillin, bool))
    found = reml(penicillin.ravel(), layout, level=0.95)
    assert found.value == pytest.approx(expected["mean"], rel=1e-9)
    assert found.se == pytest.approx(expected["reml_se"], rel=1e-7)
    assert found.df == pytest.approx(expected["satterthwaite_df"], rel=1e-5)
    assert found.df == pytest.approx(expected["kenward_roger_df"], rel=1e-5)
    assert [found.low, found.high] == pytest.approx(expected["ci95_satterthwaite"], rel=1e-6)
    assert found.components.case == pytest.approx(expected["var_plate"], rel=1e-5)
    assert found.components.reader == pytest.approx(expected["var_sample"], rel=1e-5)
    assert found.components.cell == pytest.approx(expected["var_residual"], rel=1e-5)
    data = sums_of(penicillin.ravel(), layout)
    variances = np.array([found.components.reader, found.components.case, found.components.cell])
    assert fit_at(variances, data).criterion == pytest.approx(expected["reml_criterion"], rel=1e-8)


def dense(variances, values, layout):
    """−2 × the restricted log-likelihood, by the whole covariance matrix."""
    same_reader = layout.reader[:, None] == layout.reader[None, :]
    same_case = layout.case[:, None] == layout.case[None, :]
    covariance = variances[0] * same_reader + variances[1] * same_case + variances[2] * np.eye(values.size)
    precision = np.linalg.inv(covariance)
    weight = precision.sum()
    mean = precision.sum(axis=0) @ values / weight
    rest = values - mean
    constant = (values.size - 1) * np.log(2 * np.pi)
    return constant + np.linalg.slogdet(covariance)[1] + np.log(weight) + rest @ precision @ rest, mean, 1 / weight


def holed(seed, shape=(6, 8), reader=1.0, case=1.0, cell=1.0):
    rng = np.random.default_rng(seed)
    values = rng.normal(0, reader, (shape[0], 1)) + rng.normal(0, case, (1, shape[1])) + rng.normal(0.2, cell, shape)
    mask = rng.random(shape) < 0.7
    layout = layout_of(mask)
    assume(twoway(values[mask], layout, level=0.95).refused is None)
    return values[mask], layout


@given(st.integers(0, 10_000), st.tuples(*[st.floats(0.01, 5)] * 3))
def test_the_small_equations_give_the_likelihood_of_the_whole_matrix(seed, variances):
    values, layout = holed(seed)
    fit = fit_at(np.array(variances), sums_of(values, layout))
    criterion, mean, variance = dense(variances, values, layout)
    assert [fit.criterion, fit.mean, fit.variance_of_mean] == pytest.approx([criterion, mean, variance], rel=1e-8)
    step = 1e-5
    for place in range(3):
        ahead, behind = (
            dense(np.array(variances) + sign * step * np.eye(3)[place], values, layout) for sign in (1, -1)
        )
        assert fit.gradient[place] == pytest.approx((ahead[0] - behind[0]) / (2 * step), rel=1e-3, abs=1e-3)
        assert fit.slopes[place] == pytest.approx((ahead[2] - behind[2]) / (2 * step), rel=1e-3, abs=1e-6)


@given(st.integers(0, 10_000), st.sampled_from([(1, 1, 1), (0, 1, 1), (1, 0, 1), (0, 0, 1), (3, 1, 0.1)]))
def test_no_other_variances_are_more_likely(seed, truth):
    values, layout = holed(seed, reader=truth[0], case=truth[1], cell=truth[2])
    data = sums_of(values, layout)
    best = maximise(data, np.array([0.5, 0.5, 0.5]))
    assert best is not None
    least = fit_at(best, data).criterion
    for factor in (0.9, 1.1):
        for place in range(3):
            other = best.copy()
            other[place] = other[place] * factor + 0.01 * (other[place] == 0)
            assert fit_at(other, data).criterion >= least - 1e-7


@given(st.integers(0, 10_000), st.floats(0.01, 100), st.floats(-100, 100))
def test_units_and_origin_do_not_matter(seed, factor, shift):
    values, layout = holed(seed)
    here, there = reml(values, layout, level=0.95), reml(factor * values + shift, layout, level=0.95)
    assert there.value == pytest.approx(factor * here.value + shift, rel=1e-6, abs=1e-6 * factor)
    assert there.se == pytest.approx(factor * here.se, rel=1e-5)
    assert there.df == pytest.approx(here.df, rel=1e-3)


def test_a_full_table_of_positive_components_is_the_default():
    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, (8, 1)) + rng.normal(0, 1, (1, 9)) + rng.normal(0, 1, (8, 9))
    layout = layout_of(np.ones((8, 9), bool))
    here, there = reml(values.ravel(), layout, level=0.95), twoway(values.ravel(), layout, level=0.95)
    assert [here.value, here.se] == pytest.approx([there.value, there.se], rel=1e-6)
    assert here.df == pytest.approx(there.df, rel=1e-3)
    assert here.shares.reader == pytest.approx(there.shares.reader, rel=1e-5)


def test_it_is_refused_where_the_default_is():
    constant = reml(np.full(12, 2.0), layout_of(np.ones((3, 4), bool)), level=0.95)
    assert constant.refused.code is RefusalCode.ZERO_VARIANCE
    assert constant.value == 2
    few = reml(np.arange(8.0), layout_of(np.ones((2, 4), bool)), level=0.95)
    assert few.refused.code is RefusalCode.FEW_READERS


def test_where_readers_and_cases_explain_everything_there_is_no_maximum():
    rng = np.random.default_rng(2)
    values = rng.normal(0, 1, (5, 1)) + rng.normal(0, 1, (1, 6))
    found = reml(values.ravel(), layout_of(np.ones((5, 6), bool)), level=0.95)
    assert found.refused.code is RefusalCode.NOT_CONVERGED
    assert np.isnan([found.value, found.se]).all()


def test_rare_events_leave_components_at_zero_and_an_interval():
    events = (np.random.default_rng(3).random((6, 30)) < 0.05).astype(float)
    found = reml(events.ravel(), layout_of(np.ones((6, 30), bool)), level=0.95)
    assert found.refused is None
    assert min(found.components.case, found.components.reader) == 0
    assert found.low < events.mean() < found.high
