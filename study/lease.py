"""Which page may write to a reading: one at a time, and which one is never a matter of luck."""

from study.timing import SECOND_US

LEASE_QUIET_US = 45 * SECOND_US
"""A page that was not heard of for so long (three of its beats) gives way without being asked."""


def may_write(held: str | None, asking: str) -> bool:
    """Whether the page with this lease may write now. `held` None: nobody has written yet, the first one may."""
    return held is None or held == asking


def gives_way(held: str | None, asking: str, *, heard_at_us: int | None, at_us: int) -> bool:
    """Whether a page is given the lease without asking for it by name: it is free, its own, or gone quiet."""
    return may_write(held, asking) or heard_at_us is None or at_us - heard_at_us > LEASE_QUIET_US
