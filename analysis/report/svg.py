"""Figures as text: a handful of shapes with rounded coordinates, so that a drawing is the same to the byte everywhere.

Nothing is measured or laid out by a library here. Colours are told apart by lightness too: a figure must survive a
printer without colour.
"""

import math
from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise

INK, MUTED, RULE, GRID, PAPER = "#1f2933", "#52606d", "#c3cad3", "#e6eaee", "#ffffff"
HATCH = "#d5dbe1"
BLUE, ORANGE = "#1d4f91", "#b3560f"
BLUES = ("#cfdcec", "#7da0cb", "#1d4f91")
"""From light to dark, as severity grows; likewise below."""
ORANGES = ("#f3dcc2", "#dd9a55", "#8f430a")
FONT = "DejaVu Sans, Verdana, sans-serif"
CHARACTER = 0.56  # of the font size: how wide a character is on average, a little more than less
NOTHING = "Nothing to draw: no comparison has a value here."


def place(at: float) -> str:
    """A coordinate with two decimals, none where they are zero."""
    written = f"{at:.2f}".rstrip("0").rstrip(".")
    return "0" if written == "-0" else written


def line(
    ends: tuple[float, float, float, float], color: str, *, width: float = 1, dash: str | None = None, end: str = "butt"
) -> str:
    """From (x, y) to (x, y)."""
    x1, y1, x2, y2 = map(place, ends)
    dashed = "" if dash is None else f' stroke-dasharray="{dash}"'
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{color}" stroke-width="{place(width)}"'
        f'{dashed} stroke-linecap="{end}"/>'
    )


def box(x: float, y: float, width: float, height: float, fill: str, *, edge: str | None = None) -> str:
    """A filled rectangle, from its upper left corner."""
    stroke = "" if edge is None else f' stroke="{edge}" stroke-width="0.7"'
    return (
        f'<rect x="{place(x)}" y="{place(y)}" width="{place(width)}" height="{place(height)}" fill="{fill}"{stroke}/>'
    )


def hatch(name: str) -> str:
    """A ground of thin slanting lines, to fill with as `url(#name)`; the name is the page's alone."""
    return (
        f'<defs><pattern id="{name}" width="5" height="5" patternUnits="userSpaceOnUse">'
        f'<rect width="5" height="5" fill="{PAPER}"/><path d="M-1 1l2-2M0 5l5-5M4 6l2-2" stroke="{HATCH}"/>'
        "</pattern></defs>"
    )


def dot(x: float, y: float, radius: float, fill: str, *, edge: str) -> str:
    at = f'cx="{place(x)}" cy="{place(y)}" r="{place(radius)}"'
    return f'<circle {at} fill="{fill}" stroke="{edge}" stroke-width="1.4"/>'


def head(x: float, y: float, reach: float, fill: str = MUTED) -> str:
    """An arrowhead with its base at x, pointing right or, where `reach` is negative, left."""
    half = abs(reach) * 0.75
    path = f"M{place(x)} {place(y - half)}L{place(x + reach)} {place(y)}L{place(x)} {place(y + half)}z"
    return f'<path fill="{fill}" d="{path}"/>'


def words(
    x: float,
    y: float,
    text: str,
    *,
    size: float = 11,
    anchor: str = "start",
    color: str = INK,
    bold: bool = False,
    turned: bool = False,
) -> str:
    """Text with its baseline at y. `turned`: read from below upwards."""
    weight = ' font-weight="600"' if bold else ""
    turn = f' transform="rotate(-90 {place(x)} {place(y)})"' if turned else ""
    return (
        f'<text x="{place(x)}" y="{place(y)}" font-size="{place(size)}" text-anchor="{anchor}" fill="{color}"'
        f"{weight}{turn}>{escape(text, quote=False)}</text>"
    )


def fits(text: str, width: float, *, size: float = 11) -> bool:
    """Whether a text has room, by a cautious guess at its width."""
    return len(text) * size * CHARACTER <= width


def cut(text: str, width: float, *, size: float = 11) -> str:
    """The text as far as it has room; the table beside the figure has it whole."""
    most = max(int(width / (size * CHARACTER)), 2)
    return text if len(text) <= most else text[: most - 1] + "…"


def drawing(width: float, height: float, parts: Iterable[str], *, name: str) -> str:
    """One `<svg>` element, named for those who cannot see it."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {place(width)} {place(height)}" '
        f'width="{place(width)}" height="{place(height)}" role="img" aria-label="{escape(name, quote=True)}" '
        f'font-family="{FONT}">\n' + "\n".join(parts) + "\n</svg>"
    )


def nothing(name: str, why: str = NOTHING) -> str:
    """A figure without anything in it says so."""
    return drawing(640, 40, [words(0, 24, why, color=MUTED)], name=name)


def ticks(low: float, high: float, about: int = 5) -> tuple[float, ...]:
    """Round numbers between the ends, `about` so many of them: a step finer where there would be two or three."""
    if not high > low:
        return (low,)
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    steps = [times * power for times in (0.5, 1, 2, 2.5, 5, 10)]
    fits = next(n for n, step in enumerate(steps) if n and step >= rough * (1 - 1e-9))
    marks = _multiples(low, high, steps[fits])
    return marks if len(marks) >= about - 1 else _multiples(low, high, steps[fits - 1])


def _multiples(low: float, high: float, step: float) -> tuple[float, ...]:
    first = math.ceil(low / step - 1e-9)
    count = math.floor(high / step + 1e-9) - first + 1
    return tuple((first + n) * step for n in range(count))


def tick_label(at: float, marks: Sequence[float]) -> str:
    """As many decimals as the marks need to be told apart."""
    gap = min((b - a for a, b in pairwise(marks)), default=1.0)
    places = max(0, -math.floor(math.log10(gap) + 1e-9)) if gap < 1 else 0
    places += 0 if abs(round(gap, places) - gap) < gap * 1e-6 else 1
    written = f"{at:.{places}f}"
    return (written.lstrip("-") if float(written) == 0 else written).replace("-", "−")
