"""Bands that hold for a whole family of contrasts at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.estimate import NAN, Estimate, Floats
from analysis.student import t_quantile


@dataclass(frozen=True, slots=True)
class Band:
    """An interval that holds together with the others of its family, and the family's critical value."""

    low: float
    high: float
    critical: float
    family: int


def critical_value(in_draws: Floats, *, level: float) -> float:
    """The quantile of the largest studentised deviation over a family, in standard errors.

    `in_draws` (B, K) holds the contrasts of the family in the same draws; a draw in which one has no value is left out.
    NaN: fewer than two draws are left, or a contrast is the same in all of them.
    """
    complete = in_draws[np.isfinite(in_draws).all(axis=1)]
    if len(complete) < 2 or (np.ptp(complete, axis=0) == 0).any():
        return NAN
    studentised = np.abs(complete - complete.mean(axis=0)) / complete.std(axis=0, ddof=1)
    return float(np.quantile(studentised.max(axis=1), level))


def bands(in_draws: Floats, estimates: Sequence[Estimate], *, level: float) -> list[Band | None]:
    """A band for each estimate of the family; None for all of them where the family has fewer than two members,
    or too few draws in which all have a value.

    The critical value comes from the draws, the standard error from the default interval. The draws' maxima are on the
    normal scale; each contrast's own degrees of freedom turn them into its t, so that a band is never narrower than
    the interval it accompanies for want of readers.
    """
    if len(estimates) < 2:
        return [None] * len(estimates)
    critical = critical_value(in_draws, level=level)
    if np.isnan(critical):
        return [None] * len(estimates)
    found: list[Band | None] = []
    for estimate in estimates:
        half = t_quantile(float(special.ndtr(critical)), estimate.df) * estimate.se
        found.append(Band(estimate.value - half, estimate.value + half, critical, len(estimates)))
    return found
