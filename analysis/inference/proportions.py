"""Two rates on the same cases where every pair stands for itself: one answer of the one beside one of the other.

For pairs that share a reader or a case nothing here holds, and it is refused: `twoway` is for those.
"""

from dataclasses import dataclass, replace
from math import comb, inf, sqrt

import numpy as np
from scipy import special

from analysis.inference.estimate import NAN, Estimate, Floats, Method, Refusal, RefusalCode, Weighting
from analysis.inference.layout import Layout
from analysis.inference.rates import wilson
from analysis.inference.refusals import FEWEST_CASES, few_cases
from analysis.wording import counted

HALVINGS = 200  # of an interval no wider than 2: until two neighbouring doubles are left


@dataclass(frozen=True, slots=True)
class PairedTable:
    """Pairs counted by who had the event: both, the test alone, the control alone, neither."""

    both: int
    test_only: int
    control_only: int
    neither: int

    @property
    def n(self) -> int:
        return self.both + self.test_only + self.control_only + self.neither

    @property
    def difference(self) -> float:
        """Test − control."""
        return (self.test_only - self.control_only) / self.n


def paired(
    test: Floats, control: Floats, layout: Layout, *, level: float, method: Method = Method.NEWCOMBE
) -> Estimate:
    """The difference of two rates over independent pairs: test − control.

    Parameters
    ----------
    test, control : (N,) arrays of 0 and 1
        The two outcomes of each pair; one answer each, no mean of runs.
    layout : Layout
        Reader and case of each pair.
    level : float
        Two-sided coverage.
    method : Method
        `newcombe` (the default) or `tango`.

    Returns
    -------
    Estimate
        A proportion between −1 and 1. `p` is the mid-p of McNemar's test; `se` and `df` are NaN. Cases are random,
        and readers too where each read one case; where one reader read them all the label says so. Refused
        (`dependent_pairs`) where a case is in two pairs, where several readers read several cases, and where an
        outcome is not 0 or 1.

    Raises
    ------
    ValueError
        Another method.

    Notes
    -----
    Newcombe 1998 (method 10) and Tango 1998, both in Statistics in Medicine. The interval and the p come from two
    different tests and can disagree at the border.
    """
    if method not in INTERVALS:
        raise ValueError(f"{method} is no interval for independent pairs")
    one_reader = layout.n_readers == 1
    estimate = Estimate(
        value=float(np.mean(test - control)) if layout.n_readings else NAN,
        level=level,
        method=method,
        weighting=Weighting.PAIR,
        n_readers=layout.n_readers,
        n_cases=layout.n_cases,
        n_readings=layout.n_readings,
        random=("case",) if one_reader else ("reader", "case"),
        label="this physician and this run, new cases" if one_reader else "independent pairs",
    )
    refused = refuse_pairs(test, control, layout)
    if refused is not None:
        return replace(estimate, refused=refused)
    table = table_of(test, control)
    low, high = INTERVALS[method](table, level)
    return replace(estimate, value=table.difference, low=low, high=high, p=mcnemar_mid_p(table))


def refuse_pairs(test: Floats, control: Floats, layout: Layout) -> Refusal | None:
    """Why these pairs are not independent outcomes of 0 and 1; None: they are.

    A pair is one reader's answer beside one run of the test. Two pairs on one case share the run, and two of one reader
    share the reader: only where a single reader is taken as given, or where each reads one case, do they not.
    """
    if layout.n_readings == 0:
        return Refusal(RefusalCode.NO_PAIRS, "No reading can be paired.")
    if not (np.isin(test, (0.0, 1.0)).all() and np.isin(control, (0.0, 1.0)).all()):
        reason = "An outcome is neither 0 nor 1: a mean of runs, or a score, is no outcome of one pair."
        return Refusal(RefusalCode.DEPENDENT_PAIRS, reason)
    if layout.n_cases < layout.n_readings:
        n = counted(layout.n_readings, "pair")
        reason = (
            f"{n} on {counted(layout.n_cases, 'case')}: pairs on one case share its answer, and are not independent."
        )
        return Refusal(RefusalCode.DEPENDENT_PAIRS, reason)
    if 1 < layout.n_readers < layout.n_readings:
        n = counted(layout.n_readings, "pair")
        reason = f"{n} of {counted(layout.n_readers, 'reader')}: pairs of one reader are not independent."
        return Refusal(RefusalCode.DEPENDENT_PAIRS, reason)
    return few_cases(layout.n_cases) if layout.n_cases < FEWEST_CASES else None


def table_of(test: Floats, control: Floats) -> PairedTable:
    """Pairs of outcomes, two (N,) arrays of 0 and 1, counted."""
    had, had_control = test == 1, control == 1
    return PairedTable(
        both=int((had & had_control).sum()),
        test_only=int((had & ~had_control).sum()),
        control_only=int((~had & had_control).sum()),
        neither=int((~had & ~had_control).sum()),
    )


def newcombe(table: PairedTable, level: float) -> tuple[float, float]:
    """The interval of a paired difference from the two rates' Wilson intervals and their correlation.

    Newcombe, Statistics in Medicine 1998, 17:2635, method 10: φ with a correction for continuity where it is positive,
    0 where a margin is 0.
    """
    test, control = (table.both + table.test_only) / table.n, (table.both + table.control_only) / table.n
    (low, high), (low_control, high_control) = wilson(test, table.n, level), wilson(control, table.n, level)
    phi = _phi(table)
    below = _length(test - low, high_control - control, phi)
    above = _length(high - test, control - low_control, phi)
    return max(table.difference - below, -1.0), min(table.difference + above, 1.0)


def tango(table: PairedTable, level: float) -> tuple[float, float]:
    """The interval of a paired difference by inverting its score test.

    Tango, Statistics in Medicine 1998, 17:891. The bounds are found by halving: the score falls as the difference
    rises.
    """
    z = float(special.ndtri((1 + level) / 2))
    return _where_score_is(z, table, -1.0, table.difference), _where_score_is(-z, table, table.difference, 1.0)


INTERVALS = {Method.NEWCOMBE: newcombe, Method.TANGO: tango}


def mcnemar_mid_p(table: PairedTable) -> float:
    """Two-sided mid-p that the two rates are equal: half the probability of what was seen is left out.

    Fagerland, Lydersen & Laake, BMC Medical Research Methodology 2013. 1 where no pair differs.
    """
    n, least = table.test_only + table.control_only, min(table.test_only, table.control_only)
    if n == 0:
        return 1.0
    seen = comb(n, least)
    if table.test_only == table.control_only:
        return 1 - seen / (1 << n + 1)
    return (2 * sum(comb(n, k) for k in range(least)) + seen) / (1 << n)


def _phi(table: PairedTable) -> float:
    margins = (
        (table.both + table.test_only)
        * (table.control_only + table.neither)
        * (table.both + table.control_only)
        * (table.test_only + table.neither)
    )
    if margins == 0:
        return 0.0
    together = table.both * table.neither - table.test_only * table.control_only
    corrected = max(together - table.n / 2, 0.0) if together > 0 else float(together)
    return corrected / sqrt(margins)


def _length(one: float, other: float, phi: float) -> float:
    """The third side of the two half-widths; rounding must not take its square below 0."""
    return sqrt(max(one**2 - 2 * phi * one * other + other**2, 0.0))


def _score(table: PairedTable, difference: float) -> float:
    """How many standard errors the counts stand above this difference, were it true."""
    n, test_only, control_only = table.n, table.test_only, table.control_only
    linear = (2 * n - test_only + control_only) * difference - test_only - control_only
    constant = -control_only * difference * (1 - difference)
    rare = (sqrt(max(linear**2 - 8 * n * constant, 0.0)) - linear) / (4 * n)
    variance = n * (2 * rare + difference * (1 - difference))
    above = test_only - control_only - n * difference
    if variance <= 0:
        return inf if above > 0 else -inf if above < 0 else 0.0
    return above / sqrt(variance)


def _where_score_is(z: float, table: PairedTable, low: float, high: float) -> float:
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if _score(table, middle) > z:
            low = middle
        else:
            high = middle
    return (low + high) / 2
