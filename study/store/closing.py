"""Closing readings whose time is over: one closer, whoever meets them, and which those are."""

import hashlib
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlmodel import Session

from study.chain import canonical
from study.draft import Draft
from study.outage import must_wait
from study.progress import State
from study.store import outages, readings
from study.store.readings import READER, READING, STUDY, Found
from study.tables import ClosedBy, StudyState
from study.timing import SLACK_US


def receipt_of(reading_id: UUID, draft: Draft, at_us: int) -> str:
    """A short digest that the reader can keep: of the reading, its answer and the time of closing."""
    stamped = canonical({"reading": str(reading_id), "answer": draft.as_json(), "closed_at_us": at_us})
    return hashlib.sha256(stamped).hexdigest()[:16]


def close_if_due(session: Session, found: Found, *, by: ClosedBy, at_us: int) -> bool:
    """The one closer, for the sweep and for every reader of an open row. The finish time is the deadline.

    While the web is down nothing is closed that was running then: it may be given that time back.
    """
    if not found.is_due(at_us):
        return False
    if must_wait(outages.under_way(session, found.clamped(at_us)), deadline_us=found.row.deadline_at_us):
        return False
    row = found.row
    ended = row.deadline_at_us
    receipt = receipt_of(row.id, found.draft, ended) if found.ever_saved else None
    body = {"revision": row.revision, "receipt": receipt, "closed_by": by.value}
    count, head = readings.note(session, found, "expired", at_us=at_us, actor_id=None, body=body)
    readings.change(
        session,
        found,
        at_us=at_us,
        state=State.EXPIRED.value,
        closed_at_us=ended,
        closed_by=by.value,
        receipt=receipt,
        event_count=count,
        head=head,
    )
    return True


def due(
    session: Session, at_us: int, *, most: int | None = 200, study_id: UUID | None = None
) -> list[tuple[UUID, UUID]]:
    """(study, reading) of open readings that must be closed now, oldest first; of one study, or of all."""
    query = (
        select(READING.c.study_id, READING.c.id)
        .join(STUDY, STUDY.c.id == READING.c.study_id)
        .where(READING.c.state == State.OPEN.value, READING.c.deadline_at_us + READING.c.grace_us < at_us - SLACK_US)
        .where(STUDY.c.state != StudyState.LOCKED.value)
        .order_by(READING.c.deadline_at_us, READING.c.id)
        .limit(most)
    )
    if study_id is not None:
        query = query.where(READING.c.study_id == study_id)
    since = outages.under_way(session, at_us)
    if since is not None:
        query = query.where(READING.c.deadline_at_us <= since)
    return [(row.study_id, row.id) for row in session.connection().execute(query)]


def being_answered(session: Session, study_id: UUID) -> int:
    """How many readings may still get an answer: open, not set aside, nobody's test, and its reader is there yet.

    Who has withdrawn answers no more, but what they had put down counts from the deadline on, if there is one.
    """
    query = (
        select(func.count())
        .select_from(READING)
        .join(READER, and_(READER.c.study_id == READING.c.study_id, READER.c.respondent_id == READING.c.respondent_id))
        .where(READING.c.study_id == study_id, READING.c.state == State.OPEN.value)
        .where(READING.c.void_at_us.is_(None), READER.c.test.is_(False))
        .where(or_(READER.c.withdrawn_at_us.is_(None), READING.c.deadline_at_us.is_not(None)))
    )
    return session.connection().scalar(query) or 0


def close_due(session: Session, study_id: UUID, reading_id: UUID, *, by: ClosedBy, at_us: int) -> bool:
    """Close one reading if it still is due when its row is held."""
    found = readings.held(session, study_id, reading_id)
    return found is not None and close_if_due(session, found, by=by, at_us=at_us)


def close_all_due(session: Session, *, by: ClosedBy, at_us: int, study_id: UUID | None = None) -> int:
    """Close everything that is due in one study, or the first of it in all; returns how many were closed."""
    found = due(session, at_us, most=200 if study_id is None else None, study_id=study_id)
    return sum(close_due(session, study, reading, by=by, at_us=at_us) for study, reading in found)
