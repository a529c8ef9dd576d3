"""Beats over the web: what a page may say of itself, what it is told, and that nobody else gets to read it."""

import pytest
from builders import rows
from sites import LEASE, NOON_US
from staff_pages import bytes_of

from study.tables import Role, metadata

BEAT = {"page": "a-load-of-it", "lease": LEASE, "load_ms": 700, "visible_ms": 0, "active_ms": 0, "hidden_count": 0}


@pytest.fixture
def begun(site):
    """Ada, and the address of the reading that she has begun."""
    study = site.load()
    ada = site.joined(study.name)
    (first, *_) = sorted(rows(site.database, "reading"), key=lambda row: row["position"])
    path = f"/readings/{first['id']}"
    ada.get(path)
    ada.post(f"{path}/begin")
    ada.get(path)
    return ada, path


def beat(visitor, path, **changed):
    body = {**BEAT, **changed}
    return visitor.client.post(f"{path}/beat", json=body, headers={"X-CSRFToken": visitor.hidden["csrf_token"]})


def test_a_beat_is_answered_with_the_clock(site, begun):
    ada, path = begun
    site.clock.advance(15)
    told = beat(ada, path, visible_ms=15_000)
    clock = ada.client.get(f"{path}/clock").json
    assert told.status_code == 200
    assert {**told.json, "csrf_token": ""} == {**clock, "csrf_token": ""}
    (row,) = rows(site.database, "presence")
    assert (row["page"], row["load_ms"], row["visible_ms"], row["last_at_us"]) == (
        "a-load-of-it",
        700,
        15_000,
        site.clock.at_us,
    )


def test_the_page_of_another_window_is_told_what_stands_there(site, begun):
    ada, path = begun
    beat(ada, path)
    moved = beat(ada, path, page="another-load", lease="another-page")
    assert moved.status_code == 423
    assert (moved.json["revision"], moved.json["draft"]["selected"]) == (0, [])
    assert len(rows(site.database, "presence")) == 2


def test_after_the_end_a_page_is_told_that_it_is_over(site, begun):
    ada, path = begun
    site.clock.advance(24 * 3600)
    over = beat(ada, path)
    assert over.status_code == 410
    assert (over.json["state"], over.json["kept_apart"]) == ("expired", False)
    assert rows(site.database, "presence") == []


@pytest.mark.parametrize(
    "changed",
    [
        {"page": "short"},
        {"page": "a page of mine"},
        {"page": "x" * 65},
        {"page": None},
        {"lease": ""},
        {"lease": "a lease of mine"},
        {"load_ms": -1},
        {"visible_ms": 1.5},
        {"visible_ms": "15000"},
        {"active_ms": True},
        {"active_ms": 2**53},
        {"hidden_count": 2**31},
        {"hidden_count": None},
    ],
    ids=str,
)
def test_what_no_page_of_ours_says_is_refused_and_nothing_kept(site, begun, changed):
    ada, path = begun
    assert beat(ada, path, **changed).status_code == 422
    assert rows(site.database, "presence") == []


@pytest.mark.parametrize("body", [[], "beat", 7])
def test_a_beat_is_an_object(begun, body):
    ada, path = begun
    answer = ada.client.post(f"{path}/beat", json=body, headers={"X-CSRFToken": ada.hidden["csrf_token"]})
    assert answer.status_code == 422


def test_the_longest_counts_that_are_taken_can_be_kept_on_both_engines(site_on_both):
    study = site_on_both.load()
    ada = site_on_both.joined(study.name)
    (first, *_) = sorted(rows(site_on_both.database, "reading"), key=lambda row: row["position"])
    path = f"/readings/{first['id']}"
    ada.get(path)
    ada.post(f"{path}/begin")
    ada.get(path)
    most = {"load_ms": 2**53 - 1, "visible_ms": 2**53 - 1, "active_ms": 2**53 - 1, "hidden_count": 2**31 - 1}
    assert beat(ada, path, **most).status_code == 200
    (row,) = rows(site_on_both.database, "presence")
    assert {name: row[name] for name in most} == most


def test_a_beat_is_not_taken_from_anybody_else(site, begun):
    ada, path = begun
    eve = site.joined("demo", "eve@example.org")
    eve.get("/help")
    assert beat(eve, path).status_code == 404
    nobody = site.visitor()
    nobody.get("/sign-in")
    assert beat(nobody, path).status_code == 401
    assert ada.client.post(f"{path}/beat", json=BEAT).status_code == 400
    assert rows(site.database, "presence") == []


@pytest.mark.parametrize(("role", "blueprint"), [(Role.PI, "pi"), (Role.OWNER, "pi"), (Role.STATISTICIAN, "stats")])
def test_before_the_lock_no_page_of_the_staff_shows_when_an_option_was_chosen_or_how_long_a_case_was_looked_at(
    demo_site, role, blueprint
):
    visitor = demo_site.staff(role)
    before = bytes_of(demo_site, visitor, blueprint, "demo")
    opened = [row for row in rows(demo_site.database, "reading") if row["first_selected_at_us"] is not None]
    assert len(opened) > 20
    counts = {"load_ms": 1, "visible_ms": 60_000, "active_ms": 30_000, "hidden_count": 3}
    stamps = {"page": "a-load-of-it", "first_at_us": NOON_US, "last_at_us": NOON_US}

    def work(session):
        reading = metadata.tables["reading"]
        session.connection().execute(reading.update().values(first_selected_at_us=NOON_US - 1))
        for row in opened:
            of_it = {"study_id": row["study_id"], "reading_id": row["id"]}
            session.connection().execute(metadata.tables["presence"].insert(), {**of_it, **stamps, **counts})

    demo_site.database.write(work)
    assert bytes_of(demo_site, visitor, blueprint, "demo") == before
