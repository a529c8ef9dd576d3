"""A system against the average reader of a complete table: Obuchowski and Rockette, with Hillis' degrees of freedom.

The method that readers of diagnostic studies know. A reader's figure of merit is the mean of their differences over the
cases; what readers share through the cases is a covariance.
"""

from dataclasses import replace

from analysis.inference.estimate import (
    NAN,
    Components,
    Estimate,
    Floats,
    Method,
    Refusal,
    RefusalCode,
    Shares,
    Weighting,
)
from analysis.inference.exact import magnitude, total
from analysis.inference.layout import Layout
from analysis.inference.refusals import ZERO_VARIANCE, refuse_design
from analysis.inference.student import t_quantile, t_two_sided
from analysis.inference.twoway import ROUNDING, components, is_constant
from analysis.wording import counted

NO_SPREAD = Refusal(
    RefusalCode.ZERO_VARIANCE, "Every reader has the same mean: the method says nothing about another reader."
)


READERS_ONLY = "sensitivity: its degrees of freedom count readers only, and may be too many where cases are few"


def orh(values: Floats, layout: Layout, *, level: float) -> Estimate:
    """The mean of one quantity a reading in a complete table, with the Obuchowski–Rockette–Hillis interval.

    Parameters
    ----------
    values : (N,) array
        One finite quantity a reading: system − reader.
    layout : Layout
        Reader and case of each reading. Every reader reads every case: N = R·C.
    level : float
        Coverage of the two-sided interval, such as 0.95.

    Returns
    -------
    Estimate
        Readers and cases are random. Its variance and the components are those of the default interval in such a table;
        the degrees of freedom differ. With `refused` set (INCOMPLETE_TABLE where a reading is missing), `se`, `df`,
        `low`, `high` and `p` are NaN.

    Notes
    -----
    One modality against a standalone system: Hillis, Obuchowski & Berbaum, Academic Radiology 2011; degrees of freedom
    of Hillis, Statistics in Medicine 2007. With MS the variance of the readers' figures of merit and Cov2 the mean
    covariance of two readers', Var = (MS + max(R·Cov2, 0)) / R and df = (R−1) ((MS + max(R·Cov2, 0)) / MS)².
    """
    value = total(values) / values.size if values.size else NAN
    estimate = Estimate(
        value=value,
        level=level,
        method=Method.ORH,
        weighting=Weighting.PAIR,
        n_readers=layout.n_readers,
        n_cases=layout.n_cases,
        n_readings=layout.n_readings,
    )
    refused = _refuse(layout) or (ZERO_VARIANCE if is_constant(values) else None)
    if refused is not None:
        return replace(estimate, refused=refused)
    scale = magnitude(values)
    found = components(values / scale, layout)
    mean_square = found.reader + found.cell / layout.n_cases  # of the readers' figures of merit
    if mean_square <= ROUNDING:
        return replace(estimate, refused=NO_SPREAD)
    shared = max(layout.n_readers * found.case / layout.n_cases, 0.0)  # R·Cov2
    whole = mean_square + shared
    se, df = (whole / layout.n_readers) ** 0.5 * scale, (layout.n_readers - 1) * (whole / mean_square) ** 2
    half = t_quantile((1 + level) / 2, df) * se
    cell = min(found.cell / layout.n_cases, mean_square)
    return replace(
        estimate,
        se=se,
        df=df,
        low=value - half,
        high=value + half,
        p=t_two_sided(value / se, df),
        components=Components(found.case * scale**2, found.reader * scale**2, found.cell * scale**2),
        shares=Shares(case=shared / whole, reader=(mean_square - cell) / whole, cell=cell / whole),
        label=READERS_ONLY,
    )


def _refuse(layout: Layout) -> Refusal | None:
    missing = layout.n_readers * layout.n_cases - layout.n_readings
    if missing:
        are = "is" if missing == 1 else "are"
        reason = (
            f"{counted(missing, 'reading')} of the table {are} missing; the method needs every reader on every case."
        )
        return Refusal(RefusalCode.INCOMPLETE_TABLE, reason)
    return refuse_design(layout)
