"""When no interval is given, and why: designs too small to say how much readers or cases differ."""

from analysis.estimate import Refusal, RefusalCode
from analysis.layout import Layout

FEWEST_READERS = 3
FEWEST_CASES = 3
MOST_DRAWS_WITHOUT_VALUE = 0.001


def refuse_design(layout: Layout) -> Refusal | None:
    """The first reason why this layout cannot carry an interval for new readers and new cases; None: it can."""
    if layout.n_readings == 0:
        return Refusal(RefusalCode.NO_PAIRS, "No reading can be paired.")
    if layout.n_readers < FEWEST_READERS:
        reason = f"{layout.n_readers} readers; an interval for new readers needs at least {FEWEST_READERS}."
        return Refusal(RefusalCode.FEW_READERS, reason)
    if layout.n_cases < FEWEST_CASES:
        reason = f"{layout.n_cases} cases; an interval for new cases needs at least {FEWEST_CASES}."
        return Refusal(RefusalCode.FEW_CASES, reason)
    return _refuse_sharing(layout)


def _refuse_sharing(layout: Layout) -> Refusal | None:
    """Without readings that share a case, or a reader, the variance between cases, or readers, cannot be told."""
    same_case = _pairs_within(layout.per_case.tolist())
    if same_case < layout.n_readers:
        reason = (
            f"{same_case} pairs of readings share a case; with {layout.n_readers} readers at least "
            f"{layout.n_readers} are needed."
        )
        return Refusal(RefusalCode.FEW_SHARED_CASES, reason)
    same_reader = _pairs_within(layout.per_reader.tolist())
    if same_reader < layout.n_cases:
        reason = (
            f"{same_reader} pairs of readings share a reader; with {layout.n_cases} cases at least "
            f"{layout.n_cases} are needed."
        )
        return Refusal(RefusalCode.FEW_SHARED_READERS, reason)
    return None


def _pairs_within(counts: list[float]) -> int:
    return sum(int(n) * (int(n) - 1) // 2 for n in counts)


def refuse_draws(n_draws: int, n_without_value: int) -> Refusal | None:
    """More than one draw in a thousand without a value: the percentiles would describe the others only."""
    if n_without_value <= MOST_DRAWS_WITHOUT_VALUE * n_draws:
        return None
    reason = f"{n_without_value} of {n_draws} bootstrap draws have no value; at most 0.1 % may."
    return Refusal(RefusalCode.DRAWS_WITHOUT_VALUE, reason)


ZERO_VARIANCE = Refusal(
    RefusalCode.ZERO_VARIANCE,
    "The estimated variance is zero: nothing here says how far another sample would be from this one.",
)
