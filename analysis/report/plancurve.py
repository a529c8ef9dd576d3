"""The curve of a plan: the half-width, and below it the power, against the number of readers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from analysis.inference.layout import layout_of
from analysis.inference.planning import Precision, balanced, power, power_for_margin, precision
from analysis.plan import Plan
from analysis.report import svg
from analysis.wording import counted

LEFT, WIDE, HIGH, GAP, TOP, KEY = 60.0, 420.0, 200.0, 76.0, 28.0, 190.0
MOST_POINTS = 60
DASHES = (None, "7 3", "2 3", "9 3 2 3")
COLORS = (svg.BLUE, svg.ORANGE, svg.INK, svg.MUTED)

Points = list[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class _Curve:
    """One pool of cases and number for each reader, over the readers that can carry an interval."""

    label: str
    plans: tuple[tuple[int, Precision], ...]


@dataclass(frozen=True, slots=True)
class _Panel:
    """One pair of axes: its ends, and what is drawn in it by label."""

    title: str
    top: float
    across: tuple[float, float]
    up: tuple[float, float]
    lines: tuple[tuple[str, Points], ...]

    def x(self, readers: float) -> float:
        low, high = self.across
        return LEFT + WIDE * (readers - low) / (high - low)

    def y(self, value: float) -> float:
        low, high = self.up
        return self.top + HIGH * (1 - (value - low) / (high - low))


def plan_curve(found: Plan) -> str:
    """One `<svg>` element; the same plan gives the same bytes.

    A line for each pool of cases and number of cases for each reader, from the fewest readers asked for to the most;
    of one number only, from a half to twice of it. Where an effect or a margin was given, the power of the first
    effect, or of the margin, stands below. A plan for one assignment has no curve, and says so.
    """
    name = "Half-width of the interval against the number of readers. The plan's table has the numbers."
    curves = _curves(found)
    if not any(curve.plans for curve in curves):
        return svg.nothing(name, "Nothing to draw: no size asked for carries an interval, or the assignment is fixed.")
    panels = [_precision(curves, found)]
    chance = _chance(found)
    if chance is not None:
        panels.append(_power(curves, *chance))
    parts = [part for panel in panels for part in _drawn(panel)]
    parts += _key([curve.label for curve in curves])
    height = panels[-1].top + HIGH + 44
    return svg.drawing(LEFT + WIDE + KEY, height, parts, name=name)


def _curves(found: Plan) -> list[_Curve]:
    question = found.question
    if found.assignment is not None:
        return []
    counts = _reader_counts(question.readers)
    curves = []
    for n_cases in question.cases:
        for each in (n_cases,) if question.per_reader is None else question.per_reader:
            plans = [
                (n, precision(question.components, layout_of(balanced(n, n_cases, each)), level=question.level))
                for n in counts
            ]
            label = f"{counted(n_cases, 'case')}, {each} each"
            curves.append(_Curve(label, tuple(one for one in plans if one[1].refused is None)))
    return curves


def _reader_counts(asked: Sequence[int]) -> list[int]:
    """Every number of readers between the ends, or as many of them as a curve needs."""
    low, high = min(asked), max(asked)
    if low == high:
        low, high = max(low // 2, 3), 2 * high
    step = max(-(-(high - low) // MOST_POINTS), 1)
    return sorted({*range(low, high + 1, step), *(n for n in asked if low <= n <= high)})


def _precision(curves: Sequence[_Curve], found: Plan) -> _Panel:
    lines = tuple((curve.label, [(n, planned.half_width) for n, planned in curve.plans]) for curve in curves)
    largest = max(value for _, points in lines for _, value in points)
    title = f"Half-width of the {100 * found.question.level:g} % interval"
    return _Panel(title, TOP, _ends(curves), (0.0, 1.05 * largest), lines)


def _chance(found: Plan) -> tuple[str, Callable[[Precision], float]] | None:
    """What power is drawn of: the first effect, else the margin."""
    question = found.question
    if question.effects:
        effect = question.effects[0]
        return f"Power for a true difference of {effect:g}", lambda planned: power(planned, effect)
    if question.margin is not None:
        margin = question.margin
        title = f"Power for the margin {margin:g}, the true difference being 0"
        return title, lambda planned: power_for_margin(planned, margin)
    return None


def _power(curves: Sequence[_Curve], title: str, chance: Callable[[Precision], float]) -> _Panel:
    lines = tuple((curve.label, [(n, chance(planned)) for n, planned in curve.plans]) for curve in curves)
    return _Panel(title, TOP + HIGH + GAP, _ends(curves), (0.0, 1.0), lines)


def _ends(curves: Sequence[_Curve]) -> tuple[float, float]:
    counts = [n for curve in curves for n, _ in curve.plans]
    return (min(counts), max(counts)) if min(counts) < max(counts) else (min(counts) - 1, max(counts) + 1)


def _drawn(panel: _Panel) -> list[str]:
    low, high = panel.across
    upward, along = svg.ticks(*panel.up), [at for at in svg.ticks(low, high) if at == int(at)]
    parts = [svg.words(LEFT, panel.top - 10, panel.title, bold=True)]
    for at in upward:
        y = panel.y(at)
        parts.append(svg.line((LEFT, y, LEFT + WIDE, y), svg.GRID))
        parts.append(svg.words(LEFT - 8, y + 4, svg.tick_label(at, upward), anchor="end", color=svg.MUTED))
    bottom, lines = panel.top + HIGH, enumerate(panel.lines)
    parts.append(svg.line((LEFT, bottom, LEFT + WIDE, bottom), svg.RULE))
    for at in along:
        x = panel.x(at)
        parts.append(svg.line((x, bottom, x, bottom + 4), svg.RULE))
        parts.append(svg.words(x, bottom + 17, f"{at:.0f}", anchor="middle", color=svg.MUTED))
    parts.append(svg.words(LEFT + WIDE / 2, bottom + 34, "readers", anchor="middle", color=svg.MUTED))
    parts += [_through([(panel.x(n), panel.y(value)) for n, value in points], k) for k, (_, points) in lines]
    return parts


def _through(points: Sequence[tuple[float, float]], number: int) -> str:
    """The line through the points, told apart from the others by colour and by dashes."""
    path = " ".join(f"{svg.place(x)},{svg.place(y)}" for x, y in points)
    color, dash = COLORS[number % len(COLORS)], DASHES[(number + number // len(COLORS)) % len(DASHES)]
    dashed = "" if dash is None else f' stroke-dasharray="{dash}"'
    return f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.8"{dashed}/>'


def _key(labels: Sequence[str]) -> list[str]:
    parts = []
    for number, label in enumerate(labels):
        x, y = LEFT + WIDE + 16, TOP + 10 + 18 * number
        parts.append(_through([(x, y), (x + 26, y)], number))
        parts.append(svg.words(x + 32, y + 4, svg.cut(label, KEY - 56)))
    return parts
