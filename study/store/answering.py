"""Answering a reading: saves that are kept one by one, and the one submit that ends it.

The server's clock and one conditional update decide.
Outcomes are returned, not raised, where the transaction has something to keep (a late payload, a closing).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import Session

from study.answer import ResponseMode
from study.db import Together, connection_of, given
from study.draft import Draft, Unacceptable, changes
from study.errors import StudyError
from study.lease import may_write
from study.progress import NotNow, State
from study.store import readings
from study.store.closing import close_if_due, receipt_of
from study.store.events import ADD_EVENT, ADD_PAYLOAD
from study.store.readings import ANSWER, SAVE, UPDATE_READING, Found
from study.tables import ClosedBy, metadata
from study.timing import Standing, first_selected_us, standing

LATE = metadata.tables["late_payload"]

_DRAFT = [ANSWER.c[name] for name in ("selected", "confidence", "rationale", "resources", "nothing_to_recommend")]
_PLACE = given([ANSWER.c.study_id, ANSWER.c.reading_id], "answer_")
_SAME_ANSWER = [ANSWER.c[name] == value for name, value in _PLACE.items()]
_CHANGE_ANSWER = ANSWER.update().where(*_SAME_ANSWER).values(given(_DRAFT, "answer_"))
_ADD_ANSWER = ANSWER.insert().values({**_PLACE, "response_mode": ResponseMode.TICK.value, **given(_DRAFT, "answer_")})
_ADD_SAVE = SAVE.insert().values(given(SAVE.c, "save_"))
_FIRST_SAVE = Together(ADD_EVENT, ADD_PAYLOAD, _ADD_SAVE, _ADD_ANSWER, last=UPDATE_READING)
_NEXT_SAVE = Together(ADD_EVENT, ADD_PAYLOAD, _ADD_SAVE, _CHANGE_ANSWER, last=UPDATE_READING)
_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")

MOST_LATE_PAYLOADS = 200
"""More than all pages of a reader can be left with at the end of a case; a program that sends more fills no disk."""


class TooMany(StudyError):
    """More came for a reading after its end than any reader's pages can have sent."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What a page sends to be kept or submitted.

    `key` is the page's own name for this sending, `lease` that of the page itself. The client's hints are never
    trusted: `offsets_ms` since it showed the page, by option or field; `elapsed_ms` from then to this sending.
    """

    key: str
    base_revision: int
    lease: str
    draft: Draft
    offsets_ms: Mapping[str, int] = field(default_factory=dict)
    elapsed_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """Kept. The reading's clock stands beside it, because it may have been given more time meanwhile."""

    revision: int
    at_us: int
    deadline_us: int | None
    session_ends_us: int | None


@dataclass(frozen=True, slots=True)
class Stale:
    """Another tab or device saved in between: its draft stands, and is given back."""

    revision: int
    draft: Draft


@dataclass(frozen=True, slots=True)
class Moved:
    """Another page has the lease: this one may not write until it takes it. What stands is given back."""

    revision: int
    draft: Draft


@dataclass(frozen=True, slots=True)
class Closed:
    """The reading takes nothing any more. `kept_apart`: what came was stored as a late payload."""

    state: State
    receipt: str | None
    kept_apart: bool


def check_sent(sent: Sent) -> None:
    """Raises Unacceptable where a key or a lease is no word that a page makes."""
    check_word(sent.key, "key")
    check_word(sent.lease, "lease")


def is_word(word: str) -> bool:
    """Whether a page could have made this key, or this name of a lease."""
    return _KEY.fullmatch(word) is not None


def check_word(word: str, name: str) -> None:
    """Raises Unacceptable, naming the key or lease that is none."""
    if not is_word(word):
        raise Unacceptable(f"A {name} is made of up to 64 letters, digits, dots, dashes and underscores.")


def save(session: Session, found: Found, sent: Sent, *, at_us: int) -> Saved | Stale | Moved | Closed:
    """Keep a draft in a reading that the caller holds for update. The same key again changes nothing."""
    check_sent(sent)
    row, at_us = found.row, found.clamped(at_us)
    repeated = _saved_under(session, found, sent.key)
    if repeated is not None:
        return Saved(*repeated, row.deadline_at_us, row.session_ends_at_us)
    if not found.takes_answers(at_us):
        return _too_late(session, found, sent, at_us=at_us)
    if not may_write(row.lease, sent.lease):
        return Moved(row.revision, found.draft)
    if sent.base_revision != row.revision:
        return Stale(row.revision, found.draft)
    revision, _count, _head = _keep(session, found, sent, key=sent.key, at_us=at_us)
    return Saved(revision, at_us, row.deadline_at_us, row.session_ends_at_us)


def submit(session: Session, reading_id: UUID, account_id: UUID, sent: Sent, *, at_us: int) -> Closed | Stale | Moved:
    """Close a reading for good, claimed once: whoever comes second is given the first one's receipt."""
    check_sent(sent)
    found = readings.of_reader(session, reading_id, account_id, for_update=True)
    row, at_us = found.row, found.clamped(at_us)
    if not found.takes_answers(at_us):
        if row.submit_key == sent.key:
            return Closed(found.told(at_us), row.receipt, kept_apart=False)
        return _too_late(session, found, sent, at_us=at_us)
    if not may_write(row.lease, sent.lease):
        return Moved(row.revision, found.draft)
    if sent.base_revision != row.revision:
        return Stale(row.revision, found.draft)
    if not sent.draft.selected and not sent.draft.nothing_to_recommend:
        raise Unacceptable("Nothing is chosen. Choose what you would do, or say that there is nothing to recommend.")
    return _end(session, found, sent, at_us=at_us)


def _end(session: Session, found: Found, sent: Sent, *, at_us: int) -> Closed:
    row, draft = found.row, sent.draft
    count, head, revision = row.event_count, row.head, row.revision
    if draft != found.draft or not found.ever_saved:
        revision, count, head = _keep(session, found, sent, key=f"submit:{sent.key}", at_us=at_us)
    receipt = receipt_of(row.id, draft, at_us)
    body = {"revision": revision, "receipt": receipt, "in_grace": _in_grace(found, at_us), "key": sent.key}
    count, head = readings.note(
        session, found, "submitted", at_us=at_us, actor_id=row.account_id, body=body, at=(count, head)
    )
    readings.change(
        session,
        found,
        at_us=at_us,
        state=State.SUBMITTED.value,
        closed_at_us=at_us,
        closed_by=ClosedBy.READER.value,
        submit_key=sent.key,
        receipt=receipt,
        event_count=count,
        head=head,
    )
    return Closed(State.SUBMITTED, receipt, kept_apart=False)


def _too_late(session: Session, found: Found, sent: Sent, *, at_us: int) -> Closed:
    """Close what is due, and keep what came apart, unless the answer already says the same.

    After the lock nothing is written, not even beside: what is exported then must never change.
    """
    if found.state is State.ASSIGNED:
        raise NotNow("This case has not been begun.")
    if close_if_due(session, found, by=ClosedBy.READ, at_us=at_us):
        found = readings.of_reader(session, found.row.id, found.row.account_id)
    row, state = found.row, found.told(at_us)
    if found.locked or (found.ever_saved and sent.draft == found.draft):
        return Closed(state, row.receipt, kept_apart=False)
    if not _is_apart(session, found, sent.key):
        _keep_apart(session, found, sent, at_us=at_us)
    return Closed(state, row.receipt, kept_apart=True)


def _is_apart(session: Session, found: Found, key: str) -> bool:
    """Whether this was kept apart already. Raises TooMany where it was not, and nothing more will be."""
    of_reading = (LATE.c.study_id == found.row.study_id, LATE.c.reading_id == found.row.id)
    keys = set(connection_of(session).scalars(select(LATE.c.key).where(*of_reading)))
    if key not in keys and len(keys) >= MOST_LATE_PAYLOADS:
        raise TooMany(
            f"{len(keys)} answers came for this case after its time was over, and no more of them are kept. "
            "Tell the study team, in a report, what else you wanted to say."
        )
    return key in keys


def _keep_apart(session: Session, found: Found, sent: Sent, *, at_us: int) -> None:
    """A late payload, with the page's own word on when its changes were made, for whoever judges it blind."""
    row = found.row
    body = {
        "base_revision": sent.base_revision,
        "draft": sent.draft.as_json(),
        "offsets_ms": dict(sent.offsets_ms),
        "elapsed_ms": sent.elapsed_ms,
    }
    count, head = readings.note(
        session, found, "late payload", at_us=at_us, actor_id=row.account_id, body={"key": sent.key, **body}
    )
    readings.change(session, found, at_us=at_us, event_count=count, head=head)
    late = {"study_id": row.study_id, "reading_id": row.id, "key": sent.key, "at_us": at_us, "body": body}
    connection_of(session).execute(LATE.insert(), {**late})


def _saved_under(session: Session, found: Found, key: str) -> tuple[int, int] | None:
    """The revision that was saved under a key, and when. None: nothing was; nobody else can, while the row is held."""
    row = found.row
    if found.key == key:
        return None if row.key_revision is None else (row.key_revision, row.key_at_us)
    query = select(SAVE.c.revision, SAVE.c.at_us).where(
        SAVE.c.study_id == row.study_id, SAVE.c.reading_id == row.id, SAVE.c.key == key
    )
    under = connection_of(session).execute(query).one_or_none()
    return None if under is None else (under.revision, under.at_us)


def _keep(session: Session, found: Found, sent: Sent, *, key: str, at_us: int) -> tuple[int, int, str]:
    """One accepted save under its key: the draft, one event, and the new revision, in one transaction."""
    row, draft = found.row, sent.draft
    revision = row.revision + 1
    body = {
        "revision": revision,
        "in_grace": _in_grace(found, at_us),
        "changes": changes(found.draft, draft, sent.offsets_ms),
    }
    event = readings.link(session, found, "saved", at_us=at_us, actor_id=row.account_id, body=body)
    along: dict[str, Any] = {**event.values, "save_key": key, "save_revision": revision, "save_at_us": at_us}
    along |= {f"{table}_study_id": row.study_id for table in ("save", "answer")}
    along |= {f"{table}_reading_id": row.id for table in ("save", "answer")}
    along |= {f"answer_{name}": value for name, value in draft.as_json().items()}
    writes = _NEXT_SAVE if found.ever_saved else _FIRST_SAVE
    values: dict[str, Any] = {"revision": revision, "saved_at_us": at_us, "lease": sent.lease, "lease_at_us": at_us}
    if row.first_selected_at_us is None and draft.selected and not found.draft.selected:
        offsets = [sent.offsets_ms[option] for option in draft.selected if option in sent.offsets_ms]
        values["first_selected_at_us"] = first_selected_us(
            at_us, opened_at_us=row.opened_at_us, offsets_ms=offsets, elapsed_ms=sent.elapsed_ms
        )
    values |= {"event_count": event.count, "head": event.head}
    readings.change(session, found, at_us=at_us, along=(writes, along), **values)
    return revision, event.count, event.head


def _in_grace(found: Found, at_us: int) -> bool:
    row = found.row
    return standing(at_us, deadline_us=row.deadline_at_us, grace_us=row.grace_us) is Standing.GRACE
