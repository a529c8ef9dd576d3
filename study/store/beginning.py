"""Beginning a reading: what its clock will be, whether it may be begun now, and the one deed that fixes it."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, func, or_, select
from sqlmodel import Session

from study.allocation import presented_order
from study.case import Case
from study.progress import NotNow, State, check_may_become
from study.protocol import Protocol, Stage
from study.store import outages, readings
from study.store.clocks import not_before_the_anchor
from study.store.readings import READING, Found
from study.tables import StudyState
from study.timing import SECOND_US, deadline_us, us_of


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
        began, given = _sitting(session, found)
        budget = protocol.session_limit_s * SECOND_US * row.allowed_percent // 100
        session_ends = (at_us if began is None else began) + budget + given
    closes = protocol.window.closes
    ends = deadline_us(
        at_us,
        limit_us=limit,
        accommodation_percent=row.allowed_percent,
        session_ends_us=session_ends,
        closes_us=None if closes is None else us_of(closes),
    )
    own = None if limit is None else limit * row.allowed_percent // 100
    return Terms(limit_us=own, deadline_us=ends, session_ends_us=session_ends)


def _sitting(session: Session, found: Found) -> tuple[int | None, int]:
    """When this reader's sitting began (None: not yet), and how much time was given to it so far.

    That is what outages took from its cases and between two of them, and what the study team gave for a case: no other
    case pays for that.
    """
    study_id, reader = found.row.study_id, found.row.respondent_id
    of_cases = READING.c.credit_us + READING.c.extension_us
    query = select(func.min(READING.c.opened_at_us), func.coalesce(func.sum(of_cases), 0)).where(
        READING.c.study_id == study_id, READING.c.respondent_id == reader
    )
    began, given = session.connection().execute(query).one()
    if began is None:
        return None, 0
    return began, int(given) + outages.in_breaks_us(session, study_id, reader, began_us=began)


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
    session: Session,
    reading_id: UUID,
    account_id: UUID,
    *,
    protocol: Protocol,
    stage: Stage,
    case: Case,
    lease: str | None = None,
    at_us: int,
) -> Found:
    """Start the clock. Beginning again changes nothing and gives the same deadline.

    `lease`: of the page that begins, which may write from then on; None: the first page that writes has it.
    """
    found = readings.with_reader(session, reading_id, account_id)
    if found.state is not State.ASSIGNED:
        return found
    at_us = found.clamped(not_before_the_anchor(session, at_us))
    clock = terms(session, found, protocol=protocol, stage=stage, at_us=at_us)
    check_may_begin(session, found, protocol=protocol, at_us=at_us, ends_us=clock.deadline_us)
    shown = list(presented_order(protocol.seed, str(found.row.respondent_id), case))
    body = {
        "deadline_at_us": clock.deadline_us,
        "grace_us": stage.grace_s * SECOND_US,
        "session_ends_at_us": clock.session_ends_us,
        "accommodation_percent": found.row.allowed_percent,
        "presented": shown,
        "order_seed": protocol.seed,
    }
    count, head = readings.note(session, found, "opened", at_us=at_us, actor_id=account_id, body=body)
    readings.change(
        session,
        found,
        at_us=at_us,
        state=State.OPEN.value,
        opened_at_us=at_us,
        deadline_at_us=clock.deadline_us,
        session_ends_at_us=clock.session_ends_us,
        accommodation_percent=found.row.allowed_percent,
        lease=lease,
        lease_at_us=None if lease is None else at_us,
        grace_us=stage.grace_s * SECOND_US,
        presented=shown,
        event_count=count,
        head=head,
    )
    return readings.of_reader(session, reading_id, account_id)
