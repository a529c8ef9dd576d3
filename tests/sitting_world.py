"""A whole site for a scripted sitting: readers, a PI, a clock that anybody may move, and a process that may die."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from flask.testing import FlaskClient
from sites import NOON_US, TTL_US, FakeClock, Visitor, site_on
from sitting_deaths import Deaths
from sqlalchemy import Connection, event, select
from sqlmodel import Session
from werkzeug.test import TestResponse

from study.bundle_content import parse_content
from study.db import Database
from study.store import accounts, enrolment, outages, studies
from study.tables import Role, StudyState, metadata
from webapp import worker

LIMIT_S, GRACE_S, SESSION_S = 600, 10, 900
OPTIONS = ("opt-amber", "opt-birch", "opt-cedar", "opt-delta")
BUNDLE = "b" * 64
STUDY = f"""
schema = 1
id = "sitting"
title = "A sitting"
version = "1"
seed = 20261121
[scoring]
profile = "noharm-2026-07"
consensus = "median"
[primary]
measure = "f1_weighted"
test = "system-1"
control = "physician"
[allocation]
cases_per_reader = 2
[session]
limit_s = {SESSION_S}
[[arms]]
id = "physician"
[[arms.stages]]
id = "answer"
limit_s = {LIMIT_S}
grace_s = {GRACE_S}
"""
CASE = """
id = "{name}"
specialty = "general practice"
presentation = "A consultation."
"""
FILES: Mapping[str, bytes] = {
    "study.toml": STUDY.encode(),
    "consent.md": b"We keep what you choose.\n",
    **{
        f"cases/{name}.toml": (
            CASE.format(name=name)
            + "".join(f'[[options]]\nid = "{one}"\ntext = "Do {one[4:]}"\ncategory = "test"\n' for one in OPTIONS)
        ).encode()
        for name in ("case-1", "case-2")
    },
}
READING, READER, ANSWER = (metadata.tables[name] for name in ("reading", "reader", "answer"))
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Ask:
    """One request as it stands on the wire, to be sent again byte for byte; `sent`: what it says, for who judges it."""

    kind: str
    path: str
    reading: UUID | None = None
    method: str = "POST"
    body: bytes | Mapping[str, Any] | None = None
    json: bool = False
    who: str = "ada"
    sent: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stand:
    """Everything that the database holds of one reader's readings, and when the site was out."""

    readings: Mapping[UUID, Row]
    answers: Mapping[UUID, Row]
    saves: Sequence[Row]
    late: Sequence[Row]
    events: Sequence[Row]
    payloads: Sequence[Row]
    presence: Sequence[Row]
    outages: Sequence[tuple[int, int]]

    def of(self, table: str, reading: UUID) -> list[Row]:
        name = "subject_id" if table in ("events", "payloads") else "reading_id"
        return [row for row in getattr(self, table) if row[name] == reading]


@dataclass
class World:
    """`witness` looks at the database from outside: nothing that dies has a hand in it."""

    database: Database
    deaths: Deaths = field(default_factory=Deaths)
    clock: FakeClock = field(default_factory=FakeClock)
    clients: dict[str, FlaskClient] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    restarts: int = 0
    readers: int = 0

    def __post_init__(self) -> None:
        self.witness = Database(self.database.url)
        self.site = site_on(self.database, clock=self.clock)
        self.deaths.watch(self.database)
        self._watched = self.deaths.committed
        event.listen(Session, "after_commit", self._watched)
        self.study_id = self.witness.write(self._load)
        self._sign_in("pi", self.site.staff(Role.PI))
        self.eve = self.join("eve")

    def close(self) -> None:
        event.remove(Session, "after_commit", self._watched)
        self.witness.dispose()
        if self.site.database is not self.database:
            self.site.database.dispose()

    def _load(self, session: Session) -> UUID:
        protocol, _cases, _consent = parse_content(FILES)
        digests = {"bundle_digest": BUNDLE, "rubric_digest": "r" * 64}
        studies.load(session, protocol, FILES, actor_id=None, at_us=NOON_US, **digests)
        return studies.change_state(
            session, protocol.id, StudyState.OPEN, protocol=protocol, actor_id=None, at_us=NOON_US
        ).id

    def join(self, who: str) -> "Reader":
        """Somebody new under this name, signed in, with two readings before them."""
        self.readers += 1
        email, token = f"{who}-{self.readers}@example.org", f"{who}-{self.readers}"
        protocol, cases, _consent = parse_content(FILES)

        def work(session: Session) -> Reader:
            study = studies.by_name(session, protocol.id)
            reader = enrolment.invite(
                session, study, enrolment.Invitee(email), arm=protocol.arms[0], actor_id=None, at_us=NOON_US
            )
            enrolment.issue_join_ticket(session, reader, token, at_us=NOON_US, ttl_us=TTL_US)
            account = enrolment.join(
                session,
                token,
                protocol=protocol,
                cases=list(cases),
                bundle_digest=BUNDLE,
                consent_sha256="c" * 64,
                password_hash="none",
                at_us=NOON_US,
            )
            accounts.start_login(session, account, token, at_us=NOON_US, ttl_us=TTL_US)
            rows = enrolment.place(session, reader.respondent_id, account.id).readings
            return Reader(account.id, reader.respondent_id, tuple(row.id for row in rows))

        found = self.witness.write(work)
        visitor = self.site.visitor()
        with visitor.client.session_transaction() as cookie:
            cookie["login"] = token
        self._sign_in(who, visitor)
        return found

    def _sign_in(self, who: str, visitor: Visitor) -> None:
        """Keep the browser, and the token of its forms: any page of it has one."""
        self.clients[who] = visitor.client
        visitor.get("/help")
        self.tokens[who] = visitor.hidden["csrf_token"]

    def restart(self) -> None:
        """A new process: new connections, a new application, the same browsers."""
        self.restarts += 1
        if self.site.database is not self.database:
            self.site.database.dispose()
        database = Database(self.database.url)
        self.deaths.watch(database)
        self.site = site_on(database, clock=self.clock)
        for client in self.clients.values():
            client.application = self.site.app

    def ask(self, ask: Ask) -> TestResponse:
        client, token = self.clients[ask.who], self.tokens[ask.who]
        if ask.json:
            headers = {"X-CSRFToken": token, "Content-Type": "application/json"}
            return client.open(ask.path, method=ask.method, data=ask.body, headers=headers)
        if ask.method == "GET":
            return client.get(ask.path)
        return client.open(ask.path, method=ask.method, data={"csrf_token": token, **dict(ask.body or {})})

    def sweep(self) -> int:
        return worker.close_due(self.site.database, clock=self.clock)

    def outage(self, seconds: float) -> tuple[int, int]:
        """The web serves nobody for so long, and then leaves its pulse twice; afterwards it is as if it had none."""
        from_us = self.clock()
        self._pulse()
        self.clock.advance(seconds)
        self._pulse()
        self._pulse()
        self.witness.write(lambda session: session.connection().execute(metadata.tables["pulse"].delete()))
        return from_us, self.clock()

    def _pulse(self) -> None:
        self.site.database.write(lambda session: outages.beat(session, self.clock()))

    def stand(self, reader: "Reader") -> Stand:
        """Every row of these readings, in the order in which rows are added."""
        with self.witness.read() as session:
            connection, wanted = session.connection(), reader.readings
            fetch = partial(_rows, connection, self.study_id, wanted=wanted)
            return Stand(
                {row["id"]: row for row in fetch("reading", "id", order="id")},
                {row["reading_id"]: row for row in fetch("answer", "reading_id", order="reading_id")},
                fetch("save", "reading_id", order="revision"),
                fetch("late_payload", "reading_id", order="key"),
                fetch("event", "subject_id", order="seq"),
                fetch("event_payload", "subject_id", order="seq"),
                fetch("presence", "reading_id", order="page"),
                sorted({(row.from_us, row.to_us) for row in connection.execute(select(metadata.tables["outage"]))}),
            )


@dataclass(frozen=True, slots=True)
class Reader:
    account_id: UUID
    respondent_id: UUID
    readings: tuple[UUID, ...]


def _rows(
    connection: Connection, study_id: UUID, table: str, column: str, wanted: Sequence[UUID], *, order: str
) -> list[Row]:
    """The rows of these readings, in an order that is always the same."""
    found = metadata.tables[table]
    query = (
        select(found)
        .where(found.c.study_id == study_id, found.c[column].in_(wanted))
        .order_by(found.c[column], found.c[order])
    )
    return [dict(row) for row in connection.execute(query).mappings()]
