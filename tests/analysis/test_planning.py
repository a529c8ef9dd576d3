"""Precision and power before a study: the published table, simulation against formula, and what is refused."""

import numpy as np
import pytest
from scipy import stats

from analysis.inference.estimate import Components, RefusalCode
from analysis.inference.layout import layout_of
from analysis.inference.planning import (
    Precision,
    balanced,
    floor,
    known_within,
    power,
    power_for_margin,
    precision,
    simulate,
)
from analysis.inference.twoway import twoway

ASSUMED = Components(case=12.0**2, reader=8.0**2, cell=16.0**2)

# Readers, cases, cases each; then from a simulation: standard error, half-width, power at 5, 8 and 10.
TABLE = [
    (10, 30, 30, 3.47, 7.2, 0.27, 0.58, 0.78),
    (10, 100, 30, 2.95, 6.2, 0.36, 0.70, 0.87),
    (20, 100, 15, 2.34, 4.7, 0.54, 0.90, 0.99),
    (20, 100, 30, 2.25, 4.5, 0.58, 0.92, 0.99),
    (30, 100, 20, 2.00, 4.0, 0.71, 0.97, 1.00),
    (50, 100, 20, 1.73, 3.4, 0.80, 0.99, 1.00),
    (101, 100, 15, 1.50, 3.0, 0.91, 1.00, 1.00),
    (101, 100, 30, 1.47, 2.9, 0.92, 1.00, 1.00),
    (101, 300, 30, 1.09, 2.2, 0.99, 1.00, 1.00),
]


def planned(n_readers, n_cases, each, level=0.95, assumed=ASSUMED):
    return precision(assumed, layout_of(balanced(n_readers, n_cases, each)), level=level)


@pytest.mark.parametrize(("n_readers", "n_cases", "each", "se", "half_width", "at_5", "at_8", "at_10"), TABLE)
def test_the_published_table_of_sizes_within_its_rounding(n_readers, n_cases, each, se, half_width, at_5, at_8, at_10):
    """Its half-widths are means over simulated studies, a little below the formula's; its powers are simulated too."""
    found = planned(n_readers, n_cases, each)
    assert found.n_readings == n_readers * each
    assert found.se == pytest.approx(se, abs=0.005)
    assert half_width - 0.05 <= found.half_width <= half_width * 1.03 + 0.05
    assert [power(found, effect) for effect in (5, 8, 10)] == pytest.approx([at_5, at_8, at_10], abs=0.025)
    assert power_for_margin(found, 5) == pytest.approx(at_5, abs=0.025)


def test_invented_studies_have_the_half_width_power_and_coverage_of_the_published_table():
    found = simulate(ASSUMED, balanced(10, 100, 30), level=0.95, n=600, seed=1, effects=(5, 10), margin=5)
    assert found.half_width == pytest.approx(6.2, abs=0.15)
    # Three standard errors of the simulation.
    assert found.coverage == pytest.approx(0.952, abs=3 * found.error(0.952))
    assert found.power == pytest.approx((0.36, 0.87), abs=3 * found.error(0.36))
    assert found.power_margin == pytest.approx(0.36, abs=3 * found.error(0.36))
    assert found.half_widths[0] < found.half_width < found.half_widths[1]
    assert found.n_refused == 0


def test_the_formula_is_the_default_s_own_when_the_components_are_its_own():
    mask = np.random.default_rng(2).random((9, 14)) > 0.4
    values = np.random.default_rng(3).normal(3, 1, int(mask.sum()))
    estimate = twoway(values, layout_of(mask), level=0.9)
    found = precision(estimate.components, layout_of(mask), level=0.9)
    assert [found.se, found.df] == pytest.approx([estimate.se, estimate.df])
    assert found.half_width == pytest.approx((estimate.high - estimate.low) / 2)
    assert found.shares.case == pytest.approx(estimate.shares.case)


def test_blocks_that_go_round_read_every_case_alike():
    for n_readers, n_cases, each in ((10, 100, 30), (7, 12, 5), (4, 9, 9), (3, 50, 2)):
        mask = balanced(n_readers, n_cases, each)
        assert mask.shape == (n_readers, n_cases)
        assert (mask.sum(axis=1) == each).all()
        assert np.ptp(mask.sum(axis=0)) <= 1


def test_more_readers_more_cases_and_more_of_them_each_are_never_worse():
    half = {
        size: planned(*size).half_width
        for size in [(10, 40, 10), (20, 40, 10), (10, 40, 20), (20, 80, 10), (40, 40, 10)]
    }
    assert half[40, 40, 10] < half[20, 40, 10] < half[10, 40, 10]
    assert half[10, 40, 20] < half[10, 40, 10]
    assert half[20, 80, 10] < half[20, 40, 10]


def test_no_number_of_readers_goes_below_what_the_cases_leave():
    least = floor(ASSUMED, 30, level=0.95)
    assert least == pytest.approx(1.959964 * 12 / 30**0.5, rel=1e-6)
    assert least < planned(3000, 30, 30).half_width < 1.1 * least
    assert floor(Components(case=-1.0, reader=1.0, cell=1.0), 30, level=0.95) == 0


@pytest.mark.parametrize("level", [0.8, 0.95, 0.999])
@pytest.mark.parametrize("df", [1.5, 3.7, 20.0, 400.0, 1e6])
def test_power_is_a_chance_that_grows_with_the_effect(level, df):
    """Against another library's noncentral t, which has the near tail alone where the far one is below rounding."""
    planned = Precision(8, 20, 100, level, se=2.0, df=df, half_width=4.0)
    effects = np.concatenate([np.linspace(0, 10, 41), [20, 50, 100, 1e3, 1e7]])
    found = np.array([power(planned, 2 * effect) for effect in effects])
    for one_sided in (found, np.array([power_for_margin(planned, 2 * effect) for effect in effects])):
        assert ((one_sided >= 0) & (one_sided <= 1)).all()
        assert (np.diff(one_sided) >= -1e-12).all()
    assert [power(planned, -2 * effect) for effect in effects] == found.tolist()
    against = np.array([power_for_margin(planned, 1.0, truth=-2 * effect) for effect in effects])
    assert ((against >= 0) & (against <= 1)).all()
    t = stats.t.ppf((1 + level) / 2, df)
    far = np.array([stats.nct.cdf(-t, df, effect) if effect < 4 else 0.0 for effect in effects[:41]])
    assert found[:41] == pytest.approx(stats.nct.sf(t, df, effects[:41]) + far, abs=1e-5)


def test_without_an_effect_power_is_the_error_of_the_first_kind_whichever_the_sign():
    found = planned(10, 30, 30, level=0.9)
    assert power(found, 0) == pytest.approx(0.1)
    assert power(found, -6) == pytest.approx(power(found, 6))
    assert power_for_margin(found, 1e-12) == pytest.approx(0.05)
    assert power_for_margin(found, 4, truth=-4) == pytest.approx(0.05)
    assert power(found, 1e6) == power(found, -1e300) == power_for_margin(found, 1e300) == pytest.approx(1)
    assert power_for_margin(found, 1, truth=-1e300) == pytest.approx(0)


def test_negative_components_of_a_pilot_count_as_nothing():
    negative = Components(case=144.0, reader=-9.0, cell=256.0)
    assert planned(10, 30, 30, assumed=negative) == planned(10, 30, 30, assumed=Components(144.0, 0.0, 256.0))


@pytest.mark.parametrize(
    ("size", "assumed", "code"),
    [
        ((2, 30, 30), ASSUMED, "few_readers"),
        ((10, 2, 2), ASSUMED, "few_cases"),
        ((10, 300, 15), ASSUMED, "few_shared_cases"),
        ((10, 10, 1), ASSUMED, "few_shared_cases"),
        ((40, 10, 1), ASSUMED, "few_shared_readers"),
        ((10, 30, 30), Components(0.0, -1.0, 0.0), "zero_variance"),
    ],
)
def test_a_size_that_carries_no_interval_is_refused_with_its_reason(size, assumed, code):
    found = planned(*size, assumed=assumed)
    assert found.refused.code == RefusalCode(code)
    assert np.isnan([found.se, found.df, found.half_width, power(found, 5), power_for_margin(found, 5)]).all()


def test_the_same_seed_invents_the_same_studies_and_another_one_others():
    mask = balanced(6, 12, 6)
    told = []

    def once(seed):
        return simulate(ASSUMED, mask, level=0.95, n=40, seed=seed, told=lambda done, of: told.append((done, of)))

    assert once(3) == once(3)
    assert once(3).half_width != once(4).half_width
    assert told[:41] == [(done, 40) for done in range(41)]


def test_a_simulated_design_without_intervals_is_counted_as_refused_and_never_as_significant():
    found = simulate(ASSUMED, balanced(2, 12, 6), level=0.95, n=20, seed=3, effects=(1e9,), margin=5)
    assert (found.n_refused, found.coverage, found.power, found.power_margin) == (20, 0, (0,), 0)
    assert np.isnan([found.half_width, *found.half_widths]).all()


def test_how_well_a_pilot_knows_a_variance():
    low, high = known_within(10, level=0.95)
    assert (low, high) == pytest.approx((9 / 19.0227678, 9 / 2.7003895))
    assert np.isnan(known_within(1, level=0.95)).all()


@pytest.mark.parametrize("unit", [1e-150, 1e-3, 1e150])
def test_another_unit_of_the_measure_changes_only_the_unit(unit):
    scaled = Components(*(part * unit * unit for part in (144.0, 64.0, 256.0)))
    here, there = planned(10, 30, 30), planned(10, 30, 30, assumed=scaled)
    assert [there.se / unit, there.half_width / unit, there.df] == pytest.approx([here.se, here.half_width, here.df])
    assert power(there, 5 * unit) == pytest.approx(power(here, 5))


@pytest.mark.parametrize("size", [(4, 4, 4), (10, 30, 30), (101, 100, 30)])
def test_power_is_a_chance_that_grows_with_the_effect_also_where_a_tail_is_too_small_to_be_computed(size):
    found = planned(*size)
    effects = np.linspace(0, 400 * found.se, 161)
    powers = np.array([power(found, effect) for effect in effects])
    margins = np.array([power_for_margin(found, 1e-9, truth=effect) for effect in [*-effects[::-1], *effects]])
    for chances in (powers, margins):
        assert ((chances >= 0) & (chances <= 1)).all()
        assert (np.diff(chances) >= -1e-9).all()
    assert powers[-1] == margins[-1] == 1
