"""One coefficient, readers and cases random: digits from R, and what cannot be told."""

import json
from dataclasses import replace

import numpy as np
import pytest

from analysis.inference.clustered import by_cell, clustered, least_squares
from analysis.inference.estimate import Method, RefusalCode
from analysis.inference.layout import Layout, layout_of
from analysis.inference.regression import design_of, mixed_coefficient, robust_coefficient, unidentified


def oracle(repository, name):
    return json.loads((repository / "fixtures" / "oracle" / f"{name}.json").read_text())["cases"]


def coded(reader, case):
    codes = [np.unique(np.array(one), return_inverse=True)[1].astype(np.int64) for one in (reader, case)]
    return Layout(*codes, *(int(one.max()) + 1 for one in codes))


def of(case):
    """Values, design and layout of an oracle's case."""
    inputs = {name: np.array(values, dtype=float) for name, values in case["inputs"].items()}
    columns = [(name, inputs[name]) for name in ("arm", "period", "baseline") if name in inputs]
    return inputs["y"], design_of(columns, asked="arm"), coded(inputs["reader"], inputs["case"])


def test_the_corrected_variance_and_its_degrees_of_freedom_are_those_of_sandwich_and_of_whole_matrices(repository):
    for case in oracle(repository, "regression"):
        y, design, layout = of(case)
        least = least_squares(y, design.matrix, design.asked)
        readers = clustered(least, layout.reader, layout.n_readers)
        cases = clustered(least, layout.case, layout.n_cases)
        cell = by_cell(least, np.arange(layout.n_readings), layout.n_readings)
        expected = case["expected"]["corrected"]
        found = {
            "value": least.beta[design.asked],
            "by_reader": readers.variance,
            "by_case": cases.variance,
            "two_way": readers.variance + cases.variance - cell,
            "df_reader": readers.df,
            "df_case": cases.df,
        }
        assert found == pytest.approx(expected, rel=case["tolerance"]["corrected"]), case["name"]
        estimate = robust_coefficient(y, design, layout, level=0.95)
        assert estimate.se**2 == pytest.approx(max(expected["two_way"], expected["by_reader"]), rel=1e-9)
        assert estimate.df == pytest.approx(min(expected["df_reader"], expected["df_case"]), rel=1e-9)


def test_the_mixed_model_s_coefficient_is_lmer_s(repository):
    for case in oracle(repository, "arms"):
        y, design, layout = of(case)
        found, expected = mixed_coefficient(y, design, layout, level=0.95), case["expected"]["mixed"]
        at = design.asked
        assert [found.value, found.se, found.df] == pytest.approx(
            [expected["beta"][at], expected["se"][at], expected["df"][at]], rel=case["tolerance"]["mixed"]
        ), case["name"]
        assert found.method is Method.REML
        assert found.weighting is None


def some(seed=3, shape=(9, 12), holes=0.3):
    rng = np.random.default_rng(seed)
    layout = layout_of(rng.random(shape) > holes)
    arm = (layout.reader % 2).astype(float)
    return rng.normal(50, 10, layout.n_readings), design_of([("arm", arm)], asked="arm"), layout


BOTH = [robust_coefficient, mixed_coefficient]


def numbers(estimate):
    return [estimate.value, estimate.se, estimate.df, estimate.low, estimate.high, estimate.p]


@pytest.mark.parametrize("coefficient", BOTH)
def test_another_unit_of_the_values_changes_only_the_unit(coefficient):
    y, design, layout = some()
    here, there = coefficient(y, design, layout, level=0.9), coefficient(y * 1e90, design, layout, level=0.9)
    scale = np.array([1e90, 1e90, 1, 1e90, 1e90, 1])
    assert numbers(there) == pytest.approx(numbers(here) * scale, rel=1e-6)


@pytest.mark.parametrize("coefficient", BOTH)
def test_another_origin_of_the_values_changes_nothing(coefficient):
    y, design, layout = some()
    here, there = coefficient(y, design, layout, level=0.9), coefficient(y - 1e4, design, layout, level=0.9)
    assert numbers(there) == pytest.approx(numbers(here), rel=1e-6)


@pytest.mark.parametrize("coefficient", BOTH)
def test_a_constant_has_no_variance_and_no_interval(coefficient):
    y, design, layout = some()
    found = coefficient(np.full_like(y, 0.3), design, layout, level=0.95)
    assert found.refused is not None
    assert found.refused.code is RefusalCode.ZERO_VARIANCE
    assert np.isnan([found.se, found.df, found.low, found.high, found.p]).all()


def test_a_column_that_another_tells_already_is_named():
    y, design, layout = some()
    arm = design.matrix[:, 1]
    twice = design_of([("arm", arm), ("period", 1 - arm)], asked="arm")
    found = robust_coefficient(y, twice, layout, level=0.95)
    assert found.refused == unidentified(twice)
    assert found.refused.code is RefusalCode.NOT_IDENTIFIED
    assert found.refused.reason == "The readings cannot tell period from the mean and arm."
    assert np.isnan(found.value)
    assert mixed_coefficient(y, twice, layout, level=0.95).refused.code is RefusalCode.NOT_IDENTIFIED
    assert unidentified(design) is None


@pytest.mark.parametrize("coefficient", BOTH)
@pytest.mark.parametrize(("shape", "code"), [((2, 12), "few_readers"), ((9, 2), "few_cases")])
def test_two_readers_or_two_cases_carry_no_interval(coefficient, shape, code):
    y, design, layout = some(shape=shape, holes=0)
    found = coefficient(y, design, layout, level=0.95)
    assert found.refused.code == code
    assert np.isnan([found.se, found.low, found.high]).all()


def test_least_squares_keeps_its_value_where_the_interval_is_refused():
    y, design, layout = some(shape=(2, 12), holes=0)
    arm = design.matrix[:, 1] > 0
    found = robust_coefficient(y, design, layout, level=0.95)
    assert found.value == pytest.approx(y[arm].mean() - y[~arm].mean())


def test_the_variance_is_never_below_that_of_the_readers_alone():
    """Where cases are the opposite of random, what they would add is negative."""
    layout = layout_of(np.ones((8, 10), dtype=bool))
    arm = (layout.reader % 2).astype(float)
    rng = np.random.default_rng(1)
    readers, table = rng.normal(0, 1, 8), rng.normal(0, 20, (8, 10))
    for side in (0, 1):
        table[side::2] -= table[side::2].mean(axis=0)
    y = (readers[:, None] + table).ravel()
    design = design_of([("arm", arm)], asked="arm")
    least = least_squares(y, design.matrix, 1)
    of_readers = clustered(least, layout.reader, 8).variance
    of_cases = clustered(least, layout.case, 10).variance
    assert of_cases < by_cell(least, np.arange(80), 80)
    assert robust_coefficient(y, design, layout, level=0.95).se ** 2 == pytest.approx(of_readers)


def test_a_case_read_twice_by_a_reader_is_one_cell_to_least_squares_and_refused_by_the_model():
    layout = layout_of(np.ones((6, 5), dtype=bool))
    twice = replace(layout, reader=np.tile(layout.reader, 2), case=np.tile(layout.case, 2))
    arm = np.repeat([0.0, 1.0], layout.n_readings)
    rng = np.random.default_rng(8)
    y = np.tile(rng.normal(0, 10, layout.n_readings), 2) + rng.normal(0, 0.5, 2 * layout.n_readings)
    design = design_of([("arm", arm)], asked="arm")
    cells = np.tile(np.arange(layout.n_readings), 2)
    least = least_squares(y, design.matrix, 1)
    assert by_cell(least, cells, layout.n_readings) < by_cell(least, np.arange(y.size), y.size) / 10
    assert robust_coefficient(y, design, twice, level=0.95).refused is None
    refused = mixed_coefficient(y, design, twice, level=0.95).refused
    assert refused.code is RefusalCode.DEPENDENT_PAIRS
    assert refused.reason.startswith("30 cases read twice by the same reader")
