"""Two rates over independent pairs, and pairs that are not."""

from itertools import product
from math import isnan

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from analysis.inference.estimate import Method, RefusalCode
from analysis.inference.layout import layout_of
from analysis.inference.proportions import PairedTable, mcnemar_mid_p, newcombe, paired, table_of, tango

COUNTS = st.builds(PairedTable, *[st.integers(0, 40)] * 4).filter(lambda table: table.n > 2)


def swapped(table):
    return PairedTable(table.both, table.control_only, table.test_only, table.neither)


@given(COUNTS)
def test_both_intervals_hold_the_difference_inside_minus_one_and_one(table):
    for low, high in (newcombe(table, 0.95), tango(table, 0.95)):
        assert -1 <= low <= table.difference <= high <= 1
        assert low < high


@given(COUNTS)
def test_test_and_control_exchanged_turn_both_intervals_round(table):
    for interval in (newcombe, tango):
        low, high = interval(table, 0.9)
        assert interval(swapped(table), 0.9) == pytest.approx((-high, -low), abs=1e-9)
    assert mcnemar_mid_p(swapped(table)) == mcnemar_mid_p(table)


@given(COUNTS)
def test_at_the_bounds_of_tango_the_likeliest_table_is_z_standard_errors_away(table):
    assume(table.test_only and table.control_only and table.both + table.neither)
    b, c, n = table.test_only, table.control_only, table.n
    z = stats.norm.ppf(0.975)
    for bound, sign in zip(tango(table, 0.95), (1, -1), strict=True):
        grid = np.linspace(max(0, -bound), (1 - bound) / 2, 4001)[1:-1]
        likelihood = b * np.log(grid + bound) + c * np.log(grid) + (n - b - c) * np.log(1 - 2 * grid - bound)
        rare = grid[np.argmax(likelihood)]
        score = (b - c - n * bound) / (n * (2 * rare + bound - bound**2)) ** 0.5
        assert score == pytest.approx(sign * z, rel=0.02)


def test_no_pair_that_differs_leaves_what_the_score_leaves():
    z2 = stats.norm.ppf(0.975) ** 2
    assert tango(PairedTable(5, 0, 0, 15), 0.95) == pytest.approx((-z2 / (20 + z2), z2 / (20 + z2)))
    assert mcnemar_mid_p(PairedTable(5, 0, 0, 15)) == 1


@given(COUNTS)
def test_the_mid_p_leaves_half_of_what_was_seen_out_of_the_exact_p(table):
    n = table.test_only + table.control_only
    assume(n > 0 and table.test_only != table.control_only)
    exact = stats.binomtest(table.test_only, n).pvalue
    seen = stats.binom.pmf(table.test_only, n, 0.5)
    assert mcnemar_mid_p(table) == pytest.approx(exact - seen)


def one_reader(n=12):
    return layout_of(np.ones((1, n), bool))


def outcomes(n, seed=3):
    return np.random.default_rng(seed).integers(0, 2, (2, n)).astype(float)


@pytest.mark.parametrize("method", [Method.NEWCOMBE, Method.TANGO])
def test_one_reader_beside_one_run_is_compared_for_new_cases(method):
    test, control = outcomes(12)
    found = paired(test, control, one_reader(), level=0.95, method=method)
    table = table_of(test, control)
    expected = {Method.NEWCOMBE: newcombe, Method.TANGO: tango}[method](table, 0.95)
    assert (found.low, found.high) == expected
    assert (found.value, found.p) == (pytest.approx(np.mean(test - control)), mcnemar_mid_p(table))
    assert (found.method, found.random, found.refused) == (method, ("case",), None)
    assert "new cases" in found.label


def test_readers_of_one_case_each_are_independent_pairs():
    found = paired(*outcomes(9), layout_of(np.eye(9, dtype=bool)), level=0.95)
    assert (found.refused, found.random) == (None, ("reader", "case"))


DEPENDENT = {
    "several readers of several cases": np.ones((4, 6), bool),
    "one case, many readers": np.ones((6, 1), bool),
    "a reader with two cases": np.vstack([np.eye(5, 6, dtype=bool)[:4], [[0, 0, 0, 0, 1, 1]]]).astype(bool),
    "two readers on a case": np.array([[1, 1, 1, 0], [0, 0, 1, 1]], dtype=bool),
}


@pytest.mark.parametrize(("mask", "method"), [*product(DEPENDENT.values(), [Method.NEWCOMBE, Method.TANGO])])
def test_pairs_that_share_a_reader_or_a_case_are_refused(mask, method):
    found = paired(*outcomes(int(mask.sum())), layout_of(mask), level=0.95, method=method)
    assert found.refused is not None
    assert found.refused.code is RefusalCode.DEPENDENT_PAIRS
    assert isnan(found.low)
    assert isnan(found.p)


def test_a_mean_over_runs_is_no_outcome_of_one_pair():
    test, control = outcomes(12)
    test[4] = 0.35
    found = paired(test, control, one_reader(), level=0.95)
    assert found.refused is not None
    assert found.refused.code is RefusalCode.DEPENDENT_PAIRS


@pytest.mark.parametrize(("n", "code"), [(0, RefusalCode.NO_PAIRS), (2, RefusalCode.FEW_CASES)])
def test_too_few_pairs_are_refused(n, code):
    found = paired(*outcomes(n), one_reader(n), level=0.95)
    assert found.refused is not None
    assert found.refused.code is code


def test_another_method_is_an_error():
    with pytest.raises(ValueError, match="two-way is no interval"):
        paired(*outcomes(12), one_reader(), level=0.95, method=Method.TWO_WAY)
