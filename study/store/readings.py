"""A physician's readings: begin, save, submit, and the one closer.

The server's clock and one conditional update decide.
Outcomes are returned, not raised, where the transaction has something to keep (a late payload, a closing).
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, bindparam, exists, func, or_, select
from sqlmodel import Session

from study.allocation import presented_order
from study.case import Case, OptionId
from study.chain import SubjectKind, canonical
from study.draft import Draft, Unacceptable, changes
from study.errors import StudyError
from study.progress import NotNow, State, check_may_become
from study.protocol import Protocol, Stage
from study.store import events
from study.tables import ClosedBy, StudyState, metadata
from study.timing import SECOND_US, SLACK_US, Standing, deadline_us, is_due, is_over, remaining_us, standing, us_of

READING = metadata.tables["reading"]
READER = metadata.tables["reader"]
ANSWER = metadata.tables["answer"]
SAVE = metadata.tables["save"]
LATE = metadata.tables["late_payload"]
STUDY = metadata.tables["study"]

_FOUND = select(
    READING,
    READER.c.account_id,
    READER.c.accommodation_percent,
    READER.c.withdrawn_at_us,
    STUDY.c.state.label("study_state"),
    STUDY.c.bundle_digest,
    STUDY.c.title,
    ANSWER.c.selected,
    ANSWER.c.confidence,
    ANSWER.c.rationale,
    ANSWER.c.resources,
    ANSWER.c.nothing_to_recommend,
).select_from(
    READING.join(
        READER, and_(READER.c.study_id == READING.c.study_id, READER.c.respondent_id == READING.c.respondent_id)
    )
    .join(STUDY, STUDY.c.id == READING.c.study_id)
    .outerjoin(ANSWER, and_(ANSWER.c.study_id == READING.c.study_id, ANSWER.c.reading_id == READING.c.id))
)

# Built once: building a statement costs more than running it, and a save runs on every tick of every physician.
_OWN = and_(READING.c.id == bindparam("reading_id"), READER.c.account_id == bindparam("account_id"))
_OF_READER = _FOUND.where(_OWN)
_OWN_ROWS = (
    select(READING.c.id)
    .join(READER, and_(READER.c.study_id == READING.c.study_id, READER.c.respondent_id == READING.c.respondent_id))
    .where(_OWN)
)
_HOLD_OF_READER = _OWN_ROWS.with_for_update(of=READING)
# Begin fixes a clock from what the reader's row says, so that row must stay as it is meanwhile.
_HOLD_WITH_READER = _OWN_ROWS.with_for_update(of=[READING, READER], key_share=True)
_SAME_READING = and_(READING.c.study_id == bindparam("in_study"), READING.c.id == bindparam("is_reading"))
_EXACTLY = _FOUND.where(_SAME_READING)
_HOLD = select(READING.c.id).where(_SAME_READING).with_for_update()
_UPDATE_READING = READING.update().where(_SAME_READING, READING.c.state == bindparam("from_state"))
_SAME_ANSWER = and_(ANSWER.c.study_id == bindparam("in_study"), ANSWER.c.reading_id == bindparam("is_reading"))
_UPDATE_ANSWER = ANSWER.update().where(_SAME_ANSWER)
_SAVED = [SAVE.c.study_id, SAVE.c.reading_id, SAVE.c.key, SAVE.c.revision, SAVE.c.at_us]
_CLAIM_KEY = (
    SAVE.insert()
    .from_select(
        _SAVED,
        select(*(bindparam(column.name, type_=column.type) for column in _SAVED)).where(
            ~exists().where(*(column == bindparam(column.name) for column in _SAVED[:3]))
        ),
    )
    .returning(SAVE.c.revision)
)
_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")


class NoSuchReading(StudyError):
    """There is no such reading, or it is somebody else's: the two look the same from outside."""


@dataclass(frozen=True, slots=True)
class Found:
    """One reading as its reader may know it, with the last saved draft."""

    row: Row[Any]

    @property
    def state(self) -> State:
        return State(self.row.state)

    @property
    def ever_saved(self) -> bool:
        return self.row.selected is not None

    @property
    def draft(self) -> Draft:
        row = self.row
        if row.selected is None:
            return Draft()
        return Draft(
            selected=frozenset(OptionId(option) for option in row.selected),
            confidence=row.confidence,
            rationale=row.rationale,
            resources=frozenset(row.resources),
            nothing_to_recommend=row.nothing_to_recommend,
        )

    def remaining_us(self, at_us: int) -> int | None:
        return remaining_us(at_us, deadline_us=self.row.deadline_at_us)

    @property
    def locked(self) -> bool:
        return bool(self.row.study_state == StudyState.LOCKED)

    def is_over(self, at_us: int) -> bool:
        """Whether its reader's time is up: what they send from now on is late, whether it was closed yet or not."""
        row = self.row
        return self.state is State.OPEN and is_over(at_us, deadline_us=row.deadline_at_us, grace_us=row.grace_us)

    def is_due(self, at_us: int) -> bool:
        """Whether it must be closed now. What a lock found open (void, or a test reader's) stays as it was."""
        row = self.row
        due = is_due(at_us, deadline_us=row.deadline_at_us, grace_us=row.grace_us)
        return self.state is State.OPEN and due and not self.locked

    def takes_answers(self, at_us: int) -> bool:
        """Whether what its reader sends at this time counts."""
        return self.state is State.OPEN and self.row.void_at_us is None and not self.locked and not self.is_over(at_us)

    def told(self, at_us: int) -> State:
        """The state as its reader is told it: over is over, though it may be closed a little later."""
        return State.EXPIRED if self.is_over(at_us) else self.state


@dataclass(frozen=True, slots=True)
class Saved:
    revision: int
    at_us: int
    remaining_us: int | None


@dataclass(frozen=True, slots=True)
class Stale:
    """Another tab or device saved in between: its draft stands, and is given back."""

    revision: int
    draft: Draft


@dataclass(frozen=True, slots=True)
class Closed:
    """The reading takes nothing any more. `kept_apart`: what came was stored as a late payload."""

    state: State
    receipt: str | None
    kept_apart: bool


def of_reader(session: Session, reading_id: UUID, account_id: UUID, *, for_update: bool = False) -> Found:
    """The account's own reading. Raises NoSuchReading for a foreign one, and where the reader has withdrawn."""
    return _of_reader(session, reading_id, account_id, hold=_HOLD_OF_READER if for_update else None)


def _of_reader(session: Session, reading_id: UUID, account_id: UUID, *, hold: Select[tuple[UUID]] | None) -> Found:
    asked = {"reading_id": reading_id, "account_id": account_id}
    if hold is not None:
        _hold(session, hold, asked)
    row = session.connection().execute(_OF_READER, asked).one_or_none()
    if row is None or row.withdrawn_at_us is not None:
        raise NoSuchReading("There is no such case for you.")
    return Found(row)


def _hold(session: Session, query: Select[tuple[UUID]], asked: Mapping[str, UUID]) -> None:
    """Hold the reading's row before anything of it is read.

    One statement for both would not do on PostgreSQL: where it had to wait, it gives the newest version of the row
    that it held, beside the draft as that stood before. SQLite's writers come one at a time.
    """
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        connection.execute(query, asked)


def check_key(key: str) -> None:
    if not _KEY.fullmatch(key):
        raise Unacceptable("A key is made of up to 64 letters, digits, dots, dashes and underscores.")


@dataclass(frozen=True, slots=True)
class Terms:
    """What a reader is told before Begin, and what Begin then fixes. None: no limit of that kind."""

    limit_us: int | None
    deadline_us: int | None
    session_ends_us: int | None


def terms(session: Session, found: Found, *, protocol: Protocol, stage: Stage, at_us: int) -> Terms:
    """The clock that this reading would have if it were begun now."""
    row = found.row
    limit = None if stage.limit_s is None else stage.limit_s * SECOND_US
    session_ends = None
    if protocol.session_limit_s is not None:
        first = session.connection().scalar(
            select(func.min(READING.c.opened_at_us)).where(
                READING.c.study_id == row.study_id, READING.c.respondent_id == row.respondent_id
            )
        )
        began = at_us if first is None else first
        session_ends = began + protocol.session_limit_s * SECOND_US * row.accommodation_percent // 100
    closes = protocol.window.closes
    ends = deadline_us(
        at_us,
        limit_us=limit,
        accommodation_percent=row.accommodation_percent,
        session_ends_us=session_ends,
        closes_us=None if closes is None else us_of(closes),
    )
    own = None if limit is None else limit * row.accommodation_percent // 100
    return Terms(limit_us=own, deadline_us=ends, session_ends_us=session_ends)


def check_may_begin(session: Session, found: Found, *, protocol: Protocol, at_us: int, ends_us: int | None) -> None:
    """Raises NotNow with the reason why this reading cannot be begun at this time."""
    row = found.row
    check_may_become(found.state, State.OPEN)
    if row.void_at_us is not None:
        raise NotNow("The study team has set this case aside.")
    if row.study_state == StudyState.DRAFT:
        raise NotNow("The study has not been opened yet. You will be told when it is.")
    if row.study_state == StudyState.PAUSED:
        raise NotNow("The study is paused at the moment. Nothing is lost; please come back later.")
    if row.study_state == StudyState.LOCKED:
        raise NotNow("The study is closed: no further case can be begun.")
    opens = protocol.window.opens
    if opens is not None and at_us < us_of(opens):
        raise NotNow("The study has not started yet.")
    if ends_us is not None and ends_us <= at_us:
        raise NotNow("The time for this study is over: no further case can be begun.")
    unfinished = or_(READING.c.deadline_at_us.is_(None), READING.c.deadline_at_us + READING.c.grace_us >= at_us)
    earlier = session.connection().scalar(
        select(func.count()).where(
            READING.c.study_id == row.study_id,
            READING.c.respondent_id == row.respondent_id,
            READING.c.position < row.position,
            or_(READING.c.state == State.ASSIGNED.value, and_(READING.c.state == State.OPEN.value, unfinished)),
            READING.c.void_at_us.is_(None),
        )
    )
    if earlier:
        raise NotNow("An earlier case is still to be finished first.")


def begin(
    session: Session, reading_id: UUID, account_id: UUID, *, protocol: Protocol, stage: Stage, case: Case, at_us: int
) -> Found:
    """Start the clock. Beginning again changes nothing and gives the same deadline."""
    found = _of_reader(session, reading_id, account_id, hold=_HOLD_WITH_READER)
    if found.state is not State.ASSIGNED:
        return found
    clock = terms(session, found, protocol=protocol, stage=stage, at_us=at_us)
    check_may_begin(session, found, protocol=protocol, at_us=at_us, ends_us=clock.deadline_us)
    shown = list(presented_order(protocol.seed, str(found.row.respondent_id), case))
    body = {
        "deadline_at_us": clock.deadline_us,
        "grace_us": stage.grace_s * SECOND_US,
        "accommodation_percent": found.row.accommodation_percent,
        "presented": shown,
        "order_seed": protocol.seed,
    }
    count, head = _event(session, found, "opened", at_us=at_us, actor_id=account_id, body=body)
    _update(
        session,
        found,
        state=State.OPEN.value,
        opened_at_us=at_us,
        deadline_at_us=clock.deadline_us,
        grace_us=stage.grace_s * SECOND_US,
        presented=shown,
        event_count=count,
        head=head,
    )
    return of_reader(session, reading_id, account_id)


def save(
    session: Session,
    found: Found,
    *,
    key: str,
    base_revision: int,
    draft: Draft,
    offsets_ms: Mapping[str, int],
    at_us: int,
) -> Saved | Stale | Closed:
    """Keep a draft in a reading that the caller holds for update. The same key again changes nothing."""
    check_key(key)
    row, open_still = found.row, found.takes_answers(at_us)
    if open_still and base_revision == row.revision and _claim(session, found, key, at_us=at_us):
        revision, _count, _head = _keep(session, found, draft=draft, offsets_ms=offsets_ms, at_us=at_us)
        return Saved(revision, at_us, found.remaining_us(at_us))
    repeated = _saved_under(session, found, key)
    if repeated is not None:
        return Saved(repeated.revision, repeated.at_us, found.remaining_us(at_us))
    if open_still:
        return Stale(row.revision, found.draft)
    return _too_late(session, found, key=key, base_revision=base_revision, draft=draft, at_us=at_us)


def submit(
    session: Session,
    reading_id: UUID,
    account_id: UUID,
    *,
    key: str,
    base_revision: int,
    draft: Draft,
    at_us: int,
) -> Closed | Stale:
    """Close a reading for good, claimed once: whoever comes second is given the first one's receipt."""
    check_key(key)
    found = of_reader(session, reading_id, account_id, for_update=True)
    row = found.row
    if not found.takes_answers(at_us):
        if row.submit_key == key:
            return Closed(found.told(at_us), row.receipt, kept_apart=False)
        return _too_late(session, found, key=key, base_revision=base_revision, draft=draft, at_us=at_us)
    if base_revision != row.revision:
        return Stale(row.revision, found.draft)
    if not draft.selected and not draft.nothing_to_recommend:
        raise Unacceptable("Nothing is chosen. Choose what you would do, or say that there is nothing to recommend.")
    count, head, revision = row.event_count, row.head, row.revision
    if draft != found.draft or not found.ever_saved:
        _claim(session, found, f"submit:{key}", at_us=at_us)
        revision, count, head = _keep(session, found, draft=draft, offsets_ms={}, at_us=at_us)
    in_grace = standing(at_us, deadline_us=row.deadline_at_us, grace_us=row.grace_us) is Standing.GRACE
    receipt = receipt_of(row.id, draft, at_us)
    body = {"revision": revision, "receipt": receipt, "in_grace": in_grace, "key": key}
    count, head = _event(session, found, "submitted", at_us=at_us, actor_id=account_id, body=body, at=(count, head))
    _update(
        session,
        found,
        state=State.SUBMITTED.value,
        closed_at_us=at_us,
        closed_by=ClosedBy.READER.value,
        submit_key=key,
        receipt=receipt,
        event_count=count,
        head=head,
    )
    return Closed(State.SUBMITTED, receipt, kept_apart=False)


def receipt_of(reading_id: UUID, draft: Draft, at_us: int) -> str:
    """A short digest that the reader can keep: of the reading, its answer and the time of closing."""
    stamped = canonical({"reading": str(reading_id), "answer": draft.as_json(), "closed_at_us": at_us})
    return hashlib.sha256(stamped).hexdigest()[:16]


def close_if_due(session: Session, found: Found, *, by: ClosedBy, at_us: int) -> bool:
    """The one closer, for the sweep and for every reader of an open row. The finish time is the deadline."""
    if not found.is_due(at_us):
        return False
    row = found.row
    ended = row.deadline_at_us
    receipt = receipt_of(row.id, found.draft, ended) if found.ever_saved else None
    body = {"revision": row.revision, "receipt": receipt, "closed_by": by.value}
    count, head = _event(session, found, "expired", at_us=at_us, actor_id=None, body=body)
    _update(
        session,
        found,
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
    asked = {"in_study": study_id, "is_reading": reading_id}
    _hold(session, _HOLD, asked)
    row = session.connection().execute(_EXACTLY, asked).one_or_none()
    return row is not None and close_if_due(session, Found(row), by=by, at_us=at_us)


def close_all_due(session: Session, *, by: ClosedBy, at_us: int, study_id: UUID | None = None) -> int:
    """Close everything that is due in one study, or the first of it in all; returns how many were closed."""
    found = due(session, at_us, most=200 if study_id is None else None, study_id=study_id)
    return sum(close_due(session, study, reading, by=by, at_us=at_us) for study, reading in found)


def _too_late(session: Session, found: Found, *, key: str, base_revision: int, draft: Draft, at_us: int) -> Closed:
    """Close what is due, and keep what came apart, unless the answer already says the same.

    After the lock nothing is written, not even beside: what is exported then must never change.
    """
    if found.state is State.ASSIGNED:
        raise NotNow("This case has not been begun.")
    if close_if_due(session, found, by=ClosedBy.READ, at_us=at_us):
        found = of_reader(session, found.row.id, found.row.account_id)
    row, state = found.row, found.told(at_us)
    if found.locked or (found.ever_saved and draft == found.draft):
        return Closed(state, row.receipt, kept_apart=False)
    known = session.connection().scalar(
        select(LATE.c.id).where(LATE.c.study_id == row.study_id, LATE.c.reading_id == row.id, LATE.c.key == key)
    )
    if known is None:
        body = {"base_revision": base_revision, "draft": draft.as_json()}
        count, head = _event(
            session, found, "late payload", at_us=at_us, actor_id=row.account_id, body={"key": key, **body}
        )
        _update(session, found, event_count=count, head=head)
        late = {"study_id": row.study_id, "reading_id": row.id, "key": key, "at_us": at_us, "body": body}
        session.connection().execute(LATE.insert(), {**late})
    return Closed(state, row.receipt, kept_apart=True)


def _claim(session: Session, found: Found, key: str, *, at_us: int) -> bool:
    """Note the key of the save that is about to be made; False: something was saved under it already."""
    row = found.row
    asked = {"study_id": row.study_id, "reading_id": row.id, "key": key, "revision": row.revision + 1, "at_us": at_us}
    return session.connection().execute(_CLAIM_KEY, asked).one_or_none() is not None


def _saved_under(session: Session, found: Found, key: str) -> Row[int, int] | None:
    query = select(SAVE.c.revision, SAVE.c.at_us).where(
        SAVE.c.study_id == found.row.study_id, SAVE.c.reading_id == found.row.id, SAVE.c.key == key
    )
    return session.connection().execute(query).one_or_none()


def _keep(
    session: Session,
    found: Found,
    *,
    draft: Draft,
    offsets_ms: Mapping[str, int],
    at_us: int,
) -> tuple[int, int, str]:
    """One accepted save, beside its key: the draft, one event, and the new revision, in one transaction."""
    row = found.row
    revision = row.revision + 1
    in_grace = standing(at_us, deadline_us=row.deadline_at_us, grace_us=row.grace_us) is Standing.GRACE
    body = {"revision": revision, "in_grace": in_grace, "changes": changes(found.draft, draft, offsets_ms)}
    count, head = _event(session, found, "saved", at_us=at_us, actor_id=row.account_id, body=body)
    connection = session.connection()
    if found.ever_saved:
        connection.execute(_UPDATE_ANSWER, {**draft.as_json(), "in_study": row.study_id, "is_reading": row.id})
    else:
        place = {"study_id": row.study_id, "reading_id": row.id}
        connection.execute(ANSWER.insert(), {**place, "response_mode": "tick", **draft.as_json()})
    _update(session, found, revision=revision, saved_at_us=at_us, event_count=count, head=head)
    return revision, count, head


def _event(
    session: Session,
    found: Found,
    kind: str,
    *,
    at_us: int,
    actor_id: UUID | None,
    body: Mapping[str, Any],
    at: tuple[int, str] | None = None,
) -> tuple[int, str]:
    count, head = at or (found.row.event_count, found.row.head)
    return events.append(
        session,
        study_id=found.row.study_id,
        subject_kind=SubjectKind.READING,
        subject_id=found.row.id,
        event_count=count,
        head=head,
        at_us=at_us,
        kind=kind,
        actor_id=actor_id,
        body=body,
    )


def _update(session: Session, found: Found, **values: Any) -> None:
    """Change the held row, and insist that it still was as it was read: of two closers, one must fail."""
    row = found.row
    asked = {"in_study": row.study_id, "is_reading": row.id, "from_state": row.state}
    if session.connection().execute(_UPDATE_READING, {**values, **asked}).rowcount != 1:
        raise NotNow("This case was closed by someone else at the same moment.")
