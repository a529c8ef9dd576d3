"""What is said where an interval is refused or rests on little: true, and in grammar."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.inference.estimate import Estimate, Method, Weighting
from analysis.inference.layout import layout_of
from analysis.inference.refusals import ZERO_VARIANCE, few_readers, refuse_design, refuse_draws

ONE = Estimate(0.3, 0.95, Method.TWO_WAY, Weighting.PAIR, n_readers=5, n_cases=9, n_readings=45, se=0.1, df=4.0)


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.ones((1, 9)), "1 reader; an interval for new readers needs at least 3."),
        (np.ones((9, 1)), "1 case; an interval for new cases needs at least 3."),
        ([[1, 1, 0], [0, 1, 0], [0, 0, 1]], "1 pair of readings shares a case; with 3 readers at least 3 are needed."),
        (np.eye(4), "0 pairs of readings share a case; with 4 readers at least 4 are needed."),
        (
            [[1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]],
            "3 pairs of readings share a case; with 4 readers at least 4 are needed.",
        ),
        (
            [[1, 0, 0], [1, 0, 0], [1, 0, 0], [1, 1, 0], [0, 0, 1]],
            "1 pair of readings shares a reader; with 3 cases at least 3 are needed.",
        ),
    ],
)
def test_a_design_is_refused_in_a_sentence(mask, said):
    assert refuse_design(layout_of(np.array(mask, dtype=bool))).reason == said


def test_draws_without_a_value_are_refused_in_a_sentence():
    assert refuse_draws(100, 1).reason == "1 of 100 bootstrap draws has no value; at most 0.1 % may."
    assert refuse_draws(10_000, 11).reason == "11 of 10,000 bootstrap draws have no value; at most 0.1 % may."


@pytest.mark.parametrize(
    ("changed", "warned"),
    [
        ({}, True),
        ({"n_readers": 6}, False),
        ({"refused": ZERO_VARIANCE}, False),
        ({"random": ("case",), "n_readers": 0}, False),
    ],
)
def test_fewer_than_six_readers_are_said_beside_an_interval_over_readers(changed, warned):
    said = few_readers(replace(ONE, **changed))
    assert (said is not None) == warned
    if warned:
        assert said.startswith("Only 5 readers: ")
