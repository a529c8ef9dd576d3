"""A browser that was killed has its case again at once: on the same device there is nobody else to ask."""

import pytest
from browsers import Served
from builders import rows
from case_pages import SAVED, begin, begun, events, in_time, options, stored, tick, ticked
from playwright.sync_api import Page, expect
from profiles import kill, on_disk, sign_in, started

pytestmark = pytest.mark.browser

NAME = "() => sessionStorage.getItem('primum.lease')"


def goes_on(served: Served, page: Page, first: str, second: str) -> None:
    expect(page.locator("#finder")).to_be_visible()
    assert ticked(page) == [first]
    tick(page, second)
    expect(page.locator("#kept")).to_have_text(SAVED)
    expect(page.locator("#banner")).to_be_hidden()
    assert stored(served) == sorted([first, second])
    assert events(served, "continued") == 0


def test_a_browser_that_was_killed_after_everything_was_saved_goes_on_without_a_question(served, tmp_path):
    served.site.joined(served.site.load().name)
    browser = started(served, tmp_path)
    page = browser.new_page()
    page.goto("/sign-in")
    sign_in(page)
    begin(page)
    case, (first, second) = page.url, options(page)[:2]
    tick(page, first)
    expect(page.locator("#kept")).to_have_text(SAVED)
    name = page.evaluate(NAME)
    assert in_time(page, lambda: on_disk(tmp_path, name))
    with browser.expect_event("close"):
        kill(tmp_path)
    browser = started(served, tmp_path)
    try:
        page = browser.new_page()
        page.goto(case)
        if page.get_by_label("E-mail").count():
            sign_in(page)
        goes_on(served, page, first, second)
        assert page.evaluate(NAME) == name
    finally:
        browser.close()


def test_a_tab_that_was_closed_leaves_its_case_to_the_next_and_one_that_lives_does_not(served):
    page = begun(served)
    first, second = options(page)[:2]
    tick(page, first)
    expect(page.locator("#kept")).to_have_text(SAVED)
    name = page.evaluate(NAME)
    beside = page.context.new_page()
    beside.goto(page.url)
    expect(beside.locator("#banner")).to_contain_text("is open in another window")
    assert beside.evaluate(NAME) != name
    context, case = page.context, page.url
    beside.close()
    page.close()
    again = context.new_page()
    again.goto(case)
    goes_on(served, again, first, second)
    assert again.evaluate(NAME) == name


def test_a_case_that_is_over_leaves_no_name_on_the_device(served):
    page = begun(served)
    reading = str(rows(served.site.database, "reading")[0]["id"])
    tick(page, options(page)[0])
    expect(page.locator("#kept")).to_have_text(SAVED)
    known = "() => Object.keys(localStorage).filter((key) => key.startsWith('primum.lease'))"
    assert page.evaluate(known) == [f"primum.lease.{reading}"]
    page.get_by_role("button", name="Keep and review").click()
    page.get_by_role("button", name="Submit case 1").click()
    expect(page.get_by_role("heading", name="Submitted")).to_be_visible()
    page.wait_for_function(f"() => ({known})().length === 0")
