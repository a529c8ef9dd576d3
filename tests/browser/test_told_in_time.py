"""What a page says of connection and time is what holds, from the first failed save to after the end."""

import re

import pytest
from browsers import Served
from builders import rows
from case_pages import (
    BY_ITSELF,
    SAVED,
    begun,
    begun_with_a_clock,
    give_more,
    on_a_still_network,
    options,
    past_the_end,
    tick,
    with_limit,
)
from playwright.sync_api import Page, expect

pytestmark = pytest.mark.browser

TOWN = {"timezone_id": "Asia/Kathmandu"}
"""An hour that no server keeps, and no whole number of hours from one."""


def counts_until(served: Served, page: Page) -> str:
    """The end and its grace, as a clock on the reader's wall shows them."""
    row = rows(served.site.database, "reading")[0]
    shown = "(ms) => new Date(ms).toLocaleTimeString([], { hourCycle: 'h23' })"
    return page.evaluate(shown, (row["deadline_at_us"] + row["grace_us"]) // 1000)


def test_the_first_save_that_fails_says_until_when_the_choices_count(served):
    page = begun(served, **TOWN)
    page.context.set_offline(True)
    tick(page, options(page)[0])
    until = counts_until(served, page)
    words = f"No connection. Your choices are kept on this device, and count if they arrive by {until}."
    expect(page.locator("#banner")).to_have_text(words)
    tick(page, options(page)[1])
    expect(page.locator("#banner")).to_have_text(words)
    page.context.set_offline(False)
    expect(page.locator("#kept")).to_have_text(SAVED)
    expect(page.locator("#banner")).to_be_hidden()


def test_time_that_is_up_without_a_connection_is_said_with_what_counts_still(served):
    page = begun_with_a_clock(served, with_limit(60, grace=10))
    on_a_still_network(page)
    page.clock.run_for(50_000)
    page.context.set_offline(True)
    tick(page, options(page)[0])
    page.clock.run_for(11_000)
    expect(page.locator("#kept")).to_contain_text("Time is up. Not sent yet")
    expect(page.locator("#banner")).to_contain_text("Time is up. No connection. Your choices are kept on this device")
    page.clock.run_for(10_000)
    expect(page.locator("#banner")).to_have_text(
        "Time is up. What had reached us is your answer; what is on this device is sent as soon as there is a "
        "connection, kept apart, and the study team is told.",
    )
    expect(page.locator("#kept")).to_contain_text("Time is up")
    past_the_end(served)
    page.unroute(BY_ITSELF)
    page.context.set_offline(False)
    expect(page.locator("#banner")).to_contain_text("is not counted: it is kept apart")
    expect(page.locator("#banner")).to_contain_text("this case counts as answered with nothing chosen")


def test_given_time_is_announced_and_takes_an_old_warning_back(served):
    page = begun_with_a_clock(served, with_limit(60))
    on_a_still_network(page)
    page.clock.run_for(41_000)
    expect(page.locator("#announce")).to_have_text("20 seconds left.")
    give_more(served, seconds=90)
    tick(page, options(page)[0])
    expect(page.locator("#announce")).to_have_text("You were given 1 minute 30 seconds more.")
    expect(page.locator("#banner")).to_have_text("You were given 1 minute 30 seconds more.")
    # 1:49 by the exchange that brought the page, 2:29 by the save's, which knows nothing of the moved clock: the page
    # goes by the quicker of the two.
    expect(page.locator("#timer")).to_have_text(re.compile(r"^[12]:\d\d$"))


def test_a_review_tells_of_given_time_too(served):
    page = begun(served, with_limit(60))
    tick(page, options(page)[0])
    page.get_by_role("button", name="Keep and review").click()
    expect(page.get_by_role("heading", name="Your plan for case 1")).to_be_visible()
    give_more(served, seconds=60)
    page.evaluate("() => document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#banner")).to_have_text("You were given 1 minute more.")
