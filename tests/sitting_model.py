"""A sitting as hypothesis plays it: two pages of one reader, a stranger, a PI, a sweep, a clock, and sudden deaths."""

from collections import Counter
from dataclasses import replace
from hashlib import sha256
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from sites import NOON_US
from sitting_asks import (
    BACK_S,
    BASES,
    COUNTS,
    DEATHS,
    DRAFTS,
    EDGES,
    FORWARD_S,
    HINTS,
    LEASES,
    OUTAGES_S,
    PAGES,
    PLAIN,
    SECRET,
    WHICH,
    a_beat,
    a_begin,
    a_keep,
    a_lease,
    a_look,
    a_save,
    a_submit,
    an_extension,
)
from sitting_deaths import Killed
from sitting_foretold import Foretold, counts, ends_us, foretell, given_back, grown, place
from sitting_laws import EMPTY, Acknowledged, check, history
from sitting_world import ANSWER, OPTIONS, Ask, Stand, World
from staff_pages import TOKEN
from werkzeug.test import TestResponse

from study.timing import SECOND_US

SETTLED = {"opened", "saved", "submitted", "late payload"}


class Sitting(RuleBasedStateMachine):
    """Every rule is one request or one turn of the world; each is judged by what was foretold and by the laws."""

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

    # How a request is sent, and how its answer is judged

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

    # What is asked

    def reading(self, which: str) -> UUID:
        first, second = self.reader.readings
        if which == "now":
            return first if self.stand.readings[first]["state"] in ("assigned", "open") else second
        return first if which == "first" else second

    def sent(self, reading: UUID, lease: str, base: int, **more: Any) -> dict[str, Any]:
        """A key of its own, and a base beside the revision that stands."""
        self.numbers += 1
        revision = max(0, self.stand.readings[reading]["revision"] + base)
        return {"key": f"key-{self.numbers:04d}", "base_revision": revision, "lease": lease, **more}

    @initialize(lease=st.sampled_from(["", PAGES[0], PAGES[0]]))
    def the_first_case_is_begun_by_a_double_click(self, lease: str) -> None:
        for _ in range(2):
            self.send(a_begin(self.reader.readings[0], lease))

    @rule(which=WHICH, lease=st.sampled_from(["", PAGES[0]]))
    def a_case_is_begun(self, which: str, lease: str) -> None:
        self.send(a_begin(self.reading(which), lease))

    @rule(which=WHICH, drafts=st.lists(DRAFTS, min_size=1, max_size=3), hints=HINTS)
    def the_page_in_charge_saves(self, which: str, drafts: Any, hints: Any) -> None:
        reading = self.reading(which)
        for draft in drafts:
            lease = self.stand.readings[reading]["lease"] or PAGES[0]
            self.send(a_save(reading, self.sent(reading, lease, 0, draft=draft), hints))

    @rule(which=WHICH, draft=DRAFTS, where=DEATHS, asks_again=st.booleans())
    def the_process_dies_over_a_save(self, which: str, draft: Any, where: Any, asks_again: bool) -> None:
        self.the_next_writer_dies(where=where, asks_again=asks_again)
        self.the_page_in_charge_saves(which=which, drafts=[draft], hints={})

    @rule(which=WHICH, lease=LEASES, base=BASES, draft=DRAFTS, hints=HINTS)
    def any_page_saves(self, which: str, lease: str, base: int, draft: Any, hints: Any) -> None:
        reading = self.reading(which)
        self.send(a_save(reading, self.sent(reading, lease, base, draft=draft), hints))

    @rule(which=WHICH, lease=LEASES, take=st.booleans())
    def a_page_asks_to_write(self, which: str, lease: str, take: bool) -> None:
        self.send(a_lease(self.reading(which), lease, take=take))

    @rule(which=WHICH, lease=LEASES, load=st.integers(0, 1), counted=COUNTS)
    def a_page_beats(self, which: str, lease: str, load: int, counted: Any) -> None:
        self.send(a_beat(self.reading(which), lease, load, counted))

    @rule(which=WHICH, lease=PLAIN, base=BASES, draft=DRAFTS, take=st.booleans())
    def the_plain_form_is_kept(self, which: str, lease: str, base: int, draft: Any, take: bool) -> None:
        reading = self.reading(which)
        self.send(a_keep(reading, self.sent(reading, lease, base), draft, take=take, plain=self.plain))

    @rule(which=WHICH, lease=PLAIN, base=BASES, nothing=st.booleans(), take=st.booleans())
    def the_case_is_submitted(self, which: str, lease: str, base: int, nothing: bool, take: bool) -> None:
        reading = self.reading(which)
        self.send(a_submit(reading, self.sent(reading, lease, base), nothing=nothing, take=take, plain=self.plain))

    @precondition(lambda self: self.settled)
    @rule(number=st.integers(0, 15))
    def an_old_request_comes_again(self, number: int) -> None:
        """I7, in any order. What time alone would close is closed first, so that nothing at all may change."""
        ask = self.settled[number % len(self.settled)]
        assert ask.reading is not None
        self.send(a_look(ask.reading, "page"))
        self.leaves_no_trace(ask)

    @rule(which=WHICH, what=st.sampled_from(["begin", "save", "lease", "beat", "keep", "submit", "page", "clock"]))
    def a_stranger_asks(self, which: str, what: str) -> None:
        reading, draft = self.reading(which), {**EMPTY, "selected": [OPTIONS[0]]}
        sent = self.sent(reading, PAGES[0], 0)
        asks = {
            "begin": a_begin(reading, PAGES[0]),
            "save": a_save(reading, {**sent, "draft": draft}, {}),
            "lease": a_lease(reading, PAGES[0], take=True),
            "beat": a_beat(reading, PAGES[0], 0, {"load_ms": 1, "visible_ms": 1, "active_ms": 1, "hidden_count": 1}),
            "keep": a_keep(reading, sent, draft, take=True, plain=self.plain),
            "submit": a_submit(reading, sent, nothing=True, take=True, plain=self.plain),
        }
        self.send(replace(asks.get(what) or a_look(reading, what), who="eve"))

    @rule(which=WHICH, draft=DRAFTS, cut=st.integers(0, 60))
    def a_save_is_cut_short(self, which: str, draft: Any, cut: int) -> None:
        reading = self.reading(which)
        whole = a_save(reading, self.sent(reading, PAGES[0], 0, draft=draft), {})
        assert isinstance(whole.body, bytes)
        assert self.leaves_no_trace(replace(whole, body=whole.body[:cut])).status_code == 400

    def leaves_no_trace(self, ask: Ask) -> TestResponse:
        self.tally[f"{ask.kind} again or cut short"] += 1
        self.world.deaths.waits, before = None, self.stand
        answer = self.world.ask(ask)
        self.turn()
        assert self.stand == before, f"I7: {ask.kind} left a trace"
        assert answer.status_code < 500
        return answer

    @rule(which=WHICH, what=st.sampled_from(["page", "clock", "review"]))
    def the_reader_looks(self, which: str, what: str) -> None:
        self.send(a_look(self.reading(which), what))

    @rule(which=WHICH, minutes=st.sampled_from([1, 5]))
    def the_pi_gives_more_time(self, which: str, minutes: int) -> None:
        reading = self.reading(which)
        position = self.stand.readings[reading]["position"]
        self.send(an_extension(reading, self.reader.respondent_id, position, minutes))

    @rule()
    def the_sweep_comes(self) -> None:
        """I11: what is due is closed, and nothing else."""
        before, at_us = self.stand, self.world.clock()
        self.world.deaths.begin()
        try:
            self.world.sweep()
        except Killed:
            self.outlived()
            self.world.sweep()
        self.turn()
        for reading in self.reader.readings:
            due = place(before, reading, at_us).closing
            assert self.kinds(before, reading) == due, "I11: what is due is not closed, or something else is"

    @precondition(lambda self: self.stand is not self.seen)
    @rule()
    def the_pi_looks(self) -> None:
        """I12: not a word of the answers, and the same bytes where something else was chosen."""
        self.world.deaths.waits = None
        path = f"/pi/sitting/readers/{self.reader.respondent_id}"
        self.pi_page(path)  # what is said once, and what a look closes
        self.turn()
        self.seen = self.stand
        seen = self.pi_page(path)
        assert not [word for word in (*OPTIONS, SECRET) if word.encode() in seen], "I12: an answer is told"
        others = {"selected": [OPTIONS[3]], "confidence": 93, "rationale": "x", "resources": ["colleague"]}
        self.put(dict.fromkeys(self.stand.answers, others))
        permuted = self.pi_page(path)
        self.put(self.stand.answers)
        assert permuted == seen, "I12: a page of the PI depends on what was chosen"

    def pi_page(self, path: str) -> bytes:
        answer = self.world.ask(Ask("pi", path, method="GET", who="pi"))
        assert answer.status_code == 200
        return TOKEN.sub(rb'\1"', answer.data)

    def put(self, answers: Any) -> None:
        """Other answers in the places of those that stand, behind everybody's back."""

        def work(session: Any) -> None:
            for reading, row in answers.items():
                here = (ANSWER.c.study_id == self.world.study_id) & (ANSWER.c.reading_id == reading)
                columns = {name: row[name] for name in ("selected", "confidence", "rationale", "resources")}
                session.connection().execute(ANSWER.update().where(here).values(**columns))

        self.world.witness.write(work)

    # What happens besides

    @rule(seconds=FORWARD_S)
    def time_goes_on(self, seconds: float) -> None:
        self.world.clock.advance(seconds)

    @rule(edge=st.sampled_from(sorted(EDGES)), beside_ms=st.sampled_from([-1, 0, 1]))
    def the_edge_comes(self, edge: str, beside_ms: int) -> None:
        """Within a millisecond of a deadline, of the end of grace, or of when anybody may close."""
        ends = [row["deadline_at_us"] for row in self.stand.readings.values() if row["state"] == "open"]
        if ends:
            at_us = ends[0] + EDGES[edge] + beside_ms * 1000
            self.world.clock.at_us = max(at_us, self.world.clock.at_us)

    @rule(seconds=BACK_S)
    def the_clock_steps_back(self, seconds: float) -> None:
        self.tally["steps of the clock"] += 1
        self.world.clock.at_us -= round(seconds * SECOND_US)

    @rule(seconds=OUTAGES_S)
    def the_web_is_out(self, seconds: float) -> None:
        """I5: what it took is given back once, and no longer outage than the rule knows gives anything."""
        self.world.deaths.waits, before = None, self.stand
        from_us, to_us = self.world.outage(seconds)
        self.turn()
        self.tally["outages"] += 1
        for reading in self.reader.readings:
            given_us = given_back(before, reading, from_us, to_us)
            assert self.kinds(before, reading) == (() if given_us is None else ("incident time",))
            for name in ("deadline_at_us", "session_ends_at_us", "credit_us"):
                then, now = before.readings[reading][name], self.stand.readings[reading][name]
                assert now == (then if given_us is None else then + given_us), f"I5: {name} {then} is {now}"

    @rule(where=DEATHS, asks_again=st.booleans())
    def the_next_writer_dies(self, where: Any, asks_again: bool) -> None:
        self.world.deaths.waits, self.asks_again = where, asks_again

    @precondition(lambda self: self.stand is not self.met)
    @rule()
    def the_site_is_restarted(self) -> None:
        self.met = self.stand
        self.world.restart()
