"""The crossed bootstrap against complete enumeration, exact moments, and plain loops over the same draws."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.inference.bootstrap import Draws, Table, draw, mean_differences, percentile, ratio_sides
from analysis.inference.estimate import RefusalCode, Weighting
from analysis.inference.layout import layout_of


def against_zero(scores):
    """Readers' scores turned so that a system of zeros minus them is the scores themselves."""
    return Table(readings=-scores, systems=np.zeros((1, scores.shape[1])))


def counts(indexes, n):
    return np.array([np.bincount(row, minlength=n) for row in indexes], dtype=np.int16)


def test_all_resamples_of_a_three_by_three_table(reference):
    case = reference["pigeonhole_enumeration"]
    matrix = np.array(case["inputs"]["matrix"], dtype=float)
    every = list(itertools.product(range(3), repeat=3))
    both = list(itertools.product(every, every))
    draws = Draws(counts([r for r, _ in both], 3), counts([c for _, c in both], 3))
    found = mean_differences(against_zero(matrix), draws)[:, 0]
    expected = {name: entry["value"] for name, entry in case["expected"].items()}
    assert found.size == 729
    assert found.mean() == pytest.approx(expected["mean"], rel=1e-10)
    assert found.var() == pytest.approx(expected["variance_population"], rel=1e-10)
    low, high = np.quantile(found, [0.025, 0.975], method="inverted_cdf")
    assert [low, high] == pytest.approx([expected["q025_type1"], expected["q975_type1"]], rel=1e-6)


def test_the_standard_error_is_the_exact_one_within_monte_carlo(penicillin, reference):
    exact = reference["crossed_mean_penicillin"]["expected"]["pigeonhole_bootstrap_se_exact"]["value"]
    draws = draw(20261121, 10_000, *penicillin.shape)
    found = mean_differences(against_zero(penicillin), draws)[:, 0]
    estimate = percentile(
        found, layout_of(np.ones_like(penicillin, bool)), value=penicillin.mean(), level=0.95, seed=draws.seed
    )
    assert estimate.se == pytest.approx(exact, rel=4 / np.sqrt(2 * 10_000))
    assert estimate.low < penicillin.mean() < estimate.high
    assert (estimate.draws, estimate.draws_without_value, estimate.seed) == (10_000, 0, 20261121)
    assert np.isnan([estimate.df, estimate.p]).all()
    assert estimate.label == "conservative in incomplete designs"


def holed_table(rng, n_readers=5, n_cases=6, n_systems=3):
    readings = rng.normal(0, 1, (n_readers, n_cases))
    readings[rng.random(readings.shape) < 0.4] = np.nan
    systems = rng.normal(0, 1, (n_systems, n_cases))
    systems[1, 2] = np.nan
    return Table(readings, systems)


def loop(table, draws, weighting):
    """The same quantity, one drawn reader and one drawn case at a time."""
    found = np.full((draws.n, len(table.systems)), np.nan)
    for b, k in itertools.product(range(draws.n), range(len(table.systems))):
        readers = np.repeat(np.arange(table.readings.shape[0]), draws.readers[b])
        cases = np.repeat(np.arange(table.readings.shape[1]), draws.cases[b])
        cells = table.systems[k][cases][None, :] - table.readings[np.ix_(readers, cases)]
        flat = [x for x in cells.ravel() if np.isfinite(x)]
        by_case = [np.mean(column[np.isfinite(column)]) for column in cells.T if np.isfinite(column).any()]
        by_reader = [np.mean(row[np.isfinite(row)]) for row in cells if np.isfinite(row).any()]
        some = {"pair": flat, "case": by_case, "reader": by_reader}[weighting]
        found[b, k] = np.mean(some) if some else np.nan
    return found


@pytest.mark.parametrize("weighting", Weighting)
@given(seed=st.integers(0, 2**32 - 1))
def test_products_of_matrices_equal_an_index_loop_over_the_same_draws(weighting, seed):
    table = holed_table(np.random.default_rng(seed))
    draws = draw(seed, 12, *table.readings.shape)
    found = mean_differences(table, draws, weighting)
    np.testing.assert_allclose(found, loop(table, draws, weighting), rtol=1e-12, atol=1e-12)


@given(seed=st.integers(0, 2**32 - 1))
def test_differences_of_ratios_equal_an_index_loop_over_the_same_draws(seed):
    rng = np.random.default_rng(seed)
    above = holed_table(rng)
    below = Table(
        *(np.where(np.isfinite(x), rng.uniform(1, 2, x.shape), np.nan) for x in (above.readings, above.systems))
    )
    draws = draw(seed, 12, 5, 6)
    found = np.subtract(*ratio_sides(above, below, draws))
    for b, k in itertools.product(range(draws.n), range(3)):
        system, physicians = [], []
        for r, c in itertools.product(range(5), range(6)):
            if np.isfinite(above.readings[r, c] + above.systems[k, c]):
                times = int(draws.readers[b, r]) * int(draws.cases[b, c])
                system += [(above.systems[k, c], below.systems[k, c])] * times
                physicians += [(above.readings[r, c], below.readings[r, c])] * times
        if not system:
            assert np.isnan(found[b, k])
            continue
        (a, b_), (x, y) = np.sum(system, axis=0), np.sum(physicians, axis=0)
        assert found[b, k] == pytest.approx(a / b_ - x / y, rel=1e-11, abs=1e-11)


def test_chunks_do_not_show(monkeypatch):
    table, draws = holed_table(np.random.default_rng(3)), draw(1, 1201, 5, 6)
    whole = mean_differences(table, draws)
    monkeypatch.setattr("analysis.inference.bootstrap.MULTIPLICATIONS", 3100)
    assert len(list(draws.chunks())) == 12
    np.testing.assert_array_equal(mean_differences(table, draws), whole)


def test_a_group_of_cases_is_what_its_own_columns_give_on_the_same_draws():
    table, draws = holed_table(np.random.default_rng(5)), draw(2, 400, 5, 6)
    group = np.array([True, False, False, True, True, False])
    within = Table(np.where(group, table.readings, np.nan), table.systems)
    found = mean_differences(within, draws)
    alone = Draws(draws.readers, draws.cases[:, group])
    np.testing.assert_allclose(
        found, mean_differences(Table(table.readings[:, group], table.systems[:, group]), alone), rtol=1e-12, atol=1e-12
    )
    np.testing.assert_allclose(
        found[:12], loop(within, Draws(draws.readers[:12], draws.cases[:12]), "pair"), atol=1e-12
    )


def test_a_mean_is_the_ratio_with_ones_below_where_some_did_not_answer_too():
    table, draws = holed_table(np.random.default_rng(6)), draw(3, 300, 5, 6)
    ones = Table(np.where(np.isfinite(table.readings), 1.0, np.nan), np.where(np.isfinite(table.systems), 1.0, np.nan))
    systems, physicians = ratio_sides(table, ones, draws)
    np.testing.assert_allclose(systems - physicians, mean_differences(table, draws), rtol=1e-12, atol=1e-12)


def test_draws_are_the_same_for_the_same_seed_and_add_up():
    draws = draw(7, 200, 11, 13)
    assert draws.digest == draw(7, 200, 11, 13).digest
    assert draws.digest != draw(8, 200, 11, 13).digest
    assert (draws.readers.sum(axis=1) == 11).all()
    assert (draws.cases.sum(axis=1) == 13).all()


def test_strata_keep_their_number_of_cases_in_every_draw():
    strata = (np.array([0, 3, 4]), np.array([1, 2]))
    draws = draw(7, 200, 4, 5, reader_strata=[np.array([1, 3])], case_strata=strata)
    for members in strata:
        assert (draws.cases[:, members].sum(axis=1) == len(members)).all()
    assert (draws.readers[:, [1, 3]].sum(axis=1) == 2).all()
    assert not draws.readers[:, [0, 2]].any()


def test_draws_without_a_value_are_counted_and_refused_above_one_in_a_thousand():
    layout = layout_of(np.ones((3, 3), bool))
    values = np.random.default_rng(0).normal(size=10_000)
    values[:10] = np.nan
    allowed = percentile(values, layout, value=0.0, level=0.95)
    assert (allowed.draws_without_value, allowed.refused) == (10, None)
    values[10] = np.nan
    refused = percentile(values, layout, value=0.0, level=0.95)
    assert refused.refused.code is RefusalCode.DRAWS_WITHOUT_VALUE
    assert np.isnan([refused.se, refused.low, refused.high]).all()


def test_the_standard_error_is_the_standard_deviation_of_the_draws_over_one_less_than_their_number():
    values = np.random.default_rng(0).normal(3, 2, 7)
    estimate = percentile(values, layout_of(np.ones((3, 3), bool)), value=0.0, level=0.95)
    assert estimate.se == pytest.approx(values.std(ddof=1), rel=1e-12)


def test_cases_drawn_within_strata_are_a_variant_that_says_so():
    values = np.random.default_rng(0).normal(3, 2, 50)
    layout = layout_of(np.ones((3, 3), bool))
    plain = percentile(values, layout, value=3.0, level=0.95)
    within = percentile(values, layout, value=3.0, level=0.95, within_strata=True)
    assert within == replace(plain, label="cases drawn within strata; conservative in incomplete designs")


def test_small_designs_and_constant_draws_are_refused_here_too():
    small = percentile(np.arange(9.0), layout_of(np.ones((2, 9), bool)), value=1.0, level=0.95)
    assert small.refused.code is RefusalCode.FEW_READERS
    constant = percentile(np.full(9, 2.0), layout_of(np.ones((3, 3), bool)), value=2.0, level=0.95)
    assert constant.refused.code is RefusalCode.ZERO_VARIANCE


@pytest.mark.parametrize("weighting", Weighting)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_adding_does_not_show_in_a_single_bit(weighting, seed):
    rng = np.random.default_rng(seed)
    table, draws = holed_table(rng, 9, 11), draw(seed, 40, 9, 11)
    rows, columns, systems = rng.permutation(9), rng.permutation(11), rng.permutation(3)
    turned = Table(table.readings[np.ix_(rows, columns)], table.systems[np.ix_(systems, columns)])
    also = Draws(draws.readers[:, rows], draws.cases[:, columns])
    here, there = mean_differences(table, draws, weighting), mean_differences(turned, also, weighting)
    np.testing.assert_array_equal(here[:, systems], there)
