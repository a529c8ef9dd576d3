"""Without a network, nothing put down is lost: not by a reload, a closed tab, a killed browser or the deadline."""

import json
import re
import time
from functools import partial
from random import Random

import pytest
from builders import rows
from case_pages import (
    SAVED,
    begin,
    begun,
    begun_with_a_clock,
    emptied,
    events,
    held_over_the_deadline,
    in_time,
    offline,
    options,
    past_the_end,
    queued,
    shift_the_site,
    signed_in,
    stored,
    tick,
    ticked,
    waits_on_the_device,
    with_limit,
)
from playwright.sync_api import Page, Route, expect
from profiles import kill, sign_in, started
from sites import PASSWORD

pytestmark = pytest.mark.browser

SECRET = "a sentence that nobody else reads"


def test_45_seconds_offline_and_a_reload_cost_not_one_tick(served_on_both):
    served = served_on_both
    served.site.joined(served.site.load().name)
    page = signed_in(served)
    page.clock.install()
    begin(page)
    wanted = options(page)[:6]
    tick(page, wanted[0])
    expect(page.locator("#kept")).to_have_text(SAVED)
    offline(page)
    for value in wanted[1:]:
        tick(page, value)
        page.clock.run_for(9_000)
    waits_on_the_device(page, wanted)
    assert stored(served) == [wanted[0]]
    page.on("dialog", lambda dialog: dialog.accept())  # the browser asks whether to leave what is not saved
    page.route("**/saves", lambda route: route.abort())  # the network is back, and the page goes before it has noticed
    offline(page, yes=False)
    page.reload()
    expect(page.locator("#finder")).to_be_visible()
    assert stored(served) != sorted(wanted)
    page.unroute("**/saves")
    expect(page.locator("#kept")).to_have_text(SAVED)
    assert ticked(page) == sorted(wanted)
    assert stored(served) == sorted(wanted)
    assert events(served, "continued") == 0


@pytest.mark.slow
def test_45_true_seconds_offline_cost_not_one_tick(served):
    page = begun(served)
    wanted = options(page)[:9]
    offline(page)
    ends = time.monotonic() + 45
    for value in wanted:
        tick(page, value)
        page.wait_for_timeout(max(0, (ends - time.monotonic()) * 1000) / (len(wanted) - wanted.index(value)))
    waits_on_the_device(page, wanted)
    offline(page, yes=False)
    expect(page.locator("#kept")).to_have_text(SAVED, timeout=30_000)
    assert stored(served) == sorted(wanted)


def test_a_tab_that_was_closed_offline_sends_what_it_held_when_the_case_is_opened_again(served):
    page = begun(served)
    wanted = options(page)[:3]
    offline(page)
    tick(page, *wanted)
    page.locator("#rationale").fill(SECRET)
    page.locator("#confidence").fill("70")
    waits_on_the_device(page, wanted)
    context, case = page.context, page.url
    page.close(run_before_unload=False)
    context.set_offline(False)
    again = context.new_page()
    again.goto(case)
    expect(again.locator("#kept")).to_have_text(SAVED)
    assert ticked(again) == sorted(wanted)
    assert rows(served.site.database, "answer")[0]["rationale"] == SECRET
    assert rows(served.site.database, "answer")[0]["confidence"] == 70
    again.wait_for_function("() => document.querySelector('#banner').hidden")
    assert emptied(again)


def test_what_waits_on_a_device_is_unreadable_and_its_key_is_nowhere(served):
    page = begun(served)
    source = page.request.get(page.url).text()
    key = re.search(r'data-queue-key="([^"]+)"', source)[1]
    values, labels = options(page)[:3], page.locator(".option span").all_text_contents()[:3]
    offline(page)
    tick(page, *values)
    page.locator("#rationale").fill(SECRET)
    waits_on_the_device(page, values)
    [held] = queued(page)
    sealed = json.loads(held)
    assert sorted(sealed) == ["at", "data", "iv", "lease", "reading", "respondent"]
    assert not any(words in held for words in (SECRET, "selected", "rationale", *labels))
    both = "() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.documentElement.outerHTML])"
    everywhere = page.evaluate(both) + held
    assert key not in everywhere
    assert "data-queue-key" not in everywhere
    offline(page, yes=False)
    expect(page.locator("#kept")).to_have_text(SAVED)
    assert emptied(page)


def test_a_browser_that_is_killed_offline_loses_nothing(served, tmp_path):
    served.site.joined(served.site.load().name)
    browser = started(served, tmp_path)
    page = browser.new_page()
    page.goto("/sign-in")
    sign_in(page)
    begin(page)
    case, wanted = page.url, options(page)[:4]
    offline(page)
    tick(page, *wanted)
    waits_on_the_device(page, wanted)
    with browser.expect_event("close"):
        kill(tmp_path)
    browser = started(served, tmp_path)
    try:
        page = browser.new_page()
        page.goto(case)
        if page.get_by_label("E-mail").count():
            sign_in(page)
        expect(page.locator("#kept")).to_have_text(SAVED)
        assert ticked(page) == sorted(wanted)
        assert stored(served) == sorted(wanted)
    finally:
        browser.close()


def test_an_answer_whose_acknowledgement_was_lost_is_kept_once(served):
    page = begun(served)
    lost = []

    def lose_the_first(route: Route) -> None:
        route.fetch()
        lost.append(route.request.post_data_json["key"])
        route.abort()

    page.route("**/saves", lose_the_first, times=2)
    tick(page, options(page)[0])
    expect(page.locator("#kept")).to_have_text(SAVED)
    assert len(lost) == 2
    assert len(set(lost)) == 1, "the same change is sent again under the same key"
    assert events(served, "saved") == 1
    assert rows(served.site.database, "reading")[0]["revision"] <= 1


def test_a_site_that_says_when_to_come_back_is_not_asked_before(served):
    page = begun(served)
    page.clock.install()
    asked: list[int] = []

    def busy(route: Route) -> None:
        asked.append(1)
        route.fulfill(status=503, headers={"Retry-After": "30"}, json={"error": "One moment, please"})

    page.route("**/saves", busy)
    value = options(page)[0]
    tick(page, value)
    page.clock.run_for(1_000)
    expect(page.locator("#kept")).to_contain_text("the site is busy")
    page.clock.run_for(28_000)
    assert len(asked) == 1
    page.unroute("**/saves")
    page.clock.run_for(5_000)
    expect(page.locator("#kept")).to_have_text(SAVED)
    assert stored(served) == [value]


def test_when_time_runs_out_offline_the_page_closes_and_sends_what_it_holds(served):
    page = begun_with_a_clock(served, with_limit(60))
    value = options(page)[0]
    offline(page)
    tick(page, value)
    expect(page.locator("#kept")).to_contain_text("Not saved yet")
    page.clock.run_for(61_000)
    expect(page.locator(f'input[name=selected][value="{value}"]')).to_be_disabled()
    past_the_end(served)
    offline(page, yes=False)
    expect(page.locator("#banner")).to_contain_text("kept apart for the study team")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("heading", name="Time is up")).to_be_visible()
    [late] = rows(served.site.database, "late_payload")
    assert late["body"]["draft"]["selected"] == [value]
    assert late["body"]["elapsed_ms"] >= late["body"]["offsets_ms"][value]
    assert stored(served) == []
    assert emptied(page)


def test_a_receipt_sends_what_the_device_still_holds(served):
    context, case, wanted = held_over_the_deadline(served)
    page = context.new_page()
    page.goto(case)
    expect(page.get_by_role("heading", name="Time is up")).to_be_visible()
    expect(page.locator("#late [role=status]")).to_contain_text("was sent now. It is kept apart")
    bodies = [late["body"]["draft"]["selected"] for late in rows(served.site.database, "late_payload")]
    assert sorted(wanted) in bodies
    assert emptied(page)
    page.reload()
    expect(page.locator("#late details")).to_be_visible()
    expect(page.locator("#late [role=status]")).to_be_hidden()
    assert len(rows(served.site.database, "late_payload")) == len(bodies)


def test_the_pages_before_the_next_case_say_what_the_device_still_holds(served):
    context, case, _wanted = held_over_the_deadline(served)
    page = context.new_page()
    page.goto("/my")
    expect(page.locator("#unsent")).to_contain_text("This device still holds answers for a case")
    page.get_by_role("link", name="Next case").click()
    expect(page.locator("#unsent")).to_contain_text("This device still holds answers for a case")
    page.get_by_role("link", name="Open that case").click()
    expect(page).to_have_url(case)
    expect(page.locator("#late [role=status]")).to_contain_text("was sent now. It is kept apart")


def test_a_tab_that_takes_its_time_to_die_hides_nothing_for_good(served):
    """A closed tab may hold its name for a moment yet: whoever looked in that moment looks again."""
    context, _case, _wanted = held_over_the_deadline(served)
    page = context.new_page()
    page.goto("/help")
    [name] = [json.loads(each)["lease"] for each in queued(page)]
    page.evaluate(
        """(name) => new Promise((held) => {
        navigator.locks.request(`primum.lease.${name}`, () => new Promise((done) => { window.letGo = done; held(); }));
        })""",
        name,
    )
    mine = context.new_page()
    mine.goto("/my")
    mine.wait_for_load_state("networkidle")
    expect(mine.locator("#unsent")).to_be_hidden()
    page.evaluate("() => window.letGo()")
    expect(mine.locator("#unsent")).to_be_visible()


def test_signing_out_takes_from_nobody_what_this_device_still_holds(served):
    """It may be another tab's, or another physician's. Sealed, it waits for its own reader to sign in again."""
    context, case, wanted = held_over_the_deadline(served)
    page = context.new_page()
    page.goto("/my")
    [before] = queued(page)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert queued(page) == [before]
    page.goto(case)
    assert "data-queue-key" not in page.content()
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#late [role=status]")).to_contain_text("was sent now. It is kept apart")
    assert rows(served.site.database, "late_payload")[-1]["body"]["draft"]["selected"] == sorted(wanted)
    assert emptied(page)


def test_answers_that_cannot_be_sent_for_a_minute_can_be_taken_along_as_a_file(served, tmp_path):
    page = begun(served, with_limit(60))
    page.clock.install()
    value = options(page)[0]
    page.route("**/readings/**", lambda route: route.abort())  # Chromium's own switch would stop the download as well
    tick(page, value)
    page.locator("#rationale").fill(SECRET)
    for _ in range(9):
        page.clock.run_for(9_000)
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download my answers").click()
    file = tmp_path / "answers.json"
    taken.value.save_as(file)
    assert sorted(json.loads(file.read_text())) == ["data", "iv", "reading"]
    assert SECRET not in file.read_text()
    case = page.url
    shift_the_site(served, seconds=120)  # before the page goes: what a page sends as it goes may arrive after all
    page.close(run_before_unload=False)
    other = signed_in(served)
    other.goto(case)
    other.get_by_text("You have a file with answers").click()
    other.get_by_label(re.compile("The file that the page of the case gave you")).set_input_files(file)
    expect(other.locator("#late [role=status]")).to_contain_text("was sent now. It is kept apart")
    drafts = [late["body"]["draft"] for late in rows(served.site.database, "late_payload")]
    assert (drafts[-1]["selected"], drafts[-1]["rationale"]) == ([value], SECRET)


def test_a_device_that_is_full_is_not_said_to_hold_anything(served, tmp_path):
    served.site.joined(served.site.load().name)
    page = signed_in(served)
    full = "IDBObjectStore.prototype.put = () => { throw new DOMException('full', 'QuotaExceededError'); }"
    page.context.add_init_script(full)
    page.clock.install()
    begin(page)
    page.route("**/saves", lambda route: route.abort())
    tick(page, options(page)[0])
    expect(page.locator("#kept")).to_contain_text("Not saved yet")
    for _ in range(9):
        page.clock.run_for(9_000)
    expect(page.locator("#banner")).to_contain_text("Your choices are kept on this page: keep it open")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Download my answers").click()
    taken.value.save_as(tmp_path / "answers.json")
    assert sorted(json.loads((tmp_path / "answers.json").read_text())) == ["data", "iv", "reading"]


def test_a_submit_without_a_connection_waits_for_one_and_happens_once(served):
    page = begun(served)
    tick(page, options(page)[0])
    page.get_by_role("button", name="Keep and review").click()
    expect(page.get_by_role("heading", name="Your plan for case 1")).to_be_visible()
    offline(page)
    page.get_by_role("button", name="Submit case 1").dblclick()
    expect(page.locator("#kept")).to_contain_text("Not submitted yet")
    offline(page, yes=False)
    expect(page.get_by_role("heading", name="Submitted")).to_be_visible()
    assert events(served, "submitted") == 1


def test_a_submit_that_a_proxy_or_the_browser_stopped_can_be_pressed_again(served):
    page = begun(served)
    tick(page, options(page)[0])
    page.get_by_role("button", name="Keep and review").click()
    button = page.get_by_role("button", name="Submit case 1")
    expect(button).to_be_visible()
    page.clock.install()
    page.route(
        "**/clock", lambda route: route.fulfill(status=502, content_type="text/html", body="<h1>Bad gateway</h1>")
    )
    button.click()
    expect(page.locator("#kept")).to_contain_text("Not submitted yet")
    page.unroute("**/clock")
    page.route("**/submit", lambda route: route.fulfill(status=204), times=1)
    with page.expect_request("**/submit"):
        page.clock.run_for(20_000)
    page.clock.run_for(20_000)
    button.click()
    expect(page.get_by_role("heading", name="Submitted")).to_be_visible()
    assert events(served, "submitted") == 1


def test_a_begin_that_was_stopped_can_be_pressed_again(served):
    served.site.joined(served.site.load().name)
    page = signed_in(served)
    page.get_by_role("link", name="First case").click()
    button = page.get_by_role("button", name="Begin")
    page.wait_for_function("() => document.getElementById('begin').lease.value !== ''")
    page.clock.install()
    page.route("**/begin", lambda route: route.fulfill(status=204), times=1)
    with page.expect_request("**/begin"):
        button.click()
    page.clock.run_for(20_000)
    button.click()
    expect(page.locator("#finder")).to_be_visible()
    assert events(served, "opened") == 1


def test_what_the_site_cannot_store_is_said_and_costs_nothing_else(served):
    """Half a character, as a broken paste leaves it: all the rest of the answer is saved as ever."""
    page = begun(served)
    value = options(page)[0]
    broken = "(field) => { field.value = 'half \\ud83d'; field.dispatchEvent(new Event('input', { bubbles: true })); }"
    page.locator("#rationale").evaluate(broken)
    expect(page.locator("#kept")).to_have_text("Saved, but a part of your text cannot be kept")
    with page.expect_response("**/saves") as answered:
        tick(page, value)
    assert answered.value.status == 200
    expect(page.locator("#kept")).to_have_text("Saved, but a part of your text cannot be kept")
    assert stored(served) == [value]
    assert rows(served.site.database, "answer")[0]["rationale"] == "half \ufffd"
    page.locator("#rationale").fill("whole")
    expect(page.locator("#kept")).to_have_text(SAVED)
    assert (stored(served), rows(served.site.database, "answer")[0]["rationale"]) == ([value], "whole")


def test_signing_out_waits_for_a_save_that_is_under_way(served):
    page = begun(served)
    value = options(page)[0]
    page.route("**/saves", lambda route: (time.sleep(0.5), route.continue_()))
    with page.expect_request("**/saves"):
        tick(page, value)
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert stored(served) == [value]


def shows(page: Page, values: list[str]) -> bool:
    return ticked(page) == values


@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_the_network_does_what_the_page_shows_is_what_is_stored(served, seed):
    """Ticks, lost answers, lost acknowledgements, outages and reloads in any order."""
    chance = Random(seed)  # noqa: S311  # a test, no secret
    page = begun(served)
    page.on("dialog", lambda dialog: dialog.accept())
    known, shown, off, bad = options(page), set(), False, [0]

    def unreliable(route: Route) -> None:
        """At most three in a row go wrong: the pauses between tries grow."""
        luck = chance.random() if bad[0] < 3 else 1
        bad[0] = bad[0] + 1 if luck < 0.5 else 0
        if luck < 0.3:
            route.abort()
        elif luck < 0.5:
            route.fetch()
            route.abort()
        else:
            route.continue_()

    page.route("**/saves", unreliable)
    for _ in range(40):
        act = chance.random()
        if act < 0.65:
            value = chance.choice(known)
            page.locator(f'input[name=selected][value="{value}"]').click()
            shown ^= {value}
        elif act < 0.8:
            off = not off
            offline(page, yes=off)
        elif act < 0.9:
            page.wait_for_timeout(300 * chance.random())
        else:
            off = False
            offline(page, yes=False)
            page.reload()
            expect(page.locator("#finder")).to_be_visible()
            expect(page.locator("#kept")).to_have_text(re.compile("^(Saved|Nothing chosen yet)"), timeout=30_000)
        expect(page.locator("#banner")).not_to_contain_text("in another window")
        assert in_time(page, partial(shows, page, sorted(shown))), "a reloaded page takes up what it had left at once"
    page.unroute("**/saves")
    offline(page, yes=False)
    assert in_time(page, lambda: stored(served) == sorted(shown))
    expect(page.locator("#kept")).to_have_text(re.compile("^Saved"))
    assert events(served, "continued") == 0
    assert events(served, "saved") == rows(served.site.database, "reading")[0]["revision"]


FIRST_ONLY = """() => {
    let puts = 0;
    const real = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = function (...what) {
        puts += 1;
        return puts > 1 ? this.count() : real.apply(this, what);
    };
}"""
"""The device has time to write one thing down, and not the next before the page goes."""

TICKED_ONCE = """addEventListener("DOMContentLoaded", () => {
    const box = document.querySelector('input[name=selected][value="%s"]');
    if (box && !sessionStorage.ticked) { sessionStorage.ticked = "yes"; box.click(); }
});"""
"""As a quick hand does it, before the page has read what the one before left."""


def test_what_a_page_sent_as_it_went_is_the_readers_own_after_two_reloads_too(served):
    """The first page's save arrives and its answer is not heard; the second page's, with one tick more, does not."""
    page = begun(served)
    page.on("dialog", lambda dialog: dialog.accept())
    first, second = options(page)[:2]

    def unheard(route: Route) -> None:
        route.fetch()
        route.abort()

    page.evaluate(FIRST_ONLY)
    page.route("**/saves", unheard)
    tick(page, first)
    expect(page.locator("#kept")).to_contain_text("Not saved yet")
    assert stored(served) == [first]
    page.unroute("**/saves")
    page.route("**/saves", lambda route: route.abort())
    page.context.add_init_script(TICKED_ONCE % second)
    page.reload()
    waits_on_the_device(page, [first, second])
    page.unroute("**/saves")
    page.reload()
    expect(page.locator("#kept")).to_have_text(SAVED)
    expect(page.locator("#banner")).to_be_hidden()
    assert stored(served) == sorted([first, second])
    assert events(served, "continued") == 0


NO_MORE = """() => {
    for (const deed of ["put", "delete"]) IDBObjectStore.prototype[deed] = function () { return this.count(); };
}"""
"""The device writes nothing down any more, as where a page goes before it has come to it."""


def test_an_answer_to_an_older_save_does_not_forget_a_newer_one_that_the_page_sent_as_it_went(served):
    page = begun(served)
    page.on("dialog", lambda dialog: dialog.accept())
    first, second, third = options(page)[:3]

    def unheard(route: Route) -> None:
        route.fetch()
        route.abort()

    page.route("**/saves", unheard)
    tick(page, first)
    expect(page.locator("#kept")).to_contain_text("Not saved yet")
    tick(page, second)
    waits_on_the_device(page, [first, second])
    page.evaluate(NO_MORE)
    page.unroute("**/saves")
    assert in_time(page, lambda: stored(served) == sorted([first, second]))
    page.context.add_init_script(TICKED_ONCE % third)
    page.reload()
    expect(page.locator("#kept")).to_have_text(SAVED)
    assert in_time(page, lambda: stored(served) == sorted([first, second, third]))
    expect(page.locator("#banner")).to_be_hidden()


def test_who_reloads_after_every_tick_is_never_asked_whose_answer_it_was(served):
    """What a page sends as it goes may arrive unheard: after the reload it is the page's own, and nobody else's."""
    page = begun(served)
    page.on("dialog", lambda dialog: dialog.accept())
    wanted = options(page)[:8]
    for value in wanted:
        tick(page, value)
        page.reload()
        expect(page.locator("#finder")).to_be_visible()
    assert in_time(page, lambda: stored(served) == sorted(wanted))
    assert emptied(page)
    expect(page.locator("#banner")).to_be_hidden()
    assert ticked(page) == sorted(wanted)
    assert events(served, "continued") == 0
