"""The default interval: readers and cases both random, closed form, no random numbers."""

from dataclasses import dataclass, replace

import numpy as np

from analysis.inference.estimate import NAN, Components, Estimate, Floats, Method, Shares, Weighting
from analysis.inference.exact import dot, magnitude, total
from analysis.inference.layout import Layout, weights_of
from analysis.inference.refusals import ZERO_VARIANCE, refuse_design
from analysis.inference.student import t_quantile, t_two_sided

ROUNDING = 1e-12  # relative to the largest value: a spread below this is arithmetic, not data


@dataclass(frozen=True, slots=True)
class Semivariances:
    """Half the mean squared difference of two readings' values, by what the two readings share."""

    same_case: float
    same_reader: float
    neither: float


def semivariances(values: Floats, layout: Layout) -> Semivariances:
    """How far two readings lie apart, over all pairs of readings, by what the two share.

    Parameters
    ----------
    values : (N,) array
        One quantity a reading, in any unit.
    layout : Layout
        Reader and case of each of the N readings; a reader reads a case at most once.

    Returns
    -------
    Semivariances
        In squared units. NaN where no two readings share what is asked for.

    Notes
    -----
    U-statistics with the kernel (x − y)² / 2 (Hoeffding, Annals of Mathematical Statistics 1948), from margins alone:
    O(N) instead of O(N²). Where the values have their zero does not matter, so that it may be put at their mean, which
    keeps digits when they are large beside their spread.
    """
    n = float(layout.n_readings)
    about = values - total(values) / n
    square, squares = dot(about, about), about**2
    sum_case, sum_reader = layout.by_case(about), layout.by_reader(about)
    of_case, of_reader = layout.per_case[layout.case] - 1, layout.per_reader[layout.reader] - 1

    def half_mean_square(partners: Floats, products: float) -> float:
        """From how many partners each reading has, and the sum of all products with them."""
        pairs = total(partners)
        return (dot(partners, squares) - products) / pairs if pairs else NAN

    products_case, products_reader = dot(sum_case, sum_case) - square, dot(sum_reader, sum_reader) - square
    products_neither = total(about) ** 2 - square - products_case - products_reader
    return Semivariances(
        same_case=half_mean_square(of_case, products_case),
        same_reader=half_mean_square(of_reader, products_reader),
        neither=half_mean_square(n - 1 - of_case - of_reader, products_neither),
    )


def components(values: Floats, layout: Layout) -> Components:
    """Variance components of one reading's value between cases, between readers, and within a cell.

    Unbiased for any pattern of missing readings that does not depend on the values, and the same wherever the values
    have their zero; not truncated, so a component may be negative. NaN where the layout cannot tell (see
    `semivariances`).

    Notes
    -----
    Two readings of one case differ by reader and cell, two of one reader by case and cell, two that share neither by
    all three. In a full table these are the components of the analysis of variance, and of the one-shot U-statistic of
    mean products (Gallas, Academic Radiology 2006). In uneven tables mean products depend on where the values have
    their zero: with readers of 5 to 60 cases, intervals by them held a mean of 30 in 0.89 of the samples, and these in
    0.93 (`docs/coverage.md`).
    """
    found = semivariances(values, layout)
    return Components(
        case=found.neither - found.same_case,
        reader=found.neither - found.same_reader,
        cell=found.same_case + found.same_reader - found.neither,
    )


def twoway(
    values: Floats,
    layout: Layout,
    *,
    level: float,
    weighting: Weighting = Weighting.PAIR,
    value: float | None = None,
) -> Estimate:
    """A weighted mean of one quantity a reading, with an interval for new readers and new cases.

    Parameters
    ----------
    values : (N,) array
        One finite quantity a reading: a difference, a score, or an influence value.
    layout : Layout
        Reader and case of each reading.
    level : float
        Coverage of the two-sided interval, such as 0.95.
    weighting : Weighting
        What counts the same; the weights add up to 1.
    value : float, optional
        The point estimate where `values` are influence values about it; otherwise their weighted mean.

    Returns
    -------
    Estimate
        Readers and cases are random. With `refused` set, `se`, `df`, `low`, `high` and `p` are NaN.

    Notes
    -----
    Var = σ²_case Σ_c(Σ_r a)² + σ²_reader Σ_r(Σ_c a)² + σ²_cell Σ a², negative components taken as 0. Degrees of
    freedom after Satterthwaite (1946), with max(N−R−C+1, 1) for the cell, never below min(R, C) − 1.
    """
    design = refuse_design(layout)
    estimate = Estimate(
        value=NAN,
        level=level,
        method=Method.TWO_WAY,
        weighting=weighting,
        n_readers=layout.n_readers,
        n_cases=layout.n_cases,
        n_readings=layout.n_readings,
    )
    if layout.n_readings == 0:
        return replace(estimate, refused=design)
    weights = weights_of(layout, weighting)
    estimate = replace(estimate, value=dot(weights, values) if value is None else value)
    if design is not None:
        return replace(estimate, refused=design)
    if is_constant(values):
        return replace(estimate, components=Components(0.0, 0.0, 0.0), refused=ZERO_VARIANCE)

    scale = magnitude(values)
    scaled = components(values / scale, layout)
    found = Components(scaled.case * scale**2, scaled.reader * scale**2, scaled.cell * scale**2)
    terms = variance_terms(scaled.truncated(), weights, layout)
    variance = terms.case + terms.reader + terms.cell
    if variance <= 0:
        return replace(estimate, components=found, refused=ZERO_VARIANCE)
    se = variance**0.5 * scale
    df = satterthwaite(terms, layout)
    half = t_quantile((1 + level) / 2, df) * se
    return replace(
        estimate,
        se=se,
        df=df,
        low=estimate.value - half,
        high=estimate.value + half,
        p=t_two_sided(estimate.value / se, df),
        components=found,
        shares=Shares(terms.case / variance, terms.reader / variance, terms.cell / variance),
    )


def is_constant(values: Floats) -> bool:
    """Whether the values differ by no more than rounding does."""
    return bool(np.ptp(values) <= ROUNDING * np.abs(values).max())


def variance_terms(found: Components, weights: Floats, layout: Layout) -> Components:
    """What each component adds to the variance of a weighted mean; `weights` (N,) add up to 1."""
    return Components(
        case=found.case * total(layout.by_case(weights) ** 2),
        reader=found.reader * total(layout.by_reader(weights) ** 2),
        cell=found.cell * dot(weights, weights),
    )


def satterthwaite(terms: Components, layout: Layout) -> float:
    """Degrees of freedom of a variance made of these terms, never below min(R, C) − 1 (Satterthwaite 1946)."""
    variance = terms.case + terms.reader + terms.cell
    df_cell = max(layout.n_readings - layout.n_readers - layout.n_cases + 1, 1)
    spread = (
        (terms.reader + terms.cell) ** 2 / (layout.n_readers - 1)
        + (terms.case + terms.cell) ** 2 / (layout.n_cases - 1)
        + terms.cell**2 / df_cell
    )
    return max(variance**2 / spread, min(layout.n_readers, layout.n_cases) - 1.0)
