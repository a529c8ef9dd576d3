"""The verdict of a drill: what it would say of a database that had lost, skipped or doubled something."""

import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks" / "drills"))

import _drill  # noqa: F401  first: it puts the drills' neighbours on the path
from _verdict import EMPTY, Stored, duplicates, gaps, lost, retold
from _writers import Kept

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
NOON_US = int(NOON.timestamp() * 1e6)


def event(revision, *changes):
    return {"revision": revision, "in_grace": False, "changes": list(changes)}


def ticked(option, new=True):
    return {"option": option, "old": not new, "new": new, "offset_ms": None}


def because(new):
    return {"field": "rationale", "old": "", "new": new, "offset_ms": None}


EVENTS = {"r": [event(1, ticked("a"), because("first")), event(2, ticked("b"), because("second"))]}
FIRST = {**EMPTY, "selected": ["a"], "rationale": "first"}
SECOND = {**EMPTY, "selected": ["a", "b"], "rationale": "second"}
KEPT = [Kept("r", "k1", 1, FIRST, NOON, 0.1, False), Kept("r", "k2", 2, SECOND, NOON, 0.1, False)]


def stored(**changed):
    whole = Stored(
        saves={("r", "k1"): (1, NOON_US), ("r", "k2"): (2, NOON_US)},
        events=EVENTS,
        drafts=retold(EVENTS),
        answers={"r": SECOND},
        revisions={"r": 2},
    )
    return replace(whole, **changed)


def counts(found, kept=KEPT):
    return lost(found, kept), gaps(found), duplicates(found, kept)


def test_a_draft_is_made_again_from_its_changes():
    events = {"r": [*EVENTS["r"], event(3, ticked("a", new=False), because("third"))]}
    assert retold(events)["r", 2] == SECOND
    assert retold(events)["r", 3] == {**EMPTY, "selected": ["b"], "rationale": "third"}


def test_nothing_is_found_where_nothing_is_wrong():
    assert counts(stored()) == (0, 0, 0)


def test_what_was_kept_and_never_acknowledged_is_no_fault():
    assert counts(stored(), KEPT[:1]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({"saves": {("r", "k1"): (1, NOON_US)}}, (1, 1, 0)),
        ({"saves": {("r", "k1"): (1, NOON_US), ("r", "other"): (2, NOON_US)}}, (1, 0, 0)),
        ({"saves": {("r", "k1"): (1, NOON_US), ("r", "k2"): (2, NOON_US + 5_000)}}, (1, 0, 0)),
        ({"answers": {"r": FIRST}}, (1, 0, 0)),
        ({"answers": {}}, (1, 0, 0)),
        ({"drafts": {("r", 1): FIRST, ("r", 2): FIRST}, "answers": {"r": FIRST}}, (1, 0, 0)),
        ({"revisions": {"r": 3}}, (0, 2, 0)),
        ({"drafts": {("r", 2): SECOND}}, (1, 1, 0)),
    ],
    ids=[
        "a save that is gone",
        "a save under another key",
        "a save at another time",
        "an answer that was overwritten",
        "an answer that is gone",
        "an event that tells another draft",
        "a revision without a save and an event",
        "an event that is gone",
    ],
)
def test_what_is_lost_or_missing_is_counted(changed, found):
    assert counts(stored(**changed)) == found


def test_a_save_made_twice_is_counted_under_whatever_revision():
    events = {"r": [*EVENTS["r"], event(3, because("second"))]}
    assert duplicates(stored(events=events), KEPT) == 1


def test_a_revision_told_twice_is_counted():
    events = {"r": [*EVENTS["r"], event(2, ticked("c"))]}
    assert duplicates(stored(events=events), KEPT) == 1


def test_one_revision_acknowledged_to_two_saves_is_counted():
    assert duplicates(stored(), [*KEPT, replace(KEPT[1], key="k3")]) == 1
