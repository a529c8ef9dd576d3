"""Numbers as people read them, rounded for pages and sentences; what programs read is written by `digits`."""

import math
from collections.abc import Sequence

NONE = "–"


def plain(value: float | None, places: int = 3) -> str:
    """A number with a true minus sign; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return NONE
    written = f"{value:.{places}f}"
    if float(written) == 0:
        written = written.lstrip("-")
    return written.replace("-", "−")


def signed(value: float | None, places: int = 3) -> str:
    """A difference: with its sign, also where it is positive."""
    written = plain(value, places)
    return written if value is None or not value > 0 or float(written) == 0 else f"+{written}"


def interval(low: float | None, high: float | None, places: int = 3) -> str:
    """`low to high`, or a dash."""
    if low is None or high is None or not (math.isfinite(low) and math.isfinite(high)):
        return NONE
    return f"{plain(low, places)} to {plain(high, places)}"


def p_value(p: float | None) -> str:
    """Three decimals, two from 0.10 on; never zero."""
    if p is None or not math.isfinite(p):
        return NONE
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def equals_p(p: float) -> str:
    """`p = 0.012` or `p < 0.001`."""
    written = p_value(p)
    return f"p {written}" if written.startswith("<") else f"p = {written}"


def percent(share: float | None, places: int = 0) -> str:
    """A share as a percentage."""
    return NONE if share is None or not math.isfinite(share) else f"{100 * share:.{places}f} %"


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def counted(n: int, one: str, many: str | None = None) -> str:
    """`1 case`, `12 cases`, `1,128 options`."""
    return f"{n:,} {one if n == 1 else many or one + 's'}"
