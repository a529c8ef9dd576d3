"""One coefficient of a regression on readings that share readers and cases, by two estimators that stand side by side.

Least squares with a variance that trusts no model, and the mixed model with readers and cases random.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.inference.clustered import by_cell, clustered, least_squares
from analysis.inference.estimate import NAN, Components, Estimate, Floats, Ints, Method, Refusal, RefusalCode, Weighting
from analysis.inference.exact import dot, magnitude
from analysis.inference.layout import Layout
from analysis.inference.refusals import FEWEST_CASES, FEWEST_READERS, ZERO_VARIANCE, few_cases
from analysis.inference.reml import DIGITS, fit
from analysis.inference.student import t_quantile, t_two_sided
from analysis.wording import counted, listed

LEAST_COLUMN = 1e-9  # of a column's length: what is left of it beside the columns before it is rounding
LEAST_VARIANCE = 1e-20  # of the cells': below this the readings of every reader cancel, but for rounding
LEAST_REST = 1e-12  # of the values: residuals below this are arithmetic, not data


@dataclass(frozen=True, slots=True)
class Design:
    """The fixed columns of a regression by name, and the one whose coefficient is asked for.

    `matrix` (N, p), a row for each reading; `asked` is a column's number.
    """

    names: tuple[str, ...]
    matrix: Floats
    asked: int


def design_of(columns: Sequence[tuple[str, Floats]], *, asked: str) -> Design:
    """An intercept and the columns (N,) by name, at least one."""
    names = ("the mean", *(name for name, _ in columns))
    matrix = np.column_stack([np.ones(columns[0][1].size), *(column for _, column in columns)])
    return Design(names, np.asarray(matrix, dtype=np.float64), names.index(asked))


def unidentified(design: Design) -> Refusal | None:
    """The first column that the ones before it tell already, in a sentence; None: each says something of its own."""
    kept: list[Floats] = []
    for name, column in zip(design.names, design.matrix.T, strict=True):
        left = np.asarray(column / magnitude(column), dtype=np.float64)
        length = dot(left, left) ** 0.5
        for unit in [*kept, *kept]:  # twice: the second time takes what rounding left of the first
            left = left - dot(unit, left) * unit
        rest = dot(left, left) ** 0.5
        if not rest > LEAST_COLUMN * length:
            reason = f"The readings cannot tell {name} from {listed(design.names[: len(kept)])}."
            return Refusal(RefusalCode.NOT_IDENTIFIED, reason)
        kept.append(left / rest)
    return None


def robust_coefficient(y: Floats, design: Design, layout: Layout, *, level: float) -> Estimate:
    """A coefficient of least squares with a two-way cluster-robust interval.

    Parameters
    ----------
    y : (N,) array
        One finite value a reading.
    design : Design
        Fixed columns, and which coefficient is asked for.
    layout : Layout
        Reader and case of each of the N readings. A reader may have read a case twice, once in each arm: such readings
        are one cell.
    level : float
        Coverage of the two-sided interval, such as 0.95.

    Returns
    -------
    Estimate
        In the units of `y` for one unit of the column, to ten significant digits: what linear algebra gives alike on
        every processor. Readers and cases are random. Components and shares are NaN: the method has none. With
        `refused` set, `se`, `df`, `low`, `high` and `p` are NaN, and where the columns depend on each other the value
        is too.

    Notes
    -----
    V = V_reader + V_case − V_cell (Cameron, Gelbach & Miller, Journal of Business & Economic Statistics 2011), and
    never below V_reader alone: V_case − V_cell is what cases add, and negative by chance only. Each part is corrected
    for leverage (`clustered`; R's `sandwich::vcovCL` of type HC2), which is unbiased where readings are independent:
    the mean of an arm has the factor R_arm/(R_arm − 1) rather than R/(R − 1). Student's t with the smaller of the
    degrees of freedom that Bell & McCaffrey (2002) count for readers and for cases. In simulations of fifteen
    designs (docs/arms.md) 95 % intervals held in 0.934 to 0.971; with G/(G − 1) and min(R, C) − 1 they held in 0.871
    where three readers stood against twelve.
    """
    estimate = _nothing(layout, level, Method.LEAST_SQUARES, Weighting.PAIR)
    refused = _few_readings(design, layout) or unidentified(design)
    if refused is not None:
        return replace(estimate, refused=refused)
    scale = magnitude(y)
    least = least_squares(y / scale, design.matrix, design.asked)
    estimate = replace(estimate, value=float(least.beta[design.asked]) * scale)
    without = replace(estimate, value=_rounded(estimate.value, scale))
    refused = _few(layout)
    if refused is not None:
        return replace(without, refused=refused)
    if float(np.abs(least.rest).max()) <= LEAST_REST:
        return replace(without, refused=ZERO_VARIANCE)
    readers = clustered(least, layout.reader, layout.n_readers)
    cases = clustered(least, layout.case, layout.n_cases)
    cells = _cells(layout)
    of_cells = by_cell(least, cells, int(cells.max()) + 1)
    variance = readers.variance + max(cases.variance - of_cells, 0.0)
    df = min(readers.df, cases.df)
    if not (variance > LEAST_VARIANCE * of_cells and df > 0):
        return replace(without, refused=ZERO_VARIANCE)
    return _with_interval(estimate, variance**0.5 * scale, df)


def mixed_coefficient(y: Floats, design: Design, layout: Layout, *, level: float) -> Estimate:
    """A coefficient of the mixed model with readers and cases random, by restricted maximum likelihood.

    Parameters and return as for `robust_coefficient`; the components are the model's variances, none negative, and
    there is no weighting: generalised least squares finds its own. Two readings of one reader on one case are refused.

    Notes
    -----
    See `reml.fit`; degrees of freedom after Satterthwaite. The model takes the coefficient as the same for every case,
    and for every level of the reader factor.
    """
    estimate = _nothing(layout, level, Method.REML, None)
    refused = _few_readings(design, layout) or _few(layout) or _twice_read(layout)
    if refused is not None:
        return replace(estimate, refused=refused)
    scale = magnitude(y)
    fitted = fit(y / scale, design.matrix, layout)
    if isinstance(fitted, Refusal):
        return replace(estimate, refused=fitted)
    contrast = np.zeros(len(design.names))
    contrast[design.asked] = 1.0
    parts = fitted.components
    estimate = replace(
        estimate,
        value=float(fitted.beta[design.asked]) * scale,
        components=Components(
            *(_rounded(part * scale**2, part * scale**2) for part in (parts.case, parts.reader, parts.cell))
        ),
    )
    return _with_interval(estimate, fitted.se_of(contrast) * scale, fitted.df_of(contrast))


def _nothing(layout: Layout, level: float, method: Method, weighting: Weighting | None) -> Estimate:
    return Estimate(
        value=NAN,
        level=level,
        method=method,
        weighting=weighting,
        n_readers=layout.n_readers,
        n_cases=layout.n_cases,
        n_readings=layout.n_readings,
    )


def _with_interval(estimate: Estimate, se: float, df: float) -> Estimate:
    half = t_quantile((1 + estimate.level) / 2, df) * se
    size, p = max(abs(estimate.value), se), t_two_sided(estimate.value / se, df)
    return replace(
        estimate,
        value=_rounded(estimate.value, size),
        se=_rounded(se, se),
        df=_rounded(df, df),
        low=_rounded(estimate.value - half, size),
        high=_rounded(estimate.value + half, size),
        p=_rounded(p, p),
    )


def _rounded(number: float, size: float) -> float:
    """Ten digits of what linear algebra gives alike on every processor: of a number of that size, not of its dust."""
    return round(number, DIGITS - 1 - math.floor(math.log10(size))) + 0.0 if size > 0 else number


def _few_readings(design: Design, layout: Layout) -> Refusal | None:
    if layout.n_readings > len(design.names):
        return None
    reason = f"{counted(layout.n_readings, 'reading')} cannot tell {counted(len(design.names), 'coefficient')}."
    return Refusal(RefusalCode.NOT_IDENTIFIED, reason)


def _few(layout: Layout) -> Refusal | None:
    if layout.n_readers < FEWEST_READERS:
        reason = f"{counted(layout.n_readers, 'reader')}; an interval for new readers needs at least {FEWEST_READERS}."
        return Refusal(RefusalCode.FEW_READERS, reason)
    return few_cases(layout.n_cases) if layout.n_cases < FEWEST_CASES else None


def _cells(layout: Layout) -> Ints:
    """The same code for readings of the same reader on the same case."""
    codes = np.unique(layout.reader * layout.n_cases + layout.case, return_inverse=True)[1]
    return np.asarray(codes, dtype=np.int64)


def _twice_read(layout: Layout) -> Refusal | None:
    again = layout.n_readings - (int(_cells(layout).max()) + 1)
    if not again:
        return None
    reason = (
        f"{counted(again, 'case')} read twice by the same reader: the model takes readings as independent but for "
        "reader and case."
    )
    return Refusal(RefusalCode.DEPENDENT_PAIRS, reason)
