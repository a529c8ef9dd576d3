"""What an interval says beside a margin: superior, non-inferior, worse by the margin, or not settled."""

from enum import StrEnum

from analysis.inference.estimate import NAN, Estimate
from analysis.inference.student import t_upper


class Conclusion(StrEnum):
    SUPERIOR = "superior"
    NON_INFERIOR = "non-inferior"
    INFERIOR = "inferior"
    INCONCLUSIVE = "inconclusive"


def conclude(estimate: Estimate, *, margin: float, higher_is_better: bool) -> Conclusion | None:
    """Where the interval of test − control lies: beyond 0, beyond the margin, short of it, or across.

    `margin` is positive, in the measure's units. None where there is no interval. `inferior` needs the whole interval
    worse than the margin.
    """
    if estimate.refused is not None:
        return None
    low, high = (estimate.low, estimate.high) if higher_is_better else (-estimate.high, -estimate.low)
    if low > 0:
        return Conclusion.SUPERIOR
    if low > -margin:
        return Conclusion.NON_INFERIOR
    if high < -margin:
        return Conclusion.INFERIOR
    return Conclusion.INCONCLUSIVE


def p_worse_by_margin(estimate: Estimate, *, margin: float, higher_is_better: bool) -> float:
    """One-sided p of *worse by the margin or more*; NaN where the method gives no degrees of freedom."""
    if estimate.refused is not None or not estimate.df > 0:
        return NAN
    value = estimate.value if higher_is_better else -estimate.value
    return t_upper((value + margin) / estimate.se, estimate.df)
