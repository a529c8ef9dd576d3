"""What a family of comparisons costs, and that the best of many is not believed for being the best."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.inference.estimate import Estimate, Method, Weighting
from analysis.inference.families import best_of, best_on_the_others, holm, split_cases, step_down_max_t
from analysis.inference.layout import layout_of
from analysis.inference.simultaneous import bands
from analysis.inference.student import t_two_sided
from analysis.inference.twoway import twoway

levels = st.lists(st.floats(0, 1), min_size=1, max_size=8)


def test_holm_gives_what_r_gives(reference):
    case = reference["p_adjust"]
    expected = case["expected"]["holm"]["value"]
    assert holm(np.array(case["inputs"]["p"])) == pytest.approx(expected, rel=1e-12)


@given(levels)
def test_holm_never_lowers_a_p_and_keeps_their_order(p):
    adjusted = holm(np.array(p))
    assert (adjusted >= p).all()
    assert (adjusted <= 1).all()
    assert adjusted.min() == pytest.approx(min(1, len(p) * min(p)))
    assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= 0).all()


def test_what_was_not_tested_does_not_count():
    assert holm(np.array([0.01, np.nan, 0.02])).tolist() == pytest.approx([0.02, np.nan, 0.02], nan_ok=True)
    assert holm(np.array([])).size == 0


def some_draws(seed, n=2000, correlation=0.5, k=5):
    rng = np.random.default_rng(seed)
    return correlation**0.5 * rng.normal(size=(n, 1)) + (1 - correlation) ** 0.5 * rng.normal(size=(n, k))


def written_out(draws, estimates):
    """Westfall and Young's algorithm, one hypothesis at a time."""
    deviations = np.abs(draws - draws.mean(axis=0)) / draws.std(axis=0, ddof=1)
    seen = np.abs(estimates) / draws.std(axis=0, ddof=1)
    left, adjusted, before = list(np.argsort(-seen)), np.empty(len(estimates)), 0.0
    while left:
        p = (1 + np.sum(deviations[:, left].max(axis=1) >= seen[left[0]])) / (1 + len(draws))
        adjusted[left[0]] = before = max(before, p)
        left.pop(0)
    return adjusted


@given(st.integers(0, 1000))
def test_stepping_down_is_the_algorithm_written_out(seed):
    draws, estimates = some_draws(seed), np.random.default_rng(seed).normal(0, 2, 5)
    assert step_down_max_t(draws, estimates) == pytest.approx(written_out(draws, estimates))


def test_a_family_of_copies_costs_nothing_and_one_of_strangers_nearly_bonferroni():
    one = np.random.default_rng(1).normal(size=(20_000, 1))
    copies, strangers = np.repeat(one, 5, axis=1), some_draws(2, n=20_000, correlation=0.0)
    alone = step_down_max_t(one, np.array([2.5]))[0]
    assert step_down_max_t(copies, np.full(5, 2.5)) == pytest.approx(np.full(5, alone), rel=0.05)
    assert step_down_max_t(strangers, np.full(5, 2.5))[0] == pytest.approx(5 * alone, rel=0.15)


def test_a_larger_error_of_its_own_makes_a_contrast_less_rare():
    draws, estimates = some_draws(3), np.full(5, 2.5)
    errors = draws.std(axis=0, ddof=1)
    assert step_down_max_t(draws, estimates, errors) == pytest.approx(step_down_max_t(draws, estimates))
    assert (step_down_max_t(draws, estimates, 2 * errors) > step_down_max_t(draws, estimates)).all()


@pytest.mark.parametrize("draws", [np.zeros((50, 2)), np.full((50, 2), np.nan), np.ones((1, 2))])
def test_draws_that_say_nothing_give_no_p(draws):
    assert np.isnan(step_down_max_t(draws, np.ones(2))).all()


def panel(effects, seed, shape=(8, 24)):
    """K systems against readers of a full table: (K, N) differences and the layout."""
    rng = np.random.default_rng(seed)
    readings = rng.normal(0, 1, (shape[0], 1)) + rng.normal(0, 1, (1, shape[1])) + rng.normal(0, 1, shape)
    systems = np.array([rng.normal(effect, 1, (1, shape[1])) - readings for effect in effects])
    return systems.reshape(len(effects), -1), layout_of(np.ones(shape, bool))


def estimates_of(values, layout):
    return [twoway(one, layout, level=0.95) for one in values]


def test_the_band_of_the_best_is_wider_than_its_own_interval_and_its_p_larger():
    values, layout = panel(np.zeros(10), 4)
    estimates = estimates_of(values, layout)
    draws = np.array([one.value for one in estimates]) + some_draws(5, k=10) * [one.se for one in estimates]
    best = best_of(draws, estimates, level=0.95, higher_is_better=True)
    assert best.index == int(np.argmax([one.value for one in estimates]))
    assert best.estimate is estimates[best.index]
    assert best.band.low < best.estimate.low
    assert best.band.high > best.estimate.high
    assert best.p > best.estimate.p
    worst = best_of(draws, estimates, level=0.95, higher_is_better=False)
    assert worst.index == int(np.argmin([one.value for one in estimates]))


def test_the_best_of_none_or_of_one_refused_is_no_question():
    refused = twoway(np.ones(4), layout_of(np.ones((2, 2), bool)), level=0.95)
    for estimates in ([], [refused]):
        with pytest.raises(ValueError, match="that have an interval"):
            best_of(np.ones((9, len(estimates))), estimates, level=0.95, higher_is_better=True)


def test_a_split_takes_half_of_each_stratum_and_is_the_same_for_the_same_seed():
    strata = [np.arange(7), np.arange(7, 17)]
    chosen = split_cases(17, seed=3, strata=strata)
    assert (chosen[strata[0]].sum(), chosen[strata[1]].sum()) == (3, 5)
    assert (chosen == split_cases(17, seed=3, strata=strata)).all()
    assert (chosen != split_cases(17, seed=4, strata=strata)).any()
    assert split_cases(9, seed=1).sum() == 4


@pytest.mark.parametrize("weighting", Weighting)
def test_the_one_chosen_is_estimated_on_the_other_cases_alone(weighting):
    values, layout = panel([0.0, 1.5, 0.5], 6)
    chosen_on = np.arange(24) < 12
    best = best_on_the_others(values, layout, chosen_on, level=0.95, higher_is_better=True, weighting=weighting)
    first, second = values[:, chosen_on[layout.case]], values[:, ~chosen_on[layout.case]]
    assert best.index == int(np.argmax(first.mean(axis=1)))
    assert best.estimate.value == pytest.approx(second[best.index].mean())
    assert (best.estimate.n_cases, best.estimate.n_readers, best.band) == (12, 8, None)
    assert best.p == best.estimate.p
    moved = values.copy()
    moved[:, ~chosen_on[layout.case]] *= -1
    other = best_on_the_others(moved, layout, chosen_on, level=0.95, higher_is_better=True, weighting=weighting)
    assert other.index == best.index
    lowest = best_on_the_others(values, layout, chosen_on, level=0.95, higher_is_better=False, weighting=weighting)
    assert lowest.index == int(np.argmin(first.mean(axis=1)))


def test_the_best_of_thirty_equals_is_believed_as_often_as_announced():
    """Thirty systems that are no better than anybody: the naive interval errs often, band and split do not."""
    rng, naive, band, split = np.random.default_rng(7), 0, 0, 0
    n_studies, critical = 150, 3.0
    for study in range(n_studies):
        values, layout = panel(np.zeros(30), rng.integers(2**32), shape=(6, 24))
        means = values.mean(axis=1)
        best = twoway(values[int(np.argmax(means))], layout, level=0.95)
        naive += best.low > 0
        band += best.value - critical * best.se > 0
        split += (
            best_on_the_others(
                values, layout, split_cases(24, seed=study), level=0.95, higher_is_better=True
            ).estimate.low
            > 0
        )
    assert naive / n_studies > 0.06
    assert band / n_studies < 0.06
    assert split / n_studies < 0.06


def test_a_family_with_its_p_values_adjusted_errs_as_announced():
    """Step-down p values of five contrasts that are all nothing: some is below 0.05 in about one study in twenty."""
    rng, wrong, n_studies = np.random.default_rng(8), 0, 400
    factor = np.linalg.cholesky(0.5 + 0.5 * np.eye(5))
    draws = rng.normal(size=(2000, 5)) @ factor.T
    for _ in range(n_studies):
        estimates = factor @ rng.normal(size=5)
        wrong += step_down_max_t(estimates + draws, estimates).min() <= 0.05
    assert 0.02 < wrong / n_studies < 0.085


@given(st.integers(0, 1000), st.floats(1.5, 60))
def test_a_p_of_the_family_is_no_smaller_than_its_own_and_agrees_with_the_band(seed, df):
    rng = np.random.default_rng(seed)
    draws, values, se = some_draws(seed, n=500), rng.normal(0, 4, 5), rng.uniform(0.5, 2, 5)
    estimates = [
        Estimate(v, 0.95, Method.TWO_WAY, Weighting.PAIR, 9, 9, 81, se=s, df=df, p=t_two_sided(v / s, df))
        for v, s in zip(values, se, strict=True)
    ]
    adjusted = step_down_max_t(draws, values, se, np.full(5, df))
    assert (adjusted >= [one.p for one in estimates]).all()
    excluded = np.array([not band.low <= 0 <= band.high for band in bands(draws, estimates, level=0.95)])
    one_draw = 1 / (1 + len(draws))
    assert (adjusted[excluded] <= 0.05 + one_draw).all()
    largest = int(np.argmax(np.abs(values) / se))
    assert excluded[largest] or adjusted[largest] > 0.05 - one_draw


def test_a_family_with_few_degrees_of_freedom_errs_little_more_often():
    """Errors from four deviations each, independent of one another: the worst there is for maxima of correlated t."""
    rng, n_studies = np.random.default_rng(12), 600
    factor = np.linalg.cholesky(0.5 + 0.5 * np.eye(5))
    draws = rng.normal(size=(1000, 5)) @ factor.T
    wrong = {"t": 0, "normal": 0}
    for _ in range(n_studies):
        estimates, errors = factor @ rng.normal(size=5), np.sqrt(rng.chisquare(4, 5) / 4)
        wrong["t"] += step_down_max_t(draws, estimates, errors, np.full(5, 4.0)).min() <= 0.05
        wrong["normal"] += step_down_max_t(draws, estimates, errors).min() <= 0.05
    assert wrong["t"] / n_studies < 0.1
    assert wrong["normal"] / n_studies > 0.15


def test_the_errors_of_an_estimate_are_the_ones_used():
    estimates = [
        Estimate(v, 0.95, Method.TWO_WAY, Weighting.PAIR, 9, 9, 81, se=s, df=20.0) for v, s in ((3, 1), (2, 2))
    ]
    draws = some_draws(9, k=2)
    expected = step_down_max_t(draws, np.array([3.0, 2.0]), np.array([1.0, 2.0]), np.full(2, 20.0))
    assert best_of(draws, estimates, level=0.95, higher_is_better=True).p == expected[0]
