"""One difference, reading by reading: physicians down, cases across, sorted so that a band shows what varies."""

import numpy as np

from analysis.digits import Cell
from analysis.inference.estimate import Estimand, Floats, Ints
from analysis.outcomes.cells import Cells
from analysis.outcomes.findings import Findings
from analysis.report import svg
from analysis.report.figure import Figure
from analysis.wording import counted, plain

LEFT, TOP, WIDTH = 24.0, 26.0, 700.0
SHADES = ("#0b2c5c", "#2b5a96", "#6d95c4", "#b4cbe4", "#dedac9", "#f2d3a8", "#e0a35c", "#b8661d", "#7a3800")
"""Far below 0 to far above 0. Without colour the two ends are alike, so cells above 0 carry a mark."""
MIDDLE = len(SHADES) // 2
WIDEST, TALL, TALLEST = 36.0, 420.0, 15.0
UNREAD = "cells-unread"
"""What was not read is hatched: white, or the middle shade, might be taken for no difference."""
MARKED_FROM = 4.0  # units of the drawing: smaller cells carry none


def heat_figure(found: Findings) -> Figure:
    """The primary difference, or the best system's where the protocol's cannot be drawn."""
    drawn = found.cells
    what = "influence on the difference" if drawn is not None and drawn.influences else "difference"
    test = "no system" if drawn is None else drawn.test
    return Figure(
        name="cells",
        title=f"{test} − {found.physicians(found.control)}, reading by reading",
        says=_says(found, drawn),
        caption=f"{found.measure.label}: the {what} at each reading. Physicians are rows, from the one with the lowest "
        "mean at the top; cases are columns, from the lowest mean at the left; hatched: not read. Blue: the "
        "system lower; brown, with a dot where there is room: the system higher. Whole rows of one shade mean that "
        "physicians differ, whole columns that cases do.",
        svg=_drawn(found, drawn),
        rows=_rows(found, drawn),
    )


def _rows(found: Findings, drawn: Cells | None) -> list[dict[str, Cell]]:
    if drawn is None:
        return []
    readers, cases = np.nonzero(drawn.mask)
    study = found.study
    return [
        {"id": f"x{n}", "test": drawn.test, "reader": study.readers[r], "case": study.cases[c], "difference": value}
        for n, (r, c, value) in enumerate(
            zip(readers.tolist(), cases.tolist(), drawn.values.tolist(), strict=True), start=1
        )
    ]


def _says(found: Findings, drawn: Cells | None) -> str:
    if drawn is None:
        return "No system can be compared with the physicians reading by reading."
    n, higher, lower = drawn.values.size, int((drawn.values > 0).sum()), int((drawn.values < 0).sum())
    if drawn.influences:
        return (
            f"{drawn.test}’s difference is {plain(drawn.value)}; {counted(higher, 'reading')} of {n:,} pull it up, "
            f"{lower:,} pull it down."
        )
    equal = n - higher - lower
    return (
        f"{_averaged(found, drawn)} scored higher than the physician at {higher:,} of {counted(n, 'reading')}, lower "
        f"at {lower:,}{f', the same at {equal:,}' if equal else ''}.{_by_run(found, drawn)}"
    )


def _runs(found: Findings, drawn: Cells) -> int:
    return next(system.runs for system in found.study.systems if system.name == drawn.test)


def _averaged(found: Findings, drawn: Cells) -> str:
    """What is compared with a physician: of several runs their mean, which is no run's score."""
    runs = _runs(found, drawn)
    return drawn.test if runs == 1 else f"The mean of {drawn.test}’s {runs:,} runs on a case"


def _by_run(found: Findings, drawn: Cells) -> str:
    """Why the chance to be ahead is no such count, where both are given."""
    apart = _runs(found, drawn) > 1 and any(one.estimand is Estimand.E8 for one in found.ahead)
    return " E8 is another number: it compares each run by itself." if apart else ""


def _drawn(found: Findings, drawn: Cells | None) -> str:
    name = "Heat map of one difference, physicians by cases. The table has the numbers."
    if drawn is None or not drawn.values.size:
        return svg.nothing(name)
    table = drawn.table
    rows, columns = _by_mean(table, 1), _by_mean(table, 0)
    size = min((WIDTH - LEFT) / len(columns), WIDEST)
    height = min(max(TALL / len(rows), 4.0), TALLEST)
    shade = _shades(table)
    parts = [
        svg.hatch(UNREAD),
        svg.box(LEFT, TOP, size * len(columns), height * len(rows), f"url(#{UNREAD})"),
        svg.words(LEFT, 16, f"{len(columns)} cases, from the lowest mean →"),
        svg.words(12, TOP, f"← {len(rows)} physicians", anchor="end", turned=True),
    ]
    for at, fill in enumerate(SHADES):
        cells = [(r, c) for r, i in enumerate(rows) for c, j in enumerate(columns) if shade[i, j] == at]
        if cells:
            parts.append(_cells(cells, size, height, fill))
        if cells and at > MIDDLE and min(size, height) >= MARKED_FROM:
            parts.append(_marks(cells, size, height, svg.INK if at < len(SHADES) - 2 else svg.PAPER))
    parts.append(
        f'<rect x="{svg.place(LEFT)}" y="{svg.place(TOP)}" width="{svg.place(size * len(columns))}" '
        f'height="{svg.place(height * len(rows))}" fill="none" stroke="{svg.RULE}"/>'
    )
    bottom = TOP + height * len(rows)
    parts += _scale(float(np.nanmax(np.abs(table))), bottom + 14)
    return svg.drawing(WIDTH, bottom + 50, parts, name=name)


def _by_mean(table: Floats, axis: int) -> Ints:
    """Rows (axis 1) or columns (axis 0) that have a value, from the lowest mean."""
    there = np.isfinite(table)
    counts = there.sum(axis=axis)
    means = np.array([np.where(there, table, 0.0).sum(axis=axis)])[0] / np.maximum(counts, 1)
    kept = np.flatnonzero(counts)
    return kept[np.argsort(np.round(means[kept], 9), kind="stable")]


def _shades(table: Floats) -> Ints:
    """Which shade each cell has, −1 for none; exactly 0 is the middle one, and nothing else is."""
    most = float(np.nanmax(np.abs(table))) or 1.0
    steps = np.clip(np.ceil(np.abs(table) / most * MIDDLE - 1e-9), 1, MIDDLE)
    signed = np.where(table == 0, 0, np.sign(table) * steps)
    return np.where(np.isfinite(table), signed + MIDDLE, -1).astype(np.int64)


def _cells(cells: list[tuple[int, int]], width: float, height: float, fill: str) -> str:
    """All cells of one shade as one path: neighbours in a row are drawn in one stroke."""
    w, h = svg.place(width), svg.place(height)
    path = "".join(f"M{svg.place(LEFT + c * width)} {svg.place(TOP + r * height)}h{w}v{h}h-{w}z" for r, c in cells)
    return f'<path fill="{fill}" d="{path}"/>'


def _marks(cells: list[tuple[int, int]], width: float, height: float, fill: str) -> str:
    radius = min(width, height) * 0.13
    r2, r1 = svg.place(2 * radius), svg.place(radius)
    path = "".join(
        f"M{svg.place(LEFT + (c + 0.5) * width - radius)} {svg.place(TOP + (r + 0.5) * height)}"
        f"a{r1} {r1} 0 1 0 {r2} 0a{r1} {r1} 0 1 0 -{r2} 0z"
        for r, c in cells
    )
    return f'<path fill="{fill}" d="{path}"/>'


def _scale(most: float, y: float) -> list[str]:
    """The shades with the values at their ends."""
    parts, width = [], 34.0
    for n, fill in enumerate(SHADES):
        parts.append(svg.box(LEFT + 60 + n * width, y, width, 12, fill, edge=svg.RULE))
    end = LEFT + 60 + len(SHADES) * width
    parts.append(svg.words(LEFT + 54, y + 10, plain(-most, 2), anchor="end"))
    parts.append(svg.words(end + 6, y + 10, f"+{plain(most, 2)}"))
    parts.append(svg.words(LEFT + 60 + (MIDDLE + 0.5) * width, y + 26, "0", anchor="middle"))
    parts.append(svg.words(LEFT + 60 + width * 1.2, y + 26, "system lower", anchor="middle", color=svg.MUTED))
    parts.append(svg.words(end - width * 1.2, y + 26, "system higher", anchor="middle", color=svg.MUTED))
    parts.append(svg.box(end + 70, y, width, 12, f"url(#{UNREAD})", edge=svg.RULE))
    parts.append(svg.words(end + 76 + width, y + 10, "not read"))
    return parts
