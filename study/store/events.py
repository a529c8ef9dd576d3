"""Appending to a subject's event chain. The subject's row keeps the count and the head in the same transaction."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlmodel import Session

from study.chain import SALT_BYTES, SubjectKind, canonical, link_hash, payload_digest
from study.db import Together, connection_of, given
from study.tables import NO_STUDY, AccountRow, ReaderRow, ReadingRow, StudyRow, metadata

EVENT = metadata.tables["event"]
PAYLOAD = metadata.tables["event_payload"]
ADD_EVENT = EVENT.insert().values(given(EVENT.c, "event_"))
ADD_PAYLOAD = PAYLOAD.insert().values(given(PAYLOAD.c, "payload_"))
_ADD = Together(ADD_EVENT, last=ADD_PAYLOAD)


@dataclass(frozen=True, slots=True)
class Link:
    """The next event of a chain: the subject's count and head with it, and the values that write it down."""

    count: int
    head: str
    values: Mapping[str, Any]


def append(session: Session, link: Link) -> tuple[int, str]:
    """Write one event and its payload; returns the subject's new count and head, which the caller must store."""
    _ADD.execute(connection_of(session), link.values)
    return link.count, link.head


def link(
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
) -> Link:
    """An event that is not written yet: `append` writes it, or whoever writes more beside it.

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
    values: dict[str, Any] = {}
    for table in ("event", "payload"):
        values[f"{table}_study_id"] = study_id
        values[f"{table}_subject_kind"] = subject_kind.value
        values[f"{table}_subject_id"] = subject_id
        values[f"{table}_seq"] = seq
    values |= {"event_at_us": at_us, "event_kind": kind, "event_actor_id": actor_id, "event_payload_sha256": digest}
    values |= {"event_prev": head, "event_hash": hashed, "payload_salt": salt, "payload_body": encoded}
    return Link(seq, hashed, values)


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
    linked = link(
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
    subject.event_count, subject.head = append(session, linked)
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
