"""The mixed model: random readers, random cases, fixed coefficients, fitted by restricted maximum likelihood.

A sensitivity analysis for means, and the model of a contrast between arms. A variance of zero is an ordinary place for
its maximum to be: nothing here divides by it, or inverts what is singular there.
"""

import math
from dataclasses import dataclass, replace

import numpy as np

from analysis.inference.estimate import NAN, Components, Estimate, Floats, Mask, Method, Refusal, RefusalCode, Shares
from analysis.inference.exact import magnitude, total
from analysis.inference.layout import Layout
from analysis.inference.mixed import Likelihood, Sums, information, likelihood, slopes, sums_of
from analysis.inference.refusals import ZERO_VARIANCE, refuse_design
from analysis.inference.student import t_quantile, t_two_sided
from analysis.inference.twoway import is_constant
from analysis.wording import listed

MOST_STEPS, HALVINGS = 100, 40
CONVERGED = 1e-8  # a step relative to 1 + the ratio; Newton's error after it is the square of that
LARGEST_RATIO = 1e6  # of a variance to the cell's: beyond this, readers and cases explain every reading
LEAST_CURVATURE = 1e-9  # relative: below this the data do not tell
DIGITS = 10  # that the iteration gives alike on every processor

NOT_CONVERGED = Refusal(RefusalCode.NOT_CONVERGED, "The restricted likelihood has no maximum that could be found.")
NO_REST = Refusal(
    RefusalCode.NOT_IDENTIFIED,
    "Readers and cases explain every reading: the variance of the rest falls to zero, where the model has no interval.",
)


@dataclass(frozen=True, slots=True)
class Fit:
    """A fitted model: coefficients `beta` (p,), their `covariance` (p, p), and three variances, none negative.

    `criterion` is −2 × the restricted log-likelihood at its maximum. `slopes` (3, p, p) are derivatives of the
    covariance in the variances of reader, case and cell; `spread` (3, 3) is the sampling covariance of these three in
    units of the cell's variance, with 0 in the rows of a variance that is 0.
    """

    beta: Floats
    covariance: Floats
    components: Components
    criterion: float
    slopes: Floats
    spread: Floats

    def se_of(self, contrast: Floats) -> float:
        """The standard error of Σ contrast·beta; `contrast` has shape (p,)."""
        return math.sqrt(contrast @ self.covariance @ contrast)

    def df_of(self, contrast: Floats) -> float:
        """Degrees of freedom of Σ contrast·beta after Satterthwaite: 2 V² / Var(V), always positive.

        Var(V) by the delta method from the observed information (Giesbrecht & Burns, Biometrics 1985; Fai & Cornelius,
        Journal of Statistical Computation and Simulation 1996). A variance at its border of 0 is taken as known: the
        degrees of freedom come from the others.
        """
        variance = float(contrast @ self.covariance @ contrast)
        slope = np.array([float(contrast @ own @ contrast) for own in self.slopes]) * (self.components.cell / variance)
        return 2 / float(slope @ self.spread @ slope)


def fit(y: Floats, design: Floats, layout: Layout) -> Fit | Refusal:
    """Fit y = design·β + reader + case + rest, readers and cases random and independent.

    Parameters
    ----------
    y : (N,) array
        One finite value a reading, in any unit.
    design : (N, p) array
        Fixed columns, an intercept among them where there is one; of full rank.
    layout : Layout
        Reader and case of each of the N readings; a reader reads a case at most once.

    Returns
    -------
    Fit, or the reason why there is none
        NOT_IDENTIFIED: columns that depend on each other, no reader (or no case) with two readings, columns that tell
        all readers (or cases) apart, or readers and cases that explain every reading. ZERO_VARIANCE: the columns
        explain every reading. NOT_CONVERGED: no maximum was found.

    Notes
    -----
    Patterson & Thompson, Biometrika 1971; mixed-model equations of Henderson, Biometrics 1975. The variance of a cell
    is profiled out; the two ratios to it are found by Newton's method between 0 and infinity, with Fisher scoring where
    the criterion is not convex, and halved steps where it does not fall. Nothing is random.
    """
    widths = np.array([magnitude(column) for column in design.T])
    scaled = design / widths
    refused = _refuse(scaled, layout)
    if refused is not None:
        return refused
    data = sums_of(y, scaled, layout)
    if data is None:
        return Refusal(RefusalCode.ZERO_VARIANCE, "The columns of the model explain every reading.")
    found = _search(data)
    return found if isinstance(found, Refusal) else _fitted(*found, data, widths)


def _refuse(design: Floats, layout: Layout) -> Refusal | None:
    n, p = design.shape
    if n <= p or np.linalg.matrix_rank(design) < p:
        return Refusal(RefusalCode.NOT_IDENTIFIED, "The columns of the model depend on each other.")
    for what, levels in (("reader", layout.n_readers), ("case", layout.n_cases)):
        if levels == n:
            reason = f"No {what} has two readings: how much {what}s differ cannot be told from the rest."
            return Refusal(RefusalCode.NOT_IDENTIFIED, reason)
    return None


def _search(data: Sums) -> tuple[Floats, Likelihood] | Refusal:
    """The ratios of the reader's and the case's variance to the cell's, none negative, at the least criterion."""
    at_zero = likelihood(np.zeros(2), data)
    if at_zero is None:
        return NOT_CONVERGED
    for what, trace in zip(("readers", "cases"), at_zero.traces.tolist(), strict=True):
        if trace <= LEAST_CURVATURE * data.n:
            reason = f"The columns of the model tell all {what} apart: nothing is left to say how much they differ."
            return Refusal(RefusalCode.NOT_IDENTIFIED, reason)
    ratios, found = data.start, likelihood(data.start, data)
    for _ in range(MOST_STEPS):
        if found is None:
            return NOT_CONVERGED
        before = ratios
        ratios, found = _moved(ratios, found, data)
        if (ratios > LARGEST_RATIO).any():
            return NO_REST
        if found is not None and bool(np.all(np.abs(ratios - before) <= CONVERGED * (1 + ratios))):
            return ratios, found
    return NOT_CONVERGED


def _moved(ratios: Floats, found: Likelihood, data: Sums) -> tuple[Floats, Likelihood | None]:
    """The ratios after one step, halved until the criterion does not rise; where it always does, no likelihood."""
    step = _step(ratios, found)
    slack = 1e-12 * (abs(found.criterion) + 1)
    for halving in range(HALVINGS):
        tried = np.maximum(ratios + step / 2**halving, 0.0)
        there = likelihood(tried, data)
        if there is not None and there.criterion <= found.criterion + slack:
            return tried, there
    return ratios, None


def _step(ratios: Floats, found: Likelihood) -> Floats:
    """Newton's step in the ratios that are free to move; Fisher's, or one ratio at a time, where Newton's leads astray.

    A ratio of 0 whose criterion rises with it stays.
    """
    free: Mask = (ratios > 0) | (found.gradient < 0)
    step = np.zeros(2)
    if not free.any():
        return step
    places = np.ix_(free, free)
    curvature, expected = found.hessian[places], found.expected[places]
    if np.linalg.eigvalsh(curvature).min() <= LEAST_CURVATURE * np.linalg.eigvalsh(expected).max():
        curvature = expected
    step[free] = -np.linalg.lstsq(curvature, found.gradient[free], rcond=None)[0]
    if ((ratios == 0) & (step < 0)).any():
        step = np.where(free, -found.gradient / np.diag(found.expected), 0.0)
    return step


def _fitted(ratios: Floats, found: Likelihood, data: Sums, widths: Floats) -> Fit | Refusal:
    degrees = data.n - data.p
    cell = found.quadratic / degrees
    free = np.append(ratios > 0, True)
    observed = information(ratios, found, degrees)[np.ix_(free, free)]
    size = np.sqrt(np.abs(np.diag(observed)))
    relative = observed / np.outer(size, size) if size.all() else np.zeros_like(observed)
    if np.linalg.eigvalsh(relative).min() <= LEAST_CURVATURE:
        return NOT_CONVERGED
    spread = np.zeros((3, 3))
    spread[np.ix_(free, free)] = np.linalg.inv(relative) / np.outer(size, size)
    units = np.outer(widths, widths)
    return Fit(
        beta=(data.ordinary + found.correction) / widths,
        covariance=cell * found.covariance / units,
        components=Components(case=float(ratios[1]) * cell, reader=float(ratios[0]) * cell, cell=cell),
        criterion=found.criterion + 2 * total(np.log(widths)),
        slopes=slopes(ratios, found, data) / units,
        spread=spread,
    )


def reml(values: Floats, layout: Layout, *, level: float) -> Estimate:
    """The mean of one quantity a reading under a model with random readers and random cases.

    Parameters
    ----------
    values : (N,) array
        One finite quantity a reading, such as a difference.
    layout : Layout
        Reader and case of each reading.
    level : float
        Coverage of the two-sided interval, such as 0.95.

    Returns
    -------
    Estimate
        Readers and cases are random. `weighting` is None: the weights are those of generalised least squares, by how
        much a reading tells, and add up to 1. `components` are restricted maximum likelihood's, none negative. All
        numbers are given to ten significant digits: what the iteration gives alike on every processor. With `refused`
        set (see `fit`), `se`, `df`, `low`, `high` and `p` are NaN, and `value` is the mean over the pairs.

    Notes
    -----
    t after Satterthwaite; see `fit` and `Fit.df_of`. Where a variance is found to be 0, the fit is singular, the label
    says so, and the degrees of freedom are no fewer than min(R, C) − 1, as the default's are. In a full table whose
    components are positive this is the default interval.
    """
    estimate = Estimate(
        value=NAN,
        level=level,
        method=Method.REML,
        weighting=None,
        n_readers=layout.n_readers,
        n_cases=layout.n_cases,
        n_readings=layout.n_readings,
        label="sensitivity: mixed model",
    )
    design = refuse_design(layout)
    if layout.n_readings == 0:
        return replace(estimate, refused=design)
    estimate = replace(estimate, value=total(values) / values.size)
    if design is not None:
        return replace(estimate, refused=design)
    if is_constant(values):
        return replace(estimate, refused=ZERO_VARIANCE)
    scale = magnitude(values)
    found = fit(values / scale, np.ones((values.size, 1)), layout)
    if isinstance(found, Refusal):
        return replace(estimate, refused=found)
    return _interval(estimate, found, scale)


def _interval(estimate: Estimate, found: Fit, scale: float) -> Estimate:
    one = np.ones(1)
    value, se, df, of = float(found.beta[0]), found.se_of(one), found.df_of(one), found.components
    without = [what for what, part in (("readers", of.reader), ("cases", of.case)) if part == 0]
    if without:
        df = max(df, min(estimate.n_readers, estimate.n_cases) - 1.0)
        estimate = replace(estimate, label=f"{estimate.label}; singular: no spread between {listed(without)} found")
    half = t_quantile((1 + estimate.level) / 2, df) * se
    by_reader, by_case, by_cell = (float(part) for part in found.slopes[:, 0, 0] / found.covariance[0, 0])
    return replace(
        estimate,
        value=_rounded(value * scale),
        se=_rounded(se * scale),
        df=_rounded(df),
        low=_rounded((value - half) * scale),
        high=_rounded((value + half) * scale),
        p=_rounded(t_two_sided(value / se, df)),
        components=Components(*(_rounded(part * scale**2) for part in (of.case, of.reader, of.cell))),
        shares=Shares(*(_rounded(part) for part in (of.case * by_case, of.reader * by_reader, of.cell * by_cell))),
    )


def _rounded(number: float) -> float:
    return float(f"{number:.{DIGITS}g}")
