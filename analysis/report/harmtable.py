"""Harms per 100 cases, one respondent a row: for the table and for the figure."""

from dataclasses import dataclass

from analysis.inference.estimate import Estimate
from analysis.outcomes.findings import Findings
from analysis.outcomes.harms import GROUPS, SINGLE, Group
from analysis.report.order import in_order


@dataclass(frozen=True, slots=True)
class HarmMix:
    """One respondent's harms per 100 cases. `estimates` by the name of each group of harms, each with its interval."""

    respondent: str
    kind: str
    arm: str
    estimates: dict[str, Estimate]

    @property
    def per_hundred(self) -> tuple[float, ...]:
        """By kind and severity, in the order of `HARM_ROWS`."""
        return tuple(self.estimates[group.name].value for group in GROUPS[:SINGLE])


def many(group: Group) -> str:
    """What is counted, as a heading: harms, and not cases with one."""
    return "all harms" if group == Group(None, None) else f"{group.label}s"


def harm_mixes(found: Findings) -> list[HarmMix]:
    """Everybody's, in the order of the report."""
    made: dict[tuple[str, str, str], HarmMix] = {}
    for rate in found.harms:
        value = rate.value
        key = value.respondent, value.kind, value.arm
        made.setdefault(key, HarmMix(*key, {})).estimates[rate.group.name] = value.estimate
    return in_order(found, list(made.values()))
