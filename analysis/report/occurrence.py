"""In how many cases something happened at all: a rate that rests on one case has to show it."""

import numpy as np

from analysis.inference.estimate import Estimate, Floats
from analysis.outcomes.findings import Findings
from analysis.outcomes.harms import HarmRate
from analysis.outcomes.numbers import SEVERE
from analysis.outcomes.values import Value
from analysis.wording import counted


def cases_with_harm(found: Findings, rate: HarmRate) -> int | None:
    """Cases in which the respondent did such a harm at least once; None: it has no rate."""
    of, columns = found.study.harms, rate.group.columns
    return _cases(found, rate.value, of.arms[rate.value.arm][..., columns].sum(-1), of.systems[..., columns].sum(-1))


def cases_with_event(found: Findings, value: Value) -> int | None:
    """The same of a measure of what happens or not; None: it is another measure, or the respondent has no value."""
    rates = {measure.name for measure in found.measures if (measure.scale, measure.kind) == ("binary", "mean")}
    if value.measure not in rates:
        return None
    table = found.study.tables[value.measure]
    return _cases(found, value, table.arms[value.arm].above, table.systems.above)


def _cases(found: Findings, value: Value, of_arm: Floats, of_systems: Floats) -> int | None:
    """Of physicians in any reading, of a system in any run, on the cases that the arm read."""
    if value.estimate.value != value.estimate.value:
        return None
    read = found.study.arms[value.arm].read
    if value.kind == "physicians":
        return int(np.any(read & (of_arm > 0), axis=0).sum())
    (place,) = [k for k, system in enumerate(found.study.systems) if system.name == value.respondent]
    return int(np.sum(read.any(axis=0) & (of_systems[place] > 0)))


def in_cases(n: int | None, estimate: Estimate) -> str | None:
    """`in 1 of 12 cases`; None: nothing is known of how many."""
    return None if n is None else f"in {n:,} of {counted(estimate.n_cases, 'case')}"


def severe_in(found: Findings) -> dict[tuple[str, str], str]:
    """In how many cases there was a severe harm, by respondent and arm; of a profile without that measure nothing."""
    severe = [value for value in found.values if value.measure == SEVERE]
    said = {(value.respondent, value.arm): in_cases(cases_with_event(found, value), value.estimate) for value in severe}
    return {key: words for key, words in said.items() if words is not None}
