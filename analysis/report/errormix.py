"""Which harms each respondent does: what it leaves out to the left, what it does wrongly to the right."""

import math

from analysis.outcomes.findings import HARMS, Findings
from analysis.outcomes.frame import HARM_ROWS
from analysis.outcomes.harms import Group
from analysis.report import svg
from analysis.report.figure import Figure
from analysis.report.harmtable import HarmMix, differences_title, harm_mixes
from analysis.report.order import called
from analysis.report.rowsets import harms
from analysis.wording import counted, percent, plain

LEFT, WIDTH, ROW, ENDS = 170.0, 700.0, 22.0, 52.0
FILLS = {"omission": svg.BLUES, "commission": svg.ORANGES}
SIDES = {"omission": -1.0, "commission": 1.0}


def errors_figure(found: Findings) -> Figure:
    """One bar a respondent, in harms per 100 cases; the severest stand next to the middle."""
    rows = harm_mixes(found)
    return Figure(
        name="errors",
        title="Harms by kind and severity",
        says=_says(found, rows),
        caption="Harms per 100 cases; every harm counts, and a case may hold several. Left of the middle: omissions, "
        "right: commissions; the darker, the severer. The figures at the ends are the sums of each side; a reference "
        "policy that goes on beyond the others ends in an arrowhead.",
        svg=_drawn(found, rows),
        rows=harms(found),
    )


def _side(row: HarmMix, kind: str) -> list[float]:
    """From mild to severe."""
    return [rate for (of_kind, _), rate in zip(HARM_ROWS, row.per_hundred, strict=True) if of_kind == kind]


def _known(rows: list[HarmMix]) -> list[HarmMix]:
    return [row for row in rows if sum(row.per_hundred) == sum(row.per_hundred)]


def _says(found: Findings, rows: list[HarmMix]) -> str:
    known = [row for row in _known(rows) if row.arm == found.control]
    physicians = next((row for row in known if row.kind == "physicians"), None)
    systems = [row for row in known if row.kind == "system"]
    if physicians is None:
        return "No reading is scored, so no harm is counted."
    total, left_out = sum(physicians.per_hundred), sum(_side(physicians, "omission"))
    share = f", {percent(left_out / total)} of them omissions" if total else ""
    name = found.physicians(found.control)
    said = f"{name[0].upper()}{name[1:]} have {plain(total, 0)} harms per 100 cases{share}"
    if not systems:
        return f"{said}."
    fewer = sum(_severe(row) < _severe(physicians) for row in systems)
    return (
        f"{said}; {fewer} of {counted(len(systems), 'system')} "
        f"{'has' if fewer == 1 else 'have'} fewer severe ones here.{_elsewhere(found)}"
    )


def _elsewhere(found: Findings) -> str:
    """Where it is told what such a difference is worth; nothing, where no interval of one is given."""
    severe = found.of(HARMS, measure=Group(None, "severe").name, control=found.control)
    if all(row.contrast.default.refused is not None for row in severe if not row.contrast.policy):
        return ""
    return (
        " Which of these differences would hold for other physicians and other cases, the intervals of the table "
        f"“{differences_title(found, found.control)}” tell."
    )


def _severe(row: HarmMix) -> float:
    return sum(_side(row, kind)[-1] for kind in SIDES)


def _drawn(found: Findings, rows: list[HarmMix]) -> str:
    name = "Harms per 100 cases by kind and severity, one bar a respondent. The table has the numbers."
    known = _known(rows)
    if not known:
        return svg.nothing(name, "Nothing to draw: no reading is scored.")
    most = _reach(known)
    scale = (WIDTH - LEFT - 2 * ENDS) / sum(most.values())
    middle = LEFT + ENDS + most["omission"] * scale
    top, bottom = 46.0, 46.0 + len(known) * ROW
    parts = [*_key(), svg.words(middle - 6, 40, "← omissions", anchor="end", bold=True)]
    parts.append(svg.words(middle + 6, 40, "commissions →", bold=True))
    for n, row in enumerate(known):
        y = top + n * ROW
        bold = row.kind == "physicians"
        parts.append(svg.words(0, y + 13, svg.cut(called(found, row), LEFT - 4), bold=bold))
        for kind, way in SIDES.items():
            parts += _bar(_side(row, kind), FILLS[kind], middle, way * scale, y, most=most[kind])
    parts.append(svg.line((middle, top - 4, middle, bottom), svg.INK))
    return svg.drawing(WIDTH, bottom + 6, parts, name=name)


def _reach(rows: list[HarmMix]) -> dict[str, float]:
    """How far each side goes: as far as anybody's but a policy's; a policy that goes on ends in an arrowhead."""
    answered = [row for row in rows if row.kind != "policy"] or rows
    return {kind: max(*(sum(_side(row, kind)) for row in answered), 1e-9) for kind in SIDES}


def _bar(
    rates: list[float], fills: tuple[str, ...], middle: float, scale: float, y: float, *, most: float
) -> list[str]:
    parts, done = [], 0.0
    for rate, fill in reversed(list(zip(rates, fills, strict=True))):
        start, end = (middle + min(at, most) * scale for at in (done, done + rate))
        if start != end:
            parts.append(svg.box(min(start, end), y, abs(end - start), ROW - 6, fill, edge=svg.MUTED))
        done += rate
    end, way = middle + min(done, most) * scale, math.copysign(1, scale)
    gap = 5.0
    if done > most * (1 + 1e-9):
        parts.append(svg.head(end + way, y + (ROW - 6) / 2, way * 7))
        gap = 12.0
    anchor = "end" if scale < 0 else "start"
    return [*parts, svg.words(end + way * gap, y + 12, plain(done, 0), size=10.5, anchor=anchor, color=svg.MUTED)]


def _key() -> list[str]:
    parts = []
    for n, severity in enumerate(("mild", "moderate", "severe")):
        x = LEFT + n * 130
        parts.append(svg.box(x, 6, 12, 12, svg.BLUES[n], edge=svg.MUTED))
        parts.append(svg.box(x + 14, 6, 12, 12, svg.ORANGES[n], edge=svg.MUTED))
        parts.append(svg.words(x + 32, 16, severity))
    return parts
