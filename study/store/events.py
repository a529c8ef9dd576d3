"""Appending to a subject's event chain. The subject's row keeps the count and the head in the same transaction."""

import os
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, bindparam
from sqlmodel import Session

from study.chain import SALT_BYTES, SubjectKind, canonical, link_hash, payload_digest
from study.db import connection_of
from study.tables import NO_STUDY, AccountRow, ReaderRow, ReadingRow, StudyRow, metadata

EVENT = metadata.tables["event"]
PAYLOAD = metadata.tables["event_payload"]
_ADD_EVENT, _ADD_PAYLOAD = EVENT.insert(), PAYLOAD.insert()
# PostgreSQL takes both in one statement, which spares every save a way to the server and back; SQLite cannot.
_EVENT_TOO = {column.name: bindparam(f"event_{column.name}", type_=column.type) for column in EVENT.c}
_ADD_BOTH = PAYLOAD.insert().add_cte(EVENT.insert().values(_EVENT_TOO).cte())


def append(
    session: Session,
    *,
    study_id: UUID,
    subject_kind: SubjectKind,
    subject_id: UUID,
    event_count: int,
    head: str,
    at_us: int,
    kind: str,
    actor_id: UUID | None,
    body: Mapping[str, Any],
) -> tuple[int, str]:
    """Write one event and its payload; returns the subject's new count and head, which the caller must store.

    Without an actor the body says who acts by way of this database (`by`), where that is known.
    The caller holds the subject's row for update, or two events would claim one place and one of them would fail.
    """
    by = session.info.get("by")
    if actor_id is None and by is not None:
        body = {**body, "by": by}
    seq = event_count + 1
    salt, encoded = os.urandom(SALT_BYTES), canonical(body)
    digest = payload_digest(salt, encoded)
    actor = None if actor_id is None else str(actor_id)
    hashed = link_hash(str(study_id), subject_kind, str(subject_id), seq, at_us, kind, actor, digest, head)
    place = {"study_id": study_id, "subject_kind": subject_kind.value, "subject_id": subject_id, "seq": seq}
    event = {
        **place,
        "at_us": at_us,
        "kind": kind,
        "actor_id": actor_id,
        "payload_sha256": digest,
        "prev": head,
        "hash": hashed,
    }
    _add(connection_of(session), event, {**place, "salt": salt, "body": encoded})
    return seq, hashed


def _add(connection: Connection, event: Mapping[str, Any], payload: Mapping[str, Any]) -> None:
    if connection.dialect.name == "sqlite":
        connection.execute(_ADD_EVENT, event)
        connection.execute(_ADD_PAYLOAD, payload)
    else:
        connection.execute(_ADD_BOTH, {**payload, **{f"event_{name}": value for name, value in event.items()}})


def record(
    session: Session,
    subject: StudyRow | ReaderRow | ReadingRow | AccountRow,
    kind: str,
    *,
    at_us: int,
    actor_id: UUID | None,
    body: Mapping[str, Any] | None = None,
) -> None:
    """Append to the chain of a row that this session holds, and note it on the row."""
    study_id, subject_kind, subject_id = _place(subject)
    session.flush()  # a new subject stands in the database before its first event
    subject.event_count, subject.head = append(
        session,
        study_id=study_id,
        subject_kind=subject_kind,
        subject_id=subject_id,
        event_count=subject.event_count,
        head=subject.head,
        at_us=at_us,
        kind=kind,
        actor_id=actor_id,
        body=body or {},
    )
    session.add(subject)


def _place(subject: StudyRow | ReaderRow | ReadingRow | AccountRow) -> tuple[UUID, SubjectKind, UUID]:
    match subject:
        case StudyRow():
            return subject.id, SubjectKind.STUDY, subject.id
        case ReaderRow():
            return subject.study_id, SubjectKind.READER, subject.respondent_id
        case ReadingRow():
            return subject.study_id, SubjectKind.READING, subject.id
        case AccountRow():
            return NO_STUDY, SubjectKind.ACCOUNT, subject.id
