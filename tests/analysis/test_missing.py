"""What missing readings could do to the primary comparison: bounds, and the point at which the conclusion turns."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.analyse import analyse
from analysis.inference.layout import layout_of
from analysis.inference.twoway import DOMINATED, twoway
from analysis.outcomes.missing import FILLED, Missing, expected, filled, tipping_point
from study.progress import SCORED

EXPECTED, BEST, WORST = "as physician and case lead to expect", "all at the best score", "all at the worst score"


def some_missing(seed, *, best=1.0, shift=0.0, n_absent=6):
    """Eight physicians of ten cases each; a system that answered all."""
    rng = np.random.default_rng(seed)
    scores = np.clip(rng.normal(0.5, 0.15, (8, 10)) + rng.normal(0, 0.08, (8, 1)), 0, 1)
    absent = np.zeros((8, 10), bool)
    absent.ravel()[rng.permutation(80)[:n_absent]] = True
    scores[absent] = np.nan
    return Missing(absent, scores, expected(scores), np.clip(rng.normal(0.5 + shift, 0.1, 10), 0, 1), best)


def side_of_zero(estimate):
    return estimate.low > 0, estimate.high < 0


def test_each_filling_is_the_default_interval_of_the_filled_table():
    missing = some_missing(1)
    for where, fill in ((EXPECTED, missing.expected), (BEST, 1.0), (WORST, 0.0)):
        whole = missing.system - np.where(missing.absent, fill, missing.scores)
        expected = twoway(whole.ravel(), layout_of(np.ones((8, 10), bool)), level=0.95)
        found = filled(missing, level=0.95)[where]
        assert (found.value, found.se, found.df) == pytest.approx((expected.value, expected.se, expected.df))
        assert (found.n_readings, found.label) == (80, FILLED)


def test_what_is_expected_is_the_least_squares_fit_of_physicians_and_cases():
    missing = some_missing(3, n_absent=20)
    r, c = np.nonzero(~missing.absent)
    design = np.zeros((r.size, 18))
    design[np.arange(r.size), r] = design[np.arange(r.size), 8 + c] = 1
    effects = np.linalg.lstsq(design, missing.scores[r, c], rcond=None)[0]
    assert missing.expected == pytest.approx(np.clip(effects[:8, None] + effects[None, 8:], 0, 1), abs=1e-9)


def test_hard_cases_that_are_missing_do_not_move_what_is_expected_of_a_physician():
    """Every physician is as good as every other, and some never opened the hard cases."""
    hard = np.linspace(0.9, 0.1, 10)
    scores = np.tile(hard, (6, 1))
    scores[:3, 6:] = np.nan
    assert expected(scores) == pytest.approx(np.tile(hard, (6, 1)))


@given(st.integers(0, 500), st.sampled_from([1.0, 0.0]), st.integers(1, 20))
def test_any_scores_between_the_ends_give_a_difference_between_the_bounds(seed, best, n_absent):
    missing = some_missing(seed, best=best, n_absent=n_absent)
    found = filled(missing, level=0.95)
    low, high = sorted((found[BEST].value, found[WORST].value))
    rng = np.random.default_rng(seed)
    assert low <= missing.difference(rng.random(missing.scores.shape), level=0.95).value <= high
    assert low <= found[EXPECTED].value <= high
    assert (found[BEST].value < found[WORST].value) == (best == 1.0), "physicians at their best leave the system less"


def without(missing):
    """The comparison as it is made: over the readings that are there."""
    differences = np.where(missing.absent, np.nan, missing.system - missing.scores)
    there = np.isfinite(differences)
    return twoway(differences[there], layout_of(there), level=0.95)


@pytest.mark.parametrize("seed", range(12))
def test_what_the_primary_interval_says_stands_up_to_the_tipping_point_and_is_another_there(seed):
    missing = some_missing(seed, shift=0.08, n_absent=16)
    primary = without(missing)
    found = tipping_point(missing, primary, side_of_zero)

    def stands(by):
        moved = missing.difference(np.clip(missing.expected + by, 0, 1), level=0.95)
        return side_of_zero(moved) == side_of_zero(primary)

    for point, direction in ((found.above, 1), (found.below, -1)):
        last = 100 if np.isnan(point) else round(point * 100) - 1
        assert all(stands(direction * step / 100) for step in range(last + 1))
        assert np.isnan(point) or not stands(direction * point)


def test_a_tipping_point_may_be_above_below_at_the_expected_scores_or_nowhere():
    studies = [some_missing(seed, shift=0.08, n_absent=22) for seed in range(60)]
    points = [tipping_point(one, without(one), side_of_zero) for one in studies]
    assert any(one.above > 0 for one in points)
    assert any(one.below > 0 for one in points)
    assert any(one.above == one.below == 0 for one in points)
    few = [some_missing(seed, shift=0.2, n_absent=2) for seed in range(6)]
    points = [tipping_point(one, without(one), side_of_zero) for one in few]
    assert any(np.isnan(one.above) and np.isnan(one.below) for one in points)


def test_a_report_fills_in_what_is_missing_and_says_what_hangs_on_it(a_cut):
    made = analyse(a_cut(), seed=5, draws=100)
    absent = sum(reading.ending not in SCORED for reading in a_cut().readings)
    assert absent > 1
    rows = list(csv.DictReader(io.StringIO(made.files["tables/sensitivities.csv"].decode())))
    filled_in = [row for row in rows if "missing reading" in row["what"]]
    assert [row["what"] for row in filled_in] == [
        f"two-way, {absent} missing readings {where}" for where in (EXPECTED, BEST, WORST)
    ]
    document = json.loads(made.files["results.json"])
    (row,) = document["tipping"]
    primary = {one["of"] for one in document["sensitivities"]}
    assert ({row["of"]}, row["missing"]) == (primary, absent)
    assert row["says"] in made.files["report.html"].decode()
    assert f"{absent} missing scores" in row["says"]
    assert any("Missing scores of the primary comparison were also filled in" in one for one in document["methods"])


def test_a_filled_row_says_on_the_page_that_its_scores_are_taken_as_known_and_keeps_what_the_default_warns_of(a_cut):
    assert FILLED in analyse(a_cut(), seed=5, draws=100).files["report.html"].decode()
    few = np.zeros((6, 40), bool)
    few[0] = few[:, 0] = few[1:, 1:4] = True
    scores = np.where(few, np.random.default_rng(2).random(few.shape), np.nan)
    absent = np.zeros_like(few)
    absent[1, 7] = True
    one = Missing(absent, scores, expected(scores), np.full(40, 0.5), 1.0)
    label = one.difference(one.expected, level=0.95).label
    assert label.startswith(f"{FILLED}; ")
    assert DOMINATED in label


def test_where_nothing_is_missing_nothing_is_filled_in(a_cut):
    cut = a_cut()
    cut = replace(cut, readings=tuple(one for one in cut.readings if one.ending in SCORED))
    made = analyse(cut, seed=5, draws=100)
    assert json.loads(made.files["results.json"])["tipping"] == []
    assert not any("were also filled in" in one for one in json.loads(made.files["results.json"])["methods"])
    assert "missing reading" not in made.files["tables/sensitivities.csv"].decode()
