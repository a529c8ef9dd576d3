"""What a principal investigator may see and do before the lock (contracts, what a PI may see).

The whitelist is enforced here: every query names its columns, and none of them stands in `answer`, in a payload or
in a score. Nobody's arm is read either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from sqlalchemy import Row, and_, select
from sqlmodel import Session

from study.chain import SubjectKind
from study.errors import StudyError
from study.outage import Outage, ran_into
from study.progress import State
from study.store import events, outages, readings
from study.tables import StudyState, metadata
from study.timing import SECOND_US, clamped, is_over

READING = metadata.tables["reading"]
READER = metadata.tables["reader"]
RESPONDENT = metadata.tables["respondent"]
PROBLEM = metadata.tables["problem"]
STUDY = metadata.tables["study"]

LONGEST_EXTENSION_S = 24 * 3600
EXTENDED = "extended"

_MAY_SEE = (
    READING.c.id,
    READING.c.respondent_id,
    READING.c.case_id,
    READING.c.position,
    READING.c.state,
    READING.c.opened_at_us,
    READING.c.deadline_at_us,
    READING.c.grace_us,
    READING.c.session_ends_at_us,
    READING.c.closed_at_us,
    READING.c.saved_at_us,
    READING.c.extension_us,
    READING.c.credit_us,
    READING.c.void_reason,
    READING.c.void_at_us,
)


class CannotChange(StudyError):
    """A reading that is not in a state in which this may be done to it."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One reading, as the PI may see it. Times in UTC microseconds, `used_us` None before it was opened.

    `closing`: its time is over, grace included, and it will be closed within the minute: it cannot be given more time.
    `credit_us` was given back after outages; `lost_us` is that of outages too long for the rule, which the PI judges.
    """

    id: UUID
    case_id: str
    position: int
    state: State
    opened_at_us: int | None
    closed_at_us: int | None
    deadline_at_us: int | None
    session_ends_at_us: int | None
    closing: bool
    any_save: bool
    used_us: int | None
    extension_us: int
    credit_us: int
    lost_us: int
    void_reason: str | None

    @property
    def set_aside(self) -> bool:
        return self.void_reason is not None

    @property
    def closed(self) -> bool:
        """One that was set aside counts neither as closed nor as to do."""
        return self.state in (State.SUBMITTED, State.EXPIRED) and not self.set_aside

    @property
    def unbegun(self) -> bool:
        return self.state is State.ASSIGNED and not self.set_aside


@dataclass(frozen=True, slots=True)
class RosterLine:
    """One reader, with their readings in order, as they stand at `at_us`.

    `sitting_us`: when the time for all cases together began, and when it ends; None: not begun, or no such limit.
    """

    at_us: int
    sitting_us: tuple[int, int] | None
    respondent_id: UUID
    label: str
    email: str
    full_name: str
    strata: dict[str, str]
    invited_at_us: int
    invitation_sent_at_us: int | None
    joined_at_us: int | None
    withdrawn_at_us: int | None
    withdrawn_reason: str | None
    test: bool
    accommodation_percent: int
    readings: tuple[Seen, ...]

    @property
    def done(self) -> int:
        return sum(seen.closed for seen in self.readings)

    @property
    def set_aside(self) -> int:
        return sum(seen.set_aside for seen in self.readings)

    @property
    def expected(self) -> int:
        """Readings that the protocol asks for: all but those set aside."""
        return len(self.readings) - self.set_aside

    @property
    def time_over(self) -> bool:
        """Whether the time for all cases is over: no case is being answered, and no other can be begun."""
        over = self.sitting_us is not None and self.sitting_us[1] <= self.at_us
        return over and not any(seen.state is State.OPEN and not seen.set_aside for seen in self.readings)

    @property
    def missed(self) -> int:
        """Cases that were not begun and never will be."""
        return sum(seen.unbegun for seen in self.readings) if self.time_over else 0

    @property
    def last_activity_us(self) -> int | None:
        moments = [self.joined_at_us, *(seen.closed_at_us or seen.opened_at_us for seen in self.readings)]
        known = [moment for moment in moments if moment is not None]
        return max(known) if known else None

    @property
    def status(self) -> str:
        if self.withdrawn_at_us is not None:
            return "withdrawn"
        if self.joined_at_us is None:
            return "invited"
        if self.readings and self.done == self.expected:
            return "complete"
        if self.missed:
            return "time over"
        return "reading" if any(seen.opened_at_us for seen in self.readings) else "joined"


@dataclass(frozen=True, slots=True)
class Problem:
    respondent_id: UUID
    label: str
    case_id: str
    position: int
    at_us: int
    text: str


def roster(session: Session, study_id: UUID, *, at_us: int) -> list[RosterLine]:
    """Every reader of a study with what may be seen of their readings, in the order of invitation."""
    connection = session.connection()
    query = (
        select(
            READER.c.respondent_id,
            RESPONDENT.c.label,
            READER.c.email,
            READER.c.full_name,
            READER.c.strata,
            READER.c.invited_at_us,
            READER.c.invitation_sent_at_us,
            READER.c.joined_at_us,
            READER.c.withdrawn_at_us,
            READER.c.withdrawn_reason,
            READER.c.test,
            READER.c.accommodation_percent,
        )
        .join(RESPONDENT, and_(RESPONDENT.c.study_id == READER.c.study_id, RESPONDENT.c.id == READER.c.respondent_id))
        .where(READER.c.study_id == study_id)
        .order_by(RESPONDENT.c.label)
    )
    people = connection.execute(query).all()
    long = outages.too_long(session)
    seen: dict[UUID, list[Seen]] = {}
    own = (
        select(*_MAY_SEE)
        .join(READER, and_(READER.c.study_id == READING.c.study_id, READER.c.respondent_id == READING.c.respondent_id))
        .where(READING.c.study_id == study_id)
        .order_by(READING.c.position)
    )
    for row in connection.execute(own):
        seen.setdefault(row.respondent_id, []).append(_seen(row, long, at_us))
    lines = []
    for person in people:
        theirs = tuple(seen.get(person.respondent_id, ()))
        sitting_us = outages.sitting_us(session, study_id, person.respondent_id, theirs)
        lines.append(RosterLine(**person._mapping, at_us=at_us, sitting_us=sitting_us, readings=theirs))
    return lines


def _seen(
    row: Row,  # type: ignore[type-arg]  # a row of many columns has no short type
    long: Sequence[Outage],
    at_us: int,
) -> Seen:
    ended = row.closed_at_us
    if ended is None and row.opened_at_us is not None:
        ended = at_us if row.deadline_at_us is None else min(at_us, row.deadline_at_us)
    over = is_over(at_us, deadline_us=row.deadline_at_us, grace_us=row.grace_us)
    return Seen(
        id=row.id,
        case_id=row.case_id,
        position=row.position,
        state=State(row.state),
        opened_at_us=row.opened_at_us,
        closed_at_us=row.closed_at_us,
        deadline_at_us=row.deadline_at_us,
        session_ends_at_us=row.session_ends_at_us,
        closing=row.state == State.OPEN and over,
        any_save=row.saved_at_us is not None,
        used_us=None if row.opened_at_us is None else ended - row.opened_at_us,
        extension_us=row.extension_us,
        credit_us=row.credit_us,
        lost_us=sum(outage.to_us - outage.from_us for outage in long if _met(outage, row)),
        void_reason=row.void_reason,
    )


def _met(outage: Outage, row: Row) -> bool:  # type: ignore[type-arg]  # see above
    """Whether a reading was being done when the outage began."""
    if row.opened_at_us is None or (row.closed_at_us is not None and row.closed_at_us < outage.from_us):
        return False
    return ran_into(outage, opened_at_us=row.opened_at_us, deadline_us=row.deadline_at_us)


def problems(session: Session, study_id: UUID) -> list[Problem]:
    """What readers reported about their cases, newest first."""
    query = (
        select(
            READING.c.respondent_id,
            RESPONDENT.c.label,
            READING.c.case_id,
            READING.c.position,
            PROBLEM.c.at_us,
            PROBLEM.c.text,
        )
        .join(READING, and_(READING.c.study_id == PROBLEM.c.study_id, READING.c.id == PROBLEM.c.reading_id))
        .join(
            RESPONDENT,
            and_(RESPONDENT.c.study_id == PROBLEM.c.study_id, RESPONDENT.c.id == PROBLEM.c.respondent_id),
        )
        .where(PROBLEM.c.study_id == study_id)
        .order_by(PROBLEM.c.at_us.desc())
    )
    return [Problem(*row) for row in session.connection().execute(query)]


def report_problem(session: Session, found: readings.Found, text: str, *, at_us: int) -> None:
    """A reader's report on a reading that the caller holds for update. Raises CannotChange after the lock.

    The event names the report and nothing of its text: those are the reader's own words, and may be erased.
    """
    row, problem_id = found.row, uuid4()
    if found.locked:
        raise CannotChange("The study is locked: reports are taken no more. Please write to the study team instead.")
    place = {"study_id": row.study_id, "respondent_id": row.respondent_id, "reading_id": row.id}
    session.connection().execute(PROBLEM.insert(), {**place, "id": problem_id, "at_us": at_us, "text": text})
    _note(session, row, "problem reported", actor_id=row.account_id, at_us=at_us, body={"problem": str(problem_id)})


def _held(session: Session, study_id: UUID, reading_id: UUID) -> Row:  # type: ignore[type-arg]  # see above
    rest = ("study_id", "latest_at_us", "event_count", "head")
    columns = (*_MAY_SEE, *(READING.c[name] for name in rest))
    query = select(*columns).where(READING.c.study_id == study_id, READING.c.id == reading_id)
    row = session.connection().execute(query.with_for_update()).one_or_none()
    if row is None:
        raise CannotChange("There is no such reading in this study.")
    if session.connection().scalar(select(STUDY.c.state).where(STUDY.c.id == study_id)) == StudyState.LOCKED:
        raise CannotChange("The study is locked: what happened in it no longer changes.")
    return row


def extend(
    session: Session, study_id: UUID, reading_id: UUID, *, seconds: int, reason: str, actor_id: UUID, at_us: int
) -> None:
    """Give an open reading more time, with a reason. The deadline only ever moves later.

    The sitting's end moves with it, so that no other case of this reader pays for it (`beginning` counts it, too).
    Raises CannotChange when the reading is not open, has no limit, or is over already, and after the lock.
    """
    row = _held(session, study_id, reading_id)
    known_us = clamped(at_us, latest_us=row.latest_at_us)
    over = is_over(known_us, deadline_us=row.deadline_at_us, grace_us=row.grace_us)
    if row.state != State.OPEN or row.void_at_us is not None or row.deadline_at_us is None or over:
        raise CannotChange("Only a reading that is open, with a limit that is not over, can be given more time.")
    if not 0 < seconds <= LONGEST_EXTENSION_S:
        raise CannotChange("An extension is longer than nothing, and a day at most.")
    more = seconds * SECOND_US
    later = {
        "deadline_at_us": row.deadline_at_us + more,
        "session_ends_at_us": None if row.session_ends_at_us is None else row.session_ends_at_us + more,
    }
    body = {"seconds": seconds, "reason": reason, **later}
    _note(session, row, EXTENDED, actor_id=actor_id, at_us=at_us, body=body)
    where = and_(READING.c.study_id == study_id, READING.c.id == reading_id)
    session.connection().execute(READING.update().where(where).values(extension_us=row.extension_us + more, **later))


def set_aside(session: Session, study_id: UUID, reading_id: UUID, *, reason: str, actor_id: UUID, at_us: int) -> None:
    """Void a reading after an incident, with a reason: it is missing in every analysis, and counted as void."""
    row = _held(session, study_id, reading_id)
    if row.void_at_us is not None:
        raise CannotChange("This reading was set aside already.")
    _note(session, row, "void", actor_id=actor_id, at_us=at_us, body={"reason": reason})
    where = and_(READING.c.study_id == study_id, READING.c.id == reading_id)
    values = {"void_reason": reason, "void_by": actor_id, "void_at_us": at_us}
    session.connection().execute(READING.update().where(where).values(**values))


def _note(
    session: Session,
    row: Row,  # type: ignore[type-arg]  # see above
    kind: str,
    *,
    actor_id: UUID,
    at_us: int,
    body: dict[str, object],
) -> None:
    at_us = clamped(at_us, latest_us=row.latest_at_us)
    event = events.link(
        session,
        study_id=row.study_id,
        subject_kind=SubjectKind.READING,
        subject_id=row.id,
        event_count=row.event_count,
        head=row.head,
        at_us=at_us,
        kind=kind,
        actor_id=actor_id,
        body=body,
    )
    count, head = events.append(session, event)
    where = and_(READING.c.study_id == row.study_id, READING.c.id == row.id)
    values = {"event_count": count, "head": head, "latest_at_us": max(at_us, row.latest_at_us or 0)}
    session.connection().execute(READING.update().where(where).values(**values))
