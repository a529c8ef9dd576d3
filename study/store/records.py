"""Gathering the record of a study. What outcomes could be read from is gathered after the lock only."""

import json
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, select
from sqlmodel import Session

from study.answer import Action, Answer, Kind, Mapper, Response, ResponseMode
from study.case import CaseId, OptionId
from study.chain import Link, SubjectKind
from study.presence import Page
from study.progress import Reading, State
from study.record import ChainRecord, EventRecord, Place, ReaderRecord, ReadingRecord, StudyRecord
from study.store import sittings, studies
from study.tables import StudyRow, metadata

RESPONDENT = metadata.tables["respondent"]
READER = metadata.tables["reader"]
READING = metadata.tables["reading"]
ANSWER = metadata.tables["answer"]
LATE = metadata.tables["late_payload"]
EVENT = metadata.tables["event"]
PAYLOAD = metadata.tables["event_payload"]


def study_record(session: Session, study: StudyRow) -> StudyRecord:
    """Everything of a locked study; of any other its files, its readers and who reads what."""
    locked_at_us = study.locked_at_us
    locked = locked_at_us is not None
    return StudyRecord(
        name=study.name,
        study_id=str(study.id),
        state=study.state,
        bundle_digest=study.bundle_digest,
        rubric_digest=study.rubric_digest,
        files=studies.files(session, study.id),
        readers=tuple(readers(session, study.id)),
        allocation=tuple(allocation(session, study.id)),
        locked_at_us=locked_at_us,
        lock_reason=lock_reason(session, study.id) if locked else None,
        readings=tuple(readings(session, study.id)) if locked else (),
        answers=tuple(system_answers(session, study.id)) if locked else (),
        chains=tuple(chains(session, study)) if locked else (),
        events=tuple(events(session, study.id)) if locked else (),
        late=tuple(sittings.late(session, study.id)) if locked else (),
        outages=tuple(sittings.outages(session, study.id)) if locked else (),
    )


def readers(session: Session, study_id: UUID) -> list[ReaderRecord]:
    """Named columns only: neither name nor address is read here."""
    query = (
        select(
            RESPONDENT.c.label,
            READER.c.respondent_id,
            READER.c.arm,
            READER.c.test,
            READER.c.strata,
            READER.c.invited_at_us,
            READER.c.joined_at_us,
            READER.c.withdrawn_at_us,
        )
        .join(RESPONDENT, and_(RESPONDENT.c.study_id == READER.c.study_id, RESPONDENT.c.id == READER.c.respondent_id))
        .where(READER.c.study_id == study_id)
        .order_by(RESPONDENT.c.label)
    )
    rows = session.connection().execute(query)
    return [ReaderRecord(row.label, str(row.respondent_id), *row[2:]) for row in rows]


def allocation(session: Session, study_id: UUID) -> list[Place]:
    """Who reads what, in which order, test readers left out."""
    query = (
        select(RESPONDENT.c.label, READING.c.position, READING.c.case_id, READING.c.arm)
        .select_from(_PHYSICIANS)
        .where(READING.c.study_id == study_id, READER.c.test.is_(False))
        .order_by(RESPONDENT.c.label, READING.c.position)
    )
    return [Place(*row) for row in session.connection().execute(query)]


_PHYSICIANS = READING.join(
    READER, and_(READER.c.study_id == READING.c.study_id, READER.c.respondent_id == READING.c.respondent_id)
).join(RESPONDENT, and_(RESPONDENT.c.study_id == READING.c.study_id, RESPONDENT.c.id == READING.c.respondent_id))


def readings(session: Session, study_id: UUID, *, test: bool = False) -> list[ReadingRecord]:
    """The physicians' readings (or the test readers'), with the last saved draft of each."""
    late = (
        select(LATE.c.reading_id, func.count().label("late_payloads"))
        .where(LATE.c.study_id == study_id)
        .group_by(LATE.c.reading_id)
        .subquery()
    )
    query = (
        select(
            READING,
            RESPONDENT.c.label,
            late.c.late_payloads,
            ANSWER.c.selected,
            ANSWER.c.confidence,
            ANSWER.c.rationale,
            ANSWER.c.resources,
            ANSWER.c.nothing_to_recommend,
        )
        .select_from(
            _PHYSICIANS.outerjoin(
                ANSWER, and_(ANSWER.c.study_id == READING.c.study_id, ANSWER.c.reading_id == READING.c.id)
            ).outerjoin(late, late.c.reading_id == READING.c.id)
        )
        .where(READING.c.study_id == study_id, READER.c.test.is_(test))
        .order_by(RESPONDENT.c.label, READING.c.position)
    )
    pages, continued = sittings.pages(session, study_id), sittings.continued(session, study_id)
    rows = session.connection().execute(query)
    return [_reading(row, pages.get(row.id, ()), continued.get(row.id, 0)) for row in rows]


def _reading(row: Row[Any], pages: tuple[Page, ...], continued: int) -> ReadingRecord:
    saved = row.selected is not None
    void = None if row.void_at_us is None else row.void_reason or "no reason was given"
    return ReadingRecord(
        reading=Reading(
            reader=row.label,
            case_id=CaseId(row.case_id),
            arm=row.arm,
            position=row.position,
            state=State(row.state),
            response=Response(frozenset(OptionId(option) for option in row.selected)) if saved else None,
            void=void,
            confidence=row.confidence,
            opened_at_us=row.opened_at_us,
            closed_at_us=row.closed_at_us,
        ),
        id=str(row.id),
        respondent_id=str(row.respondent_id),
        presented=None if row.presented is None else tuple(row.presented),
        deadline_at_us=row.deadline_at_us,
        extension_us=row.extension_us,
        credit_us=row.credit_us,
        accommodation_percent=row.accommodation_percent,
        first_selected_at_us=row.first_selected_at_us,
        continued=continued,
        pages=pages,
        saved_at_us=row.saved_at_us,
        saves=row.revision,
        closed_by=row.closed_by,
        receipt=row.receipt,
        rationale=row.rationale if saved else "",
        resources=tuple(row.resources) if saved else (),
        nothing_to_recommend=bool(row.nothing_to_recommend),
        late_payloads=row.late_payloads or 0,
    )


def system_answers(session: Session, study_id: UUID) -> list[Answer]:
    """What systems and policies answered."""
    query = (
        select(RESPONDENT.c.label, RESPONDENT.c.kind, READING.c.case_id, READING.c.variant, READING.c.run)
        .add_columns(READING.c.arm, READING.c.state, ANSWER)
        .select_from(
            READING.join(
                RESPONDENT,
                and_(RESPONDENT.c.study_id == READING.c.study_id, RESPONDENT.c.id == READING.c.respondent_id),
            ).join(ANSWER, and_(ANSWER.c.study_id == READING.c.study_id, ANSWER.c.reading_id == READING.c.id))
        )
        .where(READING.c.study_id == study_id, RESPONDENT.c.kind != Kind.PHYSICIAN.value)
        .order_by(RESPONDENT.c.label, READING.c.case_id, READING.c.variant, READING.c.run)
    )
    return [_answer(row) for row in session.connection().execute(query)]


def _answer(row: Row[Any]) -> Answer:
    return Answer(
        case_id=CaseId(row.case_id),
        respondent=row.label,
        response=Response(
            selected=_options(row.selected),
            partial=_options(row.partial or ()),
            actions=None
            if row.actions is None
            else tuple(Action(_options(action["options"]), action["score"]) for action in row.actions),
        ),
        run=row.run,
        variant=row.variant or None,
        kind=Kind(row.kind),
        arm=row.arm or None,
        state=row.state,
        response_mode=ResponseMode(row.response_mode),
        graded=row.graded,
        confidence=row.confidence,
        system_version=row.system_version,
        prompt_sha256=row.prompt_sha256,
        created_at=row.created_at,
        mapper=None if row.mapper is None else Mapper(**row.mapper),
    )


def _options(words: Any) -> frozenset[OptionId]:
    return frozenset(OptionId(word) for word in words)


def chains(session: Session, study: StudyRow) -> list[ChainRecord]:
    """What every subject of a study says of its chain: the study, its readers, their readings."""
    found = [ChainRecord(SubjectKind.STUDY.value, str(study.id), study.event_count, study.head)]
    for kind, table, identity in (
        (SubjectKind.READER, READER, READER.c.respondent_id),
        (SubjectKind.READING, READING, READING.c.id),
    ):
        query = select(identity, table.c.event_count, table.c.head).where(
            table.c.study_id == study.id, table.c.event_count > 0
        )
        rows = session.connection().execute(query)
        found += sorted((ChainRecord(kind.value, str(row[0]), row[1], row[2]) for row in rows), key=_subject)
    return found


def _subject(chain: ChainRecord) -> str:
    return chain.subject_id


SAME_EVENT = and_(
    PAYLOAD.c.study_id == EVENT.c.study_id,
    PAYLOAD.c.subject_kind == EVENT.c.subject_kind,
    PAYLOAD.c.subject_id == EVENT.c.subject_id,
    PAYLOAD.c.seq == EVENT.c.seq,
)


def events(session: Session, study_id: UUID) -> list[EventRecord]:
    """Every event of a study, chain after chain, each with its payload where that stands."""
    query = (
        select(EVENT, PAYLOAD.c.salt, PAYLOAD.c.body)
        .select_from(EVENT.outerjoin(PAYLOAD, SAME_EVENT))
        .where(EVENT.c.study_id == study_id)
    )
    found = [event_record(row) for row in session.connection().execute(query)]
    return sorted(found, key=lambda event: (event.link.subject_kind, event.link.subject_id, event.link.seq))


def lock_reason(session: Session, study_id: UUID) -> str | None:
    """Why the study was unblinded, as its event says. None: no reason was given, or it was erased."""
    query = select(PAYLOAD.c.body).select_from(EVENT.join(PAYLOAD, SAME_EVENT))
    of_the_lock = (EVENT.c.study_id == study_id, EVENT.c.subject_kind == SubjectKind.STUDY.value)
    body = session.connection().scalar(query.where(*of_the_lock, EVENT.c.kind == "locked"))
    return None if body is None else json.loads(body)["reason"] or None


def event_record(row: Row[Any]) -> EventRecord:
    link = Link(
        study_id=str(row.study_id),
        subject_kind=row.subject_kind,
        subject_id=str(row.subject_id),
        seq=row.seq,
        at_us=row.at_us,
        kind=row.kind,
        actor_id=None if row.actor_id is None else str(row.actor_id),
        payload_sha256=row.payload_sha256,
        prev=row.prev,
        hash=row.hash,
    )
    return EventRecord(link, row.salt, row.body)
