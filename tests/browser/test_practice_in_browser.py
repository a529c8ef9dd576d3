"""Practice and the instructions as hands meet them: the list, the clock, one key, and no trace."""

import re

import pytest
from browsers import PHONE, Served
from playwright.sync_api import Page, expect
from sites import PASSWORD, demo_files

pytestmark = pytest.mark.browser


def at_place(served: Served, *, limit_s: int = 600, **device: object) -> Page:
    text = re.sub(rb"limit_s = \d+", f"limit_s = {limit_s}".encode(), demo_files()["study.toml"])
    served.site.joined(served.site.load(**{"study.toml": text}).name)
    page = served.page(**device)
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_text("cases finished").wait_for()
    return page


def practising(served: Served, **options: object) -> Page:
    page = at_place(served, **options)
    page.get_by_role("link", name="Practise first").click()
    if options.get("java_script_enabled", True):
        expect(page.locator("#finder")).to_be_visible()
    return page


def test_practice_has_the_list_the_clock_and_the_review_of_a_case(served):
    page = practising(served, viewport=PHONE)
    expect(page.locator("#timer")).to_have_text(re.compile(r"^(10:00|9:5\d)$"))
    page.locator(".option").first.click()
    expect(page.locator("#count")).to_have_text("1 of 11 chosen")
    page.get_by_role("button", name="Hide time").click()
    expect(page.locator("#timer")).to_be_hidden()
    page.get_by_role("button", name="Keep and review").click()
    expect(page.get_by_text("1 option will be carried out")).to_be_visible()
    page.get_by_role("button", name="Back to the case").click()
    expect(page.locator("#count")).to_have_text("1 of 11 chosen")
    page.get_by_role("button", name="Keep and review").click()
    page.get_by_role("button", name="Submit the practice case").click()
    expect(page.get_by_text("A good plan weighs")).to_be_visible()
    page.get_by_role("link", name="Go to the first case").click()
    expect(page.get_by_role("button", name="Begin")).to_be_visible()


def test_practice_asks_nothing_of_the_server_and_keeps_nothing_on_the_device(served):
    page = practising(served)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/static/" not in request.url else None)
    page.locator(".option").first.click()
    page.locator("#rationale").fill("a thought")
    page.locator("#confidence").fill("50")
    expect(page.locator("#count")).to_have_text("1 of 11 chosen")
    kept = page.evaluate("() => JSON.stringify({ ...localStorage, ...sessionStorage })")
    assert (asked, kept) == ([], "{}")


def test_what_is_wrong_is_said_where_a_page_without_scripts_opens(served):
    page = practising(served, java_script_enabled=False, viewport=PHONE)
    page.locator("#confidence").fill("900")
    page.get_by_role("button", name="Keep and review").click()
    alert = page.get_by_role("alert")
    expect(alert).to_contain_text("1 field below needs another look")
    box = alert.bounding_box()
    assert box["y"] + box["height"] <= PHONE["height"]


def test_practice_without_scripts(served):
    page = practising(served, java_script_enabled=False)
    expect(page.get_by_text("Your browser runs no scripts")).to_be_visible()
    page.locator(".option").first.click()
    page.get_by_role("button", name="Keep and review").click()
    page.get_by_role("button", name="Submit the practice case").click()
    expect(page.get_by_role("heading", name="That is how a case goes")).to_be_visible()


def test_when_the_practice_time_is_over_its_page_says_what_a_case_would_do(served):
    page = practising(served, limit_s=2)
    expect(page.get_by_role("heading", name="Time is up")).to_be_visible()
    expect(page.get_by_text("what has reached us by then is your answer").first).to_be_visible()


def test_the_instructions_are_one_key_away_and_the_case_is_not_left(served):
    page = practising(served)
    page.locator("input[name=selected]").first.check()
    here = page.url
    page.keyboard.press("?")
    expect(page.locator("#guide")).to_be_visible()
    expect(page.get_by_role("dialog", name="Instructions")).to_contain_text("Each case: 10 minutes")
    expect(page.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#guide")).to_be_hidden()
    expect(page.locator("input[name=selected]").first).to_be_focused()
    page.get_by_role("link", name="Instructions").first.click()
    expect(page.locator("#guide")).to_be_visible()
    assert (page.url, len(page.context.pages)) == (here, 1)


def test_who_types_a_question_mark_types_it(served):
    page = practising(served)
    page.locator("#rationale").click()
    page.keyboard.type("why? / because")
    expect(page.locator("#rationale")).to_have_value("why? / because")
    expect(page.locator("#guide")).to_be_hidden()


def test_single_keys_can_be_turned_off_for_good(served):
    """Whoever dictates to a computer would press them with every sentence."""
    page = practising(served)
    expect(page.get_by_text("( ? )")).to_be_visible()
    page.keyboard.press("?")
    page.get_by_label("Use the keys").uncheck()
    page.keyboard.press("Escape")
    expect(page.get_by_text("( ? )")).to_be_hidden()
    page.reload()
    expect(page.locator("#finder")).to_be_visible()
    page.keyboard.press("?")
    page.keyboard.press("/")
    expect(page.locator("#guide")).to_be_hidden()
    expect(page.locator("#filter")).not_to_be_focused()
    page.get_by_role("link", name="Instructions").first.click()
    page.get_by_label("Use the keys").check()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#filter")).to_be_focused()
