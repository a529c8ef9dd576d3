"""Arms of readers who read different cases: what is told apart, what is adjusted for, and how often intervals hold."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.inference.arms import CARRYOVER, ArmReadings, Crossing, contrast_arms, periods
from analysis.inference.estimate import Method, RefusalCode
from analysis.inference.layout import Layout, layout_of

NAMES = ("assisted", "alone")

WITHIN_READERS = "mixed model within readers, the same effect on every case"


def coded(reader, case):
    codes = [np.unique(one, return_inverse=True)[1].astype(np.int64) for one in (np.array(reader), np.array(case))]
    return Layout(*codes, *(int(one.max()) + 1 for one in codes))


def parallel(rng, n_test=6, n_control=6, n_cases=15, per_reader=6, effect=0.0, sds=(8, 12, 16)):
    """Readers of one arm each, everybody reading some of the same cases."""
    n_readers = n_test + n_control
    mask = np.argsort(rng.random((n_readers, n_cases)), axis=1) < per_reader
    layout = layout_of(mask)
    test = layout.reader < n_test
    readers, cases = rng.normal(0, sds[0], n_readers), rng.normal(0, sds[1], n_cases)
    values = readers[layout.reader] + cases[layout.case] + rng.normal(0, sds[2], layout.n_readings) + effect * test
    return ArmReadings(values, test, layout)


def crossover(rng, n_readers=12, n_cases=20, each=5, effect=0.0, late=0.0, carry=0.0, answer=4.0, noise=1.0):
    """Every reader under both arms, other cases in the two periods, the order alternating."""
    reader = np.repeat(np.arange(n_readers), 2 * each)
    case = np.concatenate([rng.permutation(n_cases)[: 2 * each] for _ in range(n_readers)])
    period = np.tile(np.repeat([1, 2], each), n_readers)
    test = (period == 1) == (reader % 2 == 0)
    own = rng.normal(0, 8 * noise, n_readers), rng.normal(0, answer * noise, n_readers)
    values = own[0][reader] + own[1][reader] * test + rng.normal(0, 12 * noise, n_cases)[case]
    values = values + rng.normal(0, 14 * noise, reader.size) + effect * test + late * (period == 2)
    values = values + carry * (test & (period == 2))
    return ArmReadings(values, test, coded(reader, case), period)


def found(given, level=0.95):
    return contrast_arms(given, names=NAMES, level=level)


def test_the_crossover_s_model_within_readers_is_lmer_s(repository):
    tried = 0
    for case in json.loads((repository / "fixtures" / "oracle" / "regression.json").read_text())["cases"]:
        if case["kind"] != "crossover":
            continue
        inputs, tolerance = case["inputs"], case["tolerance"]["within"]
        layout = coded(inputs["reader"], inputs["case"])
        given = ArmReadings(
            np.array(inputs["y"], float), np.array(inputs["arm"]) == 1, layout, np.array(inputs["period"]) + 1
        )
        both, expected = found(given), case["expected"]["within"]
        mixed = both.mixed
        assert (both.crossing, both.adjusted) == (Crossing.CROSSOVER, ("period",))
        assert [mixed.value, mixed.se, mixed.df] == pytest.approx(
            [expected[name] for name in ("value", "se", "df")], rel=tolerance
        )
        assert [mixed.components.reader, mixed.components.case, mixed.components.cell] == pytest.approx(
            [expected[name] for name in ("reader", "case", "cell")], rel=tolerance, abs=1e-6
        )
        assert (mixed.label, mixed.n_readers) == (WITHIN_READERS + ", adjusted for period", layout.n_readers)
        assert both.robust.value == pytest.approx(case["expected"]["corrected"]["value"], rel=1e-9)
        tried += 1
    assert tried == 2


def test_without_covariates_the_estimate_is_the_difference_of_the_arms_means_over_readings():
    given = parallel(np.random.default_rng(1), effect=7.0)
    both = found(given)
    assert both.robust.value == pytest.approx(given.values[given.test].mean() - given.values[~given.test].mean())
    assert (both.crossing, both.adjusted, both.carryover, both.first_period) == (Crossing.PARALLEL, (), None, None)
    assert (both.robust.method, both.mixed.method) == (Method.LEAST_SQUARES, Method.REML)
    assert (both.robust.label, both.mixed.label) == ("least squares", "mixed model, the same effect on every case")
    assert both.robust.random == both.mixed.random == ("reader", "case")


def test_turning_test_and_control_round_turns_the_sign_of_everything():
    given = crossover(np.random.default_rng(4), effect=5.0, late=3.0)
    here, there = found(given), found(replace(given, test=~given.test))
    for name in ("robust", "mixed", "first_period"):
        one, other = getattr(here, name), getattr(there, name)
        assert [other.value, other.low, other.high, other.p] == pytest.approx(
            [-one.value, -one.high, -one.low, one.p], rel=1e-6
        )


def test_a_crossover_tells_the_arm_the_period_and_the_carryover_apart():
    given = crossover(np.random.default_rng(2), n_readers=11, effect=10.0, late=5.0, noise=1e-4)
    both = found(given)
    assert both.robust.value == pytest.approx(10.0, abs=0.01)
    assert both.mixed.value == pytest.approx(10.0, abs=0.01)
    assert both.carryover.value == pytest.approx(0.0, abs=0.01)
    assert both.first_period.value == pytest.approx(10.0, abs=0.01)
    carried = found(crossover(np.random.default_rng(2), effect=10.0, late=5.0, carry=4.0, noise=1e-4))
    assert carried.carryover.value == pytest.approx(4.0, abs=0.01)
    assert carried.carryover.label == CARRYOVER
    assert np.isnan(carried.carryover.p)
    assert carried.carryover.low < 4 < carried.carryover.high
    assert carried.first_period.value == pytest.approx(10.0, abs=0.01)
    assert carried.first_period.label == "first period alone"


def test_readers_who_answer_differently_to_the_arm_widen_the_model_s_interval():
    """A reader's own intercept alone would take their answers to the arm for noise of single readings."""
    alike = [crossover(np.random.default_rng(seed), answer=0.0) for seed in range(6)]
    differing = [crossover(np.random.default_rng(seed), answer=15.0) for seed in range(6)]
    assert np.mean([found(one).mixed.se for one in differing]) > 1.3 * np.mean([found(one).mixed.se for one in alike])


def test_a_baseline_that_tells_ability_narrows_the_interval_and_is_named():
    rng = np.random.default_rng(5)
    given = parallel(rng, 10, 10, sds=(15, 2, 2), effect=4.0)
    ability = np.array([given.values[given.layout.reader == r].mean() for r in range(20)])
    ability -= 4.0 * np.array([given.test[given.layout.reader == r].any() for r in range(20)])
    baseline = (1e6 + ability + rng.normal(0, 3, 20))[given.layout.reader]
    plain, adjusted = found(given), found(replace(given, baseline=baseline))
    assert adjusted.adjusted == ("baseline",)
    assert adjusted.robust.label == "least squares, adjusted for baseline"
    for name in ("robust", "mixed"):
        assert getattr(adjusted, name).se < 0.6 * getattr(plain, name).se
        assert getattr(adjusted, name).low < 4 < getattr(adjusted, name).high


def test_a_baseline_that_is_the_arm_is_told_apart_from_nothing():
    given = parallel(np.random.default_rng(5))
    both = found(replace(given, baseline=np.where(given.test, 3.0, 1.0)))
    for estimate in (both.robust, both.mixed):
        assert estimate.refused.code is RefusalCode.NOT_IDENTIFIED
        assert estimate.refused.reason == "The readings cannot tell the baseline from the mean and the arm."
        assert np.isnan(estimate.value)


def test_where_everybody_had_the_arms_in_one_order_period_and_arm_are_one():
    given = crossover(np.random.default_rng(6))
    both = found(replace(given, test=given.period == 2))
    assert both.robust.refused.reason == "The readings cannot tell the period from the mean and the arm."
    assert both.mixed.refused == both.robust.refused
    assert both.first_period.refused.code is RefusalCode.EMPTY_ARM


@pytest.mark.parametrize("kept", ["test", "control", "neither"])
def test_an_empty_arm_is_refused_by_its_name(kept):
    given = parallel(np.random.default_rng(7))
    chosen = {"test": given.test, "control": ~given.test, "neither": np.zeros_like(given.test)}[kept]
    left = Layout(
        *(np.unique(one[chosen], return_inverse=True)[1] for one in (given.layout.reader, given.layout.case)),
        *(np.unique(one[chosen]).size for one in (given.layout.reader, given.layout.case)),
    )
    both = found(ArmReadings(given.values[chosen], given.test[chosen], left))
    named = "alone" if kept == "test" else "assisted"
    for estimate in (both.robust, both.mixed):
        assert estimate.refused.code is RefusalCode.EMPTY_ARM
        assert estimate.refused.reason == f"No reading of arm {named} has a value."
        assert np.isnan([estimate.value, estimate.se, estimate.low, estimate.p]).all()


@pytest.mark.parametrize(
    ("design", "code", "reason"),
    [
        ({"n_test": 2}, "few_readers", "2 readers in arm assisted; an interval needs 3 in each."),
        ({"n_control": 1}, "few_readers", "1 reader in arm alone; an interval needs 3 in each."),
        ({"n_cases": 2, "per_reader": 2}, "few_cases", "2 cases read in arm assisted; an interval needs 3 in each."),
    ],
)
def test_a_handful_in_one_arm_is_refused_and_the_difference_is_kept(design, code, reason):
    given = parallel(np.random.default_rng(8), **design)
    both = found(given)
    assert (both.robust.refused.code, both.robust.refused.reason) == (code, reason)
    assert both.robust.value == pytest.approx(given.values[given.test].mean() - given.values[~given.test].mean())
    assert both.mixed.refused == both.robust.refused
    assert np.isnan([both.robust.se, both.robust.low, both.robust.high, both.robust.p, both.mixed.low]).all()


@pytest.mark.parametrize("rate", [0.0, 1.0])
def test_a_rate_of_all_or_none_in_both_arms_has_no_variance(rate):
    given = parallel(np.random.default_rng(9))
    both = found(replace(given, values=np.full_like(given.values, rate)))
    assert both.robust.value == pytest.approx(0, abs=1e-12)
    assert both.robust.refused.code is both.mixed.refused.code is RefusalCode.ZERO_VARIANCE


def test_periods_come_from_the_order_of_assignment():
    test = np.array([[1, 2, 0, 0], [3, 4, 0, 0], [0, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    control = np.array([[0, 0, 3, 4], [0, 0, 1, 2], [2, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]])
    of_test, of_control = periods(test, control)
    assert of_test[:, 0].tolist() == [1, 2, 1, 1, 1]
    assert of_control[:, 0].tolist() == [2, 1, 1, 1, 1]


def test_arms_that_somebody_read_mixed_have_no_periods():
    test, control = np.array([[1, 3, 0, 0], [1, 2, 0, 0]]), np.array([[0, 0, 2, 4], [0, 0, 3, 4]])
    assert periods(test, control) is None
    given = replace(crossover(np.random.default_rng(3)), period=None)
    both = found(given)
    assert (both.crossing, both.adjusted, both.carryover, both.first_period) == (Crossing.CROSSOVER, (), None, None)
    assert both.mixed.label == WITHIN_READERS


def test_a_few_readers_under_both_arms_do_not_make_a_crossover():
    given = parallel(np.random.default_rng(10))
    layout = replace(given.layout, reader=np.where(given.layout.reader == 11, 0, given.layout.reader), n_readers=11)
    one_cell = np.unique(layout.reader * layout.n_cases + layout.case, return_index=True)[1]
    both = found(
        ArmReadings(
            given.values[one_cell],
            given.test[one_cell],
            replace(layout, reader=layout.reader[one_cell], case=layout.case[one_cell]),
        )
    )
    assert both.crossing is Crossing.PARALLEL
    assert both.robust.refused is both.mixed.refused is None


@given(st.integers(0, 10**6), st.integers(2, 7), st.integers(1, 6), st.sampled_from([0.2, 0.5, 1.0]), st.booleans())
def test_small_tables_of_any_kind_give_a_reason_or_a_finite_interval(seed, n_readers, n_cases, density, crossed):
    rng = np.random.default_rng(seed)
    cells = np.argwhere(rng.random((2, n_readers, n_cases)) < density)
    if not crossed:
        cells = cells[cells[:, 0] == cells[:, 1] % 2]
    assume(len(cells))
    test = cells[:, 0] == 1
    order = rng.integers(0, 2, n_readers)[cells[:, 1]]
    period = np.where(test == (order == 1), 1, 2) if crossed else None
    values = rng.integers(0, rng.integers(1, 5), len(cells)).astype(float)
    both = found(ArmReadings(values, test, coded(cells[:, 1], cells[:, 2]), period))
    for estimate in (both.robust, both.mixed, both.carryover, both.first_period):
        if estimate is None:
            continue
        if estimate.refused is not None:
            assert estimate.refused.reason.endswith(".")
            assert np.isnan([estimate.se, estimate.df, estimate.low, estimate.high, estimate.p]).all()
        else:
            assert estimate.low < estimate.value < estimate.high
            assert estimate.se > 0
            assert estimate.df > 0


def welch(given):
    """What is never reported: every reading its own, independent draw."""
    sides = [given.values[given.test], given.values[~given.test]]
    half = 1.96 * sum(side.var(ddof=1) / side.size for side in sides) ** 0.5
    return abs(sides[0].mean() - sides[1].mean()) <= half


@pytest.mark.parametrize(("n_test", "n_control"), [(6, 6), (3, 9)], ids=["alike", "three against nine"])
def test_intervals_of_parallel_arms_hold_near_their_level_where_counting_readings_does_not(n_test, n_control):
    rng = np.random.default_rng(20261121)
    n = 300
    drawn = [parallel(rng, n_test, n_control, n_cases=20, per_reader=20) for _ in range(n)]
    estimates = [found(given) for given in drawn]
    # Three standard errors of the simulation are 0.04.
    robust = sum(one.robust.low <= 0 <= one.robust.high for one in estimates) / n
    assert 0.91 <= robust <= 0.99
    mixed = sum(one.mixed.low <= 0 <= one.mixed.high for one in estimates) / n
    assert 0.91 <= mixed <= 0.99
    assert sum(map(welch, drawn)) / n < 0.75


def test_intervals_of_a_crossover_hold_near_their_level():
    rng = np.random.default_rng(20261122)
    n = 200
    estimates = [found(crossover(rng, late=4.0)) for _ in range(n)]
    # Three standard errors of the simulation are 0.05.
    for name in ("robust", "mixed", "first_period"):
        held = sum(getattr(one, name).low <= 0 <= getattr(one, name).high for one in estimates) / n
        assert 0.9 <= held <= 0.995, name


DIGITS = """
import sys; sys.path.insert(0, {folder!r})
import numpy as np
from test_arms import crossover, found, parallel
for given in (crossover(np.random.default_rng(1), late=3.0), parallel(np.random.default_rng(2))):
    both = found(given)
    print([getattr(one, name) for one in (both.robust, both.mixed) for name in ("value", "se", "df", "low", "p")])
"""


def test_the_digits_do_not_depend_on_the_processor_or_the_number_of_threads(repository):
    code = DIGITS.format(folder=str(repository / "tests" / "analysis"))
    kinds = [{}, {"OPENBLAS_CORETYPE": "Haswell"}, {"OPENBLAS_CORETYPE": "Sandybridge", "OPENBLAS_NUM_THREADS": "2"}]
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            cwd=repository,
            env=os.environ | kind,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for kind in kinds
    }
    assert len(said) == 1
    assert "nan" not in said.pop()
