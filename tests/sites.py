"""The real site on a real database with a clock of its own, and visitors who fill in its forms as a browser would."""

import html
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.test import TestResponse

from study.bundle_content import parse_content
from study.case import Case, CaseId
from study.db import Database
from study.protocol import Protocol
from study.store import accounts, enrolment, studies
from study.store.accounts import normal
from study.tables import Role, StudyRow, StudyState
from study.timing import SECOND_US
from webapp import create_app, passwords
from webapp.settings import Settings

NOON_US = 1_795_262_400 * SECOND_US  # 21 Nov 2026, 12:00 UTC
DEMO = Path(__file__).resolve().parents[1] / "fixtures" / "demo"
LEASE = "a-page-with-scripts"
PASSWORD = "correct horse battery staple"
HASH = passwords.hashed(PASSWORD)  # once: argon2 is slow on purpose
TTL_US = 30 * 24 * 3600 * SECOND_US
HIDDEN = re.compile(r'<input[^>]*type="hidden"[^>]*>|<input[^>]*name="base_revision"[^>]*>')


@dataclass
class FakeClock:
    at_us: int = NOON_US

    def __call__(self) -> int:
        return self.at_us

    def advance(self, seconds: float) -> None:
        self.at_us += round(seconds * SECOND_US)


@dataclass
class Visitor:
    """A browser without scripts: it keeps cookies, and sends the hidden fields of the page that it saw last."""

    client: FlaskClient
    page: TestResponse | None = None
    lease: str = ""

    def get(self, path: str, **options: Any) -> TestResponse:
        self.page = self.client.get(path, **options)
        return self.page

    def post(self, path: str, data: Mapping[str, Any] | None = None, **options: Any) -> TestResponse:
        sent = {**self.hidden, **(data or {})}
        self.page = self.client.post(path, data=sent, **options)
        return self.page

    def save(
        self, path: str, draft: Mapping[str, Any], *, base_revision: int, key: str, lease: str = LEASE
    ) -> TestResponse:
        """What the case page's script sends. The page that was seen last stays the page."""
        self.lease = lease
        whole = {"selected": [], "confidence": None, "rationale": "", "resources": [], "nothing_to_recommend": False}
        body = {
            "key": key,
            "base_revision": base_revision,
            "lease": lease,
            "draft": {**whole, **draft},
            "offsets_ms": {},
        }
        return self.client.post(f"{path}/saves", json=body, headers={"X-CSRFToken": self.hidden["csrf_token"]})

    @property
    def hidden(self) -> dict[str, str]:
        if self.page is None:
            return {}
        found = {}
        for tag in HIDDEN.findall(self.page.text):
            attributes = dict(re.findall(r'(\w+)="([^"]*)"', tag))
            if "name" in attributes:
                found[attributes["name"]] = html.unescape(attributes.get("value", ""))
        if "lease" in found:
            found["lease"] = self.lease
        return found

    @property
    def text(self) -> str:
        assert self.page is not None
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", self.page.text)).split())


@dataclass
class SiteUnderTest:
    """The site, with what a test does behind its back: load, open, invite, sign in, and set the clock."""

    app: Flask
    database: Database
    clock: Any
    files: Mapping[str, bytes] = field(default_factory=dict)

    def visitor(self) -> Visitor:
        return Visitor(self.app.test_client())

    def content(self) -> tuple[Protocol, Mapping[CaseId, Case]]:
        return _content(tuple(self.files.items()))

    def load(self, state: StudyState = StudyState.OPEN, *, digest: str = "b" * 64, **replaced: bytes) -> StudyRow:
        """The demonstration's cases, in a study of the wanted state. `replaced`: other files of the bundle."""
        self.files = {**demo_files(), **{name.replace("__", "/"): body for name, body in replaced.items()}}
        protocol, _cases = self.content()

        def work(session: Any) -> StudyRow:
            digests = {"bundle_digest": digest, "rubric_digest": "r" * 64}
            study = studies.load(session, protocol, self.files, actor_id=None, at_us=self.clock(), **digests).study
            steps = {
                StudyState.DRAFT: [],
                StudyState.OPEN: [StudyState.OPEN],
                StudyState.PAUSED: [StudyState.OPEN, StudyState.PAUSED],
                StudyState.LOCKED: [StudyState.OPEN, StudyState.LOCKED],
            }
            for wanted in steps[state]:
                study = studies.change_state(
                    session, study.name, wanted, protocol=protocol, actor_id=None, at_us=self.clock()
                )
            return study

        return self.database.write(work)

    def change_state(self, name: str, wanted: StudyState) -> None:
        protocol, _cases = self.content()
        self.database.write(
            lambda session: studies.change_state(
                session, name, wanted, protocol=protocol, actor_id=None, at_us=self.clock()
            )
        )

    def invite(self, name: str, email: str = "ada@example.org", token: str = "invitation") -> UUID:  # noqa: S107
        """Enter somebody on the roster; the link is /join/<token>. Returns their respondent id."""
        protocol, _cases = self.content()

        def work(session: Any) -> UUID:
            study = studies.by_name(session, name)
            reader = enrolment.invite(
                session,
                study,
                enrolment.Invitee(email, "Ada Reader"),
                arm=protocol.arms[0],
                actor_id=None,
                at_us=self.clock(),
            )
            enrolment.issue_join_ticket(session, reader, token, at_us=self.clock(), ttl_us=TTL_US)
            return reader.respondent_id

        return self.database.write(work)

    def joined(self, name: str, email: str = "ada@example.org") -> Visitor:
        """A physician who is invited, has consented, and is signed in."""
        protocol, cases = self.content()
        token = f"join-{email}"
        self.invite(name, email, token)
        self.database.write(
            lambda session: enrolment.join(
                session,
                token,
                protocol=protocol,
                cases=list(cases),
                bundle_digest=studies.by_name(session, name).bundle_digest,
                consent_sha256="c" * 64,
                password_hash=HASH,
                at_us=self.clock(),
            )
        )
        return self.signed_in(email)

    def staff(self, role: Role, email: str | None = None) -> Visitor:
        """Somebody of the staff, signed in."""
        address = normal(email or f"{role}@example.org")

        def work(session: Any) -> None:
            account = accounts.add_staff(session, address, role, actor_id=None, at_us=self.clock())
            accounts.set_password(session, account, HASH, at_us=self.clock())

        self.database.write(work)
        return self.signed_in(address)

    def signed_in(self, email: str) -> Visitor:
        """A signed-in browser, without the second that a password takes on purpose."""
        visitor = self.visitor()
        token = f"login-{email}-{self.clock()}-{id(visitor)}"

        def work(session: Any) -> None:
            account = accounts.by_email(session, email)
            assert account is not None
            accounts.start_login(session, account, token, at_us=self.clock(), ttl_us=TTL_US)

        self.database.write(work)
        with visitor.client.session_transaction() as cookie:
            cookie["login"] = token
        return visitor

    def sign_in(self, email: str, password: str = PASSWORD) -> Visitor:
        """The whole way through the form."""
        visitor = self.visitor()
        visitor.get("/sign-in")
        visitor.post("/sign-in", {"email": email, "password": password})
        return visitor


@cache
def _content(files: tuple[tuple[str, bytes], ...]) -> tuple[Protocol, Mapping[CaseId, Case]]:
    """Read once: most tests load the same files."""
    protocol, cases, _consent = parse_content(dict(files))
    return protocol, cases


def demo_files() -> dict[str, bytes]:
    return {path.relative_to(DEMO).as_posix(): path.read_bytes() for path in sorted(DEMO.rglob("*")) if path.is_file()}


class Compiled(BytecodeCache):
    """Each template compiled once for all the sites of a run: that took longer than most tests' own pages."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self.kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self.kept[bucket.key, bucket.checksum] = bucket.code


COMPILED = Compiled()


def site_on(database: Database, *, clock: Callable[[], int] | None = None) -> SiteUnderTest:
    """`clock` None: one that the test sets, and that stands still meanwhile."""
    clock = clock or FakeClock()
    settings = Settings(
        database_url=database.url.render_as_string(hide_password=False),
        secret_key="t" * 40,
        plain_cookie=True,
        public_url="http://localhost",
        contact_email="study@example.org",
    )
    app = create_app(settings, database, clock=clock)
    app.jinja_env.bytecode_cache = COMPILED
    return SiteUnderTest(app, database, clock)


@pytest.fixture
def site(sqlite_database: Database) -> SiteUnderTest:
    """The site on SQLite, for what does not depend on the engine."""
    return site_on(sqlite_database)


@pytest.fixture
def site_on_both(database: Database) -> SiteUnderTest:
    """The site on each engine in turn."""
    return site_on(database)
