"""What the protocol of a timed form says must come of one request: its status, its events, and nothing else.

Written from the protocol alone, over the rows as they stood when the request arrived.
"""

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sitting_laws import EMPTY, History, history
from sitting_world import GRACE_S, LIMIT_S, SESSION_S, Ask, Stand

from study.timing import SECOND_US

SLACK_US, QUIET_US = 30 * SECOND_US, 45 * SECOND_US
SHORTEST_OUTAGE_US, LONGEST_OUTAGE_US = 15 * SECOND_US, 15 * 60 * SECOND_US
GRACE_US, LIMIT_US, SESSION_US = GRACE_S * SECOND_US, LIMIT_S * SECOND_US, SESSION_S * SECOND_US


@dataclass(frozen=True, slots=True)
class Foretold:
    """`events`: of the reading that was asked about. `revision`: as it stands afterwards. `lease` None: as it was.

    `counted`: a page said something new of itself. `elsewhere`: what is due of other readings is closed as well.
    `untouched`: not one row of anything may change.
    """

    status: int
    events: tuple[str, ...] = ()
    revision: int = 0
    lease: str | None = None
    kept_apart: bool = False
    counted: bool = False
    elsewhere: bool = False

    @property
    def untouched(self) -> bool:
        return not (self.events or self.lease or self.counted or self.elsewhere)


@dataclass(frozen=True, slots=True)
class At:
    """One reading at the arrival of a request, with the time as that reading knows it."""

    past: History
    at_us: int

    @property
    def state(self) -> str:
        return str(self.past.row["state"])

    @property
    def draft(self) -> Mapping[str, Any]:
        return self.past.answer or EMPTY

    @property
    def over(self) -> bool:
        ends = self.past.row["deadline_at_us"]
        return self.state == "open" and ends is not None and self.at_us > ends + GRACE_US

    @property
    def due(self) -> bool:
        return self.over and self.at_us - SLACK_US > self.past.row["deadline_at_us"] + GRACE_US

    @property
    def takes(self) -> bool:
        return self.state == "open" and not self.over

    @property
    def closing(self) -> tuple[str, ...]:
        return ("expired",) if self.due else ()

    def may_write(self, lease: str) -> bool:
        return self.past.row["lease"] in (None, lease)

    def moving(self, lease: str) -> tuple[str, ...]:
        """A lease that changes hands leaves an event; the first one does not."""
        return () if self.may_write(lease) else ("continued",)


def known_time(latest_us: int | None, at_us: int, *, opened_us: int | None) -> int:
    """A clock that went back further than anything can have waited stands at the newest stamp.

    And nothing of a reading was before it was opened.
    """
    if latest_us is not None and at_us < latest_us - SLACK_US:
        return latest_us
    return max(at_us, opened_us or at_us)


def place(stand: Stand, reading: UUID, at_us: int) -> At:
    past = history(stand, reading)
    return At(past, known_time(past.row["latest_at_us"], at_us, opened_us=past.row["opened_at_us"]))


def foretell(stand: Stand, ask: Ask, at_us: int, *, done: Collection[str] = ()) -> Foretold:
    """`done`: the keys of plain forms that were taken already. Under which name they are kept is the site's affair."""
    assert ask.reading is not None
    if ask.who == "eve":
        return Foretold(404)
    at = place(stand, ask.reading, at_us)
    if ask.kind == "keep" and ask.sent["key"] in done:
        replaced = at.takes and ask.sent["draft"] != at.draft
        return Foretold(409 if replaced else 303, at.closing, at.past.row["revision"])
    return _RULES[ask.kind](stand, at, ask.sent, at_us)


def _begin(stand: Stand, at: At, sent: Mapping[str, Any], now_us: int) -> Foretold:
    row = at.past.row
    if at.state != "assigned":
        return Foretold(303, at.closing, row["revision"])
    for other in stand.readings.values():
        unfinished = other["state"] == "open" and other["deadline_at_us"] + GRACE_US >= now_us
        if other["position"] < row["position"] and (other["state"] == "assigned" or unfinished):
            return Foretold(409)
    if ends_us(stand, now_us) <= now_us:
        return Foretold(409)
    return Foretold(303, ("opened",), 0, sent["lease"])


def ends_us(stand: Stand, now_us: int) -> int:
    """The deadline of a reading that is begun now: of the case or of the sitting, whichever comes first."""
    opened = [row["opened_at_us"] for row in stand.readings.values() if row["opened_at_us"] is not None]
    began_us = min(opened or [now_us])
    given = sum(row["credit_us"] + row["extension_us"] for row in stand.readings.values())  # no other case pays for it
    return min(now_us + LIMIT_US, began_us + SESSION_US + given + (in_breaks_us(stand, began_us) if opened else 0))


def in_breaks_us(stand: Stand, began_us: int) -> int:
    """What outages took from the sitting that no case was given back: its clock ran on between them."""
    told = [json.loads(row["body"]) for row in stand.payloads]
    total = 0
    for from_us, to_us in stand.outages:
        if to_us > began_us and to_us - from_us <= LONGEST_OUTAGE_US:
            of_cases = sum(
                body["credit_us"] for body in told if (body.get("from_us"), body.get("to_us")) == (from_us, to_us)
            )
            total += max(0, to_us - max(from_us, began_us) - of_cases)
    return total


def _late(at: At, key: str, draft: Mapping[str, Any], stand: Stand) -> tuple[tuple[str, ...], bool]:
    """What is kept of something that came too late, and whether its page is told that it is kept apart."""
    apart = not (at.past.answer is not None and draft == at.draft)
    known = key in {row["key"] for row in stand.of("late", at.past.row["id"])}
    return at.closing + (("late payload",) if apart and not known else ()), apart


def _save(stand: Stand, at: At, sent: Mapping[str, Any], _now_us: int) -> Foretold:
    revision, key = at.past.row["revision"], sent["key"]
    if key in at.past.keys:
        return Foretold(200, (), at.past.keys[key])
    if at.state == "assigned":
        return Foretold(409)
    if not at.takes:
        events, apart = _late(at, key, sent["draft"], stand)
        return Foretold(410, events, revision, kept_apart=apart)
    if not at.may_write(sent["lease"]):
        return Foretold(423, (), revision)
    if sent["base_revision"] != revision:
        return Foretold(409, (), revision)
    return Foretold(200, ("saved",), revision + 1, sent["lease"])


def _keep(stand: Stand, at: At, sent: Mapping[str, Any], _now_us: int) -> Foretold:
    revision, lease = at.past.row["revision"], sent["lease"]
    if at.state == "assigned":
        return Foretold(409)
    if not at.takes:
        return Foretold(303, _late(at, sent["key"], sent["draft"], stand)[0], revision)
    if sent["draft"] == at.draft and sent["base_revision"] == revision:
        return Foretold(303, (), revision)
    if sent["base_revision"] != revision or not (sent["take"] or at.may_write(lease)):
        return Foretold(409, (), revision)
    return Foretold(303, (*at.moving(lease), "saved"), revision + 1, lease)


def _submit(stand: Stand, at: At, sent: Mapping[str, Any], _now_us: int) -> Foretold:
    revision, lease = at.past.row["revision"], sent["lease"]
    if at.state == "assigned":
        return Foretold(409)
    if not at.takes:
        if at.past.row["submit_key"] == sent["key"]:
            return Foretold(303, (), revision)
        return Foretold(303, _late(at, sent["key"], at.draft, stand)[0], revision)
    says_nothing = not at.draft["selected"] and not at.draft["nothing_to_recommend"]
    if says_nothing and not sent["nothing"]:
        return Foretold(422, (), revision)
    current = sent["base_revision"] == revision
    if not at.may_write(lease) and not (sent["take"] and current):
        return Foretold(409, (), revision)
    if not current:
        return Foretold(303, (), revision)
    moving, taken = (at.moving(lease), lease) if sent["take"] else ((), None)
    if says_nothing:
        return Foretold(303, (*moving, "saved", "submitted"), revision + 1, lease)
    return Foretold(303, (*moving, "submitted"), revision, taken or at.past.row["lease"])


def _lease(_stand: Stand, at: At, sent: Mapping[str, Any], _now_us: int) -> Foretold:
    row, lease = at.past.row, sent["lease"]
    if at.state == "assigned":
        return Foretold(409)
    if not at.takes:
        return Foretold(410, (), row["revision"])
    quiet = row["lease_at_us"] is None or at.at_us - row["lease_at_us"] > QUIET_US
    if sent["take"] or at.may_write(lease) or quiet:
        return Foretold(200, at.moving(lease), row["revision"], lease)
    return Foretold(423, (), row["revision"])


COUNTS = ("load_ms", "visible_ms", "active_ms", "hidden_count")


def counts(stand: Stand, reading: UUID, page: str) -> dict[str, int] | None:
    """What is known of one load of a page; None: nothing yet."""
    found = [row for row in stand.of("presence", reading) if row["page"] == page]
    return {name: found[0][name] for name in COUNTS} if found else None


def grown(known: Mapping[str, int] | None, sent: Mapping[str, Any]) -> dict[str, int]:
    return {name: max((known or {}).get(name, 0), sent[name]) for name in COUNTS}


def _beat(stand: Stand, at: At, sent: Mapping[str, Any], _now_us: int) -> Foretold:
    row = at.past.row
    if at.state == "assigned":
        return Foretold(409)
    if not at.takes:
        return Foretold(410, (), row["revision"])
    known = counts(stand, row["id"], sent["page"])
    new = known is None or grown(known, sent) != known
    if not at.may_write(sent["lease"]):
        return Foretold(423, (), row["revision"], counted=new)
    return Foretold(200, (), row["revision"], sent["lease"] if new else None, counted=new)


def given_back(stand: Stand, reading: UUID, from_us: int, to_us: int) -> int | None:
    """What an outage gives a reading: all that it took. 0: too long for the rule. None: the reading ran into none."""
    row = stand.readings[reading]
    if row["state"] != "open" or to_us - from_us <= SHORTEST_OUTAGE_US:
        return None
    lost_us = to_us - max(from_us, row["opened_at_us"])
    if lost_us <= 0 or row["deadline_at_us"] <= max(from_us, row["opened_at_us"]):
        return None
    return lost_us if to_us - from_us <= LONGEST_OUTAGE_US else 0


def _look(_stand: Stand, at: At, _sent: Mapping[str, Any], _now_us: int) -> Foretold:
    return Foretold(200, at.closing, at.past.row["revision"])


def _review(_stand: Stand, at: At, _sent: Mapping[str, Any], _now_us: int) -> Foretold:
    return Foretold(200 if at.takes else 303, at.closing, at.past.row["revision"])


def _extend(_stand: Stand, at: At, _sent: Mapping[str, Any], _now_us: int) -> Foretold:
    if not at.takes:
        return Foretold(409, at.closing, at.past.row["revision"], elsewhere=True)
    return Foretold(303, ("extended",), at.past.row["revision"], elsewhere=True)


_RULES = {
    "begin": _begin,
    "save": _save,
    "keep": _keep,
    "submit": _submit,
    "lease": _lease,
    "beat": _beat,
    "page": _look,
    "clock": _look,
    "review": _review,
    "extend": _extend,
}
