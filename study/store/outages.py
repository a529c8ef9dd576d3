"""The pulse of the web, the outages that it shows, and the time that they took from readings, given back."""

import json
from collections.abc import Iterable
from typing import Any, Protocol
from uuid import UUID, uuid4

from sqlalchemy import and_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from study.chain import SubjectKind
from study.outage import LONGEST_US, Outage, between, credit_us, is_wrong, ran_into, under_way_since
from study.progress import State
from study.store import readings
from study.store.readings import READING, STUDY, Found
from study.tables import StudyState, metadata
from study.timing import SECOND_US

PULSE = metadata.tables["pulse"]
OUTAGE = metadata.tables["outage"]
EVENT = metadata.tables["event"]
PAYLOAD = metadata.tables["event_payload"]
SAME_EVENT = and_(*(PAYLOAD.c[name] == EVENT.c[name] for name in ("study_id", "subject_kind", "subject_id", "seq")))

WEB = "web"
EVERY_US = 5 * SECOND_US
CREDITED = "incident time"
_LAST = select(PULSE.c.at_us).where(PULSE.c.name == WEB)


Span = tuple[int, int]
"""From when to when."""


class Clocked(Protocol):
    """What a reading's row says of its times."""

    @property
    def opened_at_us(self) -> int | None: ...
    @property
    def session_ends_at_us(self) -> int | None: ...
    @property
    def credit_us(self) -> int: ...
    @property
    def extension_us(self) -> int: ...


def last_pulse_us(session: Session) -> int | None:
    """When the web was last known to serve; None: never yet."""
    last: int | None = session.connection().scalar(_LAST)
    return last


def is_needed(last_us: int | None, at_us: int) -> bool:
    """Whether a beat is due: nobody has left one in these seconds, or the last one is wrong."""
    return last_us is None or at_us - last_us >= EVERY_US or is_wrong(last_us, at_us)


def under_way(session: Session, at_us: int) -> int | None:
    """Since when an outage lasts that may still give time back; None: there is none."""
    return under_way_since(last_pulse_us(session), at_us)


def beat(session: Session, at_us: int, *, wrong_us: int | None = None) -> Outage | None:
    """Note that the web serves at this time, unless somebody has just done so; the outage that this ends, if any.

    An outage and what it gives back are written with the beat or not at all, so that no gap is found twice.
    `wrong_us`: a beat in the future, which this one replaces if it still stands. Any other is newer than this one.
    """
    connection = session.connection()
    last = connection.scalar(_LAST.with_for_update())
    if last is None:
        insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
        connection.execute(insert(PULSE).values(name=WEB, at_us=at_us).on_conflict_do_nothing())
        return None
    if at_us - last < EVERY_US and last != wrong_us:
        return None
    connection.execute(PULSE.update().where(PULSE.c.name == WEB).values(at_us=at_us))
    outage = between(last, at_us)
    if outage is not None:
        given = sum(_give_back(session, study, reading, outage, at_us=at_us) for study, reading in _open(session))
        connection.execute(
            OUTAGE.insert(), {"id": uuid4(), "from_us": outage.from_us, "to_us": outage.to_us, "readings": given}
        )
    return outage


def too_long(session: Session) -> list[Outage]:
    """The outages on record that gave nothing back by rule, oldest first."""
    query = select(OUTAGE.c.from_us, OUTAGE.c.to_us).where(OUTAGE.c.to_us - OUTAGE.c.from_us > LONGEST_US)
    return [Outage(*row) for row in session.connection().execute(query.order_by(OUTAGE.c.from_us))]


def in_breaks_us(session: Session, study_id: UUID, respondent_id: UUID, *, began_us: int) -> int:
    """What outages took from a reader's sitting, which began then, beside what they took from its cases.

    The clock of a sitting runs on between two cases. What a case was given back for an outage is in its own credit.
    """
    connection = session.connection()
    query = select(OUTAGE.c.from_us, OUTAGE.c.to_us).where(OUTAGE.c.to_us > began_us)
    spans = [Outage(*row) for row in connection.execute(query)]
    taken = {span: span.to_us - max(span.from_us, began_us) for span in spans if span.gives_back}
    if not taken:
        return 0
    bodies = (
        select(PAYLOAD.c.body)
        .select_from(EVENT.join(PAYLOAD, SAME_EVENT).join(READING, READING.c.id == EVENT.c.subject_id))
        .where(READING.c.study_id == study_id, READING.c.respondent_id == respondent_id)
        .where(EVENT.c.study_id == study_id, EVENT.c.subject_kind == SubjectKind.READING.value)
        .where(EVENT.c.kind == CREDITED)
    )
    for told in map(json.loads, connection.scalars(bodies)):
        span = Outage(told["from_us"], told["to_us"])
        if span in taken:
            taken[span] -= told["credit_us"]
    return sum(max(0, left_us) for left_us in taken.values())


def sitting_us(session: Session, study_id: UUID, respondent_id: UUID, theirs: Iterable[Clocked]) -> Span | None:
    """When the sitting of a reader's cases began, and when it ends. None: it has not begun, or has no end.

    The newest case tells the end as its Begin found it; an outage since then gives time back that the next will have.
    """
    known = [
        (row.opened_at_us, row.session_ends_at_us, row.credit_us + row.extension_us)
        for row in theirs
        if row.opened_at_us is not None and row.session_ends_at_us is not None
    ]
    if not known:
        return None
    began_us, first_us, given_us = min(known)
    in_breaks = in_breaks_us(session, study_id, respondent_id, began_us=began_us)
    owed_us = first_us - given_us + sum(given for *_, given in known) + in_breaks
    return began_us, max(owed_us, *(ends for _opened, ends, _given in known))


def _open(session: Session) -> list[tuple[UUID, UUID]]:
    """(study, reading) of everything that is open and has a limit, in the order in which rows are held."""
    query = (
        select(READING.c.study_id, READING.c.id)
        .join(STUDY, STUDY.c.id == READING.c.study_id)
        .where(READING.c.state == State.OPEN.value, READING.c.deadline_at_us.is_not(None))
        .where(STUDY.c.state != StudyState.LOCKED.value)
        .order_by(READING.c.id)
    )
    return [(row.study_id, row.id) for row in session.connection().execute(query)]


def _give_back(session: Session, study_id: UUID, reading_id: UUID, outage: Outage, *, at_us: int) -> bool:
    """Credit one reading if its time ran into the outage. Whether it was given any.

    Of an outage that is too long for the rule its chain says so too, with nothing given: a person judges.
    """
    found = readings.held(session, study_id, reading_id)
    if found is None or found.state is not State.OPEN or found.row.void_at_us is not None or found.locked:
        return False
    times = {"opened_at_us": found.row.opened_at_us, "deadline_us": found.row.deadline_at_us}
    if not ran_into(outage, **times):
        return False
    given_us = credit_us(outage, **times)
    _note(session, found, outage, given_us, at_us=at_us)
    return given_us > 0


def later(found: Found, given_us: int) -> dict[str, Any]:
    """What of a reading moves when it is given time, in its own row."""
    row = found.row
    moved = {"deadline_at_us": row.deadline_at_us + given_us, "credit_us": row.credit_us + given_us}
    if row.session_ends_at_us is not None:
        moved["session_ends_at_us"] = row.session_ends_at_us + given_us
    return moved


def _note(session: Session, found: Found, outage: Outage, given_us: int, *, at_us: int) -> None:
    moved = later(found, given_us)
    body = {
        "from_us": outage.from_us,
        "to_us": outage.to_us,
        "credit_us": given_us,
        "deadline_at_us": moved["deadline_at_us"],
    }
    count, head = readings.note(session, found, CREDITED, at_us=at_us, actor_id=None, body=body)
    readings.change(session, found, at_us=at_us, event_count=count, head=head, **moved)
