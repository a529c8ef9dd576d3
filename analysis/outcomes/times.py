"""How long the physicians took over each case, from opening it to its end."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from study.cut import Cut
from study.progress import SCORED, Ending, Reading

TIMED_OUT = frozenset({Ending.EXPIRED_WITH_DRAFT, Ending.EXPIRED_NOTHING_SAVED})
SECOND_US = 1_000_000


@dataclass(frozen=True, slots=True)
class CaseTime:
    """Seconds from opening one case to its end, over the scored readings of one arm.

    A reading that timed out counts with the time that it was given, so a quartile at the limit says *at least*.
    `n` are the readings with both moments on record, `timed_out` how many of them ran out of time.
    """

    case: str
    arm: str
    n: int
    timed_out: int
    low_quartile: float
    median: float
    high_quartile: float


def case_times(cut: Cut) -> tuple[CaseTime, ...]:
    """Each arm's cases by name, arms in the protocol's order; a case that nobody ended has no row."""
    taken: dict[tuple[str, str], list[tuple[float, bool]]] = defaultdict(list)
    for reading in cut.readings:
        seconds = _seconds(reading)
        if seconds is not None:
            taken[reading.arm, reading.case_id].append((seconds, reading.ending in TIMED_OUT))
    order = {arm.id: place for place, arm in enumerate(cut.protocol.arms)}
    keys = sorted(taken, key=lambda key: (order.get(key[0], len(order)), *key))
    return tuple(_over(case, arm, taken[arm, case]) for arm, case in keys)


def limits(cut: Cut) -> dict[str, float]:
    """Seconds that the protocol gives for a case, by arm; an arm with a stage without limit is left out."""
    found = {}
    for arm in cut.protocol.arms:
        given = [stage.limit_s for stage in arm.stages]
        if None not in given:
            found[arm.id] = float(sum(limit for limit in given if limit is not None))
    return found


def _seconds(reading: Reading) -> float | None:
    if reading.ending not in SCORED or reading.opened_at_us is None or reading.closed_at_us is None:
        return None
    return (reading.closed_at_us - reading.opened_at_us) / SECOND_US


def _over(case: str, arm: str, taken: list[tuple[float, bool]]) -> CaseTime:
    low, median, high = np.quantile([seconds for seconds, _ in sorted(taken)], [0.25, 0.5, 0.75]).tolist()
    return CaseTime(case, arm, len(taken), sum(out for _, out in taken), low, median, high)
