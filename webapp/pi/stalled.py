"""Who has fallen silent, by how far they came; for each there is something that the PI can do."""

from collections.abc import Sequence
from dataclasses import dataclass

from study.protocol import Window
from study.store.conduct import RosterLine
from study.tables import StudyRow, StudyState
from study.timing import SECOND_US, us_of

DAY_US = 24 * 3600 * SECOND_US
STALLED_AFTER_DAYS = 2
UNANSWERED_AFTER_DAYS = 7
SHOWN = 10
"""How many are named of each kind; the roster has them all."""


@dataclass(frozen=True, slots=True)
class Stalled:
    """The longest silence first."""

    amid: tuple[RosterLine, ...] = ()
    never_began: tuple[RosterLine, ...] = ()
    never_joined: tuple[RosterLine, ...] = ()

    @property
    def number(self) -> int:
        return len(self.amid) + len(self.never_began) + len(self.never_joined)


def stalled(lines: Sequence[RosterLine], study: StudyRow, window: Window, *, at_us: int) -> Stalled:
    """Nobody is stalled by what the study itself does not allow: a pause, a lock, a window that is shut."""
    shut = window.closes is not None and at_us >= us_of(window.closes)
    if study.state == StudyState.LOCKED or shut:
        return Stalled()
    counted = [line for line in lines if not line.test]
    silent = at_us - STALLED_AFTER_DAYS * DAY_US
    unanswered = at_us - UNANSWERED_AFTER_DAYS * DAY_US
    never_joined = _since([(_asked(line), line) for line in counted if line.status == "invited"], unanswered)
    if study.state != StudyState.OPEN:
        return Stalled(never_joined=never_joined)
    began = max(study.opened_at_us or 0, 0 if window.opens is None else us_of(window.opens))
    return Stalled(
        amid=_since([(line.last_activity_us or 0, line) for line in counted if line.status == "reading"], silent),
        never_began=_since(
            [(max(line.joined_at_us or 0, began), line) for line in counted if line.status == "joined"], silent
        ),
        never_joined=never_joined,
    )


def _asked(line: RosterLine) -> int:
    """When they were invited last: whoever was sent a new link is given the same time again."""
    return max(line.invited_at_us, line.invitation_sent_at_us or 0)


def _since(moments: Sequence[tuple[int, RosterLine]], latest: int) -> tuple[RosterLine, ...]:
    found = sorted((moment, line.label, line) for moment, line in moments if moment <= latest)
    return tuple(line for _moment, _label, line in found)
