"""Answers of systems and policies: reconciled with the study first, then stored whole, one file at a time."""

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import and_, select
from sqlmodel import Session

from study.answer import POLICY_NAMES, Answer, Kind
from study.case import CaseId
from study.chain import GENESIS
from study.errors import Fault, Faulty
from study.progress import State
from study.store import events
from study.store.studies import StudyRefuses
from study.tables import StudyRow, StudyState, metadata

RESPONDENT = metadata.tables["respondent"]
READING = metadata.tables["reading"]
ANSWER = metadata.tables["answer"]
IMPORTED = metadata.tables["imported_file"]
Key = tuple[str, str, str, int]
PSEUDONYM = re.compile(r"R\d{3,}", re.ASCII)
"""What readers are called: a system of that name would stand in the way of the next invitation."""


@dataclass(frozen=True, slots=True)
class SystemLine:
    """One system of a file beside the study's cases. `missing` lists (case, run) without an answer.

    Answers on variants are counted, but fill no case: no physician has read a variant.
    """

    respondent: str
    kind: Kind
    answers: int
    runs: tuple[int, ...]
    cases: int
    of_cases: int
    missing: tuple[tuple[CaseId, int], ...]
    variants: tuple[str, ...]
    response_modes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """What a file of answers holds. `changed` False: these very bytes were imported before."""

    file_name: str
    sha256: str
    lines: tuple[SystemLine, ...]
    changed: bool = True

    @property
    def answers(self) -> int:
        return sum(line.answers for line in self.lines)


def reconcile(answers: Sequence[Answer], cases: Sequence[CaseId], *, file_name: str, sha256: str) -> Reconciliation:
    """The table that is shown before anything is stored: who answered what, and what is missing."""
    grouped: dict[str, list[Answer]] = {}
    for answer in answers:
        grouped.setdefault(answer.respondent, []).append(answer)
    lines = tuple(_line(respondent, grouped[respondent], cases) for respondent in sorted(grouped))
    return Reconciliation(file_name, sha256, lines)


def _line(respondent: str, answers: Sequence[Answer], cases: Sequence[CaseId]) -> SystemLine:
    there = {(answer.case_id, answer.run) for answer in answers if answer.variant is None}
    runs = tuple(sorted({answer.run for answer in answers}))
    return SystemLine(
        respondent=respondent,
        kind=_kind(answers[0]),
        answers=len(answers),
        runs=runs,
        cases=len({case for case, _ in there}),
        of_cases=len(cases),
        missing=tuple((case, run) for run in runs for case in cases if (case, run) not in there),
        variants=tuple(sorted({answer.variant for answer in answers if answer.variant is not None})),
        response_modes=tuple(sorted({answer.response_mode.value for answer in answers})),
    )


def import_answers(
    session: Session,
    study: StudyRow,
    answers: Sequence[Answer],
    cases: Sequence[CaseId],
    *,
    arms: Collection[str],
    file_name: str,
    file_bytes: bytes,
    format: str,
    actor_id: UUID | None,
    at_us: int,
) -> Reconciliation:
    """Store one file's answers, parsed and checked against the study's cases before. The same bytes change nothing.

    `arms`: the ids of the protocol's. Raises StudyRefuses for a locked study; Faulty with every answer that stands in
    the study already, that is a physician's, or whose respondent is or could be known as something else.
    """
    digest = hashlib.sha256(file_bytes).hexdigest()
    reconciled = reconcile(answers, cases, file_name=file_name, sha256=digest)
    connection = session.connection()
    known = select(IMPORTED.c.sha256).where(IMPORTED.c.study_id == study.id, IMPORTED.c.sha256 == digest)
    if connection.execute(known).one_or_none() is not None:
        return Reconciliation(file_name, digest, reconciled.lines, changed=False)
    if study.state == StudyState.LOCKED:
        raise StudyRefuses(f"Study {study.name!r} is locked: no answer can be added any more.")
    respondents = _respondents(session, study.id)
    wheres = _places(answers, file_name, file_bytes)
    faults = _faults(answers, wheres, respondents, arms, _stored(session, study.id))
    if faults:
        raise Faulty(faults)
    ids = {label: identity for label, (identity, _) in respondents.items()}
    fresh = {line.respondent: line.kind for line in reconciled.lines if line.respondent not in ids}
    for label, kind in fresh.items():
        ids[label] = uuid4()
        row = {"study_id": study.id, "id": ids[label], "kind": kind.value, "label": label}
        connection.execute(RESPONDENT.insert(), row)
    rows = list(_rows(answers, study.id, ids, at_us))
    if rows:
        connection.execute(READING.insert(), [reading for reading, _ in rows])
        connection.execute(ANSWER.insert(), [answer for _, answer in rows])
    imported = {"study_id": study.id, "sha256": digest, "name": file_name, "format": format}
    connection.execute(IMPORTED.insert(), {**imported, "answers": len(answers), "at_us": at_us, "body": file_bytes})
    body = {
        "file": file_name,
        "sha256": digest,
        "format": format,
        "answers": {line.respondent: line.answers for line in reconciled.lines},
    }
    events.record(session, study, "answers imported", at_us=at_us, actor_id=actor_id, body=body)
    return reconciled


def _kind(answer: Answer) -> Kind:
    return Kind.SYSTEM if answer.kind is None else answer.kind


def _respondents(session: Session, study_id: UUID) -> dict[str, tuple[UUID, Kind]]:
    query = select(RESPONDENT.c.label, RESPONDENT.c.id, RESPONDENT.c.kind).where(RESPONDENT.c.study_id == study_id)
    return {row.label: (row.id, Kind(row.kind)) for row in session.connection().execute(query)}


def _stored(session: Session, study_id: UUID) -> set[Key]:
    query = (
        select(RESPONDENT.c.label, READING.c.case_id, READING.c.variant, READING.c.run)
        .join(RESPONDENT, and_(RESPONDENT.c.study_id == READING.c.study_id, RESPONDENT.c.id == READING.c.respondent_id))
        .where(READING.c.study_id == study_id, RESPONDENT.c.kind != Kind.PHYSICIAN.value)
    )
    return {(row.label, row.case_id, row.variant, row.run) for row in session.connection().execute(query)}


def _faults(
    answers: Sequence[Answer],
    wheres: Sequence[str],
    respondents: Mapping[str, tuple[UUID, Kind]],
    arms: Collection[str],
    stored: set[Key],
) -> list[Fault]:
    """What the file alone could not tell: answers that clash with the study, or with one another in kind."""
    kinds = {label: kind for label, (_, kind) in respondents.items()}
    seen: set[Key] = set()
    faults = []
    for where, answer in zip(wheres, answers, strict=True):
        name, kind = answer.respondent, _kind(answer)
        if Kind.PHYSICIAN in (kind, kinds.get(name)):
            faults.append(Fault(where, f"{name!r} is a physician: physicians answer in the form, not in a file"))
            continue
        if name in arms or PSEUDONYM.fullmatch(name):
            what = "the id of an arm" if name in arms else "kept for physicians"
            faults.append(Fault(where, f"{name!r} is {what}, and cannot be a system's name"))
        if name in POLICY_NAMES and kind is not Kind.POLICY:
            faults.append(Fault(where, f"{name!r} is the name of a reference policy, and cannot be a system's name"))
        if kinds.setdefault(name, kind) is not kind:
            faults.append(Fault(where, f"{name!r} is a {kinds[name]} already, and here a {kind}"))
        if answer.state not in (None, State.SUBMITTED):
            faults.append(Fault(where, f"a system's answer is submitted, and cannot be {answer.state!r}"))
        key = (name, str(answer.case_id), answer.variant or "", answer.run)
        if key in stored or key in seen:
            said = f"{name!r} has an answer to case {answer.case_id!r} in run {answer.run}"
            variant = f", variant {answer.variant!r}" if answer.variant else ""
            faults.append(Fault(where, f"{said}{variant} already"))
        seen.add(key)
    return faults


def _places(answers: Sequence[Answer], file_name: str, file_bytes: bytes) -> list[str]:
    """`file:line` of each answer; the file alone where its lines are not answers one by one."""
    written = [number for number, line in enumerate(file_bytes.split(b"\n"), start=1) if line.strip()]
    if len(written) != len(answers):
        return [file_name] * len(answers)
    return [f"{file_name}:{number}" for number in written]


def _rows(
    answers: Sequence[Answer], study_id: UUID, ids: Mapping[str, UUID], at_us: int
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """A reading and an answer for each: a system's reading opens and closes when it is imported."""
    for position, answer in enumerate(answers, start=1):
        reading_id = uuid4()
        yield (
            {
                "study_id": study_id,
                "id": reading_id,
                "respondent_id": ids[answer.respondent],
                "case_id": answer.case_id,
                "variant": answer.variant or "",
                "run": answer.run,
                "arm": answer.arm or "",
                "position": position,
                "state": State.SUBMITTED.value,
                "grace_us": 0,
                "extension_us": 0,
                "opened_at_us": at_us,
                "closed_at_us": at_us,
                "revision": 0,
                "event_count": 0,
                "head": GENESIS,
            },
            {"study_id": study_id, "reading_id": reading_id, **answer_columns(answer)},
        )


def answer_columns(answer: Answer) -> dict[str, Any]:
    """An answer as its row keeps it: what was given, and None for what was not."""
    response, mapper = answer.response, answer.mapper
    return {
        "selected": sorted(response.selected),
        "partial": sorted(response.partial) or None,
        "actions": None
        if response.actions is None
        else [{"options": sorted(action.options), "score": action.score} for action in response.actions],
        "graded": None if answer.graded is None else dict(sorted(answer.graded.items())),
        "response_mode": answer.response_mode.value,
        "confidence": answer.confidence,
        "rationale": "",
        "resources": [],
        "nothing_to_recommend": False,
        "system_version": answer.system_version,
        "prompt_sha256": answer.prompt_sha256,
        "created_at": answer.created_at,
        "mapper": None if mapper is None else {"kind": mapper.kind, "name": mapper.name, "version": mapper.version},
    }
