"""Presence in a real browser: a page counts what its reader's eyes and hands did, and nothing that a machine slept."""

import time
from dataclasses import dataclass
from typing import Any

import pytest
from archives import archive_of, members, table
from browsers import Served
from builders import rows
from case_pages import SAVED, begin, signed_in
from playwright.sync_api import Page, expect
from sites import LEASE

from study.tables import StudyState, metadata

pytestmark = pytest.mark.browser

PAGE = "the-load-that-is-watched"
WATCH = """async ({ url, page, lease }) => {
  const { watch } = await import("/static/any/presence.js");
  window.heard = [];
  const hears = (word) => (found) => window.heard.push([word, found.state ?? found.revision]);
  const csrf = () => document.querySelector("input[name=csrf_token]").value;
  const told = { onClock: hears("clock"), onMoved: hears("moved"), onOver: hears("over") };
  watch({ url, page, lease: () => lease, csrf, ...told });
}"""
TURN = """(state) => {
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => state });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@dataclass
class Watched:
    """A page that watches itself, with a clock that the test moves, and the beats that it sent."""

    served: Served
    page: Page
    url: str
    sent: list[dict[str, Any]]

    def pass_time(self, seconds: float) -> None:
        self.page.clock.run_for(round(seconds * 1000))

    def beat(self, seconds: float = 15) -> None:
        """Time passes in which a beat is due, and goes no further before the page has read what it was answered."""
        heard = len(self.heard)
        self.pass_time(seconds)
        self.page.wait_for_function("(heard) => window.heard.length > heard", arg=heard)

    def turn(self, state: str) -> None:
        self.page.evaluate(TURN, state)

    @property
    def heard(self) -> list[list[Any]]:
        return self.page.evaluate("window.heard")

    @property
    def kept(self) -> dict[str, Any]:
        return next(row for row in rows(self.served.site.database, "presence") if row["page"] == PAGE)

    def make(self, **values: object) -> None:
        """The reading as somebody else left it."""
        reading = metadata.tables["reading"]
        change = reading.update().where(reading.c.position == 1).values(**values)
        self.served.site.database.write(lambda session: session.connection().execute(change))

    def counts(self) -> tuple[float, float, int]:
        """Of the newest beat: seconds visible, seconds active, times hidden."""
        newest = self.sent[-1]
        return newest["visible_ms"] / 1000, newest["active_ms"] / 1000, newest["hidden_count"]


@pytest.fixture
def watched(served: Served) -> Watched:
    """On a page that has no script of its own, so that nothing but the watching is seen."""
    study = served.site.load()
    ada = served.site.joined(study.name)
    first = next(row for row in rows(served.site.database, "reading") if row["position"] == 1)
    path = f"/readings/{first['id']}"
    ada.get(path)
    assert ada.post(f"{path}/begin").status_code == 303
    page = signed_in(served)
    page.clock.install()
    page.goto("/help")
    page.clock.pause_at(page.evaluate("Date.now()") + 1000)
    sent: list[dict[str, Any]] = []
    page.on("request", lambda request: sent.append(request.post_data_json) if "/beat" in request.url else None)
    with page.expect_response("**/beat"):
        page.evaluate(WATCH, {"url": f"{path}/beat", "page": PAGE, "lease": LEASE})
    return Watched(served, page, f"{path}/beat", sent)


def test_a_page_says_when_it_could_be_used_and_every_fifteen_seconds_how_long_it_was_seen(watched):
    assert len(watched.sent) == 1
    assert (watched.sent[0]["page"], watched.sent[0]["lease"]) == (PAGE, LEASE)
    assert watched.sent[0]["load_ms"] > 0
    assert watched.counts() == (0, 0, 0)
    for number in (1, 2, 3):
        watched.beat()
        assert len(watched.sent) == number + 1
    visible, active, _ = watched.counts()
    assert 44 <= visible <= 45
    assert active == 0
    assert watched.kept["visible_ms"] == watched.sent[-1]["visible_ms"]
    assert watched.heard == [["clock", "open"]] * 4


def test_a_hand_that_moved_counts_for_half_a_minute(watched):
    watched.page.keyboard.press("Shift")
    watched.beat(60)
    visible, active, _ = watched.counts()
    assert 58 <= visible <= 60
    assert 29 <= active <= 31


def test_a_page_out_of_sight_says_so_once_and_counts_nothing_meanwhile(watched):
    watched.pass_time(5)
    with watched.page.expect_response("**/beat"):
        watched.turn("hidden")
    before = watched.counts()
    assert before[2] == 1
    assert 4 <= before[0] <= 5
    beats = len(watched.sent)
    watched.pass_time(600)
    assert len(watched.sent) == beats
    watched.turn("visible")
    watched.beat(1)
    visible, _, hidden = watched.counts()
    assert before[0] + 0.9 <= visible <= before[0] + 1.1
    assert hidden == 1


def test_a_machine_that_slept_saw_nothing(watched):
    """Timers that are an hour late find an hour gone; no more than two seconds of it were before anybody's eyes."""
    watched.pass_time(5)
    with watched.page.expect_response("**/beat"):
        watched.page.clock.fast_forward(3_600_000)
    assert watched.counts()[0] <= 8


def test_a_beat_that_is_lost_is_made_good_by_the_next(watched):
    watched.page.context.set_offline(True)
    with watched.page.expect_event("requestfailed"):
        watched.pass_time(16)
    watched.page.context.set_offline(False)
    watched.beat()
    assert watched.kept["visible_ms"] == watched.sent[-1]["visible_ms"] >= 30_000


def test_going_on_to_another_page_tells_the_last_counts_and_is_no_looking_away(watched):
    watched.pass_time(7)
    watched.page.goto("/my")
    expect(watched.page.get_by_text("cases finished")).to_be_visible()
    gives_up_at = time.monotonic() + 10
    while watched.kept["visible_ms"] == 0 and time.monotonic() < gives_up_at:
        watched.page.wait_for_timeout(20)  # the page that sent it is gone, and nobody tells that it was answered
    assert 6_000 <= watched.kept["visible_ms"] <= 7_000
    assert watched.kept["hidden_count"] == 0


def test_while_another_page_may_write_this_one_is_told_what_stands_there_with_every_beat(watched):
    watched.make(lease="another-page")
    for _ in range(2):
        watched.beat()
    assert watched.heard[1:] == [["moved", 0], ["moved", 0]]
    assert watched.kept["visible_ms"] == watched.sent[-1]["visible_ms"]


def test_when_the_case_is_over_the_page_is_told_once_and_is_silent_from_then_on(watched):
    watched.make(deadline_at_us=0)
    watched.beat()
    beats = len(watched.sent)
    watched.pass_time(120)
    watched.turn("hidden")
    assert len(watched.sent) == beats
    assert watched.heard[1:] == [["over", "expired"]]


def test_a_real_case_from_begin_to_submit_is_told_by_its_pages_and_stands_in_the_export(served):
    """Case and review are a load each; what they say is no more than the server's clock says of the reading."""
    study = served.site.load()
    served.site.joined(study.name)
    page = signed_in(served)
    begin(page)
    page.locator("input[name=selected]").first.check()
    expect(page.locator("#kept")).to_have_text(SAVED)
    page.get_by_role("button", name="Keep and review").click()
    page.get_by_role("button", name="Submit case 1").click()
    expect(page.get_by_role("heading", name="Submitted")).to_be_visible()
    served.site.change_state(study.name, StudyState.LOCKED)
    row = table(members(archive_of(served.site.database, study.name)), "readings.csv")[0]
    assert (row["state"], row["pages"], row["continued"], row["hidden_count"]) == ("submitted", "2", "0", "0")
    seconds = {name: float(row[name]) for name in ("active_s", "visible_s", "used_s", "load_s", "first_selection_s")}
    assert 0 < seconds["active_s"] <= seconds["visible_s"] <= seconds["used_s"]
    assert 0 < seconds["first_selection_s"] <= seconds["used_s"]
    assert seconds["load_s"] > 0
