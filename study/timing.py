"""When a reading may still be answered. The server's clock decides; all times are integer UTC microseconds."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

SECOND_US = 1_000_000
MILLISECOND_US = 1_000
SLACK_US = 30 * SECOND_US
"""How long an open reading is left alone after it is over, before anybody closes it.

A save is judged by when it arrived, and may then wait for its turn to write: behind other writers, or ten seconds for
SQLite's own lock. Longer than any such wait, so that what arrived in time finds the reading open still.
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Standing(StrEnum):
    IN_TIME = "in time"
    GRACE = "grace"
    LATE = "late"


def us_of(moment: datetime) -> int:
    """An aware moment of the protocol as the rules count: exact, where a float of seconds would not be."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def deadline_us(
    opened_at_us: int,
    *,
    limit_us: int | None,
    accommodation_percent: int = 100,
    session_ends_us: int | None = None,
    closes_us: int | None = None,
) -> int | None:
    """When a reading that is opened now must end; None: there is no limit of any kind.

    The earliest of the case's limit (times the reader's accommodation), the end of the sitting and the
    closing of the study's window. Told to the reader before Begin, fixed at Begin.
    """
    limited = None if limit_us is None else opened_at_us + limit_us * accommodation_percent // 100
    bounds = [bound for bound in (limited, session_ends_us, closes_us) if bound is not None]
    return min(bounds) if bounds else None


def standing(at_us: int, *, deadline_us: int | None, grace_us: int) -> Standing:
    """Whether something that arrived at `at_us` is in time. Both bounds belong to the reader."""
    if deadline_us is None or at_us <= deadline_us:
        return Standing.IN_TIME
    return Standing.GRACE if at_us <= deadline_us + grace_us else Standing.LATE


def is_over(at_us: int, *, deadline_us: int | None, grace_us: int) -> bool:
    """Whether the reader's time is up: what arrives at `at_us` is late."""
    return standing(at_us, deadline_us=deadline_us, grace_us=grace_us) is Standing.LATE


def is_due(at_us: int, *, deadline_us: int | None, grace_us: int) -> bool:
    """Whether an open reading may be closed by whoever meets it. It ends at its deadline whenever that happens."""
    return is_over(at_us - SLACK_US, deadline_us=deadline_us, grace_us=grace_us)


def remaining_us(at_us: int, *, deadline_us: int | None) -> int | None:
    """What is left, never below zero; None: no limit."""
    return None if deadline_us is None else max(0, deadline_us - at_us)


def clamped(at_us: int, *, latest_us: int | None, opened_us: int | None = None) -> int:
    """A time that a clock which went back cannot have: it counts as the newest one that was ever stamped.

    A little behind is no clock that went back, but one that waited for its turn to write: it arrived when it arrived.
    But nothing arrives before its reading was opened. None: nothing was stamped yet, or it was not opened.
    """
    if latest_us is not None and at_us < latest_us - SLACK_US:
        return latest_us
    return at_us if opened_us is None else max(at_us, opened_us)


def first_selected_us(at_us: int, *, opened_at_us: int, offsets_ms: Sequence[int], elapsed_ms: int | None) -> int:
    """When the first option was chosen, by the server's clock: the arrival, less how long ago the page says it was.

    `offsets_ms`: of the options in the first save that has any, since the page was shown; `elapsed_ms`: from then to
    the sending. Without them, and never outside the reading, it is the arrival itself.
    """
    if elapsed_ms is None or not offsets_ms:
        return at_us
    ago_us = max(0, elapsed_ms - min(offsets_ms)) * MILLISECOND_US
    return max(opened_at_us, at_us - ago_us)
