"""Presence: one row for each load of a page of a reading, kept as the page's beats come."""

from uuid import UUID

from sqlalchemy import and_, bindparam, func, select
from sqlmodel import Session

from study.lease import may_write
from study.presence import MOST_PAGES, Beat, Counts
from study.progress import NotNow, State
from study.store import leases
from study.store.answering import Closed, Moved
from study.store.readings import Found
from study.tables import metadata

PRESENCE = metadata.tables["presence"]

_OF_READING = and_(PRESENCE.c.study_id == bindparam("in_study"), PRESENCE.c.reading_id == bindparam("is_reading"))
_SAME_PAGE = and_(_OF_READING, PRESENCE.c.page == bindparam("is_page"))
_KNOWN = select(PRESENCE).where(_SAME_PAGE)
_PAGES = select(func.count()).select_from(PRESENCE).where(_OF_READING)
_GROW = PRESENCE.update().where(_SAME_PAGE)


def beat(session: Session, found: Found, told: Beat, *, at_us: int) -> Found | Moved | Closed:
    """Note what a page of a held reading says of itself, and that the page which may write is still there.

    A beat that says nothing new changes nothing. It never takes the lease from another page, however quiet that is:
    its reader did not ask. Nothing is written where the reading takes no answers any more.
    """
    row, at_us = found.row, found.clamped(at_us)
    if found.state is State.ASSIGNED:
        raise NotNow("This case has not been begun.")
    if not found.takes_answers(at_us):
        return Closed(found.told(at_us), row.receipt, kept_apart=False)
    new = _note(session, row.study_id, row.id, told, at_us=at_us)
    if not may_write(row.lease, told.lease):
        return Moved(row.revision, found.draft)
    return leases.take(session, found, told.lease, asked=False, at_us=at_us) if new else found


def _note(session: Session, study_id: UUID, reading_id: UUID, told: Beat, *, at_us: int) -> bool:
    """Whether the beat says anything that was not known. The held reading keeps two beats of one page apart."""
    connection = session.connection()
    place = {"in_study": study_id, "is_reading": reading_id}
    known = connection.execute(_KNOWN, {**place, "is_page": told.page}).one_or_none()
    if known is None:
        if (connection.scalar(_PAGES, place) or 0) < MOST_PAGES:
            stamps = {"first_at_us": at_us, "last_at_us": at_us}
            page = {"study_id": study_id, "reading_id": reading_id, "page": told.page}
            connection.execute(PRESENCE.insert(), {**page, **stamps, **_columns(told.counts)})
        return True
    before = Counts(known.load_ms, known.visible_ms, known.active_ms, known.hidden_count)
    after = before.grown(told.counts)
    if after == before:
        return False
    values = {"last_at_us": max(at_us, known.last_at_us), **_columns(after)}
    connection.execute(_GROW, {**place, "is_page": told.page, **values})
    return True


def _columns(counts: Counts) -> dict[str, int]:
    return {
        "load_ms": counts.load_ms,
        "visible_ms": counts.visible_ms,
        "active_ms": counts.active_ms,
        "hidden_count": counts.hidden_count,
    }
