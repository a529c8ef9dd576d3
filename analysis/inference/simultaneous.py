"""Bands that hold for a whole family of contrasts at once."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.inference.estimate import NAN, Estimate, Floats
from analysis.inference.student import t_quantile


@dataclass(frozen=True, slots=True)
class Band:
    """An interval that holds together with the others of its family.

    `low` and `high` are in the measure's units, `critical` is the family's critical value in standard errors, `family`
    the number of its members.
    """

    low: float
    high: float
    critical: float
    family: int


def critical_value(in_draws: Floats, *, level: float) -> float:
    """The quantile of the largest studentised deviation over a family, in standard errors.

    Parameters
    ----------
    in_draws : (B, K) array
        The K contrasts of the family in the same B draws. NaN: no value; such a draw is left out for all of them.
    level : float
        Coverage of the whole family, such as 0.95.

    Returns
    -------
    float
        NaN: fewer than two draws are left, or a contrast is the same in all of them.
    """
    has_value = np.isfinite(in_draws)
    complete = in_draws if has_value.all() else in_draws[has_value.all(axis=1)]
    if len(complete) < 2 or (np.ptp(complete, axis=0) == 0).any():
        return NAN
    about = complete - complete.mean(axis=0)
    sd = np.sqrt((about**2).sum(axis=0) / (len(complete) - 1))
    largest = (np.abs(about, out=about) / sd).max(axis=1)
    return float(np.quantile(largest, level))


def bands(in_draws: Floats, estimates: Sequence[Estimate], *, level: float) -> list[Band | None]:
    """A band for each estimate of a family.

    Parameters
    ----------
    in_draws : (B, K) array
        The K contrasts in the same B draws, in the measure's units; NaN: no value in that draw.
    estimates : sequence of K estimates
        Each with its default interval (`se` and `df` are not NaN), in the order of the columns.
    level : float
        Coverage of the whole family.

    Returns
    -------
    list of K bands
        None for all of them where the family has fewer than two members, or no critical value.

    Notes
    -----
    The critical value comes from the draws, the standard error from the default interval. The draws' maxima are on the
    normal scale; each contrast's own degrees of freedom turn them into its t, so that a band is never narrower than
    the interval it accompanies for want of readers, nor for want of draws.
    """
    if len(estimates) < 2:
        return [None] * len(estimates)
    critical = critical_value(in_draws, level=level)
    if np.isnan(critical):
        return [None] * len(estimates)
    critical = max(critical, float(special.ndtri((1 + level) / 2)))
    found: list[Band | None] = []
    for estimate in estimates:
        half = t_quantile(float(special.ndtr(critical)), estimate.df) * estimate.se
        found.append(Band(estimate.value - half, estimate.value + half, critical, len(estimates)))
    return found
