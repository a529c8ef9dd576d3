"""The default interval: readers and cases both random, closed form, no random numbers."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analysis.inference.estimate import NAN, Components, Estimate, Floats, Method, Shares, Weighting
from analysis.inference.exact import dot, magnitude, total
from analysis.inference.layout import Layout, weights_of
from analysis.inference.refusals import ZERO_VARIANCE, refuse_design
from analysis.inference.semivariance import components as semivariance_components
from analysis.inference.student import t_quantile, t_two_sided

MOST_UNEVEN, LEAST_MEDIAN, BEYOND_CHANCE = 2, 3, 5
FEWEST_EFFECTIVE = 3
UNEVEN = "variance from differences of readings: some readers or cases were read more often than others"
DOMINATED = "one or two readers, or cases, carry most of the weight: the interval may be too narrow"
ROUNDING = 1e-12  # relative to the largest value: a spread below this is arithmetic, not data


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean products of two readings' values, by what the two share."""

    same_reading: float
    same_case: float
    same_reader: float
    neither: float


def moments(values: Floats, layout: Layout) -> Moments:
    """Second moments of the values over all ordered pairs of readings, by what the two readings share.

    Parameters
    ----------
    values : (N,) array
        One quantity a reading, in any unit.
    layout : Layout
        Reader and case of each of the N readings; a reader reads a case at most once.

    Returns
    -------
    Moments
        In squared units. NaN where no two readings share what is asked for.

    Notes
    -----
    The one-shot U-statistic of Gallas (Academic Radiology 2006; degree 1,1), from margins alone:
    O(N) instead of O(N²). Sums are taken about the mean and shifted back, which keeps digits when the values are
    large beside their spread.
    """
    n = float(layout.n_readings)
    centre = total(values) / n
    about = values - centre
    per_case, per_reader = layout.per_case, layout.per_reader
    sum_case, sum_reader = layout.by_case(about), layout.by_reader(about)
    rest, square = total(about), dot(about, about)

    squares_case, squares_reader = dot(sum_case, sum_case), dot(sum_reader, sum_reader)
    pairs_case, pairs_reader = dot(per_case, per_case) - n, dot(per_reader, per_reader) - n
    cross_case, cross_reader = dot(per_case, sum_case) - rest, dot(per_reader, sum_reader) - rest

    def mean_product(product: float, cross: float, pairs: float) -> float:
        return product / pairs + 2 * centre * cross / pairs + centre**2 if pairs else NAN

    return Moments(
        same_reading=mean_product(square, rest, n),
        same_case=mean_product(squares_case - square, cross_case, pairs_case),
        same_reader=mean_product(squares_reader - square, cross_reader, pairs_reader),
        neither=mean_product(
            rest**2 - squares_case - squares_reader + square,
            n * rest - rest - cross_case - cross_reader,
            n * n - n - pairs_case - pairs_reader,
        ),
    )


def components(values: Floats, layout: Layout) -> Components:
    """Variance components of one reading's value between cases, between readers, and within a cell.

    Unbiased for any pattern of missing readings that does not depend on the values; not truncated, so a component may
    be negative. NaN where the layout cannot tell (see `moments`). In uneven tables they move with the place of zero on
    the scale: those of `semivariance` do not. Source: Gallas 2006; Gallas, Bandos, Samuelson & Wagner 2009.
    """
    found = moments(values, layout)
    return Components(
        case=found.same_case - found.neither,
        reader=found.same_reader - found.neither,
        cell=found.same_reading - found.same_case - found.same_reader + found.neither,
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
    The components come from mean products (`components`); where reads are uneven (`is_uneven`), from differences
    of readings (`analysis.inference.semivariance`), because mean products move with the place of zero there, and the
    label says so.
    Var = σ²_case Σ_c(Σ_r a)² + σ²_reader Σ_r(Σ_c a)² + σ²_cell Σ a², negative components taken as 0. Degrees of
    freedom after Satterthwaite (1946), with max(N−R−C+1, 1) for the cell, never below min(R, C) − 1.
    """
    if not is_uneven(layout):
        return _interval(values, layout, components, Method.TWO_WAY, level=level, weighting=weighting, value=value)
    found = _interval(
        values, layout, semivariance_components, Method.TWO_WAY, level=level, weighting=weighting, value=value
    )
    if found.refused is not None:
        return found
    return replace(found, label="; ".join(said for said in (UNEVEN, found.label) if said is not None))


def is_uneven(layout: Layout) -> bool:
    """Whether one reader read, or one case was read, at least twice as often as the median one, and not by chance.

    By chance: up to five standard deviations of a Poisson count above the median, as the most-read of a hundred cases
    may be where they are drawn at random; mean products hold there. Only where the median is three or more: below it a
    table is a few chains, in which they give wide intervals rather than narrow ones.
    """
    if layout.n_readings == 0:
        return False
    counts = [(float(own.max()), float(np.median(own))) for own in (layout.per_reader, layout.per_case)]
    return any(
        median >= LEAST_MEDIAN and most >= max(MOST_UNEVEN * median, median + BEYOND_CHANCE * median**0.5)
        for most, median in counts
    )


def is_dominated(weights: Floats, layout: Layout) -> bool:
    """Whether the weights (N,) fall on readers, or on cases, as if there were fewer than three (Kish 1965).

    Coverage of the default was below 0.90 there; no degrees of freedom make up for a population seen through one of it.
    """
    shares = (layout.by_reader(weights), layout.by_case(weights))
    return any(1 / total(share**2) < FEWEST_EFFECTIVE - ROUNDING for share in shares)


def semivariance(
    values: Floats,
    layout: Layout,
    *,
    level: float,
    weighting: Weighting = Weighting.PAIR,
    value: float | None = None,
) -> Estimate:
    """As `twoway`, with components from differences of readings in every table: a sensitivity.

    In an uneven table the mean products' variance depends on where the scale has its zero, and this one's does not
    (`docs/coverage.md`).
    """
    return _interval(
        values, layout, semivariance_components, Method.SEMIVARIANCE, level=level, weighting=weighting, value=value
    )


def _interval(
    values: Floats,
    layout: Layout,
    of: Callable[[Floats, Layout], Components],
    method: Method,
    *,
    level: float,
    weighting: Weighting,
    value: float | None,
) -> Estimate:
    """The closed-form interval of `twoway`, from the components that `of` finds in the values."""
    design = refuse_design(layout)
    estimate = Estimate(
        value=NAN,
        level=level,
        method=method,
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
    scaled = of(values / scale, layout)
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
        label=DOMINATED if is_dominated(weights, layout) else None,
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
