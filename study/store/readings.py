"""A physician's reading as it stands: found, held, and changed with its events.

What happens to one: `beginning`, `answering`, `leases`, `closing`; each of them holds the reading's row first.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, and_, bindparam, select
from sqlmodel import Session

from study import timing
from study.case import OptionId
from study.chain import SubjectKind
from study.db import Together, connection_of
from study.draft import Draft
from study.errors import StudyError
from study.progress import NotNow, State
from study.store import events
from study.tables import ReadingRow, StudyState, metadata

READING = metadata.tables["reading"]
READER = metadata.tables["reader"]
ANSWER = metadata.tables["answer"]
STUDY = metadata.tables["study"]
SAVE = metadata.tables["save"]

_FOUND = select(
    READING,
    READER.c.account_id,
    READER.c.accommodation_percent.label("allowed_percent"),
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
_UNDER_KEY = and_(
    SAVE.c.study_id == READING.c.study_id, SAVE.c.reading_id == READING.c.id, SAVE.c.key == bindparam("key")
)
_OF_READER_AND_KEY = (
    _FOUND.add_columns(SAVE.c.revision.label("key_revision"), SAVE.c.at_us.label("key_at_us"))
    .outerjoin(SAVE, _UNDER_KEY)
    .where(_OWN)
)
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
UPDATE_READING = READING.update().where(_SAME_READING, READING.c.state == bindparam("from_state"))


class NoSuchReading(StudyError):
    """There is no such reading, or it is somebody else's: the two look the same from outside."""


@dataclass(frozen=True, slots=True)
class Found:
    """One reading as its reader may know it, with the last saved draft.

    `key`: what the row says of a save under this key, too (`key_revision` and `key_at_us`, None where there is none).
    """

    row: Row[Any]
    key: str | None = None

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

    def clamped(self, at_us: int) -> int:
        return known_us(self.row, at_us)

    def remaining_us(self, at_us: int) -> int | None:
        return timing.remaining_us(self.clamped(at_us), deadline_us=self.row.deadline_at_us)

    @property
    def locked(self) -> bool:
        return bool(self.row.study_state == StudyState.LOCKED)

    def is_over(self, at_us: int) -> bool:
        """Whether its reader's time is up: what they send from now on is late, whether it was closed yet or not."""
        return is_over(self.row, at_us)

    def is_due(self, at_us: int) -> bool:
        """Whether it must be closed now. What a lock found open (void, or a test reader's) stays as it was."""
        return is_due(self.row, at_us) and not self.locked

    def takes_answers(self, at_us: int) -> bool:
        """Whether what its reader sends at this time counts."""
        return self.state is State.OPEN and self.row.void_at_us is None and not self.locked and not self.is_over(at_us)

    def told(self, at_us: int) -> State:
        """The state as its reader is told it: over is over, though it may be closed a little later."""
        return State.EXPIRED if self.is_over(at_us) else self.state


def known_us(row: Row[Any] | ReadingRow, at_us: int) -> int:
    """The time as this reading knows it: a clock that went back does not give time back."""
    return timing.clamped(at_us, latest_us=row.latest_at_us, opened_us=row.opened_at_us)


def is_over(row: Row[Any] | ReadingRow, at_us: int) -> bool:
    """Whether an open reading's time is up, by its own row alone: the one rule for a case and for the list of them."""
    over = timing.is_over(known_us(row, at_us), deadline_us=row.deadline_at_us, grace_us=row.grace_us)
    return row.state == State.OPEN and over


def is_due(row: Row[Any] | ReadingRow, at_us: int) -> bool:
    """Whether an open reading must be closed, by its own row alone: only the study knows whether it is locked."""
    due = timing.is_due(known_us(row, at_us), deadline_us=row.deadline_at_us, grace_us=row.grace_us)
    return row.state == State.OPEN and due


def of_reader(
    session: Session, reading_id: UUID, account_id: UUID, *, for_update: bool = False, key: str | None = None
) -> Found:
    """The account's own reading. Raises NoSuchReading for a foreign one, and where the reader has withdrawn.

    `key`: of a save that may have been made already, which is looked up on the way.
    """
    return _of_reader(session, reading_id, account_id, hold=_HOLD_OF_READER if for_update else None, key=key)


def with_reader(session: Session, reading_id: UUID, account_id: UUID) -> Found:
    """The account's own reading, held together with what the reader's row says. Raises as above."""
    return _of_reader(session, reading_id, account_id, hold=_HOLD_WITH_READER)


def _of_reader(
    session: Session,
    reading_id: UUID,
    account_id: UUID,
    *,
    hold: Select[tuple[UUID]] | None,
    key: str | None = None,
) -> Found:
    asked = {"reading_id": reading_id, "account_id": account_id}
    connection = connection_of(session)
    if hold is not None:
        _hold(session, hold, asked)
    if key is None:
        row = connection.execute(_OF_READER, asked).one_or_none()
    else:
        row = connection.execute(_OF_READER_AND_KEY, {**asked, "key": key}).one_or_none()
    if row is None or row.withdrawn_at_us is not None:
        raise NoSuchReading("There is no such case for you.")
    return Found(row, key)


def held(session: Session, study_id: UUID, reading_id: UUID) -> Found | None:
    """One reading, whoever's it is, held for a change. None: there is no such reading of a physician."""
    asked = {"in_study": study_id, "is_reading": reading_id}
    _hold(session, _HOLD, asked)
    row = connection_of(session).execute(_EXACTLY, asked).one_or_none()
    return None if row is None else Found(row)


def _hold(session: Session, query: Select[tuple[UUID]], asked: Mapping[str, UUID]) -> None:
    """Hold the reading's row before anything of it is read.

    One statement for both would not do on PostgreSQL: where it had to wait, it gives the newest version of the row
    that it held, beside the draft as that stood before. SQLite's writers come one at a time.
    """
    connection = connection_of(session)
    if connection.dialect.name != "sqlite":
        connection.execute(query, asked)


def note(
    session: Session,
    found: Found,
    kind: str,
    *,
    at_us: int,
    actor_id: UUID | None,
    body: Mapping[str, Any],
    at: tuple[int, str] | None = None,
) -> tuple[int, str]:
    """Append to the chain of a held reading, after `at` where this unit of work appended already.

    Gives the new count and head, which the caller stores with `change`.
    """
    return events.append(session, link(session, found, kind, at_us=at_us, actor_id=actor_id, body=body, at=at))


def link(
    session: Session,
    found: Found,
    kind: str,
    *,
    at_us: int,
    actor_id: UUID | None,
    body: Mapping[str, Any],
    at: tuple[int, str] | None = None,
) -> events.Link:
    """What `note` would append, for a caller that writes it together with more."""
    count, head = at or (found.row.event_count, found.row.head)
    return events.link(
        session,
        study_id=found.row.study_id,
        subject_kind=SubjectKind.READING,
        subject_id=found.row.id,
        event_count=count,
        head=head,
        at_us=found.clamped(at_us),
        kind=kind,
        actor_id=actor_id,
        body=body,
    )


def change(
    session: Session,
    found: Found,
    *,
    at_us: int,
    along: tuple[Together, Mapping[str, Any]] | None = None,
    **values: Any,
) -> None:
    """Change the held row, and insist that it still was as it was read: of two closers, one must fail.

    `along`: other writes that end with this one, and their values.
    """
    row = found.row
    values["latest_at_us"] = max(at_us, row.latest_at_us or 0)
    asked = {"in_study": row.study_id, "is_reading": row.id, "from_state": row.state}
    connection, changed = connection_of(session), {**values, **asked}
    if along is None:
        done = connection.execute(UPDATE_READING, changed)
    else:
        done = along[0].execute(connection, {**along[1], **changed})
    if done.rowcount != 1:
        raise NotNow("This case was closed by someone else at the same moment.")
