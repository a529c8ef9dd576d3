"""Before the lock nothing that anybody chose, and no score, can be read from any page of the staff (contracts §6)."""

from uuid import uuid4

import pytest
from sites import NOON_US, SiteUnderTest
from sqlalchemy import Connection, select
from staff_pages import addresses, bytes_of, token_of

from study.tables import Role, metadata

READING, ANSWER, READER, LATE = (metadata.tables[name] for name in ("reading", "answer", "reader", "late_payload"))
CONTENT = [column for column in ANSWER.c if column.name not in ("study_id", "reading_id")]


def study_id_of(connection: Connection, name: str) -> object:
    study = metadata.tables["study"]
    return connection.scalar(select(study.c.id).where(study.c.name == name))


def a_late_arrival(site: SiteUnderTest, name: str, option: str) -> None:
    """One reading of the study has been sent something after its end."""

    def work(session) -> None:
        connection = session.connection()
        study_id = study_id_of(connection, name)
        closed = select(READING.c.id).where(READING.c.study_id == study_id, READING.c.state == "expired")
        place = {"study_id": study_id, "reading_id": connection.scalar(closed.order_by(READING.c.id)), "id": uuid4()}
        body = {"draft": {"selected": [option]}}
        connection.execute(LATE.insert(), {**place, "key": "late", "at_us": NOON_US, "body": body})

    site.database.write(work)


def permute_what_is_secret(site: SiteUnderTest, name: str) -> int:
    """Give everybody's answer to somebody else, and change whatever else counts or follows what was chosen."""

    def work(session) -> int:
        connection = session.connection()
        study_id = study_id_of(connection, name)
        answers = connection.execute(
            select(ANSWER).where(ANSWER.c.study_id == study_id).order_by(ANSWER.c.reading_id)
        ).all()
        moved = 0
        for ours, theirs in zip(answers, answers[7:] + answers[:7], strict=True):
            values = {column.name: getattr(theirs, column.name) for column in CONTENT}
            values["nothing_to_recommend"] = not theirs.nothing_to_recommend
            values["confidence"] = 100 - (theirs.confidence or 0)
            values["rationale"] = f"{theirs.rationale} – and something else"
            values["resources"] = ["ai"] if "ai" not in theirs.resources else []
            moved += values["selected"] != ours.selected
            place = (ANSWER.c.study_id == study_id) & (ANSWER.c.reading_id == ours.reading_id)
            connection.execute(ANSWER.update().where(place).values(**values))
        of_study = READING.c.study_id == study_id
        connection.execute(
            READING.update().where(of_study).values(revision=READING.c.revision + 3, arm="another", presented=["x"])
        )
        connection.execute(
            READING.update()
            .where(of_study, READING.c.receipt.is_not(None))
            .values(receipt="0" * 16, submit_key="k", closed_by="sweep")
        )
        connection.execute(READER.update().where(READER.c.study_id == study_id).values(arm="another"))
        connection.execute(LATE.update().where(LATE.c.study_id == study_id).values(body={"draft": {"selected": ["x"]}}))
        some = connection.execute(select(READING.c.id).where(of_study, READING.c.saved_at_us.is_not(None))).first()
        for number in range(3):
            place = {"study_id": study_id, "reading_id": some.id, "key": f"extra {number}", "at_us": NOON_US}
            connection.execute(metadata.tables["save"].insert(), {**place, "revision": 1000 + number})
        return moved

    return site.database.write(work)


@pytest.mark.parametrize(("role", "blueprint"), [(Role.PI, "pi"), (Role.OWNER, "pi"), (Role.STATISTICIAN, "stats")])
def test_every_page_is_the_same_to_the_byte_when_what_was_chosen_is_permuted(demo_site, role, blueprint):
    visitor = demo_site.staff(role)
    a_late_arrival(demo_site, "demo", "an-option-of-a-late-one")
    before = bytes_of(demo_site, visitor, blueprint, "demo")
    assert any(b"arrived late" in page for page in before.values()) is (blueprint == "pi")
    assert not any(b"an-option-of-a-late-one" in page for page in before.values())
    assert permute_what_is_secret(demo_site, "demo") > 50
    after = bytes_of(demo_site, visitor, blueprint, "demo")
    assert after == before


def test_what_may_be_seen_does_change_a_page(demo_site):
    """Or the comparison above would hold for pages that show nothing."""
    visitor = demo_site.staff(Role.PI)
    before = bytes_of(demo_site, visitor, "pi", "demo")
    demo_site.database.write(
        lambda session: session.connection().execute(
            READING.update().where(READING.c.saved_at_us.is_not(None)).values(saved_at_us=None)
        )
    )
    changed = [
        address for address, page in bytes_of(demo_site, visitor, "pi", "demo").items() if page != before[address]
    ]
    assert any("/readers/" in address for address in changed)


def test_the_study_page_names_no_option_of_any_case(demo_site):
    visitor = demo_site.staff(Role.PI)
    whole = b"".join(bytes_of(demo_site, visitor, "pi", "demo").values())
    with demo_site.database.read() as session:
        chosen = {option for row in session.connection().scalars(select(ANSWER.c.selected)) for option in row}
    assert len(chosen) > 20
    assert [option for option in chosen if len(option) > 3 and option.encode() in whole] == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_before_the_lock_no_address_leads_to_an_outcome(demo_site, method):
    """Not even where a run and its files stand in the database already."""

    def move_the_runs(session) -> None:
        connection = session.connection()
        connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
        opened = study_id_of(connection, "demo")
        for table in ("job", "artefact"):
            connection.execute(metadata.tables[table].update().values(study_id=opened))

    demo_site.database.write(move_the_runs)
    visitor = demo_site.staff(Role.STATISTICIAN)
    found = {
        address: visitor.client.open(address, method=method, data=token_of(visitor)).status_code
        for address in addresses(demo_site, "stats", "demo", method)
        if address not in ("/stats/", "/stats/demo")
    }
    assert len(found) >= (10 if method == "GET" else 1)
    assert set(found.values()) == {409}
