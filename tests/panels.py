"""A small study that was loaded from its files, and a panel in which every kind of ending occurs."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from builders import DAY_US, GRACE_US, LIMIT_US, MINUTE_US, NOON_US, AReader, AStudy, a_draft, a_reader_joined, become
from rubric_builders import bundle_files, protocol_toml
from sqlalchemy import select
from sqlmodel import Session

from study.answer import Action, Answer, Kind, Mapper, Response, ResponseMode
from study.bundle import Bundle, parse_bundle
from study.case import CaseId, OptionId
from study.db import Database
from study.formats.canonical import write_answers
from study.store import closing, conduct, enrolment, studies, systems
from study.store.loading import load_bundle, system_files
from study.store.systems import Reconciliation
from study.tables import ClosedBy, StudyState, metadata
from study.timing import SLACK_US

PRIMARY = {"measure": "f1_weighted", "test": "one", "control": "physician"}


def a_bundle(**changed: bytes | None) -> Bundle:
    """Two cases, A and B, of four options; one system, `one`."""
    return parse_bundle(bundle_files(**{"study_toml": protocol_toml(primary=PRIMARY)} | changed))


def a_loaded_study(database: Database, bundle: Bundle | None = None, *, state: StudyState = StudyState.OPEN) -> AStudy:
    """The bundle in the database; open unless the test says otherwise."""
    bundle = bundle or a_bundle()
    at_us = NOON_US - 7 * DAY_US
    loaded = database.write(
        lambda session: load_bundle(session, bundle, system_files(bundle), actor_id=None, at_us=at_us).study.id
    )
    study = AStudy(database, loaded, bundle.protocol, dict(bundle.cases))
    path = {StudyState.DRAFT: (), StudyState.OPEN: (StudyState.OPEN,)}
    become(study, *path.get(state, (StudyState.OPEN, state)), at_us=at_us)
    return study


def lock(study: AStudy) -> None:
    become(study, StudyState.LOCKED, at_us=NOON_US + DAY_US)


@dataclass(frozen=True)
class APanel:
    """Six readers of two cases: every kind of ending, a withdrawal, and a test reader."""

    study: AStudy
    submitted: AReader
    nothing: AReader
    expired: AReader
    void: AReader
    withdrawn: AReader
    test: AReader


def a_panel_in(study: AStudy) -> APanel:
    names = ("submitted", "nothing", "expired", "void", "withdrawn")
    readers = {name: a_reader_joined(study, f"{name}@clinic.example") for name in names}
    rehearsing = a_reader_joined(study, "test@clinic.example", test=True)
    for name in ("submitted", "withdrawn"):
        _submits(readers[name], 1, "1", "2", confidence=70, resources=frozenset({"reference"}), rationale='“so,\n=1"')
    _submits(readers["submitted"], 2, "4")
    _submits(readers["nothing"], 1, nothing_to_recommend=True, confidence=90)
    readers["expired"].begin(1)
    readers["expired"].save(a_draft("3"))
    _expires(readers["expired"], 1)
    readers["expired"].begin(2, at_us=NOON_US + DAY_US // 2)
    _expires(readers["expired"], 2, at_us=NOON_US + DAY_US // 2)
    readers["void"].begin(1)
    readers["void"].save(a_draft("2"))
    _set_aside(readers["void"], 1)
    _expires(readers["void"], 1)
    _withdraws(readers["withdrawn"])
    _submits(rehearsing, 1, "4")
    return APanel(study=study, test=rehearsing, **readers)


def _submits(reader: AReader, position: int, *selected: str, **fields: Any) -> None:
    began = NOON_US + (position - 1) * LIMIT_US
    reader.begin(position, at_us=began)
    reader.submit(a_draft(*selected, **fields), position=position, at_us=began + 3 * MINUTE_US + 250_001)


def _expires(reader: AReader, position: int, *, at_us: int = NOON_US) -> None:
    study_id, reading_id = reader.study.id, reader.readings[position - 1]
    over = at_us + LIMIT_US + GRACE_US + SLACK_US + 1
    reader.study.database.write(
        lambda session: closing.close_due(session, study_id, reading_id, by=ClosedBy.SWEEP, at_us=over)
    )


def _set_aside(reader: AReader, position: int) -> None:
    reader.study.database.write(
        lambda session: conduct.set_aside(
            session,
            reader.study.id,
            reader.readings[position - 1],
            reason="The network failed",
            actor_id=reader.account_id,
            at_us=NOON_US + MINUTE_US,
        )
    )


def _withdraws(reader: AReader) -> None:
    def work(session: Session) -> None:
        row = enrolment.reader_of(session, reader.study.id, reader.respondent_id)
        enrolment.withdraw(session, row, reason="No time", actor_id=reader.account_id, at_us=NOON_US + DAY_US // 4)

    reader.study.database.write(work)


def an_answer(case: str = "A", *selected: str, respondent: str = "two", run: int = 1, **fields: Any) -> Answer:
    response = fields.pop("response", Response(frozenset(OptionId(option) for option in selected)))
    return Answer(case_id=CaseId(case), respondent=respondent, run=run, response=response, kind=Kind.SYSTEM, **fields)


WHOLE = an_answer(
    "B",
    response=Response(
        selected=frozenset(map(OptionId, "123")),
        partial=frozenset({OptionId("2")}),
        actions=(Action(frozenset(map(OptionId, "12"))), Action(frozenset(), 2), Action(frozenset({OptionId("3")}), 8)),
    ),
    variant="7",
    arm="advisor",
    state="submitted",
    response_mode=ResponseMode.FREE_TEXT_MAPPED,
    confidence=55,
    system_version="2026-10",
    prompt_sha256="a" * 64,
    created_at="2026-11-20T10:00:00Z",
    mapper=Mapper("judge", "mapper-1", "3"),
)
"""An answer that fills every field."""


def imported(study: AStudy, answers: Sequence[Answer], *, name: str = "two.jsonl") -> Reconciliation:
    """The answers as a file of ours, imported in one unit of work."""
    written = write_answers(answers)
    return study.database.write(
        lambda session: systems.import_answers(
            session,
            studies.by_name(session, study.protocol.id),
            answers,
            list(study.cases),
            arms=[arm.id for arm in study.protocol.arms],
            file_name=name,
            file_bytes=written,
            format="canonical",
            actor_id=None,
            at_us=NOON_US,
        )
    )


def dump(database: Database) -> dict[str, str]:
    """A digest of every table's rows, to show that nothing changed."""
    with database.read() as session:
        return {
            name: hashlib.sha256(
                repr(sorted(repr(tuple(row)) for row in session.connection().execute(select(table)))).encode()
            ).hexdigest()
            for name, table in metadata.tables.items()
        }
