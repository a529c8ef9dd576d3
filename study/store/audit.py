"""Verifying a whole database: every chain, its head and its count, and every payload that stands."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import and_, literal, select, union_all
from sqlmodel import Session

from study.chain import GENESIS, SubjectKind, faults_of, payload_digest
from study.record import EventRecord
from study.store.records import event_record
from study.tables import NO_STUDY, metadata

EVENT = metadata.tables["event"]
PAYLOAD = metadata.tables["event_payload"]
STUDY = metadata.tables["study"]
READER = metadata.tables["reader"]
READING = metadata.tables["reading"]
ACCOUNT = metadata.tables["account"]
AT_ONCE = 5_000

Subject = tuple[str, str, str]
ERASED = "erased"
"""The kind of event that says which payload was deleted: its body is `{"seq": n}`."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What stands in a database, and everything wrong with it; no faults: every chain verifies."""

    chains: int
    events: int
    erased: int
    faults: tuple[str, ...]


def audit(session: Session) -> Audit:
    """Read every event once, chain after chain."""
    said = _said(session)
    chains = events = erased = 0
    faults: list[str] = []
    for subject, records in groupby(_events(session), key=_subject):
        chain = list(records)
        chains, events = chains + 1, events + len(chain)
        erased += sum(record.body is None for record in chain)
        name = f"{subject[1]} {subject[2]}"
        if subject not in said:
            faults.append(f"{name}: there are events, but no such {subject[1]}")
            continue
        count, head = said.pop(subject)
        found = faults_of((record.link for record in chain), event_count=count, head=head)
        faults += [f"{name}: {fault}" for fault in (*found, *payload_faults(chain))]
    for (_, kind, identity), (count, head) in said.items():
        if count or head != GENESIS:
            faults.append(f"{kind} {identity}: 0 events stand, {count} were written")
    return Audit(chains, events, erased, tuple(faults))


def payload_faults(chain: Iterable[EventRecord]) -> list[str]:
    """Payloads that are not what was written, or that are gone without an event that says so."""
    records = list(chain)
    erased = {said for record in records if (said := _erases(record)) is not None}
    faults = []
    for record in records:
        seq = record.link.seq
        if record.salt is None or record.body is None:
            if seq not in erased:
                faults.append(f"the payload of event {seq} is missing, and no event says that it was erased")
        elif payload_digest(record.salt, record.body) != record.link.payload_sha256:
            faults.append(f"the payload of event {seq} was altered")
    return faults


def _erases(record: EventRecord) -> int | None:
    """Which payload an event says was deleted."""
    if record.link.kind != ERASED or record.body is None:
        return None
    said = json.loads(record.body).get("seq")
    return said if isinstance(said, int) else None


def _subject(record: EventRecord) -> Subject:
    return record.link.study_id, record.link.subject_kind, record.link.subject_id


def _said(session: Session) -> dict[Subject, tuple[int, str]]:
    """Count and head, as every subject's own row has them."""
    query = union_all(
        select(STUDY.c.id, literal(SubjectKind.STUDY.value), STUDY.c.id, STUDY.c.event_count, STUDY.c.head),
        select(
            READER.c.study_id,
            literal(SubjectKind.READER.value),
            READER.c.respondent_id,
            READER.c.event_count,
            READER.c.head,
        ),
        select(
            READING.c.study_id, literal(SubjectKind.READING.value), READING.c.id, READING.c.event_count, READING.c.head
        ),
    )
    rows = session.connection().execute(query).all()
    said = {(str(study), kind, str(identity)): (count, head) for study, kind, identity, count, head in rows}
    accounts = select(ACCOUNT.c.id, ACCOUNT.c.event_count, ACCOUNT.c.head)
    for identity, count, head in session.connection().execute(accounts):
        said[str(NO_STUDY), SubjectKind.ACCOUNT.value, str(identity)] = (count, head)
    return said


def _events(session: Session) -> Iterator[EventRecord]:
    same = and_(
        PAYLOAD.c.study_id == EVENT.c.study_id,
        PAYLOAD.c.subject_kind == EVENT.c.subject_kind,
        PAYLOAD.c.subject_id == EVENT.c.subject_id,
        PAYLOAD.c.seq == EVENT.c.seq,
    )
    query = (
        select(EVENT, PAYLOAD.c.salt, PAYLOAD.c.body)
        .select_from(EVENT.outerjoin(PAYLOAD, same))
        .order_by(EVENT.c.study_id, EVENT.c.subject_kind, EVENT.c.subject_id, EVENT.c.seq)
    )
    for row in session.connection().execution_options(yield_per=AT_ONCE).execute(query):
        yield event_record(row)
