"""The states of a reading, which may follow which, and how each end of one is scored (the kinds of nothing)."""

from dataclasses import dataclass
from enum import StrEnum

from study.answer import EMPTY, Response
from study.case import CaseId
from study.errors import StudyError


class State(StrEnum):
    ASSIGNED = "assigned"
    OPEN = "open"
    SUBMITTED = "submitted"
    EXPIRED = "expired"


NEXT: dict[State, frozenset[State]] = {
    State.ASSIGNED: frozenset({State.OPEN}),
    State.OPEN: frozenset({State.SUBMITTED, State.EXPIRED}),
    State.SUBMITTED: frozenset(),
    State.EXPIRED: frozenset(),
}


class NotNow(StudyError):
    """The reading is not in a state in which this may happen."""


def check_may_become(state: State, wanted: State) -> None:
    if wanted not in NEXT[state]:
        raise NotNow(f"A reading that is {state} cannot become {wanted}.")


class Ending(StrEnum):
    """How a reading came to its answer. The kinds of nothing stay apart."""

    SUBMITTED = "submitted"
    NOTHING_TO_RECOMMEND = "nothing to recommend"
    EXPIRED_WITH_DRAFT = "expired with a draft"
    EXPIRED_NOTHING_SAVED = "expired, nothing saved"
    STILL_OPEN = "still open"
    NEVER_OPENED = "never opened"
    VOID = "void"


TOLD: dict[Ending, str] = {
    **{ending: str(ending) for ending in Ending},
    Ending.EXPIRED_WITH_DRAFT: "timed out with a draft (expired)",
    Ending.EXPIRED_NOTHING_SAVED: "timed out, nothing saved",
    Ending.VOID: "set aside (void)",
}
"""An ending as pages and reports call it; where the files have another word, it stands in brackets once."""

SCORED = frozenset(
    {Ending.SUBMITTED, Ending.NOTHING_TO_RECOMMEND, Ending.EXPIRED_WITH_DRAFT, Ending.EXPIRED_NOTHING_SAVED}
)
"""The endings that enter the primary analysis; the others are missing, with the ending as the reason."""

COMPLETED = frozenset({Ending.SUBMITTED, Ending.NOTHING_TO_RECOMMEND})
"""The endings that enter the sensitivity analysis *completed only*."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One physician's reading as a locked study knows it. `response` None: nothing was ever saved.

    Times are integer UTC microseconds; None where it did not happen.
    """

    reader: str
    case_id: CaseId
    arm: str
    position: int
    state: State
    response: Response | None = None
    void: str | None = None
    confidence: int | None = None
    opened_at_us: int | None = None
    closed_at_us: int | None = None

    @property
    def ending(self) -> Ending:
        if self.void is not None:
            return Ending.VOID
        match self.state:
            case State.ASSIGNED:
                return Ending.NEVER_OPENED
            case State.OPEN:
                return Ending.STILL_OPEN
            case State.SUBMITTED:
                chosen = self.response is not None and self.response.selected
                return Ending.SUBMITTED if chosen else Ending.NOTHING_TO_RECOMMEND
            case State.EXPIRED:
                return Ending.EXPIRED_NOTHING_SAVED if self.response is None else Ending.EXPIRED_WITH_DRAFT

    @property
    def scored_response(self) -> Response | None:
        """What the primary analysis scores; None: missing, with the ending as the reason."""
        if self.ending not in SCORED:
            return None
        return EMPTY if self.response is None else self.response
