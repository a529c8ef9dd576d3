"""Every route, for every role, in every state of a study: who gets in, and what they get.

The table is `fixtures/expected/access.csv`, one row a (route, method, role, state) with the status that must come.
A route that is not in it fails; so does a row whose route is gone. The test prints the rows that differ: read them, and
write them down if they are what should be.
"""

import csv
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sites import NOON_US, SiteUnderTest, Visitor, site_on
from sqlalchemy import select

from study.db import Database
from study.migrate import migrate
from study.store import accounts, jobs
from study.tables import Role, StudyState, metadata

EXPECTED = Path(__file__).resolve().parents[2] / "fixtures" / "expected" / "access.csv"
HEADER = ["endpoint", "method", "role", "state", "status"]
SENT_AS_JSON = {
    "reader.save": {"base_revision": 0, "lease": "a-page-of-mine", "draft": {}},
    "reader.lease": {"lease": "a-page-of-mine", "take": True},
    "reader.beat": {
        "page": "a-load-of-it",
        "lease": "a-page-of-mine",
        "load_ms": 1,
        "visible_ms": 1,
        "active_ms": 0,
        "hidden_count": 0,
    },
}
ROLES = ("nobody", "reader", "other reader", "pi", "statistician", "owner")
PROTECTED = {"reader": ("reader",), "pi": ("pi", "owner"), "stats": ("statistician", "owner")}
OWN = {"pi.lock": ("owner",)}
METHODS = ("GET", "POST")


@dataclass(frozen=True)
class Badge:
    """What makes a browser somebody's: carried into a fresh one for each request."""

    cookie: str
    csrf_token: str

    @classmethod
    def of(cls, visitor: Visitor) -> "Badge":
        held = visitor.client.get_cookie("primum")
        assert held is not None
        return cls(held.value, visitor.hidden["csrf_token"])

    def client(self, site: SiteUnderTest) -> FlaskClient:
        fresh = site.app.test_client()
        fresh.set_cookie("primum", self.cookie)
        return fresh


@dataclass
class World:
    """One study in one state, with the things that the addresses of the site name."""

    site: SiteUnderTest
    kept: Path
    values: dict[str, object]
    badges: dict[str, "Badge"]

    def restore(self) -> None:
        """As it was before the last request: what one visitor did must not decide what the next one gets."""
        self.site.database.dispose()
        path = Path(str(self.site.database.url.database))
        for leftover in path.parent.glob(f"{path.name}-*"):
            leftover.unlink()
        shutil.copyfile(self.kept, path)


def world(folder: Path, state: StudyState) -> World:
    database = Database(f"sqlite:///{folder}/{state}.sqlite")
    migrate(database)
    site = site_on(database)
    study = site.load(StudyState.DRAFT if state is StudyState.DRAFT else StudyState.OPEN)
    visitors = {"nobody": site.visitor(), "reader": site.joined(study.name)}
    visitors["other reader"] = site.joined(study.name, "eve@example.org")
    site.invite(study.name, "new@example.org", "a-fresh-invitation")
    own = _reading_of(site, "ada@example.org")
    if state is not StudyState.DRAFT:
        visitors["reader"].get(f"/readings/{own}")
        assert visitors["reader"].post(f"/readings/{own}/begin").status_code == 303
    for role in ("pi", "statistician", "owner"):
        visitors[role] = site.staff(Role(role))
    if state is StudyState.LOCKED:  # a study is locked when nobody is answering any more
        visitors["reader"].get(f"/readings/{own}/review")
        assert visitors["reader"].post(f"/readings/{own}/submit", {"nothing": "y"}).status_code == 303
    if state in (StudyState.PAUSED, StudyState.LOCKED):
        site.change_state(study.name, state)
    values = {
        "name": study.name,
        "respondent_id": _respondent(site, "ada@example.org"),
        "reading_id": own,
        "position": 1,
        "job_id": _job(site, study.id) if state is StudyState.LOCKED else UUID(int=1),
        "file": "results.json",
    }
    _password_ticket(site)
    for visitor in visitors.values():
        visitor.get("/help" if visitor is not visitors["nobody"] else "/sign-in")
    database.dispose()
    kept = folder / f"{state}.kept"
    _whole(Path(str(database.url.database)), kept)
    return World(site, kept, values, {role: Badge.of(visitor) for role, visitor in visitors.items()})


def _whole(path: Path, kept: Path) -> None:
    """One file that holds everything, whatever still stands in the write-ahead log."""
    import sqlite3

    source, target = sqlite3.connect(path), sqlite3.connect(kept)
    source.backup(target)
    source.close()
    target.close()


def _respondent(site: SiteUnderTest, email: str) -> UUID:
    reader = metadata.tables["reader"]
    with site.database.read() as session:
        return session.connection().scalar(select(reader.c.respondent_id).where(reader.c.email == email))


def _reading_of(site: SiteUnderTest, email: str) -> UUID:
    reading = metadata.tables["reading"]
    query = select(reading.c.id).where(reading.c.respondent_id == _respondent(site, email), reading.c.position == 1)
    with site.database.read() as session:
        return session.connection().scalar(query)


def _password_ticket(site: SiteUnderTest) -> None:
    def work(session) -> None:
        account = accounts.by_email(session, "pi@example.org")
        accounts.issue_password_ticket(session, account, "a-fresh-password-link", at_us=NOON_US, ttl_us=10**12)

    site.database.write(work)


def _job(site: SiteUnderTest, study_id: UUID) -> UUID:
    from study.store import studies

    def work(session):
        study = studies.by_name(session, "demo", for_update=True)
        return jobs.queue(
            session,
            study,
            seed=1,
            profile="noharm-2026-07",
            consensus="median",
            asked_by=None,
            at_us=NOON_US,
        )

    return site.database.write(work)


def asked(world: World, endpoint: str, rule: str, method: str, badge: Badge) -> int:
    values = {
        **world.values,
        "token": "a-fresh-invitation" if endpoint == "auth.join" else "a-fresh-password-link",
        "filename": "css/bootstrap.min.css" if endpoint == "bootstrap.static" else "style.css",
        "of_version": "any",
    }
    path = rule
    for name, value in values.items():
        for kind in ("", "uuid:", "int:", "path:", "string:", "study:"):
            path = path.replace(f"<{kind}{name}>", str(value))
    assert "<" not in path, f"{rule} names something that this test does not know"
    client = badge.client(world.site)
    if method == "GET":
        return client.get(path, buffered=True).status_code
    if endpoint in SENT_AS_JSON:
        body = {**SENT_AS_JSON[endpoint], "key": secrets.token_hex(8)}
        return client.post(path, json=body, headers={"X-CSRFToken": badge.csrf_token}).status_code
    return client.post(path, data={"csrf_token": badge.csrf_token}).status_code


def routes(site: SiteUnderTest) -> list[tuple[str, str, str]]:
    found = [
        (rule.endpoint, method, rule.rule)
        for rule in site.app.url_map.iter_rules()
        for method in METHODS
        if method in (rule.methods or ())
    ]
    return sorted(found)


def expected() -> dict[tuple[str, str, str, str], int]:
    with EXPECTED.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        assert next(rows) == HEADER
        return {tuple(row[:4]): int(row[4]) for row in rows}


@pytest.fixture(scope="module")
def worlds(tmp_path_factory) -> dict[StudyState, World]:
    folder = tmp_path_factory.mktemp("worlds")
    return {state: world(folder, state) for state in StudyState}


@pytest.mark.parametrize("state", list(StudyState))
@pytest.mark.parametrize("role", ROLES)
def test_every_route_answers_as_the_table_says(worlds, role, state):
    found = {}
    for endpoint, method, rule in routes(worlds[state].site):
        found[endpoint, method, role, state.value] = asked(
            worlds[state], endpoint, rule, method, worlds[state].badges[role]
        )
        if method == "POST":
            worlds[state].restore()
    wanted = {key: status for key, status in expected().items() if key[2:] == (role, state.value)}
    differences = [
        ",".join([*key, f"{found.get(key, 'no such route')}  (the table says {wanted.get(key, 'nothing')})"])
        for key in sorted(found.keys() | wanted.keys())
        if found.get(key) != wanted.get(key)
    ]
    assert not differences, "\n" + "\n".join(differences)


@pytest.mark.parametrize("endpoint", sorted({key[0] for key in expected()}))
def test_the_table_lets_nobody_in_who_does_not_belong(endpoint):
    """Read off the table itself, so that a row that was written down in haste is caught."""
    blueprint = endpoint.partition(".")[0]
    for (named, method, role, state), status in expected().items():
        if named == endpoint:
            assert status < 500, (method, role, state)
            assert status in allowed(endpoint, blueprint, role), (method, role, state)


def allowed(endpoint: str, blueprint: str, role: str) -> set[int]:
    """The statuses that may come at all."""
    anything = set(range(200, 500)) - {401, 403}
    inside = OWN.get(endpoint, PROTECTED.get(blueprint))
    if inside is None or role in inside:
        return anything
    if role == "nobody":
        return {401} if endpoint in SENT_AS_JSON else {303}
    if blueprint == "reader" and role == "other reader":
        return {303} if endpoint == "reader.home" else {404}
    return {403}
