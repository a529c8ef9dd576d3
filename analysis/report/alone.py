"""Each respondent by itself: on the primary measure, and how often it does severe harm."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.outcomes.findings import Findings
from analysis.outcomes.numbers import SEVERE
from analysis.outcomes.values import CASES_ONLY, Value
from analysis.report.occurrence import severe_in
from analysis.report.order import in_order
from analysis.wording import listed


@dataclass(frozen=True, slots=True)
class ValueLine:
    """`severe`: the rate of severe harm; None: the profile has none, or it is the measure shown.

    `occurred`: in how many cases there was a severe harm, in words; None: not known.
    """

    value: Value
    severe: Value | None
    occurred: str | None


def value_lines(found: Findings) -> list[ValueLine]:
    """On the control's cases, in the order of the report."""
    of_control = [value for value in found.values if value.arm == found.control]
    shown = [value for value in of_control if value.measure == found.measure.name]
    beside = found.measure.name != SEVERE
    severe = {value.respondent: value for value in of_control if beside and value.measure == SEVERE}
    occurred = severe_in(found)
    return [
        ValueLine(value, severe.get(value.respondent), occurred.get((value.respondent, value.arm)))
        for value in in_order(found, shown)
    ]


def severe_notes(lines: Sequence[ValueLine]) -> list[str]:
    """What the intervals of severe harm are, but for what systems and policies have throughout: other cases."""
    of: dict[str, list[str]] = {}
    for line in lines:
        if line.severe is None:
            continue
        for part in _parts(line.severe):
            if part != CASES_ONLY and part not in _parts(line.value):
                of.setdefault(part, []).append(line.value.respondent)
    if not of:
        return []
    most = max(of, key=lambda part: len(of[part]))
    rest = (f"for {listed(who)}, {part}" for part, who in of.items() if part != most)
    first = most if len(of[most]) == len(lines) else f"{most}, unless said otherwise"
    return [f"Intervals of severe harm: {'; '.join([first, *rest])}."]


def _parts(value: Value) -> list[str]:
    estimate = value.estimate
    if estimate.refused is not None:
        return [f"none ({estimate.refused.reason.rstrip('.')})"]
    return [part for part in (estimate.label or "").split("; ") if part]
