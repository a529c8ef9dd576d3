"""Ratios of sums as influence values, so that the default interval serves them too."""

from collections.abc import Sequence

import numpy as np

from analysis.inference.estimate import NAN, Floats
from analysis.inference.exact import dot

ROUNDING = 1e-12


def ratio(numerator: Floats, denominator: Floats, weights: Floats) -> tuple[float, Floats]:
    """A ratio of weighted sums, and how much each reading moves it.

    Parameters
    ----------
    numerator, denominator : (N,) arrays
        What each reading adds above and below the line, in counts.
    weights : (N,) array
        Weights of the readings, adding up to 1.

    Returns
    -------
    value : float
        Σ a·numerator / Σ a·denominator; NaN where the denominator is 0.
    influence : (N,) array
        ψ = (numerator − value·denominator) / Σ a·denominator. Its weighted mean is 0, and the variance of that mean
        is, to first order, the variance of the ratio (delta method). NaN where the value is NaN.
    """
    below = dot(weights, denominator)
    if below == 0:
        return NAN, np.full(numerator.shape, NAN)
    value = dot(weights, numerator) / below
    return value, _without_dust((numerator - value * denominator) / below, np.abs(numerator).max() / below)


def mean(values: Floats, weights: Floats) -> tuple[float, Floats]:
    """A weighted mean, and how far each reading stands from it: the ratio whose denominators are all 1.

    Parameters
    ----------
    values, weights : (N,) arrays
        Finite values, and weights that add up to 1.

    Returns
    -------
    value : float
    influence : (N,) array
        In the units of the values; its weighted mean is 0.
    """
    value = dot(weights, values)
    return value, _without_dust(values - value, np.abs(values).max())


def harmonic_mean(parts: Sequence[tuple[float, Floats]]) -> tuple[float, Floats]:
    """The harmonic mean of several values over the same readings, with its influence by the chain rule.

    Parameters
    ----------
    parts : sequence of (float, (N,) array)
        Each part's value, not negative, and its influence.

    Returns
    -------
    value : float
        0 where a part is 0; NaN where a part is NaN.
    influence : (N,) array
        NaN where the value is NaN.
    """
    values = np.array([value for value, _ in parts])
    value = float(harmonic_means(values))
    # The slope is value² / (n part²); at a part of 0 its limit is n, and the other parts' slopes are 0.
    slopes = np.where(values == 0, float(len(parts)), 0.0)
    np.divide(value**2, len(parts) * values**2, out=slopes, where=values > 0)
    influence = np.sum([slope * own for slope, (_, own) in zip(slopes, parts, strict=True)], axis=0)
    return value, np.asarray(influence, dtype=np.float64)


def harmonic_means(values: Floats) -> Floats:
    """Harmonic means over the first axis: (n, …) to (…). 0 where a part is 0, NaN where a part is NaN."""
    some_zero, some_nan = (values == 0).any(axis=0), np.isnan(values).any(axis=0)
    inverse = np.sum(np.divide(1.0, values, out=np.ones_like(values), where=values != 0), axis=0)
    return np.where(some_nan, NAN, np.where(some_zero, 0.0, values.shape[0] / inverse))


def difference(test: tuple[float, Floats], control: tuple[float, Floats]) -> tuple[float, Floats]:
    """Test − control of two values with their influences (N,) on the same readings. NaN where one of them is NaN."""
    scale = max(np.abs(test[1]).max(), np.abs(control[1]).max())
    return test[0] - control[0], _without_dust(test[1] - control[1], scale)


def _without_dust(influence: Floats, scale: float) -> Floats:
    """Influences that are zero but for rounding, as zero: equal ratios differ by nothing, not by 1e-17."""
    return np.where(np.abs(influence) <= ROUNDING * scale, 0.0, influence)
