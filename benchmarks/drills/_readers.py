"""Readers of the demonstration's cases, joined and signed in behind the site's back: no password costs its second."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from _drill import ROOT
from flask import Flask
from sqlmodel import Session

from study.bundle_content import parse_content
from study.db import Database
from study.store import accounts, enrolment, studies
from study.tables import StudyState
from webapp import security
from webapp.settings import Settings

DEMO = ROOT / "fixtures" / "demo"
TTL_US = 10**12


@dataclass(frozen=True, slots=True)
class Place:
    """A reader who is signed in, and their one reading. `lease`: the page that holds it."""

    reading: str
    options: tuple[str, ...]
    cookies: Mapping[str, str]
    lease: str

    @property
    def path(self) -> str:
        return f"/readings/{self.reading}"


def demo_files() -> dict[str, bytes]:
    return {path.relative_to(DEMO).as_posix(): path.read_bytes() for path in DEMO.rglob("*") if path.is_file()}


def enrol(
    database: Database, secret: str, readers: int, *, limit_s: int, study_files: Mapping[str, bytes] | None = None
) -> list[Place]:
    """One open study, and in it as many readers with one assigned case each, of `limit_s` seconds.

    `study_files` None: the demonstration's.
    """
    files = dict(study_files or demo_files())
    toml = re.sub(r"cases_per_reader = \d+", "cases_per_reader = 1", files["study.toml"].decode())
    files["study.toml"] = re.sub(r"limit_s = \d+", f"limit_s = {limit_s}", toml).encode()
    protocol, cases, _consent = parse_content(files)
    options = {str(case.id): tuple(str(option.id) for option in case.options) for case in cases.values()}
    at_us = time.time_ns() // 1000

    def work(session: Session) -> list[tuple[str, str, str]]:
        digests = {"bundle_digest": "b" * 64, "rubric_digest": "r" * 64}
        studies.load(session, protocol, files, actor_id=None, at_us=at_us, **digests)
        study = studies.change_state(
            session, protocol.id, StudyState.OPEN, protocol=protocol, actor_id=None, at_us=at_us
        )
        joined = []
        for name in (f"reader-{number:04d}" for number in range(readers)):
            invitee = enrolment.Invitee(f"{name}@example.org")
            reader = enrolment.invite(session, study, invitee, arm=protocol.arms[0], actor_id=None, at_us=at_us)
            enrolment.issue_join_ticket(session, reader, f"join-{name}", at_us=at_us, ttl_us=TTL_US)
            account = enrolment.join(
                session,
                f"join-{name}",
                protocol=protocol,
                cases=list(cases),
                bundle_digest=study.bundle_digest,
                consent_sha256="c" * 64,
                password_hash="none",
                at_us=at_us,
            )
            accounts.start_login(session, account, f"login-{name}", at_us=at_us, ttl_us=TTL_US)
            (row,) = enrolment.place(session, reader.respondent_id, account.id).readings
            joined.append((name, str(row.id), row.case_id))
        return joined

    signed_in = _signing(database, secret)
    return [
        Place(reading, options[case], signed_in(f"login-{name}"), f"page-of-{name}")
        for name, reading, case in database.write(work)
    ]


def _signing(database: Database, secret: str) -> Callable[[str], Mapping[str, str]]:
    """The cookies of a browser that is signed in under a token."""
    settings = Settings(database_url=str(database.url), secret_key=secret, plain_cookie=True)  # type: ignore[arg-type]  # pydantic makes it a secret
    app = Flask("signing")
    security.configure(app, settings)
    signer = app.session_interface.get_signing_serializer(app)
    assert signer is not None
    return lambda token: {app.config["SESSION_COOKIE_NAME"]: signer.dumps({"login": token})}
