"""Harms per 100 cases, one respondent a row: alone, for the table and the figure, and system − physicians."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.inference.estimate import Estimate
from analysis.inference.refusals import few_readers
from analysis.outcomes.contrasts import Contrast
from analysis.outcomes.findings import HARMS, Findings
from analysis.outcomes.harms import GROUPS, SINGLE, Group
from analysis.outcomes.numbers import SEVERE
from analysis.report.occurrence import cases_with_harm, in_cases
from analysis.report.order import in_order, primary_rows

SHOWN_WITH_INTERVAL: tuple[Group, ...] = tuple(
    group for group in GROUPS if (group.kind is None) != (group.severity is None) or group == Group(None, None)
)
"""Sums over severities or kinds: the harms that are frequent enough for an interval to say something."""


@dataclass(frozen=True, slots=True)
class HarmMix:
    """One respondent's harms per 100 cases. `estimates` by the name of each group of harms, each with its interval.

    `occurred`: of the severe ones, in how many cases there were any, in words.
    """

    respondent: str
    kind: str
    arm: str
    estimates: dict[str, Estimate]
    occurred: dict[str, str]

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
        mix = made.setdefault(key, HarmMix(*key, {}, {}))
        mix.estimates[rate.group.name] = value.estimate
        words = in_cases(cases_with_harm(found, rate), value.estimate) if rate.group.severity == SEVERE else None
        if words is not None:
            mix.occurred[rate.group.name] = words
    return in_order(found, list(made.values()))


@dataclass(frozen=True, slots=True)
class HarmLine:
    """One system − the physicians of an arm. `contrasts` by the name of each group of harms shown, per 100 cases."""

    test: str
    policy: bool
    contrasts: dict[str, Contrast]


@dataclass(frozen=True, slots=True)
class HarmDifferences:
    """Every system against one arm, in the order of the report; `notes` stand below."""

    title: str
    rows: tuple[HarmLine, ...]
    notes: tuple[str, ...]


def harm_differences(found: Findings) -> list[HarmDifferences]:
    """One table an arm, the control's first."""
    names = {group.name for group in SHOWN_WITH_INTERVAL}
    shown = [row.contrast for row in found.of(HARMS) if row.contrast.measure in names]
    place = {row.contrast.test: n for n, row in enumerate(primary_rows(found))}
    tables = []
    for arm in dict.fromkeys(contrast.control for contrast in shown):
        lines: dict[str, HarmLine] = {}
        own = [contrast for contrast in shown if contrast.control == arm]
        for one in own:
            lines.setdefault(one.test, HarmLine(one.test, one.policy, {})).contrasts[one.measure] = one
        ordered = sorted(lines.values(), key=lambda line: place.get(line.test, len(place)))
        tables.append(HarmDifferences(differences_title(found, arm), tuple(ordered), tuple(_notes(own))))
    return tables


def differences_title(found: Findings, arm: str) -> str:
    """What the table is called, wherever something points to it."""
    return f"Harms per 100 cases: system − {found.physicians(arm)}"


def _notes(contrasts: Sequence[Contrast]) -> Iterator[str]:
    """What limits the intervals of the table, each once."""
    given = [one.default for one in contrasts if one.default.refused is None]
    parts = [(one.label or "").split("; ") for one in given]
    for part in dict.fromkeys(part for own in parts for part in own if part):
        said = f"{part[0].upper()}{part[1:]}" if all(part in own for own in parts) else f"For some of them, {part}"
        yield f"{said}."
    yield from dict.fromkeys(few for one in given if (few := few_readers(one)) is not None)
