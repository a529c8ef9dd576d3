"""Ratios of sums as influence values, so that the default interval serves them too."""

import numpy as np

from analysis.estimate import NAN, Floats

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
    below = float(weights @ denominator)
    if below == 0:
        return NAN, np.full(numerator.shape, NAN)
    value = float(weights @ numerator) / below
    return value, _without_dust((numerator - value * denominator) / below, np.abs(numerator).max() / below)


def mean(values: Floats, weights: Floats) -> tuple[float, Floats]:
    """A weighted mean, and how far each reading stands from it: the ratio whose denominators are all 1."""
    value = float(weights @ values)
    return value, _without_dust(values - value, np.abs(values).max())


def difference(test: tuple[float, Floats], control: tuple[float, Floats]) -> tuple[float, Floats]:
    """Test − control of two values with their influences on the same readings."""
    scale = max(np.abs(test[1]).max(), np.abs(control[1]).max())
    return test[0] - control[0], _without_dust(test[1] - control[1], scale)


def _without_dust(influence: Floats, scale: float) -> Floats:
    """Influences that are zero but for rounding, as zero: equal ratios differ by nothing, not by 1e-17."""
    return np.where(np.abs(influence) <= ROUNDING * scale, 0.0, influence)
