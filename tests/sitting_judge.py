"""How a request of a played sitting is sent, and how its answer is judged: by what was foretold, and by the laws."""

from collections import Counter
from hashlib import sha256
from uuid import UUID

from hypothesis.stateful import RuleBasedStateMachine
from sites import NOON_US
from sitting_deaths import Killed
from sitting_foretold import Foretold, counts, ends_us, foretell, grown, place
from sitting_laws import EMPTY, Acknowledged, check, history
from sitting_world import Ask, Stand, World
from werkzeug.test import TestResponse

SETTLED = {"opened", "saved", "submitted", "late payload"}


class Judged(RuleBasedStateMachine):
    """One reader's sitting as it stands, and what was acknowledged and settled in it so far."""

    def __init__(self, world: World, tally: Counter[str]) -> None:
        super().__init__()
        self.world, self.tally = world, tally
        world.deaths.waits = None
        world.clock.at_us = NOON_US
        self.reader = world.join("ada")
        self.plain = f"plain-{sha256(f'ada-{world.readers}'.encode()).hexdigest()[:32]}"
        self.stand = world.stand(self.reader)
        self.acknowledged: list[Acknowledged] = []
        self.settled: list[Ask] = []
        self.done: set[str] = set()
        self.seen: Stand | None = None
        self.met: Stand | None = None
        self.asks_again = False
        self.numbers = 0

    def teardown(self) -> None:
        self.world.deaths.waits = None

    def send(self, ask: Ask) -> None:
        before, at_us = self.stand, self.world.clock()
        told = foretell(before, ask, at_us, done=self.done)
        self.world.deaths.begin()
        try:
            answer = self.world.ask(ask)
        except Killed:
            self.outlived()
            self.note(ask, self.kinds(before, ask.reading))
            if self.asks_again:
                self.send(ask)
            return
        self.turn()
        self.tally[f"{ask.kind} {answer.status_code}"] += 1
        assert answer.status_code == told.status, f"{answer.status_code} for {told}: {answer.text[:400]}"
        self.judge(ask, told, before, at_us)
        if answer.is_json:
            self.judge_json(ask, told, before, answer)
        self.note(ask, told.events)
        if "saved" in told.events and "draft" in ask.sent:
            self.acknowledge(ask, told.revision)

    def note(self, ask: Ask, events: tuple[str, ...]) -> None:
        """What was done for good by a request: sent once more, at any time, it changes nothing."""
        if ask.who == "ada" and SETTLED & set(events):
            self.settled.append(ask)
            self.done.add(ask.sent.get("key", ""))

    def kinds(self, before: Stand, reading: UUID) -> tuple[str, ...]:
        """The events of a reading since then."""
        return tuple(event["kind"] for event in self.stand.of("events", reading)[len(before.of("events", reading)) :])

    def turn(self) -> None:
        """Look at everything once more, and hold it to the laws."""
        before, self.stand = self.stand, self.world.stand(self.reader)
        self.tally["steps"] += 1
        check(before, self.stand, self.acknowledged)

    def outlived(self) -> None:
        """After a death: gone where nothing was committed, whole where something was, and a new process."""
        before, gone = self.stand, self.world.deaths.commits == 0
        self.world.restart()
        self.turn()
        assert not gone or self.stand == before, "a unit of work that was never committed left something"

    def acknowledge(self, ask: Ask, revision: int) -> None:
        assert ask.reading is not None
        draft = history(self.stand, ask.reading).drafts[revision - 1]
        key = ask.sent["key"] if ask.kind == "save" else None
        self.acknowledged.append(Acknowledged(ask.reading, key, revision, draft))
        assert draft == ask.sent["draft"], "I1: what is kept is not what was sent"

    def judge(self, ask: Ask, told: Foretold, before: Stand, at_us: int) -> None:
        assert ask.reading is not None
        if told.untouched:
            assert self.stand == before, "I7: something was written by what should leave no trace"
            return
        for reading in self.reader.readings:
            kinds = self.kinds(before, reading)
            new = self.stand.of("events", reading)[-len(kinds) :] if kinds else []
            known = place(before, reading, at_us)
            besides = known.closing if told.elsewhere else ()
            assert kinds == (told.events if reading == ask.reading else besides), f"{kinds} for {told}"
            assert {event["at_us"] for event in new} <= {known.at_us}, "an event is stamped with a time that went back"
        row = self.stand.readings[ask.reading]
        assert row["revision"] == told.revision, f"revision {row['revision']} for {told}"
        assert told.lease in (None, row["lease"]), f"the lease is {row['lease']} for {told}"
        if "opened" in told.events:
            assert row["deadline_at_us"] == ends_us(before, at_us)
        if told.counted:
            page = ask.sent["page"]
            assert counts(self.stand, ask.reading, page) == grown(counts(before, ask.reading, page), ask.sent)

    def judge_json(self, ask: Ask, told: Foretold, before: Stand, answer: TestResponse) -> None:
        """What a page is told: what was kept, what stands instead, or how it ended."""
        body = answer.get_json()
        if "error" in body and "revision" not in body and "state" not in body:
            assert told.status in (404, 409)
            return
        assert ask.reading is not None
        row, past = self.stand.readings[ask.reading], history(before, ask.reading)
        if "draft" in body:
            assert (body["revision"], body["draft"]) == (told.revision, past.answer or EMPTY)
        elif "receipt" in body:
            state = "expired" if row["state"] == "open" else row["state"]
            assert (body["state"], body["receipt"], body["kept_apart"]) == (state, row["receipt"], told.kept_apart)
        else:
            assert body["revision"] == told.revision
            ends = row["deadline_at_us"]
            assert body["deadline_ms"] == (None if ends is None else ends // 1000)

    def leaves_no_trace(self, ask: Ask) -> TestResponse:
        self.tally[f"{ask.kind} again or cut short"] += 1
        self.world.deaths.waits, before = None, self.stand
        answer = self.world.ask(ask)
        self.turn()
        assert self.stand == before, f"I7: {ask.kind} left a trace"
        assert answer.status_code < 500
        return answer
