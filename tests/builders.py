"""Small builders, so that a test shows what matters to it and nothing else.

A study is a week long around `NOON_US`; a case has ten minutes and ten seconds of grace unless a test says otherwise.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID, uuid4

from sqlalchemy import select
from sqlmodel import Session

from study.case import Case, CaseId, Option, OptionId
from study.chain import Link, faults_of
from study.db import Database
from study.draft import Draft
from study.protocol import Allocation, Arm, Primary, Protocol, Scoring, Stage, Window
from study.store import accounts, answering, beginning, enrolment, leases, readings, studies
from study.store.answering import Closed, Moved, Saved, Sent, Stale
from study.store.enrolment import Invitee
from study.store.readings import Found
from study.tables import NO_STUDY, StudyState, metadata

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
DAY_US = 24 * 60 * MINUTE_US
PAGE = "page-1"
NOON_US = 1_800_000_000 * SECOND_US
LIMIT_US = 10 * MINUTE_US
GRACE_US = 10 * SECOND_US
PRIMARY = Primary(measure="f1_weighted", test="system-1", control="physician")
ALWAYS = Window()
HASH = "not a real hash"


def a_case(case_id: str = "case-1", *, options: int = 4, categories: Sequence[str] = ("test", "advice")) -> Case:
    """Options `a, b, c, …`, dealt to the categories in turn; the first one is to do nothing."""
    names = [chr(ord("a") + number) for number in range(options)]
    return Case(
        id=CaseId(case_id),
        specialty="general practice",
        presentation=f"A consultation called {case_id}.",
        options=tuple(
            Option(OptionId(name), "Do nothing" if name == "a" else f"Option {name}", categories[at % len(categories)])
            for at, name in enumerate(names)
        ),
    )


def cases_called(*names: str) -> dict[CaseId, Case]:
    return {CaseId(name): a_case(name) for name in names}


def a_stage(**changes: object) -> Stage:
    return replace(Stage(id="answer", limit_s=600, grace_s=10), **changes)


def a_protocol(
    study_id: str = "study-1",
    *,
    stage: Stage | None = None,
    cases_per_reader: int | None = None,
    anchors: Sequence[str] = (),
    primary: Primary | None = PRIMARY,
    session_limit_s: int | None = None,
    window: Window = ALWAYS,
    version: str = "1",
    seed: int = 20261121,
) -> Protocol:
    return Protocol(
        id=study_id,
        title="A study",
        version=version,
        seed=seed,
        scoring=Scoring(profile="noharm-2026-07", consensus="single"),
        arms=(Arm("physician", (stage or a_stage(),)),),
        primary=primary,
        allocation=Allocation(cases_per_reader, tuple(CaseId(anchor) for anchor in anchors)),
        session_limit_s=session_limit_s,
        window=window,
    )


def a_draft(*selected: str, **fields: object) -> Draft:
    return replace(Draft(selected=frozenset(OptionId(option) for option in selected)), **fields)


@dataclass(frozen=True)
class AStudy:
    """A study that stands in a database, and what its files would say."""

    database: Database
    id: UUID
    protocol: Protocol
    cases: dict[CaseId, Case]

    @property
    def stage(self) -> Stage:
        return self.protocol.arms[0].stages[0]


@dataclass(frozen=True)
class AReader:
    """A reader who joined. What they do is one unit of work each, as a request's would be."""

    study: AStudy
    account_id: UUID
    respondent_id: UUID
    readings: tuple[UUID, ...]
    case_ids: tuple[CaseId, ...] = field(default=())

    def begin(self, position: int = 1, *, at_us: int = NOON_US) -> Found:
        study = self.study
        return study.database.write(
            lambda session: beginning.begin(
                session,
                self.readings[position - 1],
                self.account_id,
                protocol=study.protocol,
                stage=study.stage,
                case=study.cases[self.case_ids[position - 1]],
                at_us=at_us,
            )
        )

    def save(
        self,
        draft: Draft,
        *,
        key: str = "key-1",
        base: int = 0,
        lease: str = PAGE,
        position: int = 1,
        at_us: int = NOON_US + 1,
    ) -> Saved | Stale | Moved | Closed:
        known = key if answering.is_word(key) else None
        return self.study.database.write(
            lambda session: answering.save(
                session,
                readings.of_reader(session, self.readings[position - 1], self.account_id, for_update=True, key=known),
                Sent(key, base, lease, draft),
                at_us=at_us,
            )
        )

    def submit(
        self,
        draft: Draft,
        *,
        key: str = "end-1",
        base: int = 0,
        lease: str = PAGE,
        position: int = 1,
        at_us: int = NOON_US + 2,
    ) -> Closed | Stale | Moved:
        return self.study.database.write(
            lambda session: answering.submit(
                session, self.readings[position - 1], self.account_id, Sent(key, base, lease, draft), at_us=at_us
            )
        )

    def take(
        self, lease: str, *, asked: bool = True, position: int = 1, at_us: int = NOON_US + 1
    ) -> Found | Moved | Closed:
        return self.study.database.write(
            lambda session: leases.take(
                session,
                readings.of_reader(session, self.readings[position - 1], self.account_id, for_update=True),
                lease,
                asked=asked,
                at_us=at_us,
            )
        )

    def found(self, position: int = 1) -> Found:
        with self.study.database.read() as session:
            return readings.of_reader(session, self.readings[position - 1], self.account_id)


def a_study_in(
    database: Database,
    *,
    protocol: Protocol | None = None,
    cases: Sequence[str] = ("case-1", "case-2", "case-3"),
    state: StudyState = StudyState.OPEN,
    at_us: int = NOON_US - 7 * DAY_US,
) -> AStudy:
    """A study, open unless the test says otherwise."""
    protocol = protocol or a_protocol()
    files = {"study.toml": protocol.id.encode(), **{f"cases/{case}.toml": case.encode() for case in cases}}
    path = {
        StudyState.DRAFT: (),
        StudyState.OPEN: (StudyState.OPEN,),
        StudyState.PAUSED: (StudyState.OPEN, StudyState.PAUSED),
        StudyState.LOCKED: (StudyState.OPEN, StudyState.LOCKED),
    }[state]

    def work(session: Session) -> UUID:
        study = studies.load(
            session, protocol, files, bundle_digest="b" * 64, rubric_digest="r" * 64, actor_id=None, at_us=at_us
        ).study
        for step in path:
            studies.change_state(session, protocol.id, step, protocol=protocol, actor_id=None, at_us=at_us)
        return study.id

    return AStudy(database, database.write(work), protocol, cases_called(*cases))


def become(study: AStudy, *states: StudyState, at_us: int = NOON_US) -> None:
    def work(session: Session) -> None:
        for state in states:
            studies.change_state(
                session, study.protocol.id, state, protocol=study.protocol, actor_id=None, at_us=at_us, reason="a test"
            )

    study.database.write(work)


def an_invitation(study: AStudy, email: str, *, test: bool = False, at_us: int = NOON_US - DAY_US) -> str:
    """The token of a fresh link."""
    token = uuid4().hex

    def work(session: Session) -> None:
        row = studies.by_name(session, study.protocol.id)
        arm = study.protocol.arms[0]
        reader = enrolment.invite(session, row, Invitee(email), arm=arm, actor_id=None, at_us=at_us, test=test)
        enrolment.issue_join_ticket(session, reader, token, at_us=at_us, ttl_us=7 * DAY_US)

    study.database.write(work)
    return token


def joined_by(
    study: AStudy,
    token: str,
    *,
    password_hash: str | None = HASH,
    bundle_digest: str | None = None,
    at_us: int = NOON_US - DAY_US,
) -> UUID:
    """The account that joined by a link. `password_hash` None: it has one already, and its password was checked.

    `bundle_digest` None: they saw the files that the study has.
    """
    return study.database.write(
        lambda session: (
            enrolment.join(
                session,
                token,
                protocol=study.protocol,
                cases=list(study.cases),
                bundle_digest=bundle_digest or studies.by_name(session, study.protocol.id).bundle_digest,
                consent_sha256="c" * 64,
                password_hash=password_hash,
                at_us=at_us,
            ).id
        )
    )


def a_reader_joined(
    study: AStudy,
    email: str = "ada@example.org",
    *,
    test: bool = False,
    accommodation_percent: int = 100,
    at_us: int = NOON_US - DAY_US,
) -> AReader:
    with study.database.read() as session:
        known = accounts.by_email(session, email) is not None
    token = an_invitation(study, email, test=test, at_us=at_us)
    account_id = joined_by(study, token, password_hash=None if known else HASH, at_us=at_us)
    table = metadata.tables["reader"]
    if accommodation_percent != 100:
        change = table.update().where(table.c.account_id == account_id)
        study.database.write(
            lambda session: session.connection().execute(change.values(accommodation_percent=accommodation_percent))
        )
    with study.database.read() as session:
        found = next(found for found in enrolment.places(session, account_id) if found.study.id == study.id)
    return AReader(
        study,
        account_id,
        found.reader.respondent_id,
        tuple(row.id for row in found.readings),
        tuple(CaseId(row.case_id) for row in found.readings),
    )


def rows(database: Database, table: str) -> list[dict[str, object]]:
    """A whole table, for a test that looks at what stands."""
    with database.read() as session:
        return [dict(row) for row in session.connection().execute(select(metadata.tables[table])).mappings()]


def chain_of(database: Database, subject_id: UUID) -> list[Link]:
    """The events of one subject, in order."""
    event = metadata.tables["event"]
    with database.read() as session:
        found = session.connection().execute(
            select(event).where(event.c.subject_id == subject_id).order_by(event.c.seq)
        )
        return [
            Link(
                str(row.study_id),
                row.subject_kind,
                str(row.subject_id),
                row.seq,
                row.at_us,
                row.kind,
                None if row.actor_id is None else str(row.actor_id),
                row.payload_sha256,
                row.prev,
                row.hash,
            )
            for row in found
        ]


def kinds_of(database: Database, subject_id: UUID) -> list[str]:
    return [link.kind for link in chain_of(database, subject_id)]


def chain_faults(database: Database) -> list[str]:
    """Everything wrong with any chain of the database: none in a database that only this software wrote."""
    subjects = [(NO_STUDY, row["id"], row) for row in rows(database, "account")]
    subjects += [(row["id"], row["id"], row) for row in rows(database, "study")]
    subjects += [(row["study_id"], row["respondent_id"], row) for row in rows(database, "reader")]
    subjects += [(row["study_id"], row["id"], row) for row in rows(database, "reading")]
    return [
        f"{subject}: {fault}"
        for _, subject, row in subjects
        for fault in faults_of(chain_of(database, subject), event_count=row["event_count"], head=row["head"])
    ]
