"""The event chain, to the letter of the contract. The golden file is computed here from json and hashlib alone."""

import hashlib
import json
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.chain import GENESIS, Link, canonical, faults_of, link_hash, payload_digest

GOLDEN = Path(__file__).parents[2] / "fixtures" / "expected" / "chain.json"
STUDY, SUBJECT, ACTOR = (f"{digit * 8}-0000-4000-8000-000000000000" for digit in "123")
WORKED = [
    ("opened", ACTOR, 1_800_000_000_000_000, {"deadline_at_us": 1_800_000_600_000_000, "presented": ["b", "a"]}),
    (
        "saved",
        ACTOR,
        1_800_000_001_000_000,
        {"changes": [{"option": "a", "old": False, "new": True}], "note": "Ärztin – „ja“"},
    ),
    ("extended", ACTOR, 1_800_000_002_000_000, {"reason": "fire alarm", "seconds": 60}),
    ("expired", None, 1_800_000_700_000_000, {}),
]


def worked() -> dict:
    """What the contract says, written down a second time and without the code that it is to judge."""
    prev, events = "0" * 64, []
    for seq, (kind, actor, at_us, body) in enumerate(WORKED, start=1):
        salt = bytes([seq]) * 16
        text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        payload = hashlib.sha256(salt + text.encode("utf-8")).hexdigest()
        listed = [1, STUDY, "reading", SUBJECT, seq, at_us, kind, actor, payload, prev]
        hashed = hashlib.sha256(
            json.dumps(listed, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
        ).hexdigest()
        names = ("study_id", "subject_kind", "subject_id", "seq", "at_us", "kind", "actor_id", "payload_sha256", "prev")
        event = dict(zip(names, listed[1:], strict=True)) | {"hash": hashed}
        events.append({"event": event, "salt": salt.hex(), "body": text})
        prev = hashed
    return {"event_count": len(events), "head": prev, "events": events}


@pytest.fixture(scope="module")
def golden() -> dict:
    return json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def links(golden) -> list[Link]:
    return [Link(**entry["event"]) for entry in golden["events"]]


def test_the_golden_file_is_what_the_contract_says(golden):
    assert golden == worked()


def test_our_hashes_are_those_of_the_golden_file(links):
    named = [field.name for field in fields(Link) if field.name != "hash"]
    assert [link_hash(*(getattr(link, name) for name in named)) for link in links] == [link.hash for link in links]


def test_our_payloads_are_those_of_the_golden_file(golden):
    for entry, (_, _, _, body) in zip(golden["events"], WORKED, strict=True):
        assert canonical(body) == entry["body"].encode()
        assert payload_digest(bytes.fromhex(entry["salt"]), canonical(body)) == entry["event"]["payload_sha256"]


def test_a_whole_chain_verifies(golden, links):
    assert faults_of(links, event_count=golden["event_count"], head=golden["head"]) == []
    assert faults_of([], event_count=0, head=GENESIS) == []


def _altered(value: object) -> object:
    match value:
        case None:
            return ACTOR
        case int():
            return value + 1
        case str() if value.endswith("0"):
            return value[:-1] + "1"
        case str():
            return value[:-1] + "0"
    raise AssertionError(value)


@pytest.mark.parametrize("at", range(len(WORKED)))
@pytest.mark.parametrize("name", [field.name for field in fields(Link)])
def test_any_altered_field_of_any_event_is_found(golden, links, at, name):
    changed = replace(links[at], **{name: _altered(getattr(links[at], name))})
    assert faults_of([*links[:at], changed, *links[at + 1 :]], event_count=4, head=golden["head"])


@pytest.mark.parametrize("at", range(len(WORKED)))
def test_a_missing_event_is_found(golden, links, at):
    assert faults_of(links[:at] + links[at + 1 :], event_count=4, head=golden["head"])


@pytest.mark.parametrize("at", range(len(WORKED) - 1))
def test_two_events_in_each_others_place_are_found(golden, links, at):
    swapped = [*links[:at], links[at + 1], links[at], *links[at + 2 :]]
    assert faults_of(swapped, event_count=4, head=golden["head"])


@pytest.mark.parametrize("kept", range(len(WORKED)))
def test_a_cut_tail_is_found_though_what_is_left_is_whole(golden, links, kept):
    found = faults_of(links[:kept], event_count=4, head=golden["head"])
    assert found == [
        f"{kept} events stand, 4 were written",
        "the last event is not the one that was written last",
    ]


def test_a_doubled_event_is_found(golden, links):
    assert faults_of([*links, links[-1]], event_count=4, head=golden["head"])


def test_a_chain_that_was_written_anew_does_not_meet_the_head_that_the_subject_has(golden, links):
    prev, forged = GENESIS, []
    for link in links:
        fresh = replace(link, at_us=link.at_us + 1, prev=prev)
        values = [getattr(fresh, field.name) for field in fields(Link) if field.name != "hash"]
        forged.append(replace(fresh, hash=link_hash(*values)))
        prev = forged[-1].hash
    assert faults_of(forged, event_count=4, head=golden["head"]) == [
        "the last event is not the one that was written last"
    ]


def test_the_chain_is_whole_without_any_payload(golden, links):
    """Verifying needs no body, so that an erased one leaves the chain as it was."""
    assert faults_of(links, event_count=4, head=golden["head"]) == []


@pytest.mark.parametrize("body", [{"a": 0.5}, {"a": [1, {"b": (0.0,)}]}, {"a": float("nan")}])
def test_a_payload_holds_no_floats(body):
    with pytest.raises(TypeError, match="no floats"):
        canonical(body)


TEXT = st.text(st.characters(exclude_categories=["Cs"]))
BODIES = st.dictionaries(
    TEXT, st.recursive(st.none() | st.booleans() | st.integers() | TEXT, lambda inner: st.lists(inner, max_size=3))
)


@given(BODIES)
def test_a_canonical_payload_reads_back_as_it_was_and_has_one_spelling(body):
    assert json.loads(canonical(body)) == body
    assert canonical(dict(reversed(body.items()))) == canonical(body)
