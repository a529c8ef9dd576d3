"""What a statistician may know of a study before its lock: counts, and not one answer. And what an analysis left.

Every query names its columns, and none of them stands in `answer` or in a payload.
"""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlmodel import Session

from study.answer import Kind
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
