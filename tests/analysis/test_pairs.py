"""Which readings are compared, and what is counted when it is not."""

import numpy as np
import pytest

from analysis.inference.layout import layout_of
from analysis.inference.pairs import Unmatched, panel_pairs, run_means, system_pairs

READ = np.array([[1, 1, 0, 0], [0, 1, 1, 0]], dtype=bool)


def test_a_case_that_was_read_and_not_answered_is_named():
    pairs = system_pairs(READ, np.array([1, 0, 1, 1], dtype=bool))
    assert pairs.unanswered == (1,)
    assert pairs.unmatched == Unmatched(readings=2, cases=1)
    assert pairs.mask.tolist() == [[True, False, False, False], [False, False, True, False]]


def test_a_reading_without_a_value_is_left_out_and_counted():
    defined = np.ones((2, 4), bool)
    defined[0, 1] = False
    pairs = system_pairs(READ, np.ones(4, bool), defined=defined)
    assert (pairs.undefined, pairs.unanswered, int(pairs.mask.sum())) == (1, (), 3)


def test_panels_pair_where_both_read():
    pairs = panel_pairs(READ, READ[::-1])
    assert pairs.mask.tolist() == [[False, True, False, False], [False, True, False, False]]
    assert pairs.unmatched == Unmatched(readings=4, cases=0)


def test_runs_are_averaged_and_runs_without_a_value_left_out():
    values = np.array([1.0, 3.0, np.nan, 5.0, np.nan])
    found = run_means(values, np.array([0, 0, 0, 2, 3]), 4)
    assert found == pytest.approx([2.0, np.nan, 5.0, np.nan], nan_ok=True)


def test_codes_follow_rows_and_columns_that_have_a_reading():
    layout = layout_of(READ)
    assert layout.reader.tolist() == [0, 0, 1, 1]
    assert layout.case.tolist() == [0, 1, 1, 2]
    assert layout.per_case.tolist() == [1, 2, 1]
