"""The default interval holds the truth about as often as it says, in the designs that studies have."""

import numpy as np
import pytest

from analysis.inference.layout import layout_of
from analysis.inference.twoway import twoway


@pytest.mark.parametrize(
    ("n_readers", "n_cases", "per_reader"), [(10, 30, 30), (24, 12, 6), (20, 40, 10)], ids=["full", "demo", "sparse"]
)
def test_coverage_is_near_the_level(n_readers, n_cases, per_reader):
    rng = np.random.default_rng(20261121)
    n, truth, held = 1500, 5.0, 0
    for _ in range(n):
        mask = np.zeros((n_readers, n_cases), bool)
        for row in mask:
            row[rng.choice(n_cases, per_reader, replace=False)] = True
        differences = (
            truth
            + rng.normal(0, 8, (n_readers, 1))
            + rng.normal(0, 12, (1, n_cases))
            + rng.normal(0, 16, (n_readers, n_cases))
        )
        estimate = twoway(differences[mask], layout_of(mask), level=0.95)
        held += estimate.low <= truth <= estimate.high
    # Three standard errors of the simulation are 0.017.
    assert 0.933 <= held / n <= 0.967
