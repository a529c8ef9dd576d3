"""A reading beside a model of it: whatever is asked, in whatever order, at whatever time, the two agree.

The model is written from the design alone: a dictionary for each case, and a clock that only goes forward.
"""

import json
from dataclasses import dataclass, field
from itertools import count
from uuid import UUID

import pytest
from builders import (
    GRACE_US,
    LIMIT_US,
    MINUTE_US,
    NOON_US,
    SECOND_US,
    a_case,
    a_draft,
    a_protocol,
    a_reader_joined,
    a_study_in,
    chain_of,
    rows,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.chain import faults_of
from study.db import Database
from study.draft import Draft, parse_draft
from study.progress import NotNow, State
from study.store import closing, conduct
from study.store.answering import Closed, Saved, Stale
from study.tables import ClosedBy
from study.timing import SLACK_US

ACTOR = UUID(int=7)
CASES = st.sampled_from([1, 2])
KEYS = st.sampled_from([f"key-{number}" for number in range(12)])
DRAFTS = st.builds(
    lambda selected, confidence: a_draft(*selected, confidence=confidence, nothing_to_recommend=not selected),
    st.frozensets(st.sampled_from("abcd"), max_size=3),
    st.none() | st.integers(0, 2),
)
STEPS = st.sampled_from([1, MINUTE_US, "deadline", "grace", "late", "due"])


@dataclass
class Expected:
    """One case as it must be."""

    state: str = "assigned"
    deadline_us: int | None = None
    revision: int = 0
    draft: Draft | None = None
    saves: dict[str, tuple[int, int]] = field(default_factory=dict)
    submit_key: str | None = None
    receipt: str | None = None
    closed_us: int | None = None
    void: bool = False
    late: set[str] = field(default_factory=set)
    apart: bool = False
    kept: list[Draft] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def keeps(self, draft: Draft) -> None:
        self.revision, self.draft = self.revision + 1, draft
        self.kept.append(draft)
        self.events.append("saved")

    def over(self, at_us: int) -> bool:
        """What comes from its reader is late."""
        return self.state == "open" and at_us > self.deadline_us + GRACE_US

    def due(self, at_us: int) -> bool:
        """Nothing that arrived in time can be under way any more."""
        return self.over(at_us - SLACK_US)

    def told(self, at_us: int) -> State:
        return State.EXPIRED if self.over(at_us) else State(self.state)


class Beside:
    """One reader of two cases, and what must be true of them."""

    def __init__(self, database: Database, name: str) -> None:
        self.database = database
        study = a_study_in(database, protocol=a_protocol(name), cases=["case-1", "case-2"])
        self.reader = a_reader_joined(study, f"{name}@example.org")
        self.cases = {1: Expected(), 2: Expected()}
        self.at_us = NOON_US
        self.begin(1)

    # What happens

    def time_goes_on(self, step):
        ends = [case.deadline_us for case in self.cases.values() if case.state == "open"]
        if isinstance(step, int):
            self.at_us += step
        elif ends:
            after = {"deadline": 0, "grace": GRACE_US, "late": GRACE_US + 1, "due": GRACE_US + SLACK_US + 1}[step]
            self.at_us = max(self.at_us, ends[0] + after)

    def begin(self, at):
        case, before = self.cases[at], self.cases[1]
        waits = at == 2 and before.state in ("assigned", "open") and not before.void and not before.over(self.at_us)
        if case.state == "assigned" and (waits or case.void):
            with pytest.raises(NotNow):
                self.reader.begin(at, at_us=self.at_us)
            return
        found = self.reader.begin(at, at_us=self.at_us)
        if case.state == "assigned":
            case.state, case.deadline_us = "open", self.at_us + LIMIT_US
            case.events.append("opened")
        assert (found.row.state, found.row.deadline_at_us) == (case.state, case.deadline_us)

    def save(self, at, key, behind, draft):
        case = self.cases[at]
        ask = {"key": key, "base": max(0, case.revision - behind), "position": at, "at_us": self.at_us}
        if key in case.saves:
            revision, saved_us = case.saves[key]
            outcome = self.reader.save(draft, **ask)
            assert (outcome.revision, outcome.at_us) == (revision, saved_us)
        elif case.state == "assigned":
            with pytest.raises(NotNow):
                self.reader.save(draft, **ask)
        elif case.state != "open" or case.void or case.over(self.at_us):
            self.comes_late(case, key, draft)
            assert self.reader.save(draft, **ask) == Closed(case.told(self.at_us), case.receipt, case.apart)
        elif ask["base"] != case.revision:
            assert self.reader.save(draft, **ask) == Stale(case.revision, case.draft or Draft())
        else:
            case.keeps(draft)
            case.saves[key] = (case.revision, self.at_us)
            assert self.reader.save(draft, **ask) == Saved(case.revision, self.at_us, case.deadline_us, None)

    def submit(self, at, key, behind, draft):
        case = self.cases[at]
        ask = {"key": key, "base": max(0, case.revision - behind), "position": at, "at_us": self.at_us}
        if case.state == "assigned":
            with pytest.raises(NotNow):
                self.reader.submit(draft, **ask)
        elif case.state != "open" or case.void or case.over(self.at_us):
            if case.submit_key == key:
                case.apart = False
            else:
                self.comes_late(case, key, draft)
            assert self.reader.submit(draft, **ask) == Closed(case.told(self.at_us), case.receipt, case.apart)
        elif ask["base"] != case.revision:
            assert self.reader.submit(draft, **ask) == Stale(case.revision, case.draft or Draft())
        else:
            if draft != case.draft:
                case.keeps(draft)
            case.state, case.closed_us, case.submit_key = "submitted", self.at_us, key
            case.receipt = closing.receipt_of(self.reader.readings[at - 1], draft, self.at_us)
            case.events.append("submitted")
            assert self.reader.submit(draft, **ask) == Closed(State.SUBMITTED, case.receipt, kept_apart=False)

    def comes_late(self, case, key, draft):
        self.expires(case)
        case.apart = case.draft is None or draft != case.draft
        if case.apart and key not in case.late:
            case.late.add(key)
            case.events.append("late payload")

    def expires(self, case):
        if not case.due(self.at_us):
            return False
        case.state, case.closed_us = "expired", case.deadline_us
        case.events.append("expired")
        if case.draft is not None:
            reading = self.reader.readings[list(self.cases.values()).index(case)]
            case.receipt = closing.receipt_of(reading, case.draft, case.deadline_us)
        return True

    def sweep(self, by):
        expected = sum(self.expires(case) for case in self.cases.values())
        assert (
            self.database.write(
                lambda session: closing.close_all_due(session, by=by, at_us=self.at_us, study_id=self.reader.study.id)
            )
            == expected
        )

    def extend(self, at, seconds):
        case = self.cases[at]
        work = {"seconds": seconds, "reason": "r", "actor_id": ACTOR, "at_us": self.at_us}
        if case.state != "open" or case.void or case.over(self.at_us):
            with pytest.raises(conduct.CannotChange):
                self.act(conduct.extend, at, **work)
            return
        self.act(conduct.extend, at, **work)
        case.deadline_us += seconds * SECOND_US
        case.events.append("extended")

    def set_aside(self, at):
        case = self.cases[at]
        work = {"reason": "r", "actor_id": ACTOR, "at_us": self.at_us}
        if case.void:
            with pytest.raises(conduct.CannotChange):
                self.act(conduct.set_aside, at, **work)
            return
        self.act(conduct.set_aside, at, **work)
        case.void = True
        case.events.append("void")

    def act(self, done, at, **work):
        place = self.reader.study.id, self.reader.readings[at - 1]
        self.database.write(lambda session: done(session, *place, **work))

    # What always holds

    def check(self) -> None:
        for at, case in self.cases.items():
            found = self.reader.found(at)
            row = found.row
            assert (row.state, row.revision, row.deadline_at_us, row.closed_at_us, row.receipt) == (
                case.state,
                case.revision,
                case.deadline_us,
                case.closed_us,
                case.receipt,
            )
            assert (found.ever_saved, found.draft) == (case.draft is not None, case.draft or Draft())

    def check_the_record(self) -> None:
        """Saves without gaps, late ones apart, one event for each write, and every kept draft told by the events."""
        payloads = rows(self.database, "event_payload")
        for at, case in self.cases.items():
            row = self.reader.found(at).row
            revisions = [one["revision"] for one in rows(self.database, "save") if one["reading_id"] == row.id]
            assert sorted(revisions) == list(range(1, case.revision + 1))
            late = [one["key"] for one in rows(self.database, "late_payload") if one["reading_id"] == row.id]
            assert sorted(late) == sorted(case.late)
            chain = chain_of(self.database, row.id)
            assert [link.kind for link in chain] == case.events
            assert faults_of(chain, event_count=row.event_count, head=row.head) == []
            assert drafts_told_by(payloads, row.id) == case.kept


def drafts_told_by(payloads, reading_id):
    """Every draft that was ever kept, made again from the changes in the events alone."""
    own = sorted((row for row in payloads if row["subject_id"] == reading_id), key=lambda row: row["seq"])
    drafts, now = [], Draft().as_json()
    for body in (json.loads(row["body"]) for row in own):
        if "changes" not in body:
            continue
        selected = set(now["selected"])
        for change in body["changes"]:
            if "field" in change:
                now[change["field"]] = change["new"]
            elif change["new"]:
                selected.add(change["option"])
            else:
                selected.remove(change["option"])
        now["selected"] = sorted(selected)
        drafts.append(parse_draft(now, a_case()))
    return drafts


WORDS = {
    "time_goes_on": {"step": STEPS},
    "begin": {"at": CASES},
    "save": {"at": CASES, "key": KEYS, "behind": st.sampled_from([0, 0, 1]), "draft": DRAFTS},
    "submit": {"at": CASES, "key": KEYS, "behind": st.sampled_from([0, 0, 1]), "draft": DRAFTS},
    "sweep": {"by": st.sampled_from([ClosedBy.SWEEP, ClosedBy.READ])},
    "extend": {"at": CASES, "seconds": st.sampled_from([1, 60])},
    "set_aside": {"at": CASES},
}
OFTEN = ["save"] * 8 + ["time_goes_on"] * 5 + ["extend"] * 2 + ["begin"] * 2 + ["sweep", "submit", "set_aside"]
ACTS = st.sampled_from(OFTEN).flatmap(lambda name: st.tuples(st.just(name), st.fixed_dictionaries(WORDS[name])))
_numbers = count(1)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(ACTS, min_size=10, max_size=30))
def test_readings_and_their_model_agree(sqlite_database, acts):
    beside = Beside(sqlite_database, f"study-{next(_numbers)}")
    for name, asked in acts:
        getattr(beside, name)(**asked)
        beside.check()
    beside.check_the_record()
