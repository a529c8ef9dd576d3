"""Intervals of one factor only: what each is, what it says it is, and when it is refused."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.inference.bootstrap import draw
from analysis.inference.conditional import between_systems, case_bootstrap, new_cases, new_readers, runs
from analysis.inference.estimate import Method, RefusalCode, Weighting
from analysis.inference.layout import layout_of, weights_of
from analysis.inference.student import t_quantile
from analysis.inference.twoway import twoway


def some(seed, shape=(6, 8), holes=0.3):
    rng = np.random.default_rng(seed)
    table = rng.normal(0, 1, (shape[0], 1)) + rng.normal(0, 1, (1, shape[1])) + rng.normal(0.3, 1, shape)
    return np.where(rng.random(shape) < holes, np.nan, table)


def readings(table):
    mask = np.isfinite(table)
    return table[mask], layout_of(mask)


@given(st.integers(0, 10_000), st.sampled_from([0, 1]))
def test_it_is_students_t_on_the_means_of_the_random_factor(seed, axis):
    table = some(seed)
    table = table[np.isfinite(table).any(axis=1)][:, np.isfinite(table).any(axis=0)]
    means = np.nanmean(table, axis=axis)
    found = (new_cases, new_readers)[axis](*readings(table), level=0.9)
    assert found.value == pytest.approx(means.mean())
    assert found.se == pytest.approx(means.std(ddof=1) / len(means) ** 0.5)
    assert found.df == len(means) - 1
    assert found.high - found.value == pytest.approx(t_quantile(0.95, found.df) * found.se)


def test_each_says_what_is_random_and_under_which_label_it_may_be_shown():
    values, layout = readings(some(1))
    cases, readers = new_cases(values, layout, level=0.95), new_readers(values, layout, level=0.95)
    assert (cases.method, cases.random, cases.weighting) == (Method.CASES, ("case",), Weighting.CASE)
    assert cases.label == "these physicians, new cases"
    assert (readers.method, readers.random, readers.weighting) == (Method.READERS, ("reader",), Weighting.READER)
    assert readers.label == "these cases, new physicians"
    systems = between_systems(np.arange(5.0), level=0.95)
    assert (systems.random, systems.label) == (("case",), "these systems, new cases")
    assert (systems.n_readers, systems.n_cases, systems.n_readings) == (0, 5, 0)


def test_where_physicians_differ_the_interval_for_these_physicians_is_far_too_narrow_for_others():
    rng = np.random.default_rng(4)
    values = (rng.normal(0, 5, (8, 1)) + rng.normal(0, 1, (8, 40))).ravel()
    layout = layout_of(np.ones((8, 40), bool))
    assert twoway(values, layout, level=0.95).se > 5 * new_cases(values, layout, level=0.95).se


@pytest.mark.parametrize(
    ("method", "table", "code"),
    [
        (new_cases, np.ones((5, 2)), RefusalCode.FEW_CASES),
        (new_cases, np.ones((5, 1)), RefusalCode.FEW_CASES),
        (new_readers, np.ones((2, 5)), RefusalCode.FEW_READERS),
        (new_cases, np.ones((5, 5)), RefusalCode.ZERO_VARIANCE),
        (new_readers, np.zeros((5, 5)), RefusalCode.ZERO_VARIANCE),
        (new_cases, np.full((4, 4), np.nan), RefusalCode.NO_PAIRS),
        (new_readers, np.full((4, 4), np.nan), RefusalCode.NO_PAIRS),
    ],
)
def test_what_carries_no_interval_is_refused_by_name(method, table, code):
    found = method(*readings(table), level=0.95)
    assert found.refused.code is code
    assert np.isnan([found.se, found.df, found.low, found.high, found.p]).all()


def test_one_reader_says_something_of_new_cases_and_nothing_of_new_readers():
    values, layout = readings(some(2, shape=(1, 9), holes=0))
    assert new_cases(values, layout, level=0.95).refused is None
    assert new_readers(values, layout, level=0.95).refused.code is RefusalCode.FEW_READERS


def contrast(system, table):
    values, layout = readings(system - table)
    weights = layout.by_case(weights_of(layout, Weighting.PAIR))
    return twoway(values, layout, level=0.95), weights


def test_run_to_run_is_the_spread_of_the_runs_means_on_the_pairs_weights():
    table, by_run = some(5), np.random.default_rng(6).normal(0, 1, (4, 8))
    estimate, weights = contrast(by_run.mean(axis=0), table)
    found = runs(by_run, weights, estimate)
    means = by_run @ weights
    assert found.value == estimate.value
    assert found.se == pytest.approx(means.std(ddof=1) / 2)
    assert (found.df, found.random, found.label) == (3, ("run",), "run to run on these cases")
    assert np.isnan(found.components.case)


def test_more_runs_make_it_as_narrow_as_you_like_and_the_default_no_narrower():
    table, rng = some(5), np.random.default_rng(7)
    easy = rng.normal(0, 2, 8)
    few, many = (easy + rng.normal(0, 0.5, (n, 8)) for n in (4, 4000))
    of_few, of_many = (runs(by_run, contrast(by_run.mean(0), table)[1], contrast(by_run.mean(0), table)[0])
                       for by_run in (few, many))  # fmt: skip
    assert of_many.se < of_few.se / 10
    assert contrast(many.mean(0), table)[0].se > 10 * of_many.se


@pytest.mark.parametrize(
    ("by_run", "code"),
    [
        (np.ones((2, 8)), RefusalCode.FEW_RUNS),
        (np.ones((5, 8)), RefusalCode.ZERO_VARIANCE),
        (np.where(np.eye(5, 8), np.nan, 1.0), RefusalCode.INCOMPLETE_TABLE),
    ],
)
def test_runs_that_cannot_be_compared_are_refused_by_name(by_run, code):
    estimate, weights = contrast(np.zeros(8), some(5))
    found = runs(by_run, weights, estimate)
    assert found.refused.code is code
    assert np.isnan([found.se, found.low, found.high, found.p]).all()


def test_the_case_bootstrap_has_the_error_of_the_cases_spread():
    values, layout = readings(some(8, shape=(5, 40)))
    per_case = layout.by_case(values) / layout.per_case
    estimate = new_cases(values, layout, level=0.95)
    found = case_bootstrap(per_case, draw(1, 4000, 1, per_case.size), estimate)
    assert found.se == pytest.approx(per_case.std() / per_case.size**0.5, rel=0.05)
    assert (found.method, found.label, found.random) == (Method.CASE_BOOTSTRAP, estimate.label, ("case",))
    assert (found.seed, found.draws, found.draws_without_value) == (1, 4000, 0)
    assert np.isnan([found.df, found.p]).all()
    assert found.low < found.value < found.high


def test_cases_drawn_within_their_strata_do_not_vary_between_them():
    per_case = np.repeat([0.0, 100.0], 10) + np.tile([0.0, 1.0], 10)
    strata = [np.arange(10), np.arange(10, 20)]
    estimate = between_systems(per_case, level=0.95)
    whole = case_bootstrap(per_case, draw(1, 2000, 1, 20), estimate)
    within = case_bootstrap(per_case, draw(1, 2000, 1, 20, case_strata=strata), estimate)
    assert within.se < whole.se / 20
    assert within.se == pytest.approx(0.5 / 20**0.5, rel=0.1)


def test_a_refused_contrast_stays_refused_in_its_bootstrap():
    estimate = between_systems(np.arange(2.0), level=0.95)
    found = case_bootstrap(np.arange(2.0), draw(1, 50, 1, 2), estimate)
    assert found.refused.code is RefusalCode.FEW_CASES
    assert np.isnan([found.se, found.low, found.high]).all()


@pytest.mark.parametrize("value", [0.0, 1.0, -3.5])
def test_systems_that_differ_by_the_same_everywhere_have_no_interval(value):
    found = between_systems(np.full(9, value), level=0.95)
    assert found.value == value
    assert found.refused.code is RefusalCode.ZERO_VARIANCE
