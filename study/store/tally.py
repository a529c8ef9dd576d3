"""What a statistician may know of a study before its lock: counts, and not one answer. And what an analysis left.

Every query names its columns, and none of them stands in `answer` or in a payload.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlmodel import Session

from study.answer import Kind
from study.progress import State
from study.tables import metadata

READING = metadata.tables["reading"]
READER = metadata.tables["reader"]
RESPONDENT = metadata.tables["respondent"]
ARTEFACT = metadata.tables["artefact"]


@dataclass(frozen=True, slots=True)
class Readers:
    """Test readers left out."""

    invited: int
    joined: int
    withdrawn: int


@dataclass(frozen=True, slots=True)
class Readings:
    """How many readings of physicians stand where. Those set aside are counted there and nowhere else.

    `assigned` may still be begun. `time_over` were not begun before their reader's time for all cases was over.
    """

    assigned: int = 0
    time_over: int = 0
    open: int = 0
    submitted: int = 0
    expired: int = 0
    set_aside: int = 0

    @property
    def closed(self) -> int:
        return self.submitted + self.expired

    @property
    def expected(self) -> int:
        """Readings that the protocol asks for: all but those set aside."""
        return self.assigned + self.time_over + self.open + self.closed

    @property
    def total(self) -> int:
        return self.expected + self.set_aside


@dataclass(frozen=True, slots=True)
class SystemCount:
    """One system or policy: how much of it was imported. Variants of a case count as answers, not as cases."""

    label: str
    kind: Kind
    answers: int
    cases: int
    runs: int


@dataclass(frozen=True, slots=True)
class LeftFile:
    """A file that an analysis left, without its body."""

    name: str
    sha256: str
    size: int


def readers(session: Session, study_id: UUID) -> Readers:
    query = select(
        func.count(),
        func.count(READER.c.joined_at_us),
        func.count(READER.c.withdrawn_at_us),
    ).where(READER.c.study_id == study_id, READER.c.test.is_(False))
    invited, joined, withdrawn = session.connection().execute(query).one()
    return Readers(invited, joined, withdrawn)


def readings(session: Session, study_id: UUID) -> Readings:
    """Test readers left out. Whoever's time for all cases is over is not told apart: that needs a clock."""
    aside = READING.c.void_at_us.is_not(None)
    query = (
        select(READING.c.state, aside, func.count())
        .join(READER, and_(READER.c.study_id == READING.c.study_id, READER.c.respondent_id == READING.c.respondent_id))
        .where(READING.c.study_id == study_id, READER.c.test.is_(False))
        .group_by(READING.c.state, aside)
    )
    found = session.connection().execute(query).all()
    return standing((State(state), bool(set_aside), number) for state, set_aside, number in found)


def standing(counted: Iterable[tuple[State, bool, int]]) -> Readings:
    """(state, set aside, how many) put together."""
    numbers: Counter[str] = Counter()
    for state, set_aside, number in counted:
        numbers["set_aside" if set_aside else state.value] += number
    return Readings(**numbers)


def systems(session: Session, study_id: UUID) -> list[SystemCount]:
    """Whoever answered without being a physician, by name."""
    query = (
        select(
            RESPONDENT.c.label,
            RESPONDENT.c.kind,
            func.count(),
            func.count(func.distinct(READING.c.case_id)),
            func.max(READING.c.run),
        )
        .join(
            READING,
            and_(READING.c.study_id == RESPONDENT.c.study_id, READING.c.respondent_id == RESPONDENT.c.id),
        )
        .where(RESPONDENT.c.study_id == study_id, RESPONDENT.c.kind != Kind.PHYSICIAN.value)
        .group_by(RESPONDENT.c.label, RESPONDENT.c.kind)
        .order_by(RESPONDENT.c.label)
    )
    return [
        SystemCount(label, Kind(kind), answers, cases, runs)
        for label, kind, answers, cases, runs in session.connection().execute(query)
    ]


def left_files(session: Session, study_id: UUID, job_id: UUID) -> list[LeftFile]:
    """What an analysis left, in the order of the names; sizes in bytes."""
    query = (
        select(ARTEFACT.c.name, ARTEFACT.c.sha256, func.length(ARTEFACT.c.body))
        .where(ARTEFACT.c.study_id == study_id, ARTEFACT.c.job_id == job_id)
        .order_by(ARTEFACT.c.name)
    )
    return [LeftFile(*row) for row in session.connection().execute(query)]
