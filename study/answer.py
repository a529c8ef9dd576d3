"""What a respondent answered. A `Response` is what is scored; an `Answer` says whose it was.

The split is the guarantee of one rubric for everyone: scoring takes responses, and a response does not know
whether a physician or a system gave it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from study.case import CaseId, OptionId, Selection

DO_NOTHING, SELECT_ALL, ORACLE = "do-nothing", "select-all", "oracle"
POLICY_NAMES = frozenset({DO_NOTHING, SELECT_ALL, ORACLE})
"""The names of the reference policies, which no system may have."""


class Kind(StrEnum):
    PHYSICIAN = "physician"
    SYSTEM = "system"
    POLICY = "policy"


class ResponseMode(StrEnum):
    TICK = "tick"
    GRADE_ALL = "grade_all"
    FREE_TEXT_MAPPED = "free_text_mapped"


@dataclass(frozen=True, slots=True)
class Action:
    """One recommendation of a plan: the options it was mapped to (none: off the list), and its own score then."""

    options: Selection
    score: int = 5


@dataclass(frozen=True, slots=True)
class Response:
    """The options chosen. `partial` ⊆ `selected`; without `actions` each selected option is one action."""

    selected: Selection
    partial: Selection = frozenset()
    actions: tuple[Action, ...] | None = None


@dataclass(frozen=True, slots=True)
class Mapper:
    """Who turned free text into a selection: recorded beside it, and printed."""

    kind: str
    name: str
    version: str


@dataclass(frozen=True, slots=True)
class Answer:
    """One respondent's response to one case in one run. None means: not given."""

    case_id: CaseId
    respondent: str
    response: Response
    run: int = 1
    variant: str | None = None
    kind: Kind | None = None
    arm: str | None = None
    state: str | None = None
    response_mode: ResponseMode = ResponseMode.TICK
    graded: Mapping[OptionId, bool] | None = None
    confidence: int | None = None
    system_version: str | None = None
    prompt_sha256: str | None = None
    created_at: str | None = None
    mapper: Mapper | None = None

    @property
    def key(self) -> tuple[CaseId, str | None, str, int]:
        """What may occur once in a file and in a study."""
        return self.case_id, self.variant, self.respondent, self.run


EMPTY = Response(selected=frozenset())
