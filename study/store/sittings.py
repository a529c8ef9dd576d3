"""How the readings of a study were made, for its record: what pages said, who went on where, what came late."""

import json
from collections import defaultdict
from uuid import UUID

from sqlalchemy import func, select
from sqlmodel import Session

from study.chain import SubjectKind
from study.presence import Counts, Page
from study.record import LateRecord, OutageRecord
from study.store.outages import CREDITED, SAME_EVENT
from study.tables import metadata

PRESENCE = metadata.tables["presence"]
LATE = metadata.tables["late_payload"]
EVENT = metadata.tables["event"]
PAYLOAD = metadata.tables["event_payload"]


def pages(session: Session, study_id: UUID) -> dict[UUID, tuple[Page, ...]]:
    """What the pages of each reading say of themselves; a reading without any is not in it."""
    query = (
        select(PRESENCE)
        .where(PRESENCE.c.study_id == study_id)
        .order_by(PRESENCE.c.reading_id, PRESENCE.c.first_at_us, PRESENCE.c.page)
    )
    found = defaultdict(list)
    for row in session.connection().execute(query):
        counts = Counts(row.load_ms, row.visible_ms, row.active_ms, row.hidden_count)
        found[row.reading_id].append(Page(row.first_at_us, row.last_at_us, counts))
    return {reading_id: tuple(listed) for reading_id, listed in found.items()}


def continued(session: Session, study_id: UUID) -> dict[UUID, int]:
    """How often another page took a reading over, as its events say."""
    query = (
        select(EVENT.c.subject_id, func.count().label("times"))
        .where(EVENT.c.study_id == study_id, EVENT.c.subject_kind == SubjectKind.READING.value)
        .where(EVENT.c.kind == "continued")
        .group_by(EVENT.c.subject_id)
    )
    return {row.subject_id: row.times for row in session.connection().execute(query)}


def late(session: Session, study_id: UUID) -> list[LateRecord]:
    """What came after deadline and grace, in the order in which it came."""
    query = select(LATE).where(LATE.c.study_id == study_id).order_by(LATE.c.at_us, LATE.c.reading_id, LATE.c.key)
    return [
        LateRecord(
            reading_id=str(row.reading_id),
            at_us=row.at_us,
            draft=row.body["draft"],
            offsets_ms=row.body.get("offsets_ms") or {},
            elapsed_ms=row.body.get("elapsed_ms"),
        )
        for row in session.connection().execute(query)
    ]


def outages(session: Session, study_id: UUID) -> list[OutageRecord]:
    """The outages of the site that the chains of this study's readings tell of, which nothing after a lock changes.

    Of the site's own list it is not known what of it stood there at the lock: a beat may wait for its turn to write.
    """
    query = (
        select(PAYLOAD.c.body)
        .select_from(EVENT.join(PAYLOAD, SAME_EVENT))
        .where(EVENT.c.study_id == study_id, EVENT.c.subject_kind == SubjectKind.READING.value)
        .where(EVENT.c.kind == CREDITED)
    )
    told = map(json.loads, session.connection().scalars(query))
    return [OutageRecord(*span) for span in sorted({(body["from_us"], body["to_us"]) for body in told})]
