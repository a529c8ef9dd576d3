"""The default interval against R, against plain loops, and against its own laws."""

import itertools

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from analysis.inference.estimate import RefusalCode, Weighting
from analysis.inference.layout import layout_of, weights_of
from analysis.inference.semivariance import components as semivariance_components
from analysis.inference.semivariance import semivariances
from analysis.inference.twoway import DOMINATED, UNEVEN, components, is_uneven, moments, semivariance, twoway


@st.composite
def designs(draw, full=False):
    """A mask over readers and cases that carries an interval, and one value a reading."""
    n_readers, n_cases = draw(st.integers(3, 6)), draw(st.integers(3, 7))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    mask = np.ones((n_readers, n_cases), bool) if full else rng.random((n_readers, n_cases)) < 0.7
    layout = layout_of(mask)
    assume(layout.n_readings > 0)
    values = (
        rng.normal(0, 1, (n_readers, 1)) + rng.normal(0, 1, (1, n_cases)) + rng.normal(0.3, 1, (n_readers, n_cases))
    )
    assume(twoway(values[mask], layout, level=0.95).refused is None)
    return mask, values


def test_the_penicillin_table_gives_what_r_gives(penicillin, reference):
    expected = reference["crossed_mean_penicillin"]["expected"]
    estimate = twoway(penicillin.ravel(), layout_of(np.ones_like(penicillin, bool)), level=0.95)
    assert estimate.value == pytest.approx(expected["mean"]["value"], rel=1e-9)
    assert estimate.se == pytest.approx(expected["reml_se"]["value"], rel=1e-8)
    assert estimate.df == pytest.approx(expected["satterthwaite_df"]["value"], rel=1e-8)
    assert [estimate.low, estimate.high] == pytest.approx(expected["ci95_satterthwaite"]["value"], rel=1e-8)
    found = estimate.components
    assert found.case == pytest.approx(expected["var_plate"]["value"], rel=1e-5)
    assert found.reader == pytest.approx(expected["var_sample"]["value"], rel=1e-5)
    assert found.cell == pytest.approx(expected["var_residual"]["value"], rel=1e-5)
    n_readers, n_cases = penicillin.shape
    mean_square_error = found.cell
    assert mean_square_error + n_readers * found.case == pytest.approx(expected["MS_plate"]["value"], rel=1e-6)
    assert mean_square_error + n_cases * found.reader == pytest.approx(expected["MS_sample"]["value"], rel=1e-6)
    assert sum([estimate.shares.case, estimate.shares.reader, estimate.shares.cell]) == pytest.approx(1)


@given(designs())
def test_moments_equal_a_loop_over_all_pairs_of_pairs(design):
    mask, values = design
    cells = [(r, c, values[r, c]) for r, c in zip(*np.nonzero(mask), strict=True)]
    products = {"same_reading": [], "same_case": [], "same_reader": [], "neither": []}
    for (r, c, x), (s, d, y) in itertools.product(cells, cells):
        shared = {(True, True): "same_reading", (False, True): "same_case", (True, False): "same_reader"}
        products[shared.get((r == s, c == d), "neither")].append(x * y)
    found = moments(values[mask], layout_of(mask))
    for name, some in products.items():
        assert getattr(found, name) == pytest.approx(np.mean(some), rel=1e-12, abs=1e-12)


@given(designs())
def test_semivariances_equal_the_variances_within_readers_and_cases_and_a_loop_over_pairs_that_share_neither(design):
    mask, values = design
    cells = [(r, c, values[r, c]) for r, c in zip(*np.nonzero(mask), strict=True)]
    apart = [(x - y) ** 2 / 2 for (r, c, x), (s, d, y) in itertools.permutations(cells, 2) if r != s and c != d]
    found = semivariances(values[mask], layout_of(mask))
    assert found.neither == pytest.approx(np.mean(apart), rel=1e-12, abs=1e-12)
    for name, rows, there in (("same_reader", values, mask), ("same_case", values.T, mask.T)):
        own = [row[read] for row, read in zip(rows, there, strict=True) if read.sum() > 1]
        pooled = np.average([one.var(ddof=1) for one in own], weights=[len(one) - 1 for one in own])
        assert getattr(found, name) == pytest.approx(pooled, rel=1e-12, abs=1e-12)


def test_a_very_uneven_table_has_its_variance_from_differences_and_says_so():
    """Two readers of all forty cases beside ten of six each: mean products would move with the place of zero."""
    rng = np.random.default_rng(6)
    mask = np.zeros((12, 40), bool)
    mask[:2] = True
    for row in mask[2:]:
        row[rng.permutation(40)[:6]] = True
    values, layout = rng.normal(0, 12, mask.shape)[mask], layout_of(mask)
    found, differences = twoway(values, layout, level=0.95), semivariance(values, layout, level=0.95)
    assert is_uneven(layout)
    assert found.label == UNEVEN
    assert (found.se, found.df) == (differences.se, differences.df)
    assert twoway(values + 50, layout, level=0.95).se == pytest.approx(found.se)


@pytest.mark.parametrize(("readers", "cases", "each"), [(14, 24, 6), (20, 100, 15), (30, 60, 12)])
def test_a_random_assignment_is_no_uneven_table_though_some_case_is_read_twice_as_often(readers, cases, each):
    rng, most = np.random.default_rng(9), []
    for _ in range(20):
        mask = np.zeros((readers, cases), bool)
        for row in mask:
            row[rng.permutation(cases)[:each]] = True
        layout = layout_of(mask)
        most.append(layout.per_case.max() / np.median(layout.per_case))
        assert not is_uneven(layout)
    assert max(most) >= 2


@given(designs())
def test_an_ordinary_table_has_its_variance_from_mean_products_and_no_label(design):
    mask, values = design
    layout = layout_of(mask)
    assume(not is_uneven(layout))
    found = twoway(values[mask], layout, level=0.95)
    assert found.label in (None, DOMINATED)
    assert found.components.reader == pytest.approx(components(values[mask], layout).reader, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    ("others", "dominated"), [(5, True), (40, False)], ids=["beside five of five", "beside five of forty"]
)
def test_where_one_reader_carries_most_of_the_weight_the_label_says_so(others, dominated):
    rng = np.random.default_rng(8)
    mask = np.zeros((6, 60), bool)
    mask[0] = True
    for row in mask[1:]:
        row[rng.permutation(60)[:others]] = True
    values, layout = rng.normal(size=mask.sum()), layout_of(mask)
    found = twoway(values, layout, level=0.95)
    assert (DOMINATED in (found.label or "")) is dominated
    assert twoway(values, layout, level=0.95, weighting=Weighting.READER).label in (None, UNEVEN)


@given(designs(full=True))
def test_in_a_full_table_both_ways_to_the_components_are_one(design):
    mask, values = design
    products = components(values[mask], layout_of(mask))
    differences = semivariance_components(values[mask], layout_of(mask))
    for name in ("case", "reader", "cell"):
        assert getattr(differences, name) == pytest.approx(getattr(products, name), rel=1e-9, abs=1e-9)


@given(designs(), st.sampled_from(Weighting), st.floats(-1000, 1000))
def test_where_the_values_have_their_zero_moves_a_semivariance_interval_as_a_whole(design, weighting, by):
    mask, values = design
    layout = layout_of(mask)
    here = semivariance(values[mask], layout, level=0.95, weighting=weighting)
    there = semivariance(values[mask] + by, layout, level=0.95, weighting=weighting)
    assume(here.refused is None)
    assert there.value - by == pytest.approx(here.value, abs=1e-9)
    assert [there.se, there.df] == pytest.approx([here.se, here.df], rel=1e-6)


@given(designs(), st.sampled_from(Weighting))
def test_the_weighted_variance_equals_plain_loops(design, weighting):
    mask, values = design
    layout = layout_of(mask)
    weight = np.zeros(mask.shape)
    for r, c in zip(*np.nonzero(mask), strict=True):
        weight[r, c] = {
            "pair": 1 / mask.sum(),
            "case": 1 / (mask.any(axis=0).sum() * mask[:, c].sum()),
            "reader": 1 / (mask.any(axis=1).sum() * mask[r].sum()),
        }[weighting]
    found = components(values[mask], layout)
    variance = 0.0
    for (r, c), (s, d) in itertools.product(itertools.product(*map(range, mask.shape)), repeat=2):
        shared = (
            max(found.case, 0) * (c == d) + max(found.reader, 0) * (r == s) + max(found.cell, 0) * ((r, c) == (s, d))
        )
        variance += weight[r, c] * weight[s, d] * shared
    estimate = twoway(values[mask], layout, level=0.9, weighting=weighting)
    assert weights_of(layout, weighting) == pytest.approx(weight[mask])
    assert estimate.value == pytest.approx(np.sum(weight * np.where(mask, values, 0)))
    assert estimate.se**2 == pytest.approx(variance, rel=1e-9)


@given(designs(), st.sampled_from(Weighting), st.randoms(use_true_random=False))
def test_the_names_and_the_order_of_readers_and_cases_do_not_matter(design, weighting, random):
    mask, values = design
    rows, columns = list(range(mask.shape[0])), list(range(mask.shape[1]))
    random.shuffle(rows)
    random.shuffle(columns)
    turned = np.ix_(rows, columns)
    here = twoway(values[mask], layout_of(mask), level=0.95, weighting=weighting)
    there = twoway(values[turned][mask[turned]], layout_of(mask[turned]), level=0.95, weighting=weighting)
    assert [there.value, there.se, there.df] == pytest.approx([here.value, here.se, here.df], rel=1e-9)


@given(designs(), st.sampled_from(Weighting), st.floats(0.01, 100))
def test_scaling_the_values_scales_the_estimate_and_its_error(design, weighting, factor):
    mask, values = design
    layout = layout_of(mask)
    here = twoway(values[mask], layout, level=0.95, weighting=weighting)
    there = twoway(-factor * values[mask], layout, level=0.95, weighting=weighting)
    assert [there.value, there.se, there.df] == pytest.approx([-factor * here.value, factor * here.se, here.df])
    assert [there.low, there.high] == pytest.approx([-factor * here.high, -factor * here.low])


@given(designs(full=True), st.sampled_from(Weighting), st.floats(-1e3, 1e3))
def test_in_a_full_table_a_shift_moves_the_estimate_and_nothing_else(design, weighting, shift):
    mask, values = design
    layout = layout_of(mask)
    here = twoway(values[mask], layout, level=0.95, weighting=weighting)
    there = twoway(values[mask] + shift, layout, level=0.95, weighting=weighting)
    assert there.value == pytest.approx(here.value + shift, abs=1e-9)
    assert [there.se, there.df] == pytest.approx([here.se, here.df], rel=1e-6)


@given(designs(full=True))
def test_in_a_full_table_the_three_weights_are_one(design):
    mask, values = design
    found = [twoway(values[mask], layout_of(mask), level=0.95, weighting=weighting) for weighting in Weighting]
    for other in found[1:]:
        assert [other.value, other.se, other.df] == pytest.approx([found[0].value, found[0].se, found[0].df])


@given(designs(), st.floats(-1e6, 1e6))
def test_a_constant_difference_has_no_variance_and_no_interval(design, constant):
    mask, _ = design
    estimate = twoway(np.full(int(mask.sum()), constant), layout_of(mask), level=0.95)
    assert estimate.value == pytest.approx(constant)
    assert estimate.refused.code is RefusalCode.ZERO_VARIANCE
    assert np.isnan([estimate.se, estimate.low, estimate.high, estimate.p]).all()


def test_negative_components_are_shown_and_taken_as_nothing():
    values = np.array([[1.0, -1, 1, -1], [-1, 1, -1, 1], [1, -1, -1, 1]])
    estimate = twoway(values.ravel(), layout_of(np.ones_like(values, bool)), level=0.95)
    assert estimate.components.case < 0
    assert estimate.components.reader < 0
    assert estimate.shares.case == estimate.shares.reader == 0
    assert estimate.shares.cell == 1
    assert estimate.se == pytest.approx((estimate.components.cell / 12) ** 0.5)
    assert np.isfinite(estimate.df)


def test_a_variance_that_is_all_negative_components_is_refused():
    # Three readings share each case and each reader, and every product of two of them is the same.
    values = np.array([[1.0, -1, 0], [0, 1, -1], [-1, 0, 1]]) * 1e-9
    layout = layout_of(np.ones((3, 3), bool))
    found = components(values.ravel(), layout)
    assert found.case < 0
    assert found.reader < 0
    assert twoway(values.ravel(), layout, level=0.95).refused is None  # its cell component carries it


def test_degrees_of_freedom_never_fall_below_the_smaller_margin_less_one():
    rng = np.random.default_rng(5)
    values = rng.normal(0, 10, (3, 1)) + rng.normal(0, 0.01, (3, 40))
    estimate = twoway(values.ravel(), layout_of(np.ones_like(values, bool)), level=0.95)
    assert estimate.df >= 2


def test_degrees_of_freedom_are_satterthwaite_s_with_one_at_least_for_the_cell():
    # A star: one reader read every case, one case was read by every reader, so that N − R − C + 1 is 0.
    mask = np.zeros((8, 7), bool)
    mask[0, :] = mask[:, 0] = True
    layout = layout_of(mask)
    assert layout.n_readings - layout.n_readers - layout.n_cases + 1 == 0
    for seed in range(5):
        values = np.random.default_rng(seed).normal(size=mask.sum())
        found = components(values, layout).truncated()
        n = mask.sum()
        case = found.case * np.sum(mask.sum(axis=0) ** 2) / n**2
        reader = found.reader * np.sum(mask.sum(axis=1) ** 2) / n**2
        cell = found.cell / n
        df = (case + reader + cell) ** 2 / ((reader + cell) ** 2 / 7 + (case + cell) ** 2 / 6 + cell**2 / 1)
        assert cell > 0
        estimate = twoway(values, layout, level=0.95)
        assert estimate.df == pytest.approx(max(df, 6), rel=1e-9)


@pytest.mark.parametrize(
    ("mask", "code"),
    [
        ([[]], RefusalCode.NO_PAIRS),
        ([[1] * 5] * 2, RefusalCode.FEW_READERS),
        ([[1] * 2] * 5, RefusalCode.FEW_CASES),
        (np.eye(5), RefusalCode.FEW_SHARED_CASES),
        ([[1, 1, 0, 0, 0], [1, 0, 1, 0, 0], [1, 0, 0, 1, 1]], None),
        ([[1, 0, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 1, 1]], RefusalCode.FEW_SHARED_CASES),
        ([[1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 1]], RefusalCode.FEW_SHARED_CASES),
        ([[1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 0, 0], [0, 1, 1]], RefusalCode.FEW_SHARED_READERS),
        ([[1, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 1]], None),
        ([[1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 0, 1]], RefusalCode.FEW_SHARED_READERS),
    ],
)
def test_designs_too_small_for_an_interval_are_refused_by_name(mask, code):
    mask = np.array(mask, dtype=bool)
    layout = layout_of(mask)
    estimate = twoway(np.arange(layout.n_readings, dtype=float), layout, level=0.95)
    assert (None if estimate.refused is None else estimate.refused.code) == code
    assert np.isnan(estimate.value) == (layout.n_readings == 0)
    assert np.isnan(estimate.low) == (code is not None)


def test_readers_and_cases_without_a_reading_are_not_counted():
    mask = np.zeros((9, 9), bool)
    mask[:4, 5:] = True
    layout = layout_of(mask)
    assert (layout.n_readers, layout.n_cases, layout.n_readings) == (4, 4, 16)
