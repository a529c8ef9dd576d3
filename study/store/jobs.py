"""Analyses that were asked for: queued, claimed by one worker, finished with artefacts or failed with a reason."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlmodel import Session

from study.errors import StudyError
from study.store import accounts, events
from study.store.studies import StudyRefuses
from study.tables import JobState, StudyRow, metadata
from study.timing import SECOND_US

JOB = metadata.tables["job"]
ARTEFACT = metadata.tables["artefact"]
STUDY = metadata.tables["study"]

ABANDONED_US = 900 * SECOND_US
"""A job of which nothing was heard for so long belonged to a worker that died; another one takes it."""


class NoSuchArtefact(StudyError):
    """There is no such file, or its analysis is not of this study."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job in the hands of one worker: `started_at_us` says whose."""

    study_id: UUID
    study: str
    id: UUID
    seed: int
    profile: str
    consensus: str
    started_at_us: int


@dataclass(frozen=True, slots=True)
class Job:
    """An analysis as the statistician's page shows it. `artefacts` in the order of their names."""

    id: UUID
    state: JobState
    seed: int
    profile: str
    consensus: str
    asked_at_us: int
    started_at_us: int | None
    ended_at_us: int | None
    progress: str
    failure: str | None
    artefacts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Artefact:
    name: str
    sha256: str
    body: bytes


def queue(
    session: Session, study: StudyRow, *, seed: int, profile: str, consensus: str, asked_by: UUID | None, at_us: int
) -> UUID:
    """Ask for an analysis. Raises StudyRefuses before the lock.

    Who asked has it in a chain of their own, and the job says what came of it: the study's no longer changes.
    """
    if study.locked_at_us is None:
        raise StudyRefuses(f"Study {study.name!r} is {study.state}: nothing is analysed before the lock.")
    job_id = uuid4()
    row = {"study_id": study.id, "id": job_id, "state": JobState.QUEUED.value, "seed": seed, "profile": profile}
    row |= {"consensus": consensus, "asked_by": asked_by, "asked_at_us": at_us, "progress": ""}
    session.connection().execute(JOB.insert(), row)
    if asked_by is not None:
        body = {"study": study.name, "job": str(job_id)}
        asker = accounts.by_id(session, asked_by)
        events.record(session, asker, "analysis asked for", at_us=at_us, actor_id=asked_by, body=body)
    return job_id


def any_waiting(session: Session, *, at_us: int) -> bool:
    """Whether there is anything to claim: a look that takes no lock."""
    return session.connection().execute(select(JOB.c.id).where(_waits(at_us)).limit(1)).first() is not None


def _waits(at_us: int) -> ColumnElement[bool]:
    """Queued, or left running by a worker that died."""
    heard = func.coalesce(JOB.c.renewed_at_us, JOB.c.started_at_us)
    abandoned = and_(JOB.c.state == JobState.RUNNING.value, heard < at_us - ABANDONED_US)
    return or_(JOB.c.state == JobState.QUEUED.value, abandoned)


def claim(session: Session, *, at_us: int) -> Claim | None:
    """Take the oldest job that waits, or that was left running; None: there is none. Of two workers one gets it."""
    query = (
        select(JOB, STUDY.c.name.label("study"))
        .join(STUDY, STUDY.c.id == JOB.c.study_id)
        .where(_waits(at_us))
        .order_by(JOB.c.asked_at_us, JOB.c.id)
        .limit(1)
        .with_for_update(of=JOB, skip_locked=True)
    )
    row = session.connection().execute(query).one_or_none()
    if row is None:
        return None
    take = JOB.update().where(JOB.c.study_id == row.study_id, JOB.c.id == row.id, JOB.c.state == row.state)
    values = {"state": JobState.RUNNING.value, "started_at_us": at_us, "progress": "starting", "failure": None}
    values["renewed_at_us"] = None
    if session.connection().execute(take.values(**values)).rowcount != 1:
        return None
    return Claim(row.study_id, row.study, row.id, row.seed, row.profile, row.consensus, at_us)


def note_progress(session: Session, held: Claim, progress: str, *, at_us: int) -> bool:
    """Say how far it is, and that its worker lives. False: the job is in other hands by now."""
    return _change(session, held, progress=progress, renewed_at_us=at_us)


def finish(session: Session, held: Claim, files: Mapping[str, bytes], *, at_us: int) -> bool:
    """Keep what the analysis left. False: another worker took the job over, and nothing was kept."""
    if not _change(session, held, state=JobState.DONE.value, ended_at_us=at_us, progress="done"):
        return False
    place = {"study_id": held.study_id, "job_id": held.id}
    rows = [
        {**place, "name": name, "sha256": hashlib.sha256(body).hexdigest(), "body": body}
        for name, body in sorted(files.items())
    ]
    if rows:
        session.connection().execute(ARTEFACT.insert(), rows)
    return True


def fail(session: Session, held: Claim, reason: str, *, at_us: int) -> bool:
    return _change(session, held, state=JobState.FAILED.value, ended_at_us=at_us, progress="", failure=reason)


def give_back(session: Session, held: Claim) -> bool:
    """A worker that is told to stop puts its job back into the queue."""
    return _change(session, held, state=JobState.QUEUED.value, started_at_us=None, progress="")


def _change(session: Session, held: Claim, **values: object) -> bool:
    mine = JOB.update().where(
        JOB.c.study_id == held.study_id,
        JOB.c.id == held.id,
        JOB.c.state == JobState.RUNNING.value,
        JOB.c.started_at_us == held.started_at_us,
    )
    return session.connection().execute(mine.values(**values)).rowcount == 1


def of_study(session: Session, study_id: UUID) -> list[Job]:
    """Every analysis of a study, newest first, with the names of what it left."""
    connection = session.connection()
    left: dict[UUID, list[str]] = {}
    named = select(ARTEFACT.c.job_id, ARTEFACT.c.name).where(ARTEFACT.c.study_id == study_id).order_by(ARTEFACT.c.name)
    for job_id, name in connection.execute(named):
        left.setdefault(job_id, []).append(name)
    query = select(JOB).where(JOB.c.study_id == study_id).order_by(JOB.c.asked_at_us.desc(), JOB.c.id)
    return [
        Job(
            id=row.id,
            state=JobState(row.state),
            seed=row.seed,
            profile=row.profile,
            consensus=row.consensus,
            asked_at_us=row.asked_at_us,
            started_at_us=row.started_at_us,
            ended_at_us=row.ended_at_us,
            progress=row.progress,
            failure=row.failure,
            artefacts=tuple(left.get(row.id, ())),
        )
        for row in connection.execute(query)
    ]


def artefact(session: Session, study_id: UUID, job_id: UUID, name: str) -> Artefact:
    """One file that an analysis left. Raises NoSuchArtefact."""
    query = select(ARTEFACT.c.name, ARTEFACT.c.sha256, ARTEFACT.c.body).where(
        ARTEFACT.c.study_id == study_id, ARTEFACT.c.job_id == job_id, ARTEFACT.c.name == name
    )
    row = session.connection().execute(query).one_or_none()
    if row is None:
        raise NoSuchArtefact("There is no such file.")
    return Artefact(*row)
