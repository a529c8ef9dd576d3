"""After the lock: every form of the site is sent once more by everybody, and the export stays the same to the byte."""

import io
from dataclasses import dataclass
from hashlib import sha256
from itertools import product
from typing import Any
from uuid import UUID

import pytest
from sites import LEASE, NOON_US, PASSWORD, SiteUnderTest, Visitor
from sqlalchemy import select

from study.export import export
from study.store import accounts, conduct, records, studies
from study.tables import Role, StudyState, metadata

READER, READING = metadata.tables["reader"], metadata.tables["reading"]
TYPED = {
    "reason": "late", "sure": "y", "text": "late", "nothing": "y", "confidence": "1", "rationale": "late",
    "key": "sent-after-the-lock", "base_revision": "1", "minutes": "5", "percent": "150", "typed_name": "demo",
    "email": "late@example.org", "full_name": "Late", "strata": "site = north", "agreed": "y", "password": PASSWORD,
    "seed": "7", "profile": "noharm-2026-07", "consensus": "median",
}  # fmt: skip


@dataclass(frozen=True)
class Locked:
    site: SiteUnderTest
    visitors: dict[str, Visitor]
    readings: dict[str, list[UUID]]
    respondents: list[UUID]

    def archive(self) -> bytes:
        with self.site.database.read() as session:
            return export(records.study_record(session, studies.by_name(session, "demo")), version="1")


@pytest.fixture
def locked(site) -> Locked:
    """Readings in every state that a lock may find, and somebody signed in for each role."""
    study = site.load()
    readers = {name: site.joined("demo", f"{name}@example.org") for name in ("ada", "bob", "tess", "will")}
    site.invite("demo", "new@example.org", "a-fresh-invitation")
    with site.database.read() as session:
        people = session.connection().execute(select(READER.c.email, READER.c.respondent_id)).all()
        own = session.connection().execute(select(READING).order_by(READING.c.position)).all()
    ids = {person.email.partition("@")[0]: person.respondent_id for person in people}
    readings = {name: [row.id for row in own if row.respondent_id == of] for name, of in ids.items()}

    def mark_test(session: Any) -> None:
        session.connection().execute(READER.update().where(READER.c.respondent_id == ids["tess"]).values(test=True))

    site.database.write(mark_test)
    for name in ("bob", "ada", "tess", "will"):
        visitor, path = readers[name], f"/readings/{readings[name][0]}"
        visitor.get(path)
        visitor.post(f"{path}/begin")
        visitor.get(path)
        assert visitor.save(path, {"confidence": 50}, base_revision=0, key="before-the-lock").status_code == 200
        if name == "bob":
            site.clock.advance(3600)  # of all of them, only his time is over
    readers["ada"].get(f"/readings/{readings['ada'][0]}/review")
    assert readers["ada"].post(f"/readings/{readings['ada'][0]}/submit", {"nothing": "y"}).status_code == 303
    actor = accounts_of(site, "ada@example.org")
    site.database.write(
        lambda session: conduct.set_aside(
            session, study.id, readings["will"][0], reason="fire alarm", actor_id=actor, at_us=NOON_US
        )
    )
    staff = {role.value: site.staff(role) for role in (Role.PI, Role.STATISTICIAN, Role.OWNER)}
    site.change_state("demo", StudyState.LOCKED)
    visitors = {"nobody": site.visitor(), **readers, **staff}
    for name, visitor in visitors.items():
        visitor.get("/sign-in" if name == "nobody" else "/help")
    return Locked(site, visitors, readings, list(ids.values()))


def accounts_of(site: SiteUnderTest, email: str) -> UUID:
    with site.database.read() as session:
        found = accounts.by_email(session, email)
    assert found is not None
    return found.id


def paths(locked: Locked, rule: str) -> list[str]:
    """Every address that the rule has in this study."""
    values = {
        "<study:name>": ["demo"],
        "<token>": ["a-fresh-invitation"],
        "<uuid:reading_id>": [str(one) for own in locked.readings.values() for one in own[:2]],
        "<uuid:respondent_id>": [str(one) for one in locked.respondents],
        "<int:position>": ["1", "2"],
    }
    wanted = [name for name in values if name in rule]
    found = []
    for chosen in product(*(values[name] for name in wanted)):
        path = rule
        for name, value in zip(wanted, chosen, strict=True):
            path = path.replace(name, value)
        found.append(path)
    assert not any("<" in path for path in found), f"{rule} names something that this test does not know"
    return found


JSON = {"reader.save": {"lease": LEASE}, "reader.lease": {"lease": "another-page", "take": True}}


def test_whatever_anybody_sends_after_the_lock_the_export_stays_the_same_to_the_byte(locked):
    before, sent = locked.archive(), 0
    rules = [rule for rule in locked.site.app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    content = {"bundle_digest": "b" * 64, "consent_sha256": sha256(locked.site.files["consent.md"]).hexdigest()}
    # Signing out and new passwords end the sessions that the others need.
    for rule in sorted(rules, key=lambda rule: (rule.endpoint.startswith("auth."), rule.endpoint)):
        for path, (name, visitor) in product(paths(locked, rule.rule), locked.visitors.items()):
            token = {"csrf_token": visitor.hidden["csrf_token"]}
            if rule.endpoint in JSON:
                draft = {"selected": [], "confidence": 1}
                body = {"key": f"late-{name}-{sent}", "base_revision": 1, "draft": draft, **JSON[rule.endpoint]}
                answer = visitor.client.post(path, json=body, headers={"X-CSRFToken": token["csrf_token"]})
            else:
                people = (io.BytesIO(b"email,name\nlate@example.org,Late\n"), "people.csv")
                answer = visitor.client.post(path, data={**TYPED, **content, **token, "people": people})
            sent += 1
            assert answer.status_code < 500, (rule.endpoint, name)
            if answer.status_code == 410 and answer.is_json:
                assert answer.json["kept_apart"] is False
    with locked.site.database.read() as session:
        states = session.connection().scalars(select(READING.c.state).where(READING.c.position == 1)).all()
    assert sorted(states) == ["expired", "open", "open", "submitted"]  # so that every kind was met
    assert sent > 200
    assert locked.archive() == before
