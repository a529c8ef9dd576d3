"""Whether two lists of scores are on one scale, as far as the numbers tell."""

from collections.abc import Sequence

PER_CENT_ABOVE = 10.0  # a score of a proportion's own kind stays below; a percentage hardly ever does


def proportion_beside_per_cent(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether one side is scored from 0 to 1 and the other from 0 to 100, in either order.

    A side is in per cent where everything lies within 0…100 and something above 10. The other is then a proportion
    where everything lies within 0…1 and something strictly between, or where one is only 0 or 1 and the other only 0
    or 100.
    """
    return _mixed(one, other) or _mixed(other, one)


def _mixed(small: Sequence[float], large: Sequence[float]) -> bool:
    if not (min(small) >= 0 and 0 < max(small) <= 1 and min(large) >= 0 and PER_CENT_ABOVE < max(large) <= 100):
        return False
    return any(0 < score < 1 for score in small) or set(large) <= {0.0, 100.0}
