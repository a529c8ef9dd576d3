"""What an interval says beside a margin: superior, non-inferior, worse by the margin, equivalent, or not settled.

A margin is a judgment about patients, made before anything is seen: nothing here has a default for it.
"""

from enum import StrEnum

from analysis.inference.estimate import NAN, Estimate
from analysis.inference.student import t_upper


class Conclusion(StrEnum):
    SUPERIOR = "superior"
    NON_INFERIOR = "non-inferior"
    INFERIOR = "inferior"
    EQUIVALENT = "equivalent"
    NOT_EQUIVALENT = "not equivalent"
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


def equivalence_level(level: float) -> float:
    """The level 1 − 2α of the interval that two one-sided tests at α = 1 − level read: 0.90 for 0.95."""
    return round(2 * level - 1, 12)


def equivalence(estimate: Estimate, *, margin: float) -> Conclusion | None:
    """Whether test − control lies within ± margin: the two one-sided tests, by the interval at `equivalence_level`.

    `margin` is positive, in the measure's units. `not equivalent` needs the whole interval beyond one margin. None
    where there is no interval. Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 1987.
    """
    if estimate.refused is not None:
        return None
    if -margin < estimate.low and estimate.high < margin:
        return Conclusion.EQUIVALENT
    if estimate.low > margin or estimate.high < -margin:
        return Conclusion.NOT_EQUIVALENT
    return Conclusion.INCONCLUSIVE


def p_beyond_margin(estimate: Estimate, *, margin: float) -> float:
    """The larger p of the two one-sided tests of *different by the margin or more*; NaN without degrees of freedom."""
    if estimate.refused is not None or not estimate.df > 0:
        return NAN
    return t_upper((margin - abs(estimate.value)) / estimate.se, estimate.df)
