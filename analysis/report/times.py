"""How long each case took: the middle half of the readings as a bar, the median as a mark."""

from analysis.outcomes.findings import Findings
from analysis.outcomes.times import CaseTime
from analysis.report import svg
from analysis.report.figure import Figure
from analysis.report.rowsets import times
from analysis.wording import counted, plain

LEFT, TOP, WIDTH, HEIGHT = 54.0, 30.0, 700.0, 260.0
FEW_CASES = 40
LOOKS = ((svg.BLUE, "#9fb9da"), (svg.ORANGE, "#e3b98c"), (svg.INK, "#b9c1ca"))


def times_figure(found: Findings) -> Figure:
    """All arms over the same cases, from the quickest to the slowest."""
    return Figure(
        name="times",
        title="Time per case",
        says=_says(found),
        caption="From opening a case to its end, over the scored readings. Mark: the median; bar: the middle half. A "
        "reading that timed out counts with the time it was given, so what stands at the limit means “at least”. "
        "Dashed: the protocol’s limit; a reader who was given more time, or back what an outage took, may be above it.",
        svg=_drawn(found),
        rows=times(found),
    )


def _says(found: Findings) -> str:
    own = [time for time in found.times if time.arm == found.control]
    if not own:
        return "No time is on record for a reading."
    quick, slow = min(own, key=_slowness), max(own, key=_slowness)
    out, n = sum(time.timed_out for time in own), sum(time.n for time in own)
    range_ = (
        f"The median took {_minutes(quick.median)} on the quickest case ({quick.case}) and {_minutes(slow.median)} on "
        f"the slowest ({slow.case})"
        if len(own) > 1
        else f"The median took {_minutes(quick.median)}"
    )
    return f"{range_}; {out:,} of {counted(n, 'reading')} timed out."


def _minutes(seconds: float) -> str:
    return f"{plain(seconds / 60, 1)} min"


def _slowness(time: CaseTime) -> tuple[float, str]:
    return time.median, time.case


def _drawn(found: Findings) -> str:
    name = "Minutes per case, medians and quartiles over physicians. The table has the numbers."
    if not found.times:
        return svg.nothing(name, "Nothing to draw: no time is on record for a reading.")
    arms = list(dict.fromkeys(time.arm for time in found.times))
    cases = _cases(found)
    given = {arm: limit / 60 for arm, limit in found.limits.items() if arm in arms}
    top = 1.06 * max([*(time.high_quartile / 60 for time in found.times), *given.values()]) or 1.0
    step = (WIDTH - LEFT - 10) / len(cases)

    def y(minutes: float) -> float:
        return TOP + HEIGHT * (1 - minutes / top)

    parts = _axis(top, y(0), [(at, y(at)) for at in svg.ticks(0, top)])
    for minutes in sorted(set(given.values())):
        parts.append(svg.line((LEFT, y(minutes), WIDTH - 10, y(minutes)), svg.MUTED, width=1.2, dash="5 4"))
    for n, arm in enumerate(arms):
        mark, bar = LOOKS[n % len(LOOKS)]
        parts += [svg.dot(LEFT + 8 + n * 150, 12, 3.4, mark, edge=mark), svg.words(LEFT + 18 + n * 150, 16, arm)]
        wide = max(min(step / (len(arms) + 1), 9.0), 1.2)
        for time in found.times:
            if time.arm == arm:
                x = LEFT + step * (cases[time.case] + (n + 1) / (len(arms) + 1))
                parts += _bar(
                    x, wide, (y(time.high_quartile / 60), y(time.median / 60), y(time.low_quartile / 60)), mark, bar
                )
    below = 18.0
    if len(cases) <= FEW_CASES:
        longest = max(map(len, cases))
        below = 12 + min(longest, 16) * 10.5 * svg.CHARACTER
        for case, at in cases.items():
            x = LEFT + step * (at + 0.5) + 4
            parts.append(
                svg.words(
                    x,
                    y(0) + 8,
                    svg.cut(case, 16 * 10.5 * svg.CHARACTER, size=10.5),
                    size=10.5,
                    anchor="end",
                    turned=True,
                )
            )
    else:
        parts.append(
            svg.words(LEFT, y(0) + 15, f"{len(cases)} cases, from the quickest to the slowest →", color=svg.MUTED)
        )
    return svg.drawing(WIDTH, TOP + HEIGHT + below + 6, parts, name=name)


def _cases(found: Findings) -> dict[str, int]:
    """The place of each case: by the control's median, then those that only others read."""
    own = sorted((time for time in found.times if time.arm == found.control), key=_slowness)
    others = sorted((time for time in found.times if time.arm != found.control), key=_slowness)
    return {case: n for n, case in enumerate(dict.fromkeys(time.case for time in (*own, *others)))}


def _axis(top: float, floor: float, marks: list[tuple[float, float]]) -> list[str]:
    values = [at for at, _ in marks]
    parts = [svg.line((LEFT, floor, WIDTH - 10, floor), svg.INK)]
    for at, y in marks:
        parts.append(svg.line((LEFT, y, WIDTH - 10, y), svg.GRID))
        parts.append(svg.words(LEFT - 6, y + 4, svg.tick_label(at, values), anchor="end"))
    parts.append(svg.words(14, TOP + HEIGHT / 2, "minutes", anchor="middle", turned=True))
    return parts


def _bar(x: float, wide: float, ends: tuple[float, float, float], mark: str, bar: str) -> list[str]:
    high, median, low = ends
    parts = [svg.box(x - wide / 2, high, wide, low - high, bar)] if low > high else []
    return [*parts, svg.dot(x, median, max(min(wide / 2.4, 3.4), 1.4), mark, edge=mark)]
