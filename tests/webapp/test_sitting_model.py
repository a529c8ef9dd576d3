"""The whole sitting beside its protocol: the real application over HTTP, a clock that jumps, processes that die."""

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test
from sitting_asks import PAGES, a_begin, a_keep, a_lease, a_look, a_save
from sitting_laws import EMPTY
from sitting_model import Sitting
from sitting_world import OPTIONS, World

EXAMPLES, STEPS = 20, 25


@pytest.fixture
def world(database) -> Iterator[World]:
    made = World(database)
    yield made
    made.close()


@pytest.fixture
def sitting(world) -> Sitting:
    """A sitting by hand, judged at every step like the played ones."""
    return Sitting(world, Counter())


def test_whatever_happens_the_sitting_keeps_its_laws(world):
    tally: Counter[str] = Counter()
    run_state_machine_as_test(
        lambda: Sitting(world, tally),
        settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS, suppress_health_check=list(HealthCheck)),
    )
    assert tally["steps"] > EXAMPLES * 10
    assert min(tally["save 200"], tally["steps of the clock"], world.deaths.injected) > 0, tally
    assert len([what for what in tally if what[-1].isdigit()]) > 20, tally  # of kinds of requests and of answers


@pytest.mark.parametrize("where", [("statement", 1), ("statement", 3), ("commit", 1), ("answer", 1)])
def test_a_save_that_a_process_died_over_is_gone_or_whole_and_is_answered_when_it_comes_again(sitting, where):
    reading = sitting.reader.readings[0]
    sitting.send(a_begin(reading, PAGES[0]))
    save = a_save(reading, sitting.sent(reading, PAGES[0], 0, draft={**EMPTY, "selected": [OPTIONS[0]]}), {})
    sitting.world.deaths.waits, sitting.asks_again = where, False
    sitting.send(save)
    assert sitting.world.deaths.injected == 1
    assert sitting.stand.readings[reading]["revision"] == (where[0] == "answer")
    sitting.send(save)
    assert (sitting.tally["save 200"], sitting.stand.readings[reading]["revision"]) == (1, 1)


def test_a_form_that_a_browser_sends_once_more_takes_no_case_from_another_page(sitting):
    reading = sitting.reader.readings[0]
    sitting.send(a_begin(reading, PAGES[0]))
    draft = {**EMPTY, "selected": [OPTIONS[0]]}
    kept = a_keep(reading, sitting.sent(reading, PAGES[1], 0), draft, take=True, plain=sitting.plain)
    sitting.send(kept)
    sitting.world.clock.advance(5)
    sitting.send(a_lease(reading, PAGES[0], take=True))
    assert sitting.leaves_no_trace(kept).status_code == 303
    assert sitting.stand.readings[reading]["lease"] == PAGES[0]


def test_what_the_machine_would_not_forgive(sitting):
    """Or its laws would hold for anything: a row is altered behind everybody's back, and it speaks up."""
    reading = sitting.reader.readings[0]
    sitting.send(a_begin(reading, PAGES[0]))
    sitting.send(a_save(reading, sitting.sent(reading, PAGES[0], 0, draft={**EMPTY, "selected": [OPTIONS[0]]}), {}))
    others = {"selected": [OPTIONS[1]], "confidence": None, "rationale": "", "resources": []}
    sitting.put({reading: others})
    with pytest.raises(AssertionError, match="I8"):
        sitting.send(a_look(reading, "clock"))
