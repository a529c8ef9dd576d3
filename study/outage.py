"""What an outage does to the clocks that ran into it: time in which nobody was served is given back, by rule.

The web leaves a pulse; a gap between two of its beats is an outage. All times are integer UTC microseconds.
"""

from dataclasses import dataclass

from study.timing import SECOND_US, SLACK_US

SHORTEST_US = 15 * SECOND_US
"""A gap up to here is none: a restart for a new version, a pulse that had to wait for its turn."""
LONGEST_US = 15 * 60 * SECOND_US
"""A longer outage is put on record and gives nothing back by rule: its readers' thoughts went on, a person judges."""


@dataclass(frozen=True, slots=True)
class Outage:
    """From the last beat that was heard to the first one after it."""

    from_us: int
    to_us: int

    @property
    def gives_back(self) -> bool:
        return self.to_us - self.from_us <= LONGEST_US


def is_wrong(last_us: int | None, at_us: int) -> bool:
    """Whether a beat was left by a clock that was ahead: while it stands, no outage would be seen."""
    return last_us is not None and last_us > at_us + SLACK_US


def between(last_us: int | None, at_us: int) -> Outage | None:
    """The outage that a beat ends, if there was one. `last_us` None: it is the first beat ever."""
    if last_us is None or at_us - last_us <= SHORTEST_US:
        return None
    return Outage(last_us, at_us)


def ran_into(outage: Outage, *, opened_at_us: int, deadline_us: int | None) -> bool:
    """Whether a reading's time was running when it could no longer be answered."""
    begun = max(outage.from_us, opened_at_us)
    return deadline_us is not None and begun < min(deadline_us, outage.to_us)


def lost_us(outage: Outage, *, opened_at_us: int, deadline_us: int | None) -> int:
    """How much later a reading must end, to have as much left after the outage as it had before.

    So a deadline that fell into the outage moves past its end; one that had passed before does not move.
    """
    if not ran_into(outage, opened_at_us=opened_at_us, deadline_us=deadline_us):
        return 0
    return outage.to_us - max(outage.from_us, opened_at_us)


def credit_us(outage: Outage, *, opened_at_us: int, deadline_us: int | None) -> int:
    """How much of that is given back by rule."""
    return lost_us(outage, opened_at_us=opened_at_us, deadline_us=deadline_us) if outage.gives_back else 0


def skipped(at_us: int, by_us: int) -> Outage | None:
    """What a clock that was set ahead left out: nobody was served in a time that never was. None: it was set back."""
    return Outage(at_us - by_us, at_us) if by_us > 0 else None


def under_way_since(last_us: int | None, at_us: int) -> int | None:
    """Since when an outage lasts that may still give time back; None: there is none.

    What was running then must not be closed yet. That wait ends by itself, whether the web comes back or not.
    """
    found = between(last_us, at_us)
    return None if found is None or not found.gives_back else found.from_us


def must_wait(since_us: int | None, *, deadline_us: int | None) -> bool:
    """Whether a reading that seems over must be left open, because the outage under way may still give it time."""
    return since_us is not None and deadline_us is not None and deadline_us > since_us
