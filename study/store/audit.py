"""Verifying a whole database: every chain, its head and its count, and every payload that stands."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

from sqlalchemy import and_, literal, select, union_all
from sqlmodel import Session

from study.audit import Audit, Subject
from study.audit import audit as audited
from study.chain import SubjectKind
from study.record import EventRecord
from study.store.closing import receipt_of
from study.store.readings import Found
from study.store.records import SAME_EVENT, event_record
from study.tables import NO_STUDY, metadata

EVENT = metadata.tables["event"]
PAYLOAD = metadata.tables["event_payload"]
STUDY = metadata.tables["study"]
READER = metadata.tables["reader"]
READING = metadata.tables["reading"]
ANSWER = metadata.tables["answer"]
ACCOUNT = metadata.tables["account"]
AT_ONCE = 5_000


def audit(session: Session) -> Audit:
    """Read every event once, chain after chain; then see that no answer was altered beside them."""
    found = audited(_events(session), _said(session))
    return replace(found, faults=(*found.faults, *_answer_faults(session)))


def _answer_faults(session: Session) -> Iterator[str]:
    """Closed readings whose answer does not give the receipt, or that were not saved as often as they say."""
    saves, receipts = _told(session)
    query = (
        select(READING, ANSWER)
        .select_from(
            READING.join(
                READER,
                and_(READER.c.study_id == READING.c.study_id, READER.c.respondent_id == READING.c.respondent_id),
            ).outerjoin(ANSWER, and_(ANSWER.c.study_id == READING.c.study_id, ANSWER.c.reading_id == READING.c.id))
        )
        .order_by(READING.c.study_id, READING.c.id)
    )
    for row in session.connection().execution_options(yield_per=AT_ONCE).execute(query):
        name = f"{SubjectKind.READING.value} {row.id}"
        if row.revision != saves[row.id]:
            yield f"{name}: it says that it was saved {row.revision} times, its events say {saves[row.id]}"
        if (row.selected is None) is not (row.revision == 0):
            yield f"{name}: it was saved {row.revision} times, and its answer is {'gone' if row.revision else 'there'}"
        if row.closed_at_us is None:
            continue
        given = None if row.selected is None else receipt_of(row.id, Found(row).draft, row.closed_at_us)
        if row.receipt != given or receipts.get(row.id, given) != given:
            yield f"{name}: its answer is not the one that its receipt was given for"


def _told(session: Session) -> tuple[Counter[UUID], dict[UUID, str | None]]:
    """How often each reading was saved and with which receipt it ended, as their events say."""
    saves: Counter[UUID] = Counter()
    receipts: dict[UUID, str | None] = {}
    query = (
        select(EVENT.c.subject_id, EVENT.c.kind, PAYLOAD.c.body)
        .select_from(EVENT.outerjoin(PAYLOAD, SAME_EVENT))
        .where(EVENT.c.subject_kind == SubjectKind.READING.value, EVENT.c.kind.in_(["saved", "submitted", "expired"]))
    )
    for reading_id, kind, body in session.connection().execution_options(yield_per=AT_ONCE).execute(query):
        if kind == "saved":
            saves[reading_id] += 1
        elif body is not None:
            receipts[reading_id] = _receipt_in(body)
    return saves, receipts


def _receipt_in(body: bytes) -> str | None:
    """A payload that was altered is a fault of its chain, said there."""
    try:
        found = json.loads(body)["receipt"]
    except (ValueError, KeyError, TypeError):
        return None
    return None if found is None else str(found)


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
    query = (
        select(EVENT, PAYLOAD.c.salt, PAYLOAD.c.body)
        .select_from(EVENT.outerjoin(PAYLOAD, SAME_EVENT))
        .order_by(EVENT.c.study_id, EVENT.c.subject_kind, EVENT.c.subject_id, EVENT.c.seq)
    )
    for row in session.connection().execution_options(yield_per=AT_ONCE).execute(query):
        yield event_record(row)
