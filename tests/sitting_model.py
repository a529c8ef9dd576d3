"""A sitting as hypothesis plays it: two pages of one reader, a stranger, a PI, a sweep, a clock, and sudden deaths."""

from dataclasses import replace
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule
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
from sitting_foretold import given_back, place
from sitting_judge import Judged
from sitting_laws import EMPTY
from sitting_world import ANSWER, OPTIONS, Ask
from staff_pages import TOKEN

from study.timing import SECOND_US


class Sitting(Judged):
    """Every rule is one request, or one turn of the world."""

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
