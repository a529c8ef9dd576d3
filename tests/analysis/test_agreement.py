"""Rater reliability against the digits of other software."""

import numpy as np
import pytest

from analysis.outcomes.agreement import complete_table, reliability


def test_single_and_average_correlations_are_those_of_shrout_and_fleiss(reference):
    case = reference["icc_shrout_fleiss"]
    found = reliability(np.array(case["inputs"]["ratings_targets_by_judges"], dtype=float))
    one, many = (case["expected"][name]["value"] for name in ("ICC2", "ICC2k"))
    assert found.single == pytest.approx(one["ICC"], rel=1e-6)
    assert [found.single_low, found.single_high] == pytest.approx(one["ci95"], rel=1e-6)
    assert found.average == pytest.approx(many["ICC"], rel=1e-6)
    assert [found.average_low, found.average_high] == pytest.approx(many["ci95"], rel=1e-6)
    assert (found.n_raters, found.n_targets, found.reason) == (4, 6, None)
    assert found.exact_agreement == 0


def test_the_rounding_of_intervals_is_put_back():
    import pingouin

    before = dict(pingouin.options)
    reliability(np.array([[1, 2], [3, 3], [5, 6], [7, 7], [9, 8.0]]))
    assert pingouin.options == before


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        (np.arange(9.0).reshape(9, 1), "One rater: agreement is not defined."),
        (np.arange(8.0).reshape(4, 2), "4 options were rated by every rater; at least 5 are needed."),
        (np.ones((6, 2)), "All ratings are the same."),
        (np.repeat(np.arange(6.0), 2).reshape(6, 2), "No two raters ever differ."),
    ],
)
def test_where_agreement_cannot_be_estimated_the_reason_is_given(table, reason):
    found = reliability(table)
    assert found.reason == reason
    assert np.isnan([found.single_low, found.average_high]).all()


def test_only_options_that_every_rater_rated_are_compared():
    ratings = {("a", "x"): 1, ("a", "y"): 2, ("b", "x"): 3, ("c", "y"): 9, ("c", "x"): 8}
    raters, table = complete_table(ratings)
    assert raters == ("x", "y")
    assert table.tolist() == [[1, 2], [8, 9]]
    assert complete_table({})[1].shape == (0, 0)
