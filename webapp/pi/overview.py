"""What a study's conduct comes to: counts and times. Made of the roster alone.

The roster holds nothing that a PI may not see, so nothing that is made of it can either.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

from study.progress import State
from study.store.conduct import RosterLine, Seen
from study.store.tally import Readings, standing


@dataclass(frozen=True, slots=True)
class Enrolment:
    """Readers, test readers left out. `target` None: the protocol names none."""

    invited: int
    joined: int
    complete: int
    time_over: int
    withdrawn: int
    target: int | None
    first_invited_us: int | None
    first_joined_us: int | None
    last_joined_us: int | None


@dataclass(frozen=True, slots=True)
class TimeUsed:
    """Of closed readings that were not set aside; microseconds."""

    median_us: int
    shortest_us: int
    longest_us: int
    readings: int


@dataclass(frozen=True, slots=True)
class CaseTimeouts:
    case_id: str
    closed: int
    timed_out: int
    nothing_saved: int


@dataclass(frozen=True, slots=True)
class Overview:
    enrolment: Enrolment
    readings: Readings
    time_used: TimeUsed | None
    last_activity_us: int | None
    timeouts: tuple[CaseTimeouts, ...]


def overview(lines: Sequence[RosterLine], *, target: int | None) -> Overview:
    """Test readers are on the roster, but count nowhere."""
    counted = [line for line in lines if not line.test]
    seen = [seen for line in counted for seen in line.readings]
    activity = [line.last_activity_us for line in counted if line.last_activity_us is not None]
    return Overview(
        enrolment=_enrolment(counted, target),
        readings=_readings(counted),
        time_used=_time_used(seen),
        last_activity_us=max(activity, default=None),
        timeouts=_timeouts(seen),
    )


def _readings(lines: Sequence[RosterLine]) -> Readings:
    """Those that were missed stand apart from those still to come."""
    readings = standing((one.state, one.set_aside, 1) for line in lines for one in line.readings)
    missed = sum(line.missed for line in lines)
    return replace(readings, assigned=readings.assigned - missed, time_over=missed)


def _enrolment(lines: Sequence[RosterLine], target: int | None) -> Enrolment:
    joined = [line.joined_at_us for line in lines if line.joined_at_us is not None]
    statuses = Counter(line.status for line in lines)
    return Enrolment(
        invited=len(lines),
        joined=len(joined),
        complete=statuses["complete"],
        time_over=statuses["time over"],
        withdrawn=statuses["withdrawn"],
        target=target,
        first_invited_us=min((line.invited_at_us for line in lines), default=None),
        first_joined_us=min(joined, default=None),
        last_joined_us=max(joined, default=None),
    )


def _time_used(seen: Sequence[Seen]) -> TimeUsed | None:
    used = [one.used_us for one in seen if one.closed and one.used_us is not None]
    if not used:
        return None
    return TimeUsed(median_us=int(median(used)), shortest_us=min(used), longest_us=max(used), readings=len(used))


def _timeouts(seen: Sequence[Seen]) -> tuple[CaseTimeouts, ...]:
    """Cases on which at least one reading ran out of time, most often first."""
    closed = Counter(one.case_id for one in seen if one.closed)
    expired = [one for one in seen if one.closed and one.state is State.EXPIRED]
    timed_out = Counter(one.case_id for one in expired)
    nothing = Counter(one.case_id for one in expired if not one.any_save)
    found = [CaseTimeouts(case, closed[case], number, nothing[case]) for case, number in timed_out.items()]
    return tuple(sorted(found, key=lambda case: (-case.timed_out / case.closed, -case.timed_out, case.case_id)))
