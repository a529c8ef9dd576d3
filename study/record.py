"""The record of a study: everything of it that may leave its database. No name and no address is ever in here."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from study.answer import Answer, Kind, Response
from study.bundle import Bundle
from study.chain import Link
from study.cut import Cut
from study.presence import Page
from study.progress import Reading
from study.timing import MILLISECOND_US


@dataclass(frozen=True, slots=True)
class ReaderRecord:
    """A reader under the pseudonym of the study. Strata are the PI's own words."""

    label: str
    respondent_id: str
    arm: str
    test: bool
    strata: Mapping[str, str]
    invited_at_us: int
    joined_at_us: int | None = None
    withdrawn_at_us: int | None = None


@dataclass(frozen=True, slots=True)
class ReadingRecord:
    """A physician's reading with its conduct. `saves` counts the accepted ones; ids are the text of UUIDs.

    `credit_us` was given back after outages; `continued` counts how often another page went on with it; `pages` is
    what the pages say of themselves, empty where none did.
    """

    reading: Reading
    id: str
    respondent_id: str
    presented: tuple[str, ...] | None = None
    deadline_at_us: int | None = None
    extension_us: int = 0
    credit_us: int = 0
    accommodation_percent: int | None = None
    first_selected_at_us: int | None = None
    continued: int = 0
    pages: tuple[Page, ...] = ()
    saved_at_us: int | None = None
    saves: int = 0
    closed_by: str | None = None
    receipt: str | None = None
    rationale: str = ""
    resources: tuple[str, ...] = ()
    nothing_to_recommend: bool = False
    late_payloads: int = 0

    @property
    def in_grace(self) -> bool:
        """Whether it was submitted after its deadline, within the grace."""
        closed = self.reading.closed_at_us
        return closed is not None and self.deadline_at_us is not None and closed > self.deadline_at_us


@dataclass(frozen=True, slots=True)
class LateRecord:
    """What came after deadline and grace, with the page's own word on when it was made. `reading_id`: a UUID's text."""

    reading_id: str
    at_us: int
    draft: Mapping[str, Any]
    offsets_ms: Mapping[str, int]
    elapsed_ms: int | None

    @property
    def claimed_at_us(self) -> int | None:
        """When the page says that its last change was made, on the server's clock. None: it does not say."""
        if self.elapsed_ms is None or not self.offsets_ms:
            return None
        return self.at_us - max(0, self.elapsed_ms - max(self.offsets_ms.values())) * MILLISECOND_US


@dataclass(frozen=True, slots=True)
class OutageRecord:
    """A time in which the site served nobody."""

    from_us: int
    to_us: int


@dataclass(frozen=True, slots=True)
class ChainRecord:
    """What a subject's own row says of its event chain."""

    subject_kind: str
    subject_id: str
    event_count: int
    head: str


@dataclass(frozen=True, slots=True)
class EventRecord:
    """One event with its payload. `salt` and `body` None: erased."""

    link: Link
    salt: bytes | None
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Place:
    """One case assigned to one reader."""

    label: str
    position: int
    case_id: str
    arm: str


@dataclass(frozen=True, slots=True)
class StudyRecord:
    """One study. What follows `locked_at_us` is never read before the lock, and stays empty."""

    name: str
    study_id: str
    state: str
    bundle_digest: str
    rubric_digest: str
    files: Mapping[str, bytes]
    readers: tuple[ReaderRecord, ...]
    allocation: tuple[Place, ...]
    locked_at_us: int | None = None
    lock_reason: str | None = None
    readings: tuple[ReadingRecord, ...] = ()
    answers: tuple[Answer, ...] = ()
    chains: tuple[ChainRecord, ...] = ()
    events: tuple[EventRecord, ...] = ()
    late: tuple[LateRecord, ...] = ()
    outages: tuple[OutageRecord, ...] = ()

    @property
    def roster(self) -> dict[str, int]:
        """How many readers stand where, test readers counted apart."""
        counted = Counter(_standing(reader) for reader in self.readers)
        return {name: counted[name] for name in ("invited", "joined", "withdrawn", "test")}


def _standing(reader: ReaderRecord) -> str:
    if reader.test:
        return "test"
    if reader.withdrawn_at_us is not None:
        return "withdrawn"
    return "invited" if reader.joined_at_us is None else "joined"


def cut_of(
    bundle: Bundle,
    readings: Iterable[Reading],
    answers: Sequence[Answer],
    *,
    locked_at_us: int | None,
    lock_reason: str | None,
    withdrawn: Iterable[str],
) -> Cut:
    """A cut in the one order that every source of it has, so that the same facts give the same bytes."""
    return Cut(
        protocol=bundle.protocol,
        cases=bundle.cases,
        rubric=bundle.rubric(),
        ratings=tuple(bundle.ratings),
        readings=tuple(sorted(readings, key=lambda reading: (reading.reader, reading.position))),
        answers=tuple(sorted(answers, key=_place_of)),
        bundle_digest=bundle.digest,
        locked_at_us=locked_at_us,
        lock_reason=lock_reason,
        withdrawn=frozenset(withdrawn),
    )


def _place_of(answer: Answer) -> tuple[str, str, str, str, int]:
    kind = Kind.SYSTEM if answer.kind is None else answer.kind
    return kind.value, answer.respondent, str(answer.case_id), answer.variant or "", answer.run


def physician_answer(reading: Reading) -> Answer | None:
    """A reading as the primary analysis scores it, as one line of an answers file; None: missing, not scored.

    What expired with nothing saved is an empty plan here as well, so that whoever scores the file gets our numbers.
    """
    return _answer(reading, reading.scored_response)


def set_aside_answer(reading: Reading) -> Answer | None:
    """What had been saved in a reading that is not scored, kept apart from the answers; None: there is nothing."""
    return None if reading.scored_response is not None else _answer(reading, reading.response)


def _answer(reading: Reading, response: Response | None) -> Answer | None:
    if response is None:
        return None
    return Answer(
        case_id=reading.case_id,
        respondent=reading.reader,
        response=response,
        kind=Kind.PHYSICIAN,
        arm=reading.arm,
        state=reading.state.value,
        confidence=reading.confidence,
    )
