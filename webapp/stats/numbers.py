"""Numbers of an analysis as a page shows them; the files beside it hold twelve digits. None: not defined."""

NONE = "–"


def plain(value: float | None, places: int = 3) -> str:
    """With a true minus sign, and no negative zero."""
    if value is None:
        return NONE
    written = f"{value:.{places}f}"
    if float(written) == 0:
        written = written.lstrip("-")
    return written.replace("-", "−")


def signed(value: float | None, places: int = 3) -> str:
    """A difference: with its sign, also where it is positive."""
    written = plain(value, places)
    return f"+{written}" if value is not None and value > 0 and float(written) != 0 else written


def interval(low: float | None, high: float | None, places: int = 3) -> str:
    return NONE if low is None or high is None else f"{plain(low, places)} to {plain(high, places)}"


def percent(share: float | None) -> str:
    return NONE if share is None else f"{100 * share:.0f} %"


def p_value(p: float | None) -> str:
    """Three decimals, two from 0.10 on; never zero."""
    if p is None:
        return NONE
    if p < 0.001:
        return "< 0.001"
    return f"{p:.3f}" if p < 0.1 else f"{p:.2f}"


def in_cases(with_one: int | None, n: int) -> str | None:
    """`in 1 of 12 cases`; None: nothing is known of how many."""
    return None if with_one is None else f"in {with_one:,} of {n:,} {'case' if n == 1 else 'cases'}"


def size(octets: int) -> str:
    """Of a file: bytes, kB or MB, in thousands."""
    if octets < 1000:
        return f"{octets} bytes" if octets != 1 else "1 byte"
    return f"{octets / 1000:.1f} kB" if octets < 1_000_000 else f"{octets / 1_000_000:.1f} MB"
