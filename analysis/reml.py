"""The mixed model as a sensitivity: one mean, random readers, random cases, fitted by restricted maximum likelihood.

Generalised least squares weighs uneven readings better than the default does; in a full table the two agree.
"""

from dataclasses import dataclass, replace

import numpy as np

from analysis.estimate import NAN, Components, Estimate, Floats, Mask, Method, Refusal, RefusalCode, Shares, Weighting
from analysis.layout import Layout
from analysis.refusals import ZERO_VARIANCE, refuse_design
from analysis.student import t_quantile, t_two_sided
from analysis.twoway import components, is_constant

MOST_STEPS, ENOUGH, LEAST_CELL = 200, 1e-11, 1e-9
NOT_CONVERGED = Refusal(RefusalCode.NOT_CONVERGED, "The likelihood has no maximum that could be found.")


@dataclass(frozen=True, slots=True)
class Fit:
    """The model at one choice of its variances (reader, case, cell).

    `gradient` (3,) and `information` (3, 3) are of the criterion, −2 × the restricted log-likelihood; `slopes` (3,) are
    of the variance of the mean.
    """

    mean: float
    variance_of_mean: float
    criterion: float
    gradient: Floats
    information: Floats
    slopes: Floats


@dataclass(frozen=True, slots=True)
class Sums:
    """What the likelihood needs of the data: K = Z'Z (q, q), Z'y (q,), y'y; readers first, then cases."""

    design: Floats
    sums: Floats
    square: float
    n: int
    n_readers: int


def sums_of(values: Floats, layout: Layout) -> Sums:
    """From readings to the sums of the mixed-model equations, q = R + C."""
    counts = np.zeros((layout.n_readers, layout.n_cases))
    counts[layout.reader, layout.case] = 1.0
    return Sums(
        design=np.block([[np.diag(layout.per_reader), counts], [counts.T, np.diag(layout.per_case)]]),
        sums=np.concatenate([layout.by_reader(values), layout.by_case(values)]),
        square=float(values @ values),
        n=layout.n_readings,
        n_readers=layout.n_readers,
    )


def fit_at(variances: Floats, data: Sums) -> Fit:
    """The restricted likelihood and its derivatives at variances (reader, case, cell); the last is positive.

    Everything stays in dimension R + C (Woodbury), so a large study costs no more than one small factorisation.
    """
    reader, case, cell = variances.tolist()
    r = data.n_readers
    root = np.sqrt(np.repeat([reader, case], [r, len(data.sums) - r]))
    inner = cell * np.eye(len(root)) + root[:, None] * data.design * root
    shrunk = data.design - (data.design * root) @ np.linalg.solve(inner, root[:, None] * data.design)
    precision = shrunk / cell  # Z'V⁻¹Z
    solved = np.linalg.solve(inner, root * data.sums)
    of_values = (data.sums - data.design @ (root * solved)) / cell  # Z'V⁻¹y
    weight = precision[:r].sum(axis=0)  # 1'V⁻¹Z: every reading has one reader
    total_weight = float(weight[:r].sum())  # 1'V⁻¹1
    mean = float(of_values[:r].sum()) / total_weight

    projected = precision - np.outer(weight, weight) / total_weight  # Z'PZ
    residual = of_values - weight * mean  # Z'Py
    quadratic = (data.square - float((root * data.sums) @ solved)) / cell - mean**2 * total_weight  # y'Py
    sides = (slice(0, r), slice(r, None))
    traces = np.array([np.trace(projected[side, side]) for side in sides])
    squares = np.array([float(residual[side] @ residual[side]) for side in sides])
    pairs = np.array([[float(np.sum(projected[a, b] ** 2)) for b in sides] for a in sides])
    random = np.array([reader, case])
    trace_cell = (data.n - 1 - float(random @ traces)) / cell
    with_cell = (traces - pairs @ random) / cell
    spread = np.array([float(weight[side] @ weight[side]) for side in sides])
    slopes = np.append(spread, (total_weight - float(random @ spread)) / cell) / total_weight**2
    log_determinant = float(np.linalg.slogdet(inner)[1]) + (data.n - len(root)) * np.log(cell)
    return Fit(
        mean=mean,
        variance_of_mean=1 / total_weight,
        criterion=(data.n - 1) * np.log(2 * np.pi) + log_determinant + np.log(total_weight) + quadratic,
        gradient=np.append(traces - squares, trace_cell - (quadratic - float(random @ squares)) / cell),
        information=np.block(
            [[pairs, with_cell[:, None]], [with_cell[None, :], (trace_cell - float(random @ with_cell)) / cell]]
        ),
        slopes=slopes,
    )


def maximise(data: Sums, start: Floats) -> Floats | None:
    """The variances that maximise the restricted likelihood, none negative; None: not found.

    Fisher scoring with halved steps. A variance that is 0 and wants to fall further is held there. Where readers and
    cases explain every reading, the cell's variance falls for ever and the likelihood rises with it.
    """
    variances, fit = start, fit_at(start, data)
    for _ in range(MOST_STEPS):
        free = ~((variances <= 0) & (fit.gradient > 0))
        free[2] = True
        step = np.zeros(3)
        step[free] = -np.linalg.solve(fit.information[np.ix_(free, free)], fit.gradient[free])
        size = 1.0
        while size > 1e-10:
            tried = variances + size * step
            tried = np.append(np.maximum(tried[:2], 0.0), tried[2] if tried[2] > 0 else variances[2] / 10)
            found = fit_at(tried, data)
            if found.criterion <= fit.criterion + ENOUGH:
                break
            size /= 2
        moved = float(np.abs(tried - variances).max())
        variances, fit = tried, found
        if variances[2] <= LEAST_CELL * float(variances.sum()):
            return None
        if moved <= ENOUGH * float(variances.sum()):
            return variances
    return None


def hessian(data: Sums, variances: Floats, free: Mask) -> Floats:
    """Second derivatives of the criterion in the free variances, by central differences of the gradient."""
    places = np.flatnonzero(free)
    rows = []
    for place in places:
        step = np.zeros(3)
        step[place] = 1e-4 * variances[place]
        ahead, behind = fit_at(variances + step, data).gradient, fit_at(variances - step, data).gradient
        rows.append((ahead - behind)[places] / (2 * step[place]))
    found = np.array(rows, dtype=np.float64)
    return np.asarray((found + found.T) / 2, dtype=np.float64)


def reml(values: Floats, layout: Layout, *, level: float) -> Estimate:
    """The mean of one quantity a reading under a model with random readers and random cases.

    Parameters
    ----------
    values : (N,) array
        One finite quantity a reading, such as a difference.
    layout : Layout
        Reader and case of each reading.
    level : float
        Coverage of the two-sided interval.

    Returns
    -------
    Estimate
        `value` is the generalised-least-squares mean; components are at least 0. Degrees of freedom after
        Satterthwaite, from the curvature of the likelihood (Kuznetsova, Brockhoff & Christensen 2017). Refused where
        the default interval is, and where the likelihood has no maximum.
    """
    estimate = Estimate(
        value=NAN,
        level=level,
        method=Method.REML,
        weighting=Weighting.PAIR,
        n_readers=layout.n_readers,
        n_cases=layout.n_cases,
        n_readings=layout.n_readings,
        label="generalised least squares",
    )
    refused = refuse_design(layout)
    if refused is not None:
        return replace(estimate, refused=refused)
    scale = float(np.ptp(values))
    centre = float(np.mean(values))
    if is_constant(values):
        return replace(estimate, value=centre, components=Components(0.0, 0.0, 0.0), refused=ZERO_VARIANCE)
    # In units of the range and about the mean: the same steps for scores of 0–1 and of 0–100.
    data = sums_of((values - centre) / scale, layout)
    variances = maximise(data, _start((values - centre) / scale, layout))
    if variances is None:
        return replace(estimate, refused=NOT_CONVERGED)
    fit = fit_at(variances, data)
    free = variances > 0
    slopes = fit.slopes[free]
    variance_of_variance = 2 * float(slopes @ np.linalg.solve(hessian(data, variances, free), slopes))
    df = 2 * fit.variance_of_mean**2 / variance_of_variance
    se = scale * fit.variance_of_mean**0.5
    value = centre + scale * fit.mean
    half = t_quantile((1 + level) / 2, df) * se
    reader, case, cell = (variances * scale**2).tolist()
    share_reader, share_case, share_cell = (variances * fit.slopes / fit.variance_of_mean).tolist()
    return replace(
        estimate,
        value=value,
        se=se,
        df=df,
        low=value - half,
        high=value + half,
        p=t_two_sided(value / se, df),
        components=Components(case, reader, cell),
        shares=Shares(share_case, share_reader, share_cell),
    )


def _start(values: Floats, layout: Layout) -> Floats:
    """The moments, as far as they are positive."""
    found = components(values, layout).truncated()
    least = 0.01 * float(np.var(values))
    return np.array([max(found.reader, least), max(found.case, least), max(found.cell, least)])
