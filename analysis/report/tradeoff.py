"""Completeness against restraint: how much of what was needed is found, beside how much of what is done is right."""

from dataclasses import dataclass

from analysis.digits import Cell
from analysis.outcomes.findings import Findings
from analysis.outcomes.values import Value
from analysis.report import svg
from analysis.report.figure import Figure
from analysis.report.order import in_order
from analysis.wording import counted, percent, plain
from study.profile import Measure

PAIRS = (("completeness", "restraint"), ("recall_weighted", "precision_weighted"))
"""Upwards and to the right, by profile."""
LEFT, TOP, SIDE, WIDTH = 54.0, 10.0, 400.0, 700.0
KEY_LINE, SMALLEST_SPAN, NUMBER = 15.0, 0.05, 10.5


@dataclass(frozen=True, slots=True)
class _Point:
    """One respondent: `across` and `up` are its values on the two measures. `number` stands beside its mark."""

    number: int
    across: Value
    up: Value

    @property
    def placed(self) -> bool:
        return all(value.estimate.value == value.estimate.value for value in (self.across, self.up))


@dataclass(frozen=True, slots=True)
class _Frame:
    """The ends of both axes, and where they stand on the paper."""

    across: tuple[float, float]
    up: tuple[float, float]

    def x(self, value: float) -> float:
        low, high = self.across
        return LEFT + SIDE * (min(max(value, low), high) - low) / (high - low)

    def y(self, value: float) -> float:
        low, high = self.up
        return TOP + SIDE * (1 - (min(max(value, low), high) - low) / (high - low))

    def holds(self, point: _Point) -> bool:
        inside = ((self.across, point.across), (self.up, point.up))
        return all(low <= value.estimate.value <= high for (low, high), value in inside)


def tradeoff_figure(found: Findings) -> Figure:
    """Over the cases of the control arm, weighted as they were read; intervals both ways."""
    up, across = _measures(found)
    points = _points(found, up, across)
    return Figure(
        name="tradeoff",
        title=f"{up.label} against {across.label[0].lower()}{across.label[1:]}",
        says=_says(found, points, up, across),
        caption=f"Further right: more {across.label.lower()}; further up: more {up.label.lower()}. Lines: "
        f"{percent(found.level)} intervals of either value, for new cases; of the physicians, for new physicians "
        "too. Square: the physicians; hollow: a reference policy. Intervals of two respondents may overlap although "
        f"their difference on the same cases is well known: the tables of differences say.{_left_out(points)}",
        svg=_drawn(found, points, up, across),
        rows=[_row(point) for point in points],
    )


def _measures(found: Findings) -> tuple[Measure, Measure]:
    by_name = {measure.name: measure for measure in found.measures}
    up, across = next(pair for pair in PAIRS if set(pair) <= set(by_name))
    return by_name[up], by_name[across]


def _points(found: Findings, up: Measure, across: Measure) -> list[_Point]:
    of_control = in_order(found, [value for value in found.values if value.arm == found.control])
    by_key = {(value.respondent, value.measure): value for value in of_control}
    names = list(dict.fromkeys(value.respondent for value in of_control))
    return [_Point(n, by_key[name, across.name], by_key[name, up.name]) for n, name in enumerate(names)]


def _row(point: _Point) -> dict[str, Cell]:
    across, up = point.across.estimate, point.up.estimate
    return {
        "id": f"x{point.number}",
        "number": point.number,
        "respondent": point.across.respondent,
        "kind": point.across.kind,
        "across": point.across.measure,
        "across_value": across.value,
        "across_low": across.low,
        "across_high": across.high,
        "up": point.up.measure,
        "up_value": up.value,
        "up_low": up.low,
        "up_high": up.high,
    }


def _says(found: Findings, points: list[_Point], up: Measure, across: Measure) -> str:
    physicians = next((p for p in points if p.across.kind == "physicians" and p.placed), None)
    systems = [point for point in points if point.across.kind == "system" and point.placed]
    if physicians is None or not systems:
        return "Physicians and systems cannot be placed together here."
    right = [s for s in systems if s.across.estimate.value > physicians.across.estimate.value]
    above = [s for s in systems if s.up.estimate.value > physicians.up.estimate.value]
    both = sum(point in above for point in right)
    name = found.physicians(found.control)
    return (
        f"{name[0].upper()}{name[1:]} are at {across.label.lower()} {plain(physicians.across.estimate.value)} and "
        f"{up.label.lower()} {plain(physicians.up.estimate.value)}; of {counted(len(systems), 'system')}, "
        f"{len(right)} lie further right, {len(above)} further up, and {both} both; the bars "
        "tell how sure each place is."
    )


def _left_out(points: list[_Point]) -> str:
    """Why a value here may not be the one in the table of differences."""
    if not any(value.undefined for point in points for value in (point.across, point.up)):
        return ""
    return (
        " Here everybody stands with all their own answers that have a value; a difference leaves a reading out for "
        "both sides where either has none, so the values beside it may differ a little."
    )


def _drawn(found: Findings, points: list[_Point], up: Measure, across: Measure) -> str:
    name = f"{up.label} against {across.label}, physicians and systems. The table has the numbers."
    placed = [point for point in points if point.placed]
    if not placed:
        return svg.nothing(name)
    frame = _frame(placed)
    shown = [point for point in placed if frame.holds(point)]
    parts = _axes(frame, up, across)
    for draw in (_interval, _mark):
        parts += [drawn for point in reversed(shown) for drawn in draw(frame, point)]
    parts += _numbers(frame, shown)
    parts += _key(points, shown)
    height = max(TOP + SIDE + 44, TOP + 24 + KEY_LINE * (len(points) + 1))
    return svg.drawing(WIDTH, height, parts, name=name)


def _frame(points: list[_Point]) -> _Frame:
    """Physicians and systems with their intervals; a policy lies outside where it is further out."""
    fixed = [point for point in points if point.across.kind != "policy"] or points
    return _Frame(_ends([p.across for p in fixed]), _ends([p.up for p in fixed]))


def _ends(values: list[Value]) -> tuple[float, float]:
    reached = [
        end for value in values for end in (value.estimate.value, value.estimate.low, value.estimate.high) if end == end
    ]
    low, high = min(reached), max(reached)
    space = max(0.04 * (high - low), (SMALLEST_SPAN - (high - low)) / 2, 0.01)
    return low - space, high + space


def _axes(frame: _Frame, up: Measure, across: Measure) -> list[str]:
    parts = [svg.box(LEFT, TOP, SIDE, SIDE, svg.PAPER, edge=svg.RULE)]
    marks = svg.ticks(*frame.across)
    for at in marks:
        parts.append(svg.line((frame.x(at), TOP, frame.x(at), TOP + SIDE), svg.GRID))
        parts.append(svg.words(frame.x(at), TOP + SIDE + 15, svg.tick_label(at, marks), anchor="middle"))
    marks = svg.ticks(*frame.up)
    for at in marks:
        parts.append(svg.line((LEFT, frame.y(at), LEFT + SIDE, frame.y(at)), svg.GRID))
        parts.append(svg.words(LEFT - 6, frame.y(at) + 4, svg.tick_label(at, marks), anchor="end"))
    parts.append(svg.words(LEFT + SIDE / 2, TOP + SIDE + 34, f"{across.label} →", anchor="middle", bold=True))
    parts.append(svg.words(12, TOP + SIDE / 2, f"{up.label} →", anchor="middle", bold=True, turned=True))
    return parts


def _interval(frame: _Frame, point: _Point) -> list[str]:
    across, up = point.across.estimate, point.up.estimate
    x, y, parts = frame.x(across.value), frame.y(up.value), []
    width, color = (2.2, svg.ORANGE) if point.across.kind == "physicians" else (0.8, "#9db3d0")
    if across.refused is None:
        parts.append(svg.line((frame.x(across.low), y, frame.x(across.high), y), color, width=width))
    if up.refused is None:
        parts.append(svg.line((x, frame.y(up.low), x, frame.y(up.high)), color, width=width))
    return parts


def _mark(frame: _Frame, point: _Point) -> list[str]:
    x, y = frame.x(point.across.estimate.value), frame.y(point.up.estimate.value)
    return [_shape(x, y, point)]


def _shape(x: float, y: float, point: _Point) -> str:
    if point.across.kind == "physicians":
        return svg.box(x - 5, y - 5, 10, 10, svg.ORANGE, edge=svg.INK)
    return svg.dot(x, y, 4, svg.PAPER if point.across.kind == "policy" else svg.BLUE, edge=svg.BLUE)


def _numbers(frame: _Frame, points: list[_Point]) -> list[str]:
    """Beside each mark, at the first of its corners where nothing stands yet; the first, where all are taken."""
    marks = [(frame.x(point.across.estimate.value), frame.y(point.up.estimate.value)) for point in points]
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y in marks]
    parts = []
    for (x, y), point in zip(marks, points, strict=True):
        if point.across.kind == "physicians":
            continue
        wide = NUMBER * svg.CHARACTER * 1.15 * len(str(point.number))
        corners = [(left, base) for base in (y - 5, y + 13) for left in (x + 6, x - 6 - wide)]
        free = (at for at in corners if not any(_meet(_letters(at, wide), other) for other in taken))
        left, base = next(free, corners[0])
        taken.append(_letters((left, base), wide))
        parts.append(svg.words(left, base, str(point.number), size=NUMBER, color=svg.INK))
    return parts


_Box = tuple[float, float, float, float]


def _letters(at: tuple[float, float], wide: float) -> _Box:
    """What a number covers: left, top, right, bottom."""
    return at[0], at[1] - 0.75 * NUMBER, at[0] + wide, at[1]


def _meet(one: _Box, other: _Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _key(points: list[_Point], shown: list[_Point]) -> list[str]:
    """Which number is whose, and what stands outside of the frame."""
    x, parts = LEFT + SIDE + 22, []
    for n, point in enumerate(points):
        y = TOP + 12 + n * KEY_LINE
        physicians = point.across.kind == "physicians"
        name = f"{point.across.respondent} (physicians)" if physicians else f"{point.number}  {point.across.respondent}"
        beyond = "" if point in shown else (": outside" if point.placed else ": no value")
        parts += [
            _shape(x, y - 4, point),
            svg.words(x + 12, y, svg.cut(name + beyond, WIDTH - x - 12, size=10.5), size=10.5),
        ]
    return parts
