"""When no interval is given, and why: designs too small to say how much readers or cases differ."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from analysis.inference.estimate import NAN, UNKNOWN_COMPONENTS, UNKNOWN_SHARES, Estimate, Mask, Refusal, RefusalCode
from analysis.inference.layout import Layout
from analysis.wording import counted

FEWEST_READERS = 3
FEWEST_CASES = 3
FEW_READERS = 6
MOST_DRAWS_WITHOUT_VALUE = 0.001


def refuse_design(layout: Layout) -> Refusal | None:
    """The first reason why this layout cannot carry an interval for new readers and new cases; None: it can."""
    if layout.n_readings == 0:
        return Refusal(RefusalCode.NO_PAIRS, "No reading can be paired.")
    if layout.n_readers < FEWEST_READERS:
        reason = f"{counted(layout.n_readers, 'reader')}; an interval for new readers needs at least {FEWEST_READERS}."
        return Refusal(RefusalCode.FEW_READERS, reason)
    if layout.n_cases < FEWEST_CASES:
        return few_cases(layout.n_cases)
    return _refuse_sharing(layout)


def few_cases(n_cases: int) -> Refusal:
    """Too few cases to say how much cases differ."""
    reason = f"{counted(n_cases, 'case')}; an interval for new cases needs at least {FEWEST_CASES}."
    return Refusal(RefusalCode.FEW_CASES, reason)


def _refuse_sharing(layout: Layout) -> Refusal | None:
    """Without readings that share a case, or a reader, the variance between cases, or readers, cannot be told."""
    same_case = _pairs_within(layout.per_case.tolist())
    if same_case < layout.n_readers:
        reason = (
            f"{_sharing(same_case, 'case')}; with {counted(layout.n_readers, 'reader')} at least "
            f"{layout.n_readers} are needed."
        )
        return Refusal(RefusalCode.FEW_SHARED_CASES, reason)
    same_reader = _pairs_within(layout.per_reader.tolist())
    if same_reader < layout.n_cases:
        reason = (
            f"{_sharing(same_reader, 'reader')}; with {counted(layout.n_cases, 'case')} at least "
            f"{layout.n_cases} are needed."
        )
        return Refusal(RefusalCode.FEW_SHARED_READERS, reason)
    return None


def _sharing(n: int, what: str) -> str:
    return f"{counted(n, 'pair')} of readings {'shares' if n == 1 else 'share'} a {what}"


def _pairs_within(counts: list[float]) -> int:
    return sum(int(n) * (int(n) - 1) // 2 for n in counts)


def refuse_variants(cases: Sequence[str], bases: Sequence[str], compared: Mask) -> Refusal | None:
    """Cases that are variants of one case vary together: the cluster is the base case, and no interval here knows it.

    `bases` names the case that each case varies, itself where it varies none; `compared` (R, C) are the
    readings that enter.
    """
    first: dict[str, str] = {}
    for column in np.unique(np.nonzero(compared)[1]).tolist():
        before = first.setdefault(bases[column], cases[column])
        if before != cases[column]:
            reason = (
                f"Cases {before} and {cases[column]} are variants of one case ({bases[column]}); an interval would "
                "count them as independent."
            )
            return Refusal(RefusalCode.CASE_VARIANTS, reason)
    return None


def withheld(estimate: Estimate, refusal: Refusal | None) -> Estimate:
    """The estimate without its interval, for that reason; as it is where there is none."""
    if refusal is None:
        return estimate
    return replace(
        estimate,
        se=NAN,
        df=NAN,
        low=NAN,
        high=NAN,
        p=NAN,
        components=UNKNOWN_COMPONENTS,
        shares=UNKNOWN_SHARES,
        refused=refusal,
    )


def few_readers(estimate: Estimate) -> str | None:
    """What must be said beside an interval from a handful of readers; None: enough readers, or no interval."""
    if estimate.refused is not None or "reader" not in estimate.random or estimate.n_readers >= FEW_READERS:
        return None
    return (
        f"Only {counted(estimate.n_readers, 'reader')}: how much readers differ is hardly known from fewer than "
        f"{FEW_READERS}, and the interval may be too narrow or far too wide."
    )


def refuse_draws(n_draws: int, n_without_value: int) -> Refusal | None:
    """More than one draw in a thousand without a value: the percentiles would describe the others only."""
    if n_without_value <= MOST_DRAWS_WITHOUT_VALUE * n_draws:
        return None
    have = "has" if n_without_value == 1 else "have"
    reason = f"{n_without_value:,} of {n_draws:,} bootstrap draws {have} no value; at most 0.1 % may."
    return Refusal(RefusalCode.DRAWS_WITHOUT_VALUE, reason)


ZERO_VARIANCE = Refusal(
    RefusalCode.ZERO_VARIANCE,
    "The estimated variance is zero: nothing here says how far another sample would be from this one.",
)
