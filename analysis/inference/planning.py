"""How sure a study would be, before anybody has read a case: from what readers, cases and cells are taken to vary by.

What is planned is the default: the mean over the pairs of a system − the reader, readers and cases both random. The
components come from a pilot or are stated; they are taken as true, which is what a plan cannot know.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from analysis.inference.estimate import (
    NAN,
    UNKNOWN_SHARES,
    Components,
    Estimate,
    Floats,
    Mask,
    Refusal,
    Shares,
    Weighting,
)
from analysis.inference.exact import magnitude
from analysis.inference.layout import Layout, layout_of, weights_of
from analysis.inference.refusals import ZERO_VARIANCE, refuse_design
from analysis.inference.student import t_quantile
from analysis.inference.twoway import satterthwaite, twoway, variance_terms

LARGEST_SHIFT = 1e6

Told = Callable[[int, int], None]
"""Called with how many data sets are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Precision:
    """What the default interval of one assignment would be. NaN: refused, and then `refused` says why.

    `se` and `half_width` are in the measure's units; `shares` are parts of the variance of the estimate.
    """

    n_readers: int
    n_cases: int
    n_readings: int
    level: float
    se: float = NAN
    df: float = NAN
    half_width: float = NAN
    shares: Shares = UNKNOWN_SHARES
    refused: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Simulated:
    """What became of `n` invented studies on one assignment, analysed by the default.

    `coverage` is the share of intervals that held the truth; `half_width` their mean half-width and `half_widths` its
    10th and 90th percentile, in the measure's units (NaN: no interval); `power` is for each effect asked for the share
    that excluded 0, and `power_margin` the share whose interval stayed above −margin when the truth was 0 (NaN: no
    margin). A refused interval counts as not significant, and is counted in `n_refused`.
    """

    n: int
    seed: int
    coverage: float
    half_width: float
    half_widths: tuple[float, float]
    power: tuple[float, ...]
    power_margin: float
    n_refused: int

    def error(self, share: float) -> float:
        """The standard error of one of the shares: what another seed would change it by."""
        return float((share * (1 - share) / self.n) ** 0.5)


def balanced(n_readers: int, n_cases: int, per_reader: int) -> Mask:
    """Blocks that go round: every reader reads the next `per_reader` of the cases, so that all are read alike.

    Returns
    -------
    (R, C) bool array
        Cases differ by at most one reading. Where there are fewer readings than cases, some are never read.
    """
    mask = np.zeros((n_readers, n_cases), dtype=bool)
    first = per_reader * np.arange(n_readers)[:, None]
    mask[np.arange(n_readers)[:, None], (first + np.arange(per_reader)) % n_cases] = True
    return mask


def precision(components: Components, layout: Layout, *, level: float) -> Precision:
    """The interval that an assignment would have if the components were true.

    Parameters
    ----------
    components : Components
        Variances of one reading's difference between cases, between readers and within a cell, in squared units;
        negative ones are taken as 0.
    layout : Layout
        Who would read what, such as `layout_of(balanced(R, C, n))`.
    level : float
        Of the two-sided interval.

    Returns
    -------
    Precision
        For new readers and new cases, every pair counting the same. With `refused` set, the numbers are NaN.

    Notes
    -----
    Var = σ²_case Σ n_c²/N² + σ²_reader Σ n_r²/N² + σ²_cell/N with the default's degrees of freedom; balanced,
    σ²_case/C + σ²_reader/R + σ²_cell/(R·n). Westfall, Kenny & Judd, Journal of Experimental Psychology: General 2014,
    for crossed readers and cases; Satterthwaite 1946.
    """
    known = Precision(layout.n_readers, layout.n_cases, layout.n_readings, level)
    kept = components.truncated()
    scale = magnitude(np.array([kept.case, kept.reader, kept.cell]))
    unit = Components(kept.case / scale, kept.reader / scale, kept.cell / scale)
    refused = refuse_design(layout) or (None if unit.case + unit.reader + unit.cell > 0 else ZERO_VARIANCE)
    if refused is not None:
        return replace(known, refused=refused)
    terms = variance_terms(unit, weights_of(layout, Weighting.PAIR), layout)
    variance = terms.case + terms.reader + terms.cell
    se, df = variance**0.5 * scale**0.5, satterthwaite(terms, layout)
    return replace(
        known,
        se=se,
        df=df,
        half_width=t_quantile((1 + level) / 2, df) * se,
        shares=Shares(terms.case / variance, terms.reader / variance, terms.cell / variance),
    )


def power(planned: Precision, effect: float) -> float:
    """The chance that the interval excludes 0 when the true difference is `effect`; NaN where there is no interval.

    Two-sided, by the noncentral t distribution with the plan's standard error and degrees of freedom: at an effect of
    0 it is 1 − level. `effect` is in the measure's units, of either sign.
    """
    if planned.refused is not None:
        return NAN
    t, shift = t_quantile((1 + planned.level) / 2, planned.df), abs(_shift(effect, planned))
    return _chance(_above(t, planned.df, shift) + _far_side(t, planned.df, shift))


def power_for_margin(planned: Precision, margin: float, *, truth: float = 0.0) -> float:
    """The chance that the interval stays above −`margin` (non-inferior or better) when the true difference is `truth`.

    One-sided at (1 − level)/2. Higher is taken as better: for a measure where lower is, turn the sign of `truth`. NaN
    where there is no interval. `margin` is positive, in the measure's units.
    """
    if planned.refused is not None:
        return NAN
    t = t_quantile((1 + planned.level) / 2, planned.df)
    shift = _shift(truth + margin, planned)
    return _chance(_above(t, planned.df, shift) if shift >= 0 else _far_side(t, planned.df, -shift))


def _above(t: float, df: float, shift: float) -> float:
    """P(T > t) for a T shifted towards it, t > 0."""
    return 1 - _below(t, df, shift)


def _far_side(t: float, df: float, shift: float) -> float:
    """P(T < −t) for a T shifted away from it, t > 0."""
    return _below(-t, df, shift)


def _below(t: float, df: float, shift: float) -> float:
    """P(T < t) for a T shifted upwards; 0 where it is too small to be computed, and NaN is what comes back."""
    found = float(special.nctdtr(df, shift, t))
    return 0.0 if math.isnan(found) else found


def _chance(computed: float) -> float:
    """Between 0 and 1, which rounding may step over."""
    return min(max(computed, 0.0), 1.0)


def _shift(difference: float, planned: Precision) -> float:
    """A difference in standard errors, no further out than the distribution can be computed."""
    return min(max(difference / planned.se, -LARGEST_SHIFT), LARGEST_SHIFT)


def floor(components: Components, n_cases: int, *, level: float) -> float:
    """What the half-width stays above, however many readers: the cases are as many as they are.

    In the measure's units; 0 where cases do not differ. No interval by Student's t is narrower than the normal one.
    """
    return float(special.ndtri((1 + level) / 2) * (components.truncated().case / n_cases) ** 0.5)


def known_within(n: int, *, level: float) -> tuple[float, float]:
    """Between which factors of its estimate a variance lies that `n` readers (or cases) have shown.

    From the chi-squared distribution with n − 1 degrees of freedom, as if each one's own mean were known without error
    and normally distributed: the true uncertainty is larger. NaN with fewer than two.
    """
    if n < 2:
        return NAN, NAN
    tail = (1 - level) / 2
    return (n - 1) / float(special.chdtri(n - 1, tail)), (n - 1) / float(special.chdtri(n - 1, 1 - tail))


def simulate(
    components: Components,
    mask: Mask,
    *,
    level: float,
    n: int,
    seed: int,
    effects: Sequence[float] = (),
    margin: float | None = None,
    told: Told = lambda _done, _of: None,
) -> Simulated:
    """Invent studies on the very assignment, analyse each by the default, and count.

    Parameters
    ----------
    components : Components
        Variances as for `precision`. Effects of readers, cases and cells are drawn normal with them.
    mask : (R, C) bool array
        Who reads what.
    level : float
        Of the two-sided interval.
    n : int
        How many studies; the standard error of a share near 0.95 is 0.005 with 2,000.
    seed : int
        Of the draws. The same seed gives the same studies, and all effects are asked of the same ones.
    effects : sequence of float
        True differences at which the power is wanted.
    margin : float, optional
        Positive; the power of non-inferiority when the truth is 0.

    Returns
    -------
    Simulated

    Notes
    -----
    Nothing is taken from the formulas of `precision`: this is their check, and says what the truncation of components
    and the estimated degrees of freedom do in a small study. Rates near 0 or 1 are not normal, and are not simulated.
    """
    rng, layout, sd = np.random.default_rng(seed), layout_of(mask), _deviations(components)
    at_zero: list[Estimate] = []
    found = np.zeros(len(effects), dtype=np.int64)
    for done in range(n):
        told(done, n)
        values = _study(rng, layout, sd)
        at_zero.append(twoway(values, layout, level=level))
        for k, effect in enumerate(effects):
            found[k] += _excludes_zero(twoway(values + effect, layout, level=level))
    told(n, n)
    given = [one for one in at_zero if one.refused is None]
    halves = np.array([(one.high - one.low) / 2 for one in given])
    low, high = np.quantile(halves, (0.1, 0.9)).tolist() if given else (NAN, NAN)
    return Simulated(
        n=n,
        seed=seed,
        coverage=sum(one.low <= 0 <= one.high for one in given) / n,
        half_width=float(halves.mean()) if given else NAN,
        half_widths=(low, high),
        power=tuple((found / n).tolist()),
        power_margin=NAN if margin is None else sum(one.low > -margin for one in given) / n,
        n_refused=n - len(given),
    )


def _deviations(components: Components) -> tuple[float, float, float]:
    kept = components.truncated()
    return kept.reader**0.5, kept.case**0.5, kept.cell**0.5


def _study(rng: np.random.Generator, layout: Layout, sd: tuple[float, float, float]) -> Floats:
    """One invented difference a reading, whose true mean is 0."""
    readers = rng.normal(0, sd[0], layout.n_readers)
    cases = rng.normal(0, sd[1], layout.n_cases)
    return np.asarray(readers[layout.reader] + cases[layout.case] + rng.normal(0, sd[2], layout.n_readings))


def _excludes_zero(estimate: Estimate) -> bool:
    return estimate.refused is None and not estimate.low <= 0 <= estimate.high
