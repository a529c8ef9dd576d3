"""What must stand below one table of differences, on whichever page it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.outcomes.findings import MAIN, Findings, Row
from analysis.report.legend import ends_of_scale
from analysis.wording import listed


@dataclass(frozen=True, slots=True)
class Remark:
    """One sentence, of the table of one measure against one arm in one analysis."""

    analysis: str
    measure: str
    control: str
    text: str


def remarks(found: Findings) -> list[Remark]:
    """Of ends of a scale in the main analysis; of the labels of intervals in every one."""
    said = [Remark(MAIN, measure, control, text) for measure, control, text in ends_of_scale(found)]
    tables: dict[tuple[str, str, str], list[Row]] = {}
    for row in found.rows:
        tables.setdefault((row.analysis, row.contrast.measure, row.contrast.control), []).append(row)
    return said + [Remark(*table, text) for table, rows in tables.items() for text in labels_said(rows)]


def labels_said(rows: Sequence[Row]) -> list[str]:
    """What must stand by default intervals, each once: of which systems, unless of every one that has an interval.

    A label may be of several parts, with semicolons between.
    """
    given = [row.contrast for row in rows if row.contrast.default.refused is None]
    parts = [(one.test, part) for one in given for part in (one.default.label or "").split("; ") if part]
    of = {part: [test for test, own in parts if own == part] for part in dict.fromkeys(part for _, part in parts)}
    return [
        f"{part[0].upper()}{part[1:]}." if len(tests) == len(given) else f"For {listed(tests)}, {part}."
        for part, tests in of.items()
    ]
