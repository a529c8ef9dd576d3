"""Two-way cluster-robust variance: what readers bring, plus what cases bring, less what was counted twice.

A sensitivity analysis for means, ratios, and the coefficients of a regression alike: whatever has an influence value a
reading has this variance, and no variance component is estimated for it.
"""

from dataclasses import dataclass, replace

import numpy as np

from analysis.inference.estimate import NAN, Estimate, Floats, Method, Weighting
from analysis.inference.exact import dot, magnitude, total
from analysis.inference.layout import Layout, weights_of
from analysis.inference.refusals import ZERO_VARIANCE, refuse_design
from analysis.inference.student import t_quantile, t_two_sided
from analysis.inference.twoway import ROUNDING, is_constant

LABEL = "sensitivity: two-way cluster-robust"
LARGER = "the variance for readers and cases together was smaller than for one of them alone, which stands instead"


@dataclass(frozen=True, slots=True)
class RobustVariance:
    """The variance of one sum, clustered by reader, by case, and by cell; in squared units."""

    reader: float
    case: float
    cell: float

    @property
    def combined(self) -> float:
        """V_reader + V_case − V_cell, which may be negative."""
        return self.reader + self.case - self.cell

    @property
    def larger_stands(self) -> bool:
        """Whether the combined variance is not above rounding, so that the larger of the two takes its place."""
        return self.combined <= ROUNDING * (self.reader + self.case)

    @property
    def variance(self) -> float:
        return max(self.reader, self.case) if self.larger_stands else self.combined


def two_way_variance(scores: Floats, layout: Layout, *, n_coefficients: int = 1) -> RobustVariance:
    """The variance of a sum of scores over readings that share readers and cases.

    Parameters
    ----------
    scores : (N,) array
        What each reading adds to the estimate: its weight times its influence value, or, for a regression, the
        contrast's row of (X'X)⁻¹X' times the residual. They add up to 0.
    layout : Layout
        Reader and case of each of the N readings; a reader reads a case at most once.
    n_coefficients : int
        Coefficients estimated from the readings; 1 for a mean or a ratio.

    Returns
    -------
    RobustVariance

    Notes
    -----
    Cameron, Gelbach & Miller, Journal of Business & Economic Statistics 2011. Each part has the factor G/(G−1) of its
    number of clusters, and all have (N−1)/(N−p): what R's `sandwich::vcovCL` calls HC1. NaN with fewer than two
    readers or cases.
    """
    all_parts = _parts(scores[:, None], layout, n_coefficients)
    return RobustVariance(*(float(part[0, 0]) for part in all_parts))


def two_way_covariance(scores: Floats, layout: Layout, *, n_coefficients: int = 1) -> Floats:
    """The covariances of p sums of scores over the same readings.

    Parameters
    ----------
    scores : (N, p) array
        What each reading adds to each of p estimates; every column adds up to 0.
    layout, n_coefficients
        As for `two_way_variance`.

    Returns
    -------
    (p, p) array
        V_reader + V_case − V_cell; symmetric, and not always positive definite. One contrast with a variance that
        cannot be negative is `two_way_variance(scores @ contrast, …)`.
    """
    reader, case, cell = _parts(scores, layout, n_coefficients)
    return np.asarray(reader + case - cell, dtype=np.float64)


def _parts(scores: Floats, layout: Layout, n_coefficients: int) -> tuple[Floats, Floats, Floats]:
    n = layout.n_readings
    columns = [np.ascontiguousarray(column) for column in scores.T]
    degrees = (n - 1) / (n - n_coefficients) if n > n_coefficients else NAN
    by_reader = _products([layout.by_reader(column) for column in columns])
    by_case = _products([layout.by_case(column) for column in columns])
    return (
        by_reader * (degrees * _few(layout.n_readers)),
        by_case * (degrees * _few(layout.n_cases)),
        _products(columns) * (degrees * _few(n)),
    )


def _products(columns: list[Floats]) -> Floats:
    """Every column times every other, each sum rounded once."""
    return np.array([[dot(left, right) for right in columns] for left in columns])


def _few(clusters: int) -> float:
    return clusters / (clusters - 1) if clusters > 1 else NAN


def robust(
    influence: Floats,
    layout: Layout,
    *,
    level: float,
    weighting: Weighting = Weighting.PAIR,
    value: float | None = None,
) -> Estimate:
    """A mean, or anything with influence values, with a two-way cluster-robust interval.

    Parameters
    ----------
    influence : (N,) array
        One finite quantity a reading: a difference, or an influence value about `value`.
    layout : Layout
        Reader and case of each reading.
    level : float
        Coverage of the two-sided interval, such as 0.95.
    weighting : Weighting
        What counts the same; the weights add up to 1.
    value : float, optional
        The point estimate where `influence` are influence values about it; otherwise their weighted mean.

    Returns
    -------
    Estimate
        Readers and cases are random; t with min(R, C) − 1 degrees of freedom. The components and shares are NaN: the
        method has none. The label says that this is a sensitivity analysis, and where the combined variance was not
        positive and the larger of the two one-way variances stands in its place. With `refused` set, `se`, `df`,
        `low`, `high` and `p` are NaN.

    Notes
    -----
    Cameron, Gelbach & Miller 2011; see `two_way_variance`.
    """
    estimate = Estimate(
        value=NAN,
        level=level,
        method=Method.ROBUST,
        weighting=weighting,
        n_readers=layout.n_readers,
        n_cases=layout.n_cases,
        n_readings=layout.n_readings,
        label=LABEL,
    )
    design = refuse_design(layout)
    if layout.n_readings == 0:
        return replace(estimate, refused=design)
    weights = weights_of(layout, weighting)
    centre = dot(weights, influence)
    estimate = replace(estimate, value=centre if value is None else value)
    if design is not None:
        return replace(estimate, refused=design)
    if is_constant(influence):
        return replace(estimate, refused=ZERO_VARIANCE)
    scale = magnitude(influence)
    deviations = influence / scale - centre / scale
    found = two_way_variance(weights * (deviations - dot(weights, deviations) / total(weights)), layout)
    if found.variance <= 0:
        return replace(estimate, refused=ZERO_VARIANCE)
    se, df = found.variance**0.5 * scale, min(layout.n_readers, layout.n_cases) - 1.0
    half = t_quantile((1 + level) / 2, df) * se
    return replace(
        estimate,
        se=se,
        df=df,
        low=estimate.value - half,
        high=estimate.value + half,
        p=t_two_sided(estimate.value / se, df),
        label=f"{LABEL}; {LARGER}" if found.larger_stands else LABEL,
    )
