"""The forest plot: every system's difference from the physicians, drawn the same to the byte each time.

matplotlib is loaded inside the function that draws.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING

from analysis.outcomes.findings import Findings, Row
from analysis.report.figure import Figure
from analysis.report.order import primary_rows
from analysis.report.sentences import mixed_notes
from analysis.report.tables import difference_row
from analysis.wording import counted, percent, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, ACCENT, RULE = "#1f2933", "#6b7785", "#1d4f91", "#c3cad3"
WIDTH_INCHES, LABEL_CHARACTERS, AXIS_CHARACTERS = 4.8, 24, 46
NOTE_INCHES, NOTE_CHARACTERS = 0.18, 58
LETTERS = 10.0
"""In points: legible where the figure is as narrow as a phone."""
BEYOND = "Arrowhead: goes on beyond; the table has the numbers."
STYLE_BLOCK = re.compile(r"<defs>\s*<style type=\"text/css\">.*?</style>\s*</defs>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Forest:
    """What is drawn: the rows in order, what stands below the axis, and which side is better."""

    rows: tuple[Row, ...]
    label: str
    control: str
    higher_is_better: bool
    margin: float | None = None


def forest_figure(found: Findings) -> Figure:
    """The primary measure against the control arm."""
    forest = forest_of(found)
    margin = "" if forest.margin is None else " Dashed: the protocol’s margin."
    return Figure(
        name="forest",
        title=f"{forest.label}: each system’s difference from {forest.control}",
        says=_says(forest),
        caption=f"Thick: {percent(found.level)} interval, allowing for other physicians and other cases like these. "
        "Thin: crossed bootstrap. Hollow: a reference policy. An arrowhead: what goes on beyond the figure."
        f"{margin} The table of differences has the numbers.",
        svg=forest_svg(forest),
        rows=[difference_row(row) for row in forest.rows],
        narrow=True,
    )


def forest_of(found: Findings) -> Forest:
    """What the figure draws of the findings."""
    wanted = found.cut.protocol.primary
    return Forest(
        rows=primary_rows(found),
        label=found.measure.label,
        control=found.physicians(found.control),
        higher_is_better=found.measure.better == "higher",
        margin=None if wanted is None else wanted.margin,
    )


def _says(forest: Forest) -> str:
    """On which side of no difference the intervals lie."""
    given = [
        row.contrast.default for row in forest.rows if not row.contrast.policy and row.contrast.default.refused is None
    ]
    if not given:
        return "No system has an interval here."
    above, below = sum(one.low > 0 for one in given), sum(one.high < 0 for one in given)
    better, worse = (above, below) if forest.higher_is_better else (below, above)
    lie = "lies" if better == 1 else "lie"
    return (
        f"Of {counted(len(given), 'system')} with an interval, {better} {lie} wholly on the better side of no "
        f"difference, {worse} wholly on the worse side, and {len(given) - better - worse} across it."
    )


def drawable(rows: Sequence[Row]) -> tuple[Row, ...]:
    """The rows that have an estimate."""
    return tuple(row for row in rows if row.contrast.default.value == row.contrast.default.value)


def limits(rows: Sequence[Row], margin: float | None, *, higher_is_better: bool) -> tuple[float, float]:
    """The ends of the axis: every system's intervals, 0 and the margin.

    A policy is in it as long as the systems keep half of the width; further out, its interval ends in an arrowhead.
    """
    marks = [0.0] if margin is None else [0.0, -margin if higher_is_better else margin]
    systems = [row for row in rows if not row.contrast.policy]
    low, high = _reach(systems or rows, marks)
    widest = 2 * (high - low)
    for policy in (row for row in rows if row.contrast.policy):
        with_low, with_high = _reach([policy], [low, high])
        if with_high - with_low <= widest:
            low, high = with_low, with_high
    space = 0.06 * (high - low) or 0.5
    return low - space, high + space


def beyond(row: Row, ends: tuple[float, float]) -> bool:
    """Whether the row, or one of its intervals, goes on beyond the ends of the axis."""
    low, high = _reach([row], [row.contrast.default.value])
    return low < ends[0] or high > ends[1]


def _reach(rows: Sequence[Row], marks: Sequence[float]) -> tuple[float, float]:
    reached = list(marks)
    for row in rows:
        for estimate in (row.contrast.default, row.contrast.bootstrap):
            ends = (estimate.value,) if estimate.refused is not None else (estimate.low, estimate.high)
            reached.extend(ends)
    return min(reached), max(reached)


def forest_svg(forest: Forest) -> str:
    """The figure as one `<svg>` element without prolog, ids and dates fixed, for a page or a file of its own."""
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    rows = drawable(forest.rows)
    look = mpl.rc_context(
        {
            "svg.hashsalt": "primum",
            "svg.fonttype": "none",
            "font.family": ["sans-serif"],
            "font.sans-serif": ["DejaVu Sans"],
            "font.size": LETTERS,
            "axes.edgecolor": RULE,
            "text.color": INK,
            "axes.labelcolor": INK,
            "xtick.color": INK,
            "ytick.color": INK,
            "text.parse_math": False,  # a system's name may hold a dollar sign
        }
    )
    with look:
        ends = limits(rows, forest.margin, higher_is_better=forest.higher_is_better)
        said = [*mixed_notes(rows), *([BEYOND] if any(beyond(row, ends) for row in rows) else [])]
        notes = [line for note in said for line in wrap(note, NOTE_CHARACTERS)]
        axis = _axis_lines(forest)
        below = 0.36 + 0.17 * len(axis) + NOTE_INCHES * len(notes)
        row_inches = 0.34 if len(rows) <= 12 else 0.25
        height = row_inches * max(len(rows), 1) + below + 0.12
        figure = Figure(figsize=(WIDTH_INCHES, height))
        FigureCanvasSVG(figure)
        axes = figure.add_axes((0.42, below / height, 0.55, 1 - (below + 0.12) / height))
        for line, note in enumerate(reversed(notes)):
            figure.text(0.02, (0.04 + NOTE_INCHES * line) / height, note, color=MUTED)
        axes.set_xlim(*ends)
        _draw_reference_lines(axes, forest)
        for line, row in enumerate(rows):
            _draw_row(axes, row, -line)
        _dress(axes, rows)
        middle = 0.695 if max(map(len, axis)) < AXIS_CHARACTERS * 0.6 else 0.5
        for n, text in enumerate(reversed(axis)):
            at = 0.06 + 0.17 * n + NOTE_INCHES * len(notes)
            figure.text(middle, at / height, text, ha="center")
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None, "Creator": None}, transparent=True)
    return _alone(file.getvalue(), forest)


def _draw_reference_lines(axes: "Axes", forest: Forest) -> None:
    axes.axvline(0, color=INK, linewidth=0.9, zorder=1)
    if forest.margin is not None:
        at = -forest.margin if forest.higher_is_better else forest.margin
        axes.axvline(at, color=MUTED, linewidth=0.9, linestyle=(0, (4, 3)), zorder=1)


def _draw_row(axes: "Axes", row: Row, y: float) -> None:
    """The default interval thick, the bootstrap thin below it; a policy's mark is hollow, or in figures if out."""
    default, beside = row.contrast.default, row.contrast.bootstrap
    low, high = axes.get_xlim()
    inside = "white" if row.contrast.policy else ACCENT
    if not low <= default.value <= high:
        edge, mark, side = (high, ">", "right") if default.value > high else (low, "<", "left")
        inward = (low - high if mark == ">" else high - low) * 0.025
        axes.plot([edge + inward / 2], [y], mark, markersize=6, color=ACCENT, markerfacecolor=inside)
        axes.text(edge + 1.6 * inward, y, plain(default.value), ha=side, va="center", color=MUTED)
        return
    if beside.refused is None:
        _draw_interval(axes, (beside.low, beside.high), y - 0.2, color=MUTED, linewidth=1.1)
    if default.refused is None:
        _draw_interval(axes, (default.low, default.high), y, color=ACCENT, linewidth=2.4)
    axes.plot([default.value], [y], "s", markersize=6, color=ACCENT, markerfacecolor=inside, zorder=3)


def _draw_interval(axes: "Axes", interval: tuple[float, float], y: float, *, color: str, linewidth: float) -> None:
    """As far as the axis goes, with an arrowhead where the interval goes on."""
    low, high = axes.get_xlim()
    shown = max(interval[0], low), min(interval[1], high)
    axes.plot(shown, [y, y], color=color, linewidth=linewidth, solid_capstyle="butt")
    heads = [(at, mark) for at, end, mark in zip(shown, interval, "<>", strict=True) if at != end]
    for at, mark in heads:
        inward = (high - low) * (0.006 if mark == "<" else -0.006)
        axes.plot([at + inward], [y], mark, markersize=2 + 1.5 * linewidth, color=color)


def _axis_lines(forest: Forest) -> list[str]:
    """What the axis is of, in lines that fit the figure."""
    better = "right" if forest.higher_is_better else "left"
    return [*wrap(f"{forest.label}: system − {forest.control}", AXIS_CHARACTERS), f"(better to the {better})"]


def _dress(axes: "Axes", rows: Sequence[Row]) -> None:
    axes.set_ylim(-len(rows) + 0.4, 0.6)
    axes.set_yticks([-line for line in range(len(rows))], [shorten(row.contrast.test) for row in rows])
    axes.tick_params(axis="y", length=0, pad=8)
    axes.tick_params(axis="x", color=RULE)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.locator_params(axis="x", nbins=6)


def shorten(name: str) -> str:
    """A name that fits beside the axis; the table has it whole."""
    return name if len(name) <= LABEL_CHARACTERS else name[: LABEL_CHARACTERS - 1] + "…"


def _alone(svg: str, forest: Forest) -> str:
    """The `<svg>` element, named for those who cannot see it, without the style sheet that would reach beyond it."""
    element = STYLE_BLOCK.sub("", svg[svg.index("<svg") :]).strip()
    name = f"Forest plot. {forest.label}: each system's difference from {forest.control}. The table has the numbers."
    return element.replace("<svg ", f'<svg role="img" aria-label="{escape(name, quote=True)}" ', 1)
