"""The lease of a reading: which page may write to it, and how another page takes over."""

from typing import Any

from sqlmodel import Session

from study.lease import gives_way
from study.progress import NotNow, State
from study.store import readings
from study.store.answering import Closed, Moved
from study.store.readings import Found


def take(session: Session, found: Found, lease: str, *, asked: bool, at_us: int) -> Found | Moved | Closed:
    """Give the lease of a held reading to this page; `asked`: its reader said to go on here, whoever has it.

    An event tells every change of hands but the first. Nothing is given where the reading takes no answers any more.
    """
    row, at_us = found.row, found.clamped(at_us)
    if found.state is State.ASSIGNED:
        raise NotNow("This case has not been begun.")
    if not found.takes_answers(at_us):
        return Closed(found.told(at_us), row.receipt, kept_apart=False)
    if not asked and not gives_way(row.lease, lease, heard_at_us=row.lease_at_us, at_us=at_us):
        return Moved(row.revision, found.draft)
    values: dict[str, Any] = {"lease": lease, "lease_at_us": at_us}
    if row.lease in (None, lease):
        readings.change(session, found, at_us=at_us, **values)
        return found
    body = {"asked": asked, "heard_at_us": row.lease_at_us}
    count, head = readings.note(session, found, "continued", at_us=at_us, actor_id=row.account_id, body=body)
    readings.change(session, found, at_us=at_us, event_count=count, head=head, **values)
    return readings.of_reader(session, row.id, row.account_id)
