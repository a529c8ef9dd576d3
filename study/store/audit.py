"""Verifying a whole database: every chain, its head and its count, and every payload that stands."""

from collections.abc import Iterator

from sqlalchemy import and_, literal, select, union_all
from sqlmodel import Session

from study.audit import Audit, Subject
from study.audit import audit as audited
from study.chain import SubjectKind
from study.record import EventRecord
from study.store.records import event_record
from study.tables import NO_STUDY, metadata

EVENT = metadata.tables["event"]
PAYLOAD = metadata.tables["event_payload"]
STUDY = metadata.tables["study"]
READER = metadata.tables["reader"]
READING = metadata.tables["reading"]
ACCOUNT = metadata.tables["account"]
AT_ONCE = 5_000


def audit(session: Session) -> Audit:
    """Read every event once, chain after chain."""
    return audited(_events(session), _said(session))


def _said(session: Session) -> dict[Subject, tuple[int, str]]:
    """Count and head, as every subject's own row has them."""
    query = union_all(
        select(STUDY.c.id, literal(SubjectKind.STUDY.value), STUDY.c.id, STUDY.c.event_count, STUDY.c.head),
        select(
            READER.c.study_id,
            literal(SubjectKind.READER.value),
            READER.c.respondent_id,
            READER.c.event_count,
            READER.c.head,
        ),
        select(
            READING.c.study_id, literal(SubjectKind.READING.value), READING.c.id, READING.c.event_count, READING.c.head
        ),
    )
    rows = session.connection().execute(query).all()
    said = {(str(study), kind, str(identity)): (count, head) for study, kind, identity, count, head in rows}
    accounts = select(ACCOUNT.c.id, ACCOUNT.c.event_count, ACCOUNT.c.head)
    for identity, count, head in session.connection().execute(accounts):
        said[str(NO_STUDY), SubjectKind.ACCOUNT.value, str(identity)] = (count, head)
    return said


def _events(session: Session) -> Iterator[EventRecord]:
    same = and_(
        PAYLOAD.c.study_id == EVENT.c.study_id,
        PAYLOAD.c.subject_kind == EVENT.c.subject_kind,
        PAYLOAD.c.subject_id == EVENT.c.subject_id,
        PAYLOAD.c.seq == EVENT.c.seq,
    )
    query = (
        select(EVENT, PAYLOAD.c.salt, PAYLOAD.c.body)
        .select_from(EVENT.outerjoin(PAYLOAD, same))
        .order_by(EVENT.c.study_id, EVENT.c.subject_kind, EVENT.c.subject_id, EVENT.c.seq)
    )
    for row in session.connection().execution_options(yield_per=AT_ONCE).execute(query):
        yield event_record(row)
