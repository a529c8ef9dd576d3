"""The time a page shows is the server's: a device's own clock, its sleep and its zone have no say in it."""

import re

import pytest
from browsers import Served
from case_pages import (
    SAVED,
    begin,
    begun,
    give_more,
    in_time,
    on_a_still_network,
    options,
    shift_the_site,
    signed_in,
    stored,
    tick,
    with_limit,
)
from playwright.sync_api import Page, expect
from sites import demo_files

from study.tables import metadata

pytestmark = pytest.mark.browser

FULL = re.compile(r"^(10:00|9:[45]\d)$")
MINUTE = 60
AHEAD = "const real = Date.now; window.ahead = 0; Date.now = () => real() + window.ahead;"


def seconds_left(page: Page) -> int:
    minutes, seconds = page.locator("#timer").inner_text().split(":")
    return 60 * int(minutes) + int(seconds)


def begun_with(served: Served, script: str) -> Page:
    served.site.joined(served.site.load().name)
    page = signed_in(served)
    page.add_init_script(script)
    begin(page)
    return page


@pytest.mark.parametrize("days", [-1, 1])
def test_a_device_that_is_a_day_off_sees_the_same_time_left(served, days):
    page = begun_with(served, AHEAD.replace("ahead = 0", f"ahead = {days * 86_400_000}"))
    expect(page.locator("#timer")).to_have_text(FULL)
    tick(page, options(page)[0])
    expect(page.locator("#kept")).to_have_text(SAVED)
    expect(page.locator("#timer")).to_have_text(FULL)


def test_the_night_in_which_summer_time_ends_is_no_longer_than_others(served):
    served.site.joined(served.site.load().name)
    page = signed_in(served, timezone_id="Europe/Berlin")
    page.clock.install(time="2026-10-25T02:59:50+02:00")
    begin(page)
    on_a_still_network(page)
    expect(page.locator("#timer")).to_have_text(FULL)
    before = seconds_left(page)
    page.clock.run_for(30_000)
    assert page.evaluate("() => new Date().getHours()") == 2, "the hour came twice"
    assert 29 <= before - seconds_left(page) <= 45


def test_a_device_whose_clock_is_set_asks_the_server_and_goes_on(served):
    page = begun_with(served, AHEAD)
    with page.expect_response(re.compile("/(clock|beat)$")):
        page.evaluate("() => { window.ahead = 7_200_000; }")
    expect(page.locator("#timer")).to_have_text(FULL)
    with page.expect_response(re.compile("/(clock|beat)$")):
        page.evaluate("() => { window.ahead = -7_200_000; }")
    expect(page.locator("#timer")).to_have_text(FULL)
    expect(page.locator("input[name=selected]").first).to_be_enabled()


def test_a_device_that_slept_without_a_network_closes_nothing_before_it_was_told(served):
    """Date goes on while the page's own clock stood still: what the page believes of the time is worth nothing."""
    page = begun_with(served, AHEAD)
    page.context.set_offline(True)
    page.evaluate("() => { window.ahead = 1_200_000; }")
    expect(page.locator("#timer")).to_have_text("–:––")
    value = options(page)[0]
    tick(page, value)
    page.context.set_offline(False)
    expect(page.locator("#timer")).to_have_text(FULL)
    expect(page.locator("#kept")).to_have_text(SAVED)
    assert stored(served) == [value]


def test_a_page_that_stood_still_asks_before_it_closes(served):
    """Both clocks of the device jump far past the deadline, and the server's did not."""
    served.site.joined(served.site.load().name)
    page = signed_in(served)
    page.clock.install()
    begin(page)
    expect(page.locator("#timer")).to_have_text(FULL)
    page.clock.run_for(1_000)
    page.clock.fast_forward("02:00:00")
    expect(page.locator("#timer")).to_have_text(FULL)
    expect(page.locator("input[name=selected]").first).to_be_enabled()
    tick(page, options(page)[0])
    page.clock.run_for(2_000)
    expect(page.locator("#kept")).to_have_text(SAVED)


def test_who_wakes_after_the_deadline_is_led_to_the_receipt(served):
    page = begun_with(served, AHEAD)
    tick(page, options(page)[0])
    expect(page.locator("#kept")).to_have_text(SAVED)
    shift_the_site(served, seconds=11 * MINUTE)
    page.evaluate("() => { window.ahead = 660_000; }")
    expect(page.get_by_role("heading", name="Time is up")).to_be_visible()
    expect(page.get_by_text("1 option chosen")).to_be_visible()


def test_time_given_while_a_page_had_closed_opens_it_again(served):
    page = begun(served, with_limit(6, grace=30))
    page.route("**/readings/**", lambda route: route.abort())
    first, second = options(page)[:2]
    tick(page, first)
    expect(page.locator(f'input[name=selected][value="{second}"]')).to_be_disabled()
    give_more(served, seconds=600)
    page.unroute("**/readings/**")
    expect(page.locator("#banner")).to_contain_text("You were given 10 minutes more.")
    tick(page, second)
    expect(page.locator("#kept")).to_have_text(SAVED)
    assert stored(served) == sorted([first, second])
    expect(page.locator("#timer")).to_have_text(re.compile(r"^(10|9):\d\d$"))


def test_an_answer_from_before_more_time_was_given_takes_none_of_it_back(served):
    page = begun(served, with_limit(60))
    held = []
    page.route("**/clock", lambda route: held.append((route, route.fetch())), times=1)
    page.evaluate("() => dispatchEvent(new Event('online'))")
    assert in_time(page, lambda: len(held) == 1)
    give_more(served, seconds=600)
    page.evaluate("() => dispatchEvent(new Event('online'))")
    expect(page.locator("#timer")).to_have_text(re.compile(r"^(11|10):\d\d$"))
    [(route, answer)] = held
    note = "window.seen.push(document.getElementById('timer').textContent)"
    page.evaluate(f"() => {{ window.seen = []; setInterval(() => {note}, 50); }}")
    route.fulfill(response=answer)
    page.wait_for_function("() => window.seen.length > 20")
    assert all(re.fullmatch(r"(11|10):\d\d", text) for text in page.evaluate("() => window.seen"))


def test_time_given_shortly_before_the_end_is_seen_before_the_page_closes(served):
    page = begun(served, with_limit(9))
    give_more(served, seconds=600)
    expect(page.locator("#timer")).to_have_text(re.compile(r"^(10|9):\d\d$"))
    expect(page.locator("input[name=selected]").first).to_be_enabled()


def with_a_sitting(seconds: int) -> dict[str, bytes]:
    text = demo_files()["study.toml"].decode()
    return {"study.toml": f"{text}\n[session]\nlimit_s = {seconds}\n".encode()}


def test_both_clocks_are_shown_while_they_differ(served):
    page = begun(served, with_a_sitting(40 * MINUTE))
    expect(page.locator("#timer")).to_have_text(FULL)
    expect(page.locator("#sitting")).to_contain_text(re.compile(r"All cases: (40:00|39:[45]\d)"))
    page.get_by_role("button", name="Hide time").click()
    expect(page.locator("#sitting")).to_be_hidden()


def test_the_nearer_clock_governs(served):
    """Five minutes are left of the sitting: they are all that is left of the case, and are said once."""
    page = begun(served, with_a_sitting(5 * MINUTE))
    expect(page.locator("#timer")).to_have_text(re.compile(r"^(5:00|4:[45]\d)$"))
    expect(page.locator("#sitting")).to_be_hidden()
    reading = metadata.tables["reading"]
    later = reading.update().where(reading.c.state == "open").values(session_ends_at_us=served.site.clock() + 10**9)
    served.site.database.write(lambda session: session.connection().execute(later))
    tick(page, options(page)[0])
    expect(page.locator("#sitting")).to_be_visible()
