"""The anchor of a host's clock, shared by all of its processes, and what the chains say of a clock that was set."""

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from study.chain import SubjectKind
from study.outage import lost_us, skipped
from study.progress import State
from study.store import outages, readings
from study.store.outages import SAME_EVENT
from study.store.readings import READING, STUDY, Found
from study.tables import StudyState, metadata
from study.timing import SECOND_US, SLACK_US, us_of

ANCHOR = metadata.tables["clock_anchor"]
PULSE = metadata.tables["pulse"]
EVENT = metadata.tables["event"]
PAYLOAD = metadata.tables["event_payload"]

STEP_US = SECOND_US
"""A clock that is further off than this was set; less is the drift of two honest ones."""
STEPPED = "clock step"
FOLLOWED = "followed"
"""Where the steps of a clock that the site follows are added up, beside the anchors: it stands for no boot."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The site's time is what this boot's steady clock counts, and `offset_us`."""

    boot_id: str
    offset_us: int
    noted_at_us: int


@dataclass(frozen=True, slots=True)
class Step:
    """By how much a clock was set, and whether the site's time went with it.

    `mark_us` tells it from another one of the same size. Of a clock that is followed: what all steps before it come to.
    Of a host's clock beside its steady count: how far apart the two are now.
    """

    difference_us: int
    followed: bool
    mark_us: int


def is_step(known_us: int, found_us: int) -> bool:
    """Whether a clock that was known to be so far off was set meanwhile."""
    return abs(found_us - known_us) > STEP_US


def untold_us(before_us: int, *, moved_us: int, told_us: int) -> int:
    """What of a clock's moves nobody has told yet: what was left before, what it moved since, less what was told since.

    Who did not see a move that others tell has begun after it, and has nothing to tell of it or against it.
    """
    left_us = before_us + moved_us - told_us
    not_seen = not moved_us and abs(left_us) > abs(before_us)
    return 0 if not_seen or not is_step(0, left_us) or (not moved_us and left_us * before_us < 0) else left_us


def told_us(session: Session) -> int:
    """By how much, in all, the clock that the site follows was set, as far as its readings have been told."""
    total: int | None = session.connection().scalar(select(ANCHOR.c.offset_us).where(ANCHOR.c.boot_id == FOLLOWED))
    return total or 0


def _claim_step(session: Session, was_us: int, *, difference_us: int, at_us: int) -> bool:
    """Add a step to the total, if it stands as it was when the step was seen. Of all who saw it, one may tell it."""
    connection = session.connection()
    values = {"offset_us": was_us + difference_us, "noted_at_us": at_us}
    standing = (ANCHOR.c.boot_id == FOLLOWED, ANCHOR.c.offset_us == was_us)
    if connection.execute(ANCHOR.update().where(*standing).values(values)).rowcount:
        return True
    if was_us:
        return False
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    first = insert(ANCHOR).values(boot_id=FOLLOWED, **values).on_conflict_do_nothing()
    return bool(connection.execute(first).rowcount)


def anchor(session: Session, boot_id: str) -> Anchor | None:
    query = select(ANCHOR.c.boot_id, ANCHOR.c.offset_us, ANCHOR.c.noted_at_us).where(ANCHOR.c.boot_id == boot_id)
    found = session.connection().execute(query).one_or_none()
    return None if found is None else Anchor(*found)


def first_anchor(session: Session, wanted: Anchor) -> Anchor:
    """The anchor of this boot: the one that stands, else this one. Those of earlier boots end with it.

    For SQLite, whose writers come one at a time.
    """
    standing = anchor(session, wanted.boot_id)
    if standing is not None:
        return standing
    session.connection().execute(ANCHOR.delete())
    _insert(session, wanted)
    return wanted


def may_move(session: Session, known: Anchor, *, offset_us: int, steady_us: int) -> bool:
    """Whether the anchor may follow its host's clock, which harms nobody.

    It may while no time runs, or when it is known to be wrong: behind a pulse that was left before this boot.
    """
    was_us, now_us = steady_us + known.offset_us, steady_us + offset_us
    return _proven_behind(session, was_us, now_us) or not any_running(session, was_us)


def _proven_behind(session: Session, was_us: int, now_us: int) -> bool:
    pulse_us = session.connection().scalar(select(func.max(PULSE.c.at_us)))
    return pulse_us is not None and was_us < pulse_us - SLACK_US and was_us < now_us


def move_anchor(session: Session, known: Anchor, *, offset_us: int, steady_us: int) -> Anchor:
    """Let the anchor follow its host's clock where it may; gives the anchor that stands then.

    A pulse that was left by this anchor moves along, or the step would look like an outage.
    """
    standing = anchor(session, known.boot_id)
    if standing != known or not may_move(session, known, offset_us=offset_us, steady_us=steady_us):
        return standing or known
    was_us, now_us = steady_us + known.offset_us, steady_us + offset_us
    if not _proven_behind(session, was_us, now_us):
        session.connection().execute(PULSE.update().values(at_us=PULSE.c.at_us + (now_us - was_us)))
    moved = Anchor(known.boot_id, offset_us, now_us)
    session.connection().execute(ANCHOR.delete())
    _insert(session, moved)
    return moved


def _insert(session: Session, made: Anchor) -> None:
    values = {"boot_id": made.boot_id, "offset_us": made.offset_us, "noted_at_us": made.noted_at_us}
    session.connection().execute(ANCHOR.insert(), values)


def not_before_the_anchor(session: Session, at_us: int) -> int:
    """When something begins that is told so late: a process may know of a moved anchor a few seconds after another."""
    of_a_boot = ANCHOR.c.boot_id != FOLLOWED
    noted_us = session.connection().scalar(select(func.max(ANCHOR.c.noted_at_us)).where(of_a_boot))
    return max(at_us, noted_us or 0)


def server_now_us(session: Session) -> int:
    """What the clock of the database says. PostgreSQL only."""
    return us_of(session.connection().execute(select(func.clock_timestamp())).scalar_one())


def any_running(session: Session, at_us: int) -> bool:
    """Whether the time of any reading of any study runs."""
    ends = READING.c.deadline_at_us + READING.c.grace_us + SLACK_US
    query = _running(READING.c.id).where(READING.c.deadline_at_us.is_not(None), ends >= at_us)
    return session.connection().execute(query.limit(1)).first() is not None


def _running(*columns: Any) -> Select[Any]:
    return (
        select(*columns)
        .join(STUDY, STUDY.c.id == READING.c.study_id)
        .where(READING.c.state == State.OPEN.value, READING.c.void_at_us.is_(None))
        .where(STUDY.c.state != StudyState.LOCKED.value)
    )


def stepped(session: Session, step: Step, *, at_us: int) -> int | None:
    """Put a step of the clock on the chain of each open reading, once; returns on how many.

    Where the site's time followed it, the pulse goes along too, and whose time was running is given back what the
    clock left out. None: it was told by somebody else meanwhile, or a part of it.
    """
    if step.followed:
        if not _claim_step(session, step.mark_us, difference_us=step.difference_us, at_us=at_us):
            return None
        _take_the_pulse_along(session, step.difference_us, at_us=at_us)
    found = session.connection().execute(_running(READING.c.study_id, READING.c.id).order_by(READING.c.id)).all()
    return sum(_note_step(session, row, step, at_us=at_us) for row in found)


def _take_the_pulse_along(session: Session, difference_us: int, *, at_us: int) -> None:
    """Once, whoever tells of the step: a pulse that was left after it stands already where the clock does."""
    left_before = PULSE.c.at_us <= at_us - difference_us if difference_us > 0 else PULSE.c.at_us > at_us + SLACK_US
    session.connection().execute(PULSE.update().where(left_before).values(at_us=PULSE.c.at_us + difference_us))


def _note_step(session: Session, place: Row[Any], step: Step, *, at_us: int) -> bool:
    found = readings.held(session, place.study_id, place.id)
    if found is None or found.state is not State.OPEN or found.locked:
        return False
    if not step.followed and _told(session, place.study_id, place.id, step.mark_us):
        return False
    body: dict[str, Any] = {"difference_us": step.difference_us, "followed": step.followed, "mark_us": step.mark_us}
    values: dict[str, Any] = {}
    given_us = _left_out_us(found, step.difference_us, at_us=at_us) if step.followed else 0
    if given_us:
        values = outages.later(found, given_us)
        body |= {"credit_us": given_us, "deadline_at_us": values["deadline_at_us"]}
    count, head = readings.note(session, found, STEPPED, at_us=at_us, actor_id=None, body=body)
    readings.change(session, found, at_us=found.clamped(at_us), event_count=count, head=head, **values)
    return True


def _left_out_us(found: Found, difference_us: int, *, at_us: int) -> int:
    gap = skipped(at_us, difference_us)
    row = found.row
    return 0 if gap is None else lost_us(gap, opened_at_us=row.opened_at_us, deadline_us=row.deadline_at_us)


def _told(session: Session, study_id: UUID, reading_id: UUID, mark_us: int) -> bool:
    """Whether the newest step on this chain is this very one: another worker was faster, or this one began anew."""
    query = (
        select(PAYLOAD.c.body)
        .select_from(EVENT.join(PAYLOAD, SAME_EVENT))
        .where(EVENT.c.study_id == study_id, EVENT.c.subject_id == reading_id, EVENT.c.kind == STEPPED)
        .where(EVENT.c.subject_kind == SubjectKind.READING.value)
        .order_by(EVENT.c.seq.desc())
        .limit(1)
    )
    body = session.connection().scalar(query)
    told = None if body is None else json.loads(body).get("mark_us")
    return told is not None and not is_step(told, mark_us)
