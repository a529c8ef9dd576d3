"""Where the uncertainty of each difference comes from, as bars that add up to all of it."""

from analysis.digits import Cell
from analysis.outcomes.findings import Findings, Row
from analysis.report import svg
from analysis.report.figure import Figure
from analysis.report.order import primary_rows
from analysis.wording import counted, percent

SOURCES = (("case", "between cases"), ("reader", "between physicians"), ("cell", "within a cell"))
FILLS = ("#1d4f91", "#8fb0d6", "#e3ebf4")
LETTERS = (svg.PAPER, svg.INK, svg.INK)
LEFT, WIDTH, ROW = 170.0, 640.0, 22.0


def shares_figure(found: Findings) -> Figure:
    """The primary measure against the control: one bar a system."""
    rows = [row for row in primary_rows(found) if row.contrast.default.refused is None]
    return Figure(
        name="variance",
        title="Shares of variance",
        says=_says(found, rows),
        caption="Each bar is the whole variance of one difference, after negative components were taken as zero. More "
        "cases shrink the dark part, more physicians the middle one, more readings of either kind the light one.",
        svg=_drawn(found, rows),
        rows=[_row(row) for row in rows],
    )


def _row(row: Row) -> dict[str, Cell]:
    contrast, default = row.contrast, row.contrast.default
    return {
        "id": row.id,
        "test": contrast.test,
        "control": contrast.control,
        "measure": contrast.measure,
        "share_case": default.shares.case,
        "share_reader": default.shares.reader,
        "share_cell": default.shares.cell,
        "se": default.se,
        "df": default.df,
    }


def _parts(row: Row) -> tuple[float, float, float]:
    shares = row.contrast.default.shares
    return shares.case, shares.reader, shares.cell


def _says(found: Findings, rows: list[Row]) -> str:
    systems = [row for row in rows if not row.contrast.policy]
    if not systems:
        return "No system has an interval here, so there is nothing to divide."
    primary = found.primary if found.primary in systems else systems[0]
    assert primary is not None  # noqa: S101  narrows: the first of a list that is not empty
    parts = _parts(primary)
    largest = max(range(3), key=lambda n: parts[n])
    same = sum(_parts(row).index(max(_parts(row))) == largest for row in systems)
    return (
        f"For {primary.contrast.test}, {percent(parts[largest])} of the variance is {SOURCES[largest][1]}; that is the "
        f"largest share for {same} of {counted(len(systems), 'system')}."
    )


def _drawn(found: Findings, rows: list[Row]) -> str:
    name = f"Shares of variance. {found.measure.label}, each system against {found.control}. The table has the numbers."
    if not rows:
        return svg.nothing(name, "Nothing to draw: no comparison has an interval here.")
    parts, wide = [], WIDTH - LEFT - 10
    for n, (fill, (_, said)) in enumerate(zip(FILLS, SOURCES, strict=True)):
        x = LEFT + n * 150
        parts += [svg.box(x, 6, 12, 12, fill, edge=svg.MUTED), svg.words(x + 18, 16, said)]
    for n, row in enumerate(rows):
        y, x = 30 + n * ROW, LEFT
        parts.append(svg.words(0, y + 13, svg.cut(row.contrast.test, LEFT - 8)))
        for share, fill, letters in zip(_parts(row), FILLS, LETTERS, strict=True):
            if share > 0:
                parts.append(svg.box(x, y, share * wide, ROW - 6, fill, edge=svg.MUTED))
            if share >= 0.08:
                middle = x + share * wide / 2
                parts.append(svg.words(middle, y + 12, percent(share), size=10.5, anchor="middle", color=letters))
            x += share * wide
    return svg.drawing(WIDTH, 34 + len(rows) * ROW, parts, name=name)
