"""The report: one page that can be read, printed and kept, with everything in it and nothing fetched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from analysis import wording
from analysis.inference.refusals import few_readers
from analysis.outcomes.findings import COMPLETED_ONLY, MAIN, Findings, Row
from analysis.outcomes.harms import GROUPS, SINGLE
from analysis.outcomes.numbers import SEVERE
from analysis.report.alone import severe_notes, value_lines
from analysis.report.figure import Figure
from analysis.report.harmtable import SHOWN_WITH_INTERVAL, harm_differences, harm_mixes, many
from analysis.report.legend import legend
from analysis.report.methods import methods, software
from analysis.report.occurrence import severe_in
from analysis.report.order import primary_rows
from analysis.report.remarks import remarks
from analysis.report.results import provenance
from analysis.report.sections import (
    apart_says,
    arm_pairs,
    best_says,
    interval_by,
    needed_lines,
    needed_range,
    needed_words,
    specialty_lines,
    systems_says,
)
from analysis.report.sentences import key_finding, mixed_notes, tipping_says
from analysis.wording import counted, listed
from study.profile import Better, Measure, MeasureKind, Scale
from study.progress import TOLD, Ending

if TYPE_CHECKING:
    from jinja2 import Environment


SCORED_AS = {
    Ending.SUBMITTED: "what was selected",
    Ending.NOTHING_TO_RECOMMEND: "an empty plan, on purpose",
    Ending.EXPIRED_WITH_DRAFT: "the last saved draft",
    Ending.EXPIRED_NOTHING_SAVED: "an empty plan",
    Ending.STILL_OPEN: "missing",
    Ending.NEVER_OPENED: "missing",
    Ending.VOID: "missing",
}


@dataclass(frozen=True, slots=True)
class DifferenceTable:
    """One table of differences: its rows in the order shown, and what has to be said below it.

    `side`: what the value of one side is, a mean or another value. `occurred`: of severe harm, by respondent, in how
    many cases there was any; empty of other measures.
    """

    title: str
    remark: str
    side: str
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    occurred: Mapping[str, str]

    @property
    def bands(self) -> bool:
        return any(row.contrast.band is not None for row in self.rows)

    @property
    def holm(self) -> bool:
        """Whether a row is of the primary comparison's two sides on another measure."""
        return any(row.p_holm == row.p_holm for row in self.rows)

    @property
    def same_counts(self) -> bool:
        return _same_counts(self.rows)


def report_html(found: Findings, figures: Mapping[str, Figure]) -> bytes:
    """The page. Deterministic: no clock, no randomness; numbers are rounded here only."""
    lines = value_lines(found)
    page = (
        _environment()
        .get_template("report.html")
        .render(
            found=found,
            protocol=found.cut.protocol,
            primary=found.primary,
            key=key_finding(found),
            figures=figures,
            primary_rows=primary_rows(found),
            control=found.physicians(found.control),
            primary_tables=[
                *_tables(found, MAIN, found.measure, "main analysis"),
                *_tables(found, COMPLETED_ONLY, found.measure, "sensitivity: completed only, handed in before time"),
            ],
            other_tables=[
                table for measure in found.measures[1:] for table in _tables(found, MAIN, measure, _remark(measure))
            ],
            values=lines,
            severe_notes=severe_notes(lines),
            harms=harm_mixes(found),
            harm_groups=GROUPS[:SINGLE],
            harm_sums=SHOWN_WITH_INTERVAL,
            harm_differences=harm_differences(found),
            needed=needed_lines(found),
            apart_says=apart_says(found),
            arm_pairs=arm_pairs(found),
            labels={measure.name: measure.label for measure in found.measures},
            best_says=best_says(found),
            tipping_says=tipping_says(found),
            systems_says=systems_says(found),
            specialties=specialty_lines(found),
            legend=legend(found),
            told=TOLD,
            scored_as=SCORED_AS,
            notes=mixed_notes(found.rows),
            methods=[*methods(found), software(found)],
            provenance=provenance(found),
            locked_at=_instant(found.cut.locked_at_us),
        )
    )
    return page.encode()


def _tables(found: Findings, analysis: str, measure: Measure, remark: str) -> list[DifferenceTable]:
    """One measure against every arm, the control first."""
    arms = dict.fromkeys(row.contrast.control for row in found.rows)
    tables = []
    for arm in arms:
        rows = found.of(analysis, measure=measure.name, control=arm)
        if not rows:
            continue
        counts = "" if not _same_counts(rows) else f"; {_counts(rows[0])}"
        title = f"{measure.label}: system − {found.physicians(arm)}"
        side = "mean" if measure.kind is MeasureKind.MEAN else "value"
        place = (analysis, measure.name, arm)
        notes = [one.text for one in remarks(found) if (one.analysis, one.measure, one.control) == place]
        severe = severe_in(found) if (analysis, measure.name) == (MAIN, SEVERE) else {}
        occurred = {who: words for (who, of), words in severe.items() if of == arm}
        tables.append(DifferenceTable(title, remark + counts, side, rows, (*notes, *_below(rows)), occurred))
    return tables


def _same_counts(rows: Sequence[Row]) -> bool:
    """Whether every row is estimated from the same numbers of readings, physicians and cases."""
    counts = {(d.n_readings, d.n_readers, d.n_cases) for d in (row.contrast.default for row in rows)}
    return len(counts) == 1


def _counts(row: Row) -> str:
    default = row.contrast.default
    return (
        f"{counted(default.n_readings, 'reading')}, {counted(default.n_readers, 'physician')}, "
        f"{counted(default.n_cases, 'case')}"
    )


def _remark(measure: Measure) -> str:
    remark = f"{measure.better} is better"
    if measure.scale is Scale.BINARY and measure.better is Better.LOWER:
        remark += "; the share of cases with one or more"
    return remark if measure.note is None else f"{remark}; {measure.note}"


def _below(rows: Sequence[Row]) -> tuple[str, ...]:
    """What was left out, at most, and whether the two sides answered in different ways."""
    undefined = max((row.contrast.undefined for row in rows), default=0)
    unmatched = max((row.contrast.unmatched.readings for row in rows), default=0)
    notes = []
    if undefined:
        notes.append(f"Up to {counted(undefined, 'reading')} left out for want of a value on either side.")
    if unmatched:
        notes.append(f"Up to {counted(unmatched, 'reading')} without an answer of the system.")
    return (*notes, *_about_intervals(rows), *_without_bootstrap(rows), *mixed_notes(rows))


def _about_intervals(rows: Sequence[Row]) -> list[str]:
    """What limits the intervals of a table: few readers, draws without a value, systems outside of the family."""
    contrasts = [row.contrast for row in rows]
    notes = list(dict.fromkeys(few for contrast in contrasts if (few := few_readers(contrast.default)) is not None))
    given = [contrast.bootstrap for contrast in contrasts if contrast.bootstrap.refused is None]
    without = max((bootstrap.draws_without_value or 0 for bootstrap in given), default=0)
    if without:
        notes.append(f"Bootstrap: up to {counted(without, 'draw')} without a value, left out.")
    outside = [contrast.test for contrast in contrasts if contrast.band is None and not contrast.policy]
    if outside and len(outside) < len([contrast for contrast in contrasts if not contrast.policy]):
        notes.append(f"All systems at once: without {listed(outside)}, for want of an interval or a bootstrap.")
    return notes


def _without_bootstrap(rows: Sequence[Row]) -> list[str]:
    """Why a dash stands for a bootstrap interval, unless the default was refused for the same reason."""
    return [
        f"No bootstrap interval for {row.contrast.test}. {beside.reason}"
        for row in rows
        if (beside := row.contrast.bootstrap.refused) is not None and beside != row.contrast.default.refused
    ]


def _instant(at_us: int | None) -> str | None:
    if at_us is None:
        return None
    return datetime.fromtimestamp(at_us // 1_000_000, tz=UTC).strftime("%Y-%m-%d %H:%M UTC")


def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("analysis.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    words = ("plain", "signed", "interval", "p_value", "equals_p", "percent", "counted", "listed")
    environment.filters.update({name: getattr(wording, name) for name in words})
    environment.filters.update(
        {"interval_by": interval_by, "needed": needed_words, "needed_range": needed_range, "many": many}
    )
    return environment
