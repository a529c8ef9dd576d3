"""The path of an answer: the changes of every save, in order, give every draft that was kept, the answer at last."""

import json
from dataclasses import replace
from random import Random

import pytest
from builders import NOON_US, SECOND_US, a_draft, a_reader_joined, a_study_in, rows
from hypothesis import given
from hypothesis import strategies as st
from panels import a_loaded_study, a_panel_in, lock

from study.chain import GENESIS, Link, canonical
from study.draft import RESOURCES, Draft, changes
from study.record import EventRecord
from study.replay import DoesNotFollow, Lost, drafts, steps
from study.store import records, studies
from webapp.demo import studies as demo_studies

OPTIONS = st.frozensets(st.sampled_from("abcd"))
RESOURCE_WORDS = st.frozensets(st.sampled_from(sorted(RESOURCES)))
CONFIDENCE = st.none() | st.integers(0, 100)
ANY_DRAFT = st.builds(Draft, OPTIONS, CONFIDENCE, st.text(max_size=8), RESOURCE_WORDS, st.booleans())


def saved(seq, body, *, kind="saved") -> EventRecord:
    link = Link("s", "reading", "r", seq, NOON_US + seq, kind, None, "", GENESIS, GENESIS)
    return EventRecord(link, b"", None if body is None else body if isinstance(body, bytes) else canonical(body))


def saves(path) -> list[EventRecord]:
    """The events that these drafts leave, one after the other."""
    before = [Draft(), *path]
    return [
        saved(seq, {"revision": seq, "in_grace": False, "changes": changes(old, new, {})})
        for seq, (old, new) in enumerate(zip(before, path, strict=False), start=1)
    ]


@given(st.lists(ANY_DRAFT, max_size=6))
def test_the_changes_of_every_save_give_every_draft(path):
    assert drafts(steps(saves(path))) == path


@given(st.lists(ANY_DRAFT, min_size=1, max_size=6))
def test_every_kept_draft_is_a_step_with_its_revision_and_its_time(path):
    found = steps([saved(0, {}, kind="opened"), *saves(path), saved(9, {}, kind="submitted")])
    assert [(step.revision, step.at_us) for step in found] == [(seq, NOON_US + seq) for seq in range(1, len(path) + 1)]


def test_after_an_erased_payload_nobody_says_what_the_draft_was():
    events = saves([a_draft("a"), a_draft("a", "b"), a_draft("b")])
    events[1] = replace(events[1], salt=None, body=None)
    found = steps(events)
    assert [step.lost for step in found] == [None, Lost.ERASED, None]
    assert drafts(found) == [a_draft("a"), None, None]


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"in_grace":1,"changes":[7]}', b"[" * 100_000])
def test_a_payload_that_cannot_be_read_is_said_and_stops_nothing(body):
    (found,) = steps([saved(1, body)])
    assert (found.revision, found.lost) == (1, Lost.UNREADABLE)


@pytest.mark.parametrize(
    "change",
    [
        {"option": "a", "old": True, "new": False},
        {"option": "a", "old": False, "new": False},
        {"field": "confidence", "old": 3, "new": 4},
        {"field": "mood", "old": None, "new": "good"},
    ],
    ids=["taken back, never ticked", "no change", "another beginning", "no such field"],
)
def test_changes_that_do_not_follow_from_what_was_are_refused(change):
    event = saved(1, {"revision": 1, "in_grace": False, "changes": [change]})
    with pytest.raises(DoesNotFollow):
        drafts(steps([event]))


# In the database


def chains(database, study_id) -> dict[str, list[EventRecord]]:
    with database.read() as session:
        events = records.events(session, study_id)
    found: dict[str, list[EventRecord]] = {}
    for event in events:
        found.setdefault(event.link.subject_id, []).append(event)
    return found


def answers(database) -> dict[str, Draft]:
    """What stands, of physicians: a system's answer has no path."""
    opened = {row["id"] for row in rows(database, "reading") if row["event_count"]}
    return {
        str(row["reading_id"]): Draft(
            frozenset(row["selected"]),
            row["confidence"],
            row["rationale"],
            frozenset(row["resources"]),
            row["nothing_to_recommend"],
        )
        for row in rows(database, "answer")
        if row["reading_id"] in opened
    }


def test_every_draft_of_a_restless_reader_comes_back_from_the_events(database):
    rng = Random(7)  # noqa: S311  a walk that comes again, not a secret
    reader = a_reader_joined(a_study_in(database))
    reader.begin()
    path = [a_draft()]  # kept as it stood: nothing changed, and it is a save all the same
    for _ in range(30):
        selected = rng.sample("abcd", rng.randint(0, 4))
        path.append(
            a_draft(
                *selected,
                confidence=rng.choice([None, 0, 50, 100]),
                rationale=rng.choice(["", "so", "=so\n", "ça, « là »"]),
                resources=frozenset(rng.sample(sorted(RESOURCES), rng.randint(0, 3))),
                nothing_to_recommend=not selected and rng.random() < 0.5,
            )
        )
    for at, draft in enumerate(path):
        reader.save(draft, key=f"key-{at}", base=at, at_us=NOON_US + (at + 1) * SECOND_US)
    found = steps(chains(database, reader.study.id)[str(reader.readings[0])])
    assert drafts(found) == path
    assert [step.at_us - NOON_US for step in found] == [(at + 1) * SECOND_US for at in range(len(path))]


def test_the_answers_of_a_whole_simulated_panel_are_where_their_events_lead(database):
    _, bundle = demo_studies.demo_bundles()
    quiet = {"password_hash": "no password", "advance": lambda _what, _done, _of: None}
    demo_studies.make_locked(database, bundle, now_us=NOON_US, **quiet)
    with database.read() as session:
        study_id = studies.by_name(session, bundle.protocol.id).id
    paths = {reading: drafts(steps(chain)) for reading, chain in chains(database, study_id).items()}
    stored = answers(database)
    assert len(stored) > 50
    assert {reading: path[-1] for reading, path in paths.items() if path} == stored


def test_every_kind_of_ending_is_where_its_events_lead(database):
    study = a_loaded_study(database)
    a_panel_in(study)
    lock(study)
    paths = {reading: drafts(steps(chain)) for reading, chain in chains(database, study.id).items()}
    assert {reading: path[-1] for reading, path in paths.items() if path} == answers(database)


def test_the_page_s_own_offsets_come_with_its_changes():
    body = {"revision": 1, "in_grace": True, "changes": changes(Draft(), a_draft("a", "b"), {"a": 1200})}
    (step,) = steps([saved(1, json.dumps(body).encode())])
    assert [(change.name, change.offset_ms) for change in step.changes] == [("a", 1200), ("b", None)]
    assert step.in_grace
