"""What the people of a sitting send: each request as it stands on the wire, beside what it says."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from sitting_foretold import GRACE_US, SLACK_US
from sitting_world import OPTIONS, Ask

WHICH = st.sampled_from(["now", "now", "now", "now", "first", "second"])
"""Mostly the case that is being read; else one that may be over, or not begun."""
PAGES = ("page-one", "page-two")
LEASES = st.sampled_from([PAGES[0], PAGES[0], PAGES[0], PAGES[1]])
PLAIN = st.sampled_from(["", PAGES[0], PAGES[0], PAGES[1]])
BASES = st.sampled_from([0, 0, 0, 0, -1, -2, 1])
"""What a page says that its draft is based on, beside the revision that stands."""
SECRET = "words of the reader alone"
DRAFTS = st.builds(
    lambda selected, confidence, rationale, resources: {
        "selected": sorted(selected),
        "confidence": confidence,
        "rationale": rationale,
        "resources": sorted(resources),
        "nothing_to_recommend": not selected and confidence == 7,
    },
    st.frozensets(st.sampled_from(OPTIONS), max_size=3),
    st.sampled_from([None, 0, 7, 100]),
    st.sampled_from(["", SECRET]),
    st.frozensets(st.sampled_from(["ai", "search"]), max_size=2),
)
HINTS = st.sampled_from(
    [
        {},
        {"offsets_ms": {OPTIONS[0]: 1200, "confidence": 1500}, "elapsed_ms": 2000},
        {"offsets_ms": {OPTIONS[0]: 2**52}, "elapsed_ms": 0},
        {"offsets_ms": {OPTIONS[1]: -5, "foreign": 1}, "elapsed_ms": -86_400_000},
        {"offsets_ms": {OPTIONS[2]: "soon"}, "elapsed_ms": 2**60},
        {"offsets_ms": None, "elapsed_ms": 0.5},
    ]
)
"""What a page says of its own clock: right, a day off, absurd. Nothing of it may decide anything (I10)."""
COUNTS = st.fixed_dictionaries(
    {
        "load_ms": st.sampled_from([0, 300]),
        "visible_ms": st.sampled_from([0, 15_000, 30_000]),
        "active_ms": st.sampled_from([0, 9_000]),
        "hidden_count": st.sampled_from([0, 3]),
    }
)
EDGES = {"deadline": 0, "grace": GRACE_US, "due": GRACE_US + SLACK_US}
FORWARD_S = st.sampled_from([0.001, 1, 20, 46, 250])
OUTAGES_S = st.sampled_from([15, 15.001, 200, 900, 900.001])
BACK_S = st.sampled_from([0.001, 29.999, 30.001, 3600])
DEATHS = st.one_of(
    st.tuples(st.just("statement"), st.integers(1, 9)),
    st.tuples(st.sampled_from(["commit", "answer"]), st.just(1)),
)


def path_of(reading: UUID) -> str:
    return f"/readings/{reading}"


def a_begin(reading: UUID, lease: str) -> Ask:
    return Ask("begin", f"{path_of(reading)}/begin", reading, body={"lease": lease}, sent={"lease": lease or None})


def a_save(reading: UUID, sent: Mapping[str, Any], hints: Mapping[str, Any]) -> Ask:
    """`sent`: key, base_revision, lease, draft."""
    return _json("save", reading, "saves", sent, {**sent, **hints})


def a_lease(reading: UUID, lease: str, *, take: bool) -> Ask:
    sent = {"lease": lease, "take": take}
    return _json("lease", reading, "lease", sent, sent)


def a_beat(reading: UUID, lease: str, load: int, counts: Mapping[str, int]) -> Ask:
    """`load`: which load of the page."""
    sent = {"page": f"load-{load:04d}", "lease": lease, **counts}
    return _json("beat", reading, "beat", sent, sent)


def a_keep(reading: UUID, sent: Mapping[str, Any], draft: Mapping[str, Any], *, take: bool, plain: str) -> Ask:
    """`sent`: key, base_revision, lease. `plain`: the lease of this browser where a page names none."""
    given = {name: value for name, value in draft.items() if value is not None and value is not False}
    form = {**sent, **given, **({"take": "y"} if take else {})}
    said = {**sent, "lease": sent["lease"] or plain, "draft": draft, "take": take}
    return Ask("keep", path_of(reading), reading, body=form, sent=said)


def a_submit(reading: UUID, sent: Mapping[str, Any], *, nothing: bool, take: bool, plain: str) -> Ask:
    form = {**sent, **({"nothing": "y"} if nothing else {}), **({"take": "y"} if take else {})}
    said = {**sent, "lease": sent["lease"] or plain, "nothing": nothing, "take": take}
    return Ask("submit", f"{path_of(reading)}/submit", reading, body=form, sent=said)


def a_look(reading: UUID, what: str) -> Ask:
    path = path_of(reading)
    return Ask(what, path if what == "page" else f"{path}/{what}", reading, method="GET")


def an_extension(reading: UUID, respondent: UUID, position: int, minutes: int) -> Ask:
    path = f"/pi/sitting/readers/{respondent}/readings/{position}/extend"
    return Ask("extend", path, reading, body={"minutes": minutes, "reason": "an alarm"}, who="pi")


def _json(kind: str, reading: UUID, address: str, sent: Mapping[str, Any], body: Mapping[str, Any]) -> Ask:
    return Ask(kind, f"{path_of(reading)}/{address}", reading, body=json.dumps(body).encode(), json=True, sent=sent)
