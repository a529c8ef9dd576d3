"""From the draws of one quantity to its interval."""

from dataclasses import replace

import numpy as np

from analysis.inference.estimate import Estimate, Floats
from analysis.inference.exact import magnitude, total_by_halves
from analysis.inference.refusals import ZERO_VARIANCE, refuse_draws

ROUNDING = 1e-12  # relative to the largest draw: a spread below this is arithmetic, not data


def from_draws(estimate: Estimate, values: Floats, *, seed: int | None) -> Estimate:
    """The estimate with the percentiles of its draws, and with their standard deviation as its error.

    `values` (B,) holds the quantity in every draw, NaN where the draw had none; those are counted, and refused above
    one in a thousand. Refused as the estimate was, and where all draws are alike. `df` and `p` are NaN.
    """
    present = values[np.isfinite(values)]
    without = int(values.size - present.size)
    estimate = replace(estimate, seed=seed, draws=int(values.size), draws_without_value=without)
    refused = estimate.refused or refuse_draws(values.size, without)
    if refused is not None:
        return replace(estimate, refused=refused)
    if np.ptp(present) <= ROUNDING * np.abs(present).max():
        return replace(estimate, refused=ZERO_VARIANCE)
    tail = (1 - estimate.level) / 2
    low, high = np.quantile(present, [tail, 1 - tail])
    scale = magnitude(present)
    scaled = present / scale
    about = scaled - total_by_halves(scaled) / present.size
    se = scale * (total_by_halves(about**2) / (present.size - 1)) ** 0.5
    return replace(estimate, se=se, low=float(low), high=float(high))
