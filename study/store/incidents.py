"""What befell a study's readings, as the PI may see it: outages, more time, what was set aside, what came late.

The whitelist of `conduct` holds here too. Of what came late only the reading and the time are read; of the events only
the bodies of kinds that no answer is in.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select
from sqlmodel import Session

from study.chain import SubjectKind
from study.store.clocks import STEPPED
from study.store.conduct import EXTENDED
from study.store.outages import CREDITED, SAME_EVENT
from study.tables import StudyRow, metadata
from study.timing import SECOND_US

READING = metadata.tables["reading"]
READER = metadata.tables["reader"]
RESPONDENT = metadata.tables["respondent"]
ACCOUNT = metadata.tables["account"]
OUTAGE = metadata.tables["outage"]
LATE = metadata.tables["late_payload"]
EVENT = metadata.tables["event"]
PAYLOAD = metadata.tables["event_payload"]

TOLD = (CREDITED, STEPPED, EXTENDED)
_OF_READER = and_(READER.c.study_id == READING.c.study_id, READER.c.respondent_id == READING.c.respondent_id)
_NAMED = and_(RESPONDENT.c.study_id == READING.c.study_id, RESPONDENT.c.id == READING.c.respondent_id)
_PLACE = (READING.c.id.label("reading_id"), READING.c.respondent_id, READING.c.position, RESPONDENT.c.label)


class Kind(StrEnum):
    OUTAGE = "outage"
    CLOCK = "clock"
    EXTENSION = "extension"
    SET_ASIDE = "set aside"
    LATE = "late arrival"


@dataclass(frozen=True, slots=True)
class Whose:
    """The one reading that something befell."""

    reading_id: UUID
    respondent_id: UUID
    position: int
    label: str


@dataclass(frozen=True, slots=True)
class Incident:
    """Times in UTC microseconds. `whose` None: it befell the site, and `met` of this study's readings were open in it.

    `us`: the time that was given for one reading; by how much a clock was set. `given`: how many got time back.
    `reason` and `by`: the words and the address of whoever acted, empty where it was nobody or is not known any more.
    """

    kind: Kind
    at_us: int
    whose: Whose | None = None
    from_us: int | None = None
    us: int = 0
    met: int = 0
    given: int = 0
    reason: str = ""
    by: str = ""


def of_study(session: Session, study: StudyRow) -> list[Incident]:
    """Newest first. Of everything that came late for a reading, the last."""
    found = [*_set_aside(session, study.id), *_late(session, study.id), *_from_events(session, study)]
    return sorted(found, key=lambda one: (-one.at_us, one.kind, str(one.whose)))


def _set_aside(session: Session, study_id: UUID) -> Iterator[Incident]:
    query = (
        select(*_PLACE, READING.c.void_at_us, READING.c.void_reason, ACCOUNT.c.email)
        .join(READER, _OF_READER)
        .join(RESPONDENT, _NAMED)
        .outerjoin(ACCOUNT, ACCOUNT.c.id == READING.c.void_by)
        .where(READING.c.study_id == study_id, READING.c.void_at_us.is_not(None))
    )
    for row in session.connection().execute(query):
        yield Incident(Kind.SET_ASIDE, row.void_at_us, _whose(row), reason=row.void_reason or "", by=row.email or "")


def _late(session: Session, study_id: UUID) -> Iterator[Incident]:
    last = (
        select(LATE.c.reading_id, func.max(LATE.c.at_us).label("at_us"))
        .where(LATE.c.study_id == study_id)
        .group_by(LATE.c.reading_id)
        .subquery()
    )
    query = (
        select(*_PLACE, last.c.at_us)
        .join(last, last.c.reading_id == READING.c.id)
        .join(READER, _OF_READER)
        .join(RESPONDENT, _NAMED)
        .where(READING.c.study_id == study_id)
    )
    for row in session.connection().execute(query):
        yield Incident(Kind.LATE, row.at_us, _whose(row))


def _from_events(session: Session, study: StudyRow) -> Iterator[Incident]:
    outages: dict[tuple[int, int], list[int]] = {span: [] for span in _spans(session, study)}
    steps: dict[tuple[int, int | None], list[int]] = {}
    query = (
        select(*_PLACE, EVENT.c.at_us, EVENT.c.kind, PAYLOAD.c.body, ACCOUNT.c.email)
        .select_from(EVENT.join(PAYLOAD, SAME_EVENT))
        .join(READING, and_(READING.c.study_id == EVENT.c.study_id, READING.c.id == EVENT.c.subject_id))
        .join(READER, _OF_READER)
        .join(RESPONDENT, _NAMED)
        .outerjoin(ACCOUNT, ACCOUNT.c.id == EVENT.c.actor_id)
        .where(EVENT.c.study_id == study.id, EVENT.c.subject_kind == SubjectKind.READING.value)
        .where(EVENT.c.kind.in_(TOLD))
    )
    for row in session.connection().execute(query):
        body = json.loads(row.body)
        if row.kind == EXTENDED:
            more, reason = body["seconds"] * SECOND_US, body["reason"]
            yield Incident(Kind.EXTENSION, row.at_us, _whose(row), us=more, reason=reason, by=row.email or "")
        elif row.kind == CREDITED:
            outages.setdefault((body["from_us"], body["to_us"]), []).append(body["credit_us"])
        else:
            steps.setdefault((body["difference_us"], body.get("mark_us")), []).append(row.at_us)
    for (from_us, to_us), credits in outages.items():
        given = sum(credit > 0 for credit in credits)
        yield Incident(Kind.OUTAGE, to_us, from_us=from_us, met=len(credits), given=given)
    for (difference_us, _mark), told in steps.items():
        yield Incident(Kind.CLOCK, min(told), us=difference_us, met=len(told))


def _spans(session: Session, study: StudyRow) -> list[tuple[int, int]]:
    """The outages of the site while the study was open, whether anybody was reading or not."""
    if study.opened_at_us is None:
        return []
    query = select(OUTAGE.c.from_us, OUTAGE.c.to_us).where(OUTAGE.c.to_us > study.opened_at_us)
    if study.locked_at_us is not None:
        query = query.where(OUTAGE.c.to_us <= study.locked_at_us)
    return [(row.from_us, row.to_us) for row in session.connection().execute(query)]


def _whose(row: Any) -> Whose:
    return Whose(row.reading_id, row.respondent_id, row.position, row.label)
