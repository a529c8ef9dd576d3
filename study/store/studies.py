"""Studies: loading a bundle verbatim, the states of a study, and what a study's files say."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import delete
from sqlmodel import Session, col, func, select

from study.errors import StudyError
from study.protocol import Protocol, not_ready
from study.store import closing, events
from study.tables import (
    AnswerRow,
    BundleFileRow,
    ClosedBy,
    ImportedFileRow,
    ReaderRow,
    ReadingRow,
    RespondentRow,
    StudyRow,
    StudyState,
    metadata,
)

READING = metadata.tables["reading"]

NEXT: dict[StudyState, frozenset[StudyState]] = {
    StudyState.DRAFT: frozenset({StudyState.OPEN}),
    StudyState.OPEN: frozenset({StudyState.PAUSED, StudyState.LOCKED}),
    StudyState.PAUSED: frozenset({StudyState.OPEN, StudyState.LOCKED}),
    StudyState.LOCKED: frozenset(),
}


class NoSuchStudy(StudyError):
    """There is no study of that name here."""


class StudyRefuses(StudyError):
    """The study's state does not allow it."""


@dataclass(frozen=True, slots=True)
class Loading:
    """What `load` did. `changed` False: these very files stood there already."""

    study: StudyRow
    changed: bool


def all_studies(session: Session) -> list[StudyRow]:
    return list(session.exec(select(StudyRow).order_by(col(StudyRow.loaded_at_us))))


def by_name(session: Session, name: str, *, for_update: bool = False) -> StudyRow:
    query = select(StudyRow).where(col(StudyRow.name) == name)
    if for_update:
        query = query.with_for_update()
    found = session.exec(query).one_or_none()
    if found is None:
        raise NoSuchStudy(f"There is no study {name!r} here.")
    return found


def load(
    session: Session,
    protocol: Protocol,
    files: Mapping[str, bytes],
    *,
    bundle_digest: str,
    rubric_digest: str,
    actor_id: UUID | None,
    at_us: int,
) -> Loading:
    """Keep a validated bundle's files verbatim. The same files again change nothing.

    Another version may take the place of a draft while nobody has joined; after that its content is frozen.
    Raises StudyRefuses then.
    """
    query = select(StudyRow).where(col(StudyRow.name) == protocol.id).with_for_update()
    study = session.exec(query).one_or_none()
    if study is not None and study.bundle_digest == bundle_digest:
        return Loading(study, changed=False)
    if study is None:
        study = StudyRow(
            name=protocol.id,
            title=protocol.title,
            version=protocol.version,
            bundle_digest=bundle_digest,
            rubric_digest=rubric_digest,
            loaded_at_us=at_us,
        )
    else:
        _check_replaceable(session, study, protocol)
        _forget_systems(session, study)
        session.exec(delete(BundleFileRow).where(col(BundleFileRow.study_id) == study.id))
        study.title, study.version, study.loaded_at_us = protocol.title, protocol.version, at_us
        study.bundle_digest, study.rubric_digest = bundle_digest, rubric_digest
    session.add(study)
    session.flush()
    session.add_all(
        BundleFileRow(study_id=study.id, path=path, sha256=hashlib.sha256(body).hexdigest(), body=body)
        for path, body in files.items()
    )
    body = {"bundle_digest": bundle_digest, "rubric_digest": rubric_digest, "version": protocol.version}
    events.record(session, study, "loaded", at_us=at_us, actor_id=actor_id, body=body)
    return Loading(study, changed=True)


def _check_replaceable(session: Session, study: StudyRow, protocol: Protocol) -> None:
    if study.state != StudyState.DRAFT:
        raise StudyRefuses(
            f"Study {study.name!r} is {study.state}: its content is frozen. "
            "Give the changed bundle an id of its own, and say in its title what changed."
        )
    joined = session.exec(
        select(func.count())
        .select_from(ReaderRow)
        .where(col(ReaderRow.study_id) == study.id, col(ReaderRow.joined_at_us).is_not(None))
    ).one()
    if joined:
        raise StudyRefuses(f"{joined} readers have joined study {study.name!r}: its cases are assigned already.")
    invited_to = set(session.exec(select(col(ReaderRow.arm)).where(col(ReaderRow.study_id) == study.id)))
    gone = invited_to - {arm.id for arm in protocol.arms}
    if gone:
        raise StudyRefuses(f"Readers were invited to arm {min(gone)!r}, which the new files do not have.")


def _forget_systems(session: Session, study: StudyRow) -> None:
    """A draft's system answers came with its old files, and go with them."""
    for table in (AnswerRow, ReadingRow, ImportedFileRow):
        session.exec(delete(table).where(col(table.study_id) == study.id))
    kept = select(ReaderRow.respondent_id).where(col(ReaderRow.study_id) == study.id)
    session.exec(
        delete(RespondentRow).where(col(RespondentRow.study_id) == study.id, col(RespondentRow.id).not_in(kept))
    )


def digest(session: Session, study_id: UUID) -> str:
    """Of the bundle that the study has now."""
    return session.exec(select(col(StudyRow.bundle_digest)).where(col(StudyRow.id) == study_id)).one()


def files(session: Session, study_id: UUID) -> dict[str, bytes]:
    """The bundle, verbatim."""
    query = select(col(BundleFileRow.path), col(BundleFileRow.body)).where(col(BundleFileRow.study_id) == study_id)
    return dict(session.exec(query).all())


def change_state(
    session: Session,
    name: str,
    wanted: StudyState,
    *,
    protocol: Protocol,
    actor_id: UUID | None,
    at_us: int,
    reason: str = "",
) -> StudyRow:
    """Open, pause, resume or lock. Raises StudyRefuses where the state or the protocol does not allow it.

    A lock closes what is due first, and is refused while a case is being answered: nothing may change after it.
    """
    study = by_name(session, name, for_update=True)
    if wanted not in NEXT[StudyState(study.state)]:
        raise StudyRefuses(f"Study {name!r} is {study.state} and cannot become {wanted}.")
    hindrance = not_ready(protocol)
    if wanted is StudyState.OPEN and hindrance is not None:
        raise StudyRefuses(hindrance)
    if wanted is StudyState.OPEN and study.opened_at_us is None:
        study.opened_at_us = at_us
    if wanted is StudyState.LOCKED:
        _end_readings(session, study, at_us)
        study.locked_at_us = at_us
    body = {"from": study.state, "to": wanted.value, "reason": reason}
    study.state = wanted
    kind = {StudyState.OPEN: "opened", StudyState.PAUSED: "paused", StudyState.LOCKED: "locked"}[wanted]
    events.record(session, study, kind, at_us=at_us, actor_id=actor_id, body=body)
    return study


def _end_readings(session: Session, study: StudyRow, at_us: int) -> None:
    """Hold every reading, closed ones too, so that nothing is half done, and see that no answer is under way.

    Whatever a reader sends holds their reading first: it is done by now, or it finds the study locked.
    """
    every = select(READING.c.id).where(READING.c.study_id == study.id).order_by(READING.c.id)
    session.connection().execute(every.with_for_update())
    closing.close_all_due(session, by=ClosedBy.SWEEP, at_us=at_us, study_id=study.id)
    answering = closing.being_answered(session, study.id)
    if answering:
        raise StudyRefuses(
            f"{answering} {'case is' if answering == 1 else 'cases are'} being answered at this moment in "
            f"{study.name!r}. Pause the study, and lock it when their time is over; a case that has no limit can be "
            "set aside."
        )
