"""What holds from one moment of a sitting to the next, whatever was asked of it and wherever the process died.

The numbers are those of the invariants of a timed form: what was acknowledged (I1), revisions (I2), one final (I3) and
nothing after it (I4), the deadline (I5), arrivals in time (I6), no stale overwriting (I8), chains (I9).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sitting_world import GRACE_S, Row, Stand

from study.case import OptionId
from study.chain import Link, faults_of, payload_digest
from study.draft import Draft
from study.store.closing import receipt_of
from study.timing import SECOND_US

EMPTY: Mapping[str, Any] = Draft().as_json()
FINAL = ("submitted", "expired")
MORE_TIME = {"extended", "incident time"}
AFTER_FINAL = {"late payload", "problem reported"}
BESIDE = {"event_count", "head", "latest_at_us"}
"""What a payload that came too late still moves on a closed reading: its chain, and when it was last written to."""


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What a page was told is kept. `key` None: of a plain form, which the site may keep under a name of its own."""

    reading: UUID
    key: str | None
    revision: int
    draft: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class History:
    """One reading with its past: what its events say, and every draft that it ever had, told by them alone."""

    row: Row
    answer: Mapping[str, Any] | None
    events: Sequence[Row]
    bodies: Sequence[Mapping[str, Any]]
    payloads: Sequence[Row]
    keys: Mapping[str, int]
    drafts: Sequence[Mapping[str, Any]]


def history(stand: Stand, reading: UUID) -> History:
    payloads = stand.of("payloads", reading)
    bodies = [json.loads(payload["body"]) for payload in payloads]
    answer = stand.answers.get(reading)
    return History(
        stand.readings[reading],
        None if answer is None else {name: answer[name] for name in EMPTY},
        stand.of("events", reading),
        bodies,
        payloads,
        {save["key"]: save["revision"] for save in stand.of("saves", reading)},
        retold(bodies),
    )


def retold(bodies: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The draft at each revision, made again from the changes that the events list."""
    drafts, now = [], dict(EMPTY)
    for body in bodies:
        if "changes" not in body:
            continue
        for change in body["changes"]:
            if "field" in change:
                now[change["field"]] = change["new"]
                continue
            others = set(now["selected"]) - {change["option"]}
            now["selected"] = sorted(others | ({change["option"]} if change["new"] else set()))
        drafts.append(dict(now))
    return drafts


def check(before: Stand, after: Stand, acknowledged: Sequence[Acknowledged]) -> None:
    """Raises AssertionError with the law's own number."""
    for table in ("events", "payloads", "saves", "late"):
        left = [row for row in getattr(before, table) if row not in getattr(after, table)]
        assert left == [], f"I1: rows of {table} are gone or changed"
    past = {reading: history(after, reading) for reading in after.readings}
    for one in acknowledged:
        of_it = past[one.reading]
        kept = one.revision if one.key is None else of_it.keys.get(one.key)
        assert kept == one.revision, f"I1: {one} stands under {of_it.keys}"
        assert of_it.drafts[one.revision - 1] == one.draft, f"I1: {one} is kept as {of_it.drafts[one.revision - 1]}"
    for reading, now in past.items():
        then = history(before, reading)
        check_revisions(now)
        check_final(then, now)
        check_times(then, now)
        check_chain(now)


def check_revisions(now: History) -> None:
    last = now.row["revision"]
    told = [body["revision"] for event, body in zip(now.events, now.bodies, strict=True) if event["kind"] == "saved"]
    assert sorted(now.keys.values()) == told == list(range(1, last + 1)), f"I2: {last} of {now.keys}, told {told}"
    assert now.answer == (now.drafts[-1] if last else None), "I8: what stands is not what the newest save said"


def check_final(then: History, now: History) -> None:
    finals = [body for event, body in zip(now.events, now.bodies, strict=True) if event["kind"] in FINAL]
    assert len(finals) == (now.row["state"] in FINAL), f"I3: {now.row['state']}, and {len(finals)} finals"
    if finals:
        given = None if now.answer is None else receipt_of(now.row["id"], as_draft(now.answer), now.row["closed_at_us"])
        assert now.row["receipt"] == finals[0]["receipt"] == given, "I3: the receipt is not that of the answer"
    if now.row["state"] == "expired":
        assert now.row["closed_at_us"] == now.row["deadline_at_us"], "I3: it did not end at its deadline"
    if then.row["state"] in FINAL:
        kinds = {event["kind"] for event in now.events[len(then.events) :]}
        assert kinds <= AFTER_FINAL, f"I4: {kinds} after the end"
        assert now.answer == then.answer, "I4: an answer was written to after the end"
        assert without(now.row, BESIDE) == without(then.row, BESIDE), "I4: a reading was written to after the end"


def check_times(then: History, now: History) -> None:
    new = now.events[len(then.events) :]
    was, ends = then.row["deadline_at_us"], now.row["deadline_at_us"]
    if was is not None and ends != was:
        assert ends > was, "I5: a deadline moved back"
        assert {event["kind"] for event in new} & MORE_TIME, "I5: a deadline moved without a word"
    for event in new:
        if event["kind"] in ("saved", "submitted"):
            late = event["at_us"] - ends - GRACE_S * SECOND_US
            assert late <= 0, f"I6: {event['kind']} {late} µs after the grace"


def check_chain(now: History) -> None:
    links = [
        Link(
            str(row["study_id"]),
            row["subject_kind"],
            str(row["subject_id"]),
            row["seq"],
            row["at_us"],
            row["kind"],
            None if row["actor_id"] is None else str(row["actor_id"]),
            row["payload_sha256"],
            row["prev"],
            row["hash"],
        )
        for row in now.events
    ]
    faults = faults_of(links, event_count=now.row["event_count"], head=now.row["head"])
    assert faults == [], f"I9: {faults}"
    for event, payload in zip(now.events, now.payloads, strict=True):
        assert payload_digest(payload["salt"], payload["body"]) == event["payload_sha256"], "I9: a payload was altered"


def without(row: Row, names: Iterable[str]) -> Row:
    return {name: value for name, value in row.items() if name not in set(names)}


def as_draft(answer: Mapping[str, Any]) -> Draft:
    sets = {"selected": frozenset(map(OptionId, answer["selected"])), "resources": frozenset(answer["resources"])}
    return Draft(**{**answer, **sets})
