"""One case in two tabs or on two devices: one page writes, the other one says so, and neither drops an answer."""

import re

import pytest
from browsers import Served
from builders import rows
from case_pages import (
    SAVED,
    begin,
    begun,
    events,
    in_time,
    opened_elsewhere,
    options,
    queued,
    signed_in,
    stored,
    tick,
    ticked,
)
from playwright.sync_api import Page, expect
from sites import PASSWORD

pytestmark = pytest.mark.browser

MOVED = re.compile("in another window or on another device")


def continue_here(page: Page) -> None:
    expect(page.locator("#banner")).to_contain_text("is open in another window or on another device")
    page.get_by_role("button", name="Continue here").click()
    expect(page.locator("#banner")).to_be_hidden()


def test_a_second_device_reads_only_until_its_reader_says_to_continue_there(served):
    first = begun(served)
    a, b = options(first)[:2]
    tick(first, a)
    expect(first.locator("#kept")).to_have_text(SAVED)
    second = opened_elsewhere(served)
    expect(second.locator("#banner")).to_contain_text(MOVED)
    expect(second.locator(f'input[name=selected][value="{b}"]')).to_be_disabled()
    tick(first, b)
    expect(first.locator("#kept")).to_have_text(SAVED)
    continue_here(second)
    assert ticked(second) == sorted([a, b]), "what was saved elsewhere meanwhile is shown"
    second.locator(f'input[name=selected][value="{a}"]').uncheck()
    expect(second.locator("#kept")).to_have_text(SAVED)
    assert stored(served) == [b]
    assert events(served, "continued") == 1


def moved_with_an_unsent_tick(served: Served) -> tuple[Page, Page, str, str]:
    """The case went on on a second device, where `a` was chosen; the first one has chosen `b` since."""
    first = begun(served)
    a, b = options(first)[:2]
    second = opened_elsewhere(served)
    continue_here(second)
    tick(second, a)
    expect(second.locator("#kept")).to_have_text(SAVED)
    tick(first, b)
    expect(first.locator("#banner")).to_contain_text("your last change here was not saved")
    return first, second, a, b


def test_what_stands_elsewhere_is_shown_when_the_reader_chooses_it(served):
    first, _second, a, _b = moved_with_an_unsent_tick(served)
    first.get_by_role("button", name="Show what stands now").click()
    expect(first.locator("#banner")).to_be_hidden()
    assert ticked(first) == [a]
    assert stored(served) == [a]


def test_what_a_page_shows_is_kept_when_the_reader_chooses_it(served):
    first, second, _a, b = moved_with_an_unsent_tick(served)
    first.get_by_role("button", name="Keep what this page shows").click()
    expect(first.locator("#kept")).to_have_text(SAVED)
    assert stored(served) == [b]
    tick(second, options(second)[2])
    expect(second.locator("#banner")).to_contain_text("your last change here was not saved")
    assert stored(served) == [b], "the page that lost the case never writes over the one that has it"


def test_a_choice_between_two_pages_waits_on_the_device_for_a_reload(served):
    """Whoever reloads instead of choosing is asked again; nothing was dropped meanwhile."""
    first, _second, _a, b = moved_with_an_unsent_tick(served)
    first.reload()
    expect(first.locator("#banner")).to_contain_text("your last change here was not saved")
    assert ticked(first) == [b]
    first.get_by_role("button", name="Keep what this page shows").click()
    expect(first.locator("#kept")).to_have_text(SAVED)
    assert stored(served) == [b]


def test_reloading_a_page_does_not_lose_it_the_case(served):
    page = begun(served)
    for number, value in enumerate(options(page)[:3], start=1):
        tick(page, value)
        expect(page.locator("#kept")).to_have_text(SAVED)
        page.reload()
        expect(page.locator("#finder")).to_be_visible()
        assert len(ticked(page)) == number
    expect(page.locator("#banner")).to_be_hidden()
    assert events(served, "continued") == 0


def test_a_duplicated_tab_gets_a_name_of_its_own(served):
    """A duplicate starts with a copy of its original's session storage, the name to write under included."""
    page = begun(served)
    name = page.evaluate("() => sessionStorage.getItem('primum.lease')")
    double = page.context.new_page()
    double.add_init_script(
        f"sessionStorage.getItem('primum.lease') ?? sessionStorage.setItem('primum.lease', '{name}')"
    )
    double.goto(page.url)
    expect(double.locator("#banner")).to_contain_text(MOVED)
    assert double.evaluate("() => sessionStorage.getItem('primum.lease')") != name
    tick(page, options(page)[0])
    expect(page.locator("#kept")).to_have_text(SAVED)
    continue_here(double)


def test_the_review_and_back_is_the_same_page_to_the_site(served):
    page = begun(served)
    a, b = options(page)[:2]
    tick(page, a)
    page.get_by_role("button", name="Keep and review").click()
    expect(page.get_by_role("heading", name="Your plan for case 1")).to_be_visible()
    page.go_back()
    expect(page.locator("#finder")).to_be_visible()
    tick(page, b)
    expect(page.locator("#kept")).to_have_text(SAVED)
    page.go_forward()
    expect(page.get_by_text("2 options will be carried out")).to_be_visible()
    page.get_by_role("button", name="Submit case 1").click()
    expect(page.get_by_role("heading", name="Submitted")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Submitted")).to_be_visible()
    assert stored(served) == sorted([a, b])
    assert events(served, "continued") == 0


def test_begin_pressed_twice_begins_once(served):
    study = served.site.load()
    served.site.joined(study.name)
    page = signed_in(served)
    page.get_by_role("link", name="First case").click()
    page.get_by_role("button", name="Begin").dblclick()
    expect(page.locator("#finder")).to_be_visible()
    expect(page.locator("#banner")).to_be_hidden()
    assert events(served, "opened") == 1


def test_two_browsers_that_begin_at_once_begin_one_case(served):
    study = served.site.load()
    served.site.joined(study.name)
    pages = [signed_in(served), signed_in(served)]
    for page in pages:
        page.get_by_role("link", name="First case").click()
        expect(page.get_by_role("button", name="Begin")).to_be_visible()
    for page in pages:
        page.get_by_role("button", name="Begin").click(no_wait_after=True)
    for page in pages:
        expect(page.locator("#finder")).to_be_visible()
    assert events(served, "opened") == 1
    expect(pages[1].locator("#banner")).to_contain_text(MOVED)


def test_a_form_that_was_refused_for_another_page_waits_for_its_reader(served):
    """Sent before its script had come: what it shows is saved nowhere, and stays until somebody decides."""
    first = begun(served)
    a, b = options(first)[:2]
    slow = signed_in(served)
    slow.route("**/static/*/case.js", lambda route: None)
    slow.goto(first.url, wait_until="commit")
    slow.wait_for_selector("#review")
    tick(first, a)
    expect(first.locator("#kept")).to_have_text(SAVED)
    tick(slow, b)
    slow.locator("#rationale").fill("typed before the script came")
    slow.get_by_role("button", name="Keep and review").click()
    slow.unroute("**/static/*/case.js")  # not before: whatever waits for it goes on then
    expect(slow.locator("#banner")).to_contain_text("your last change here was not saved")
    expect(slow.get_by_role("button", name="Continue here")).to_have_count(0)
    assert ticked(slow) == [b]
    slow.get_by_role("button", name="Keep what this page shows").click()
    expect(slow.locator("#kept")).to_have_text(SAVED)
    assert stored(served) == [b]
    assert rows(served.site.database, "answer")[0]["rationale"] == "typed before the script came"


def sign_in_anew(page: Page) -> None:
    """Another session in the same browser: every token that its pages hold is stale."""
    page.context.clear_cookies()
    tab = page.context.new_page()
    tab.goto("/sign-in")
    tab.get_by_label("E-mail").fill("ada@example.org")
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_text("cases finished")).to_be_visible()
    tab.close()


def test_a_page_goes_on_in_a_new_session_at_the_first_press(served):
    first = begun(served)
    tick(first, options(first)[0])
    expect(first.locator("#kept")).to_have_text(SAVED)
    second = opened_elsewhere(served)
    expect(second.locator("#banner")).to_contain_text(MOVED)
    sign_in_anew(second)
    continue_here(second)
    second.get_by_role("button", name="Sign out").click()
    expect(second.get_by_role("heading", name="Sign in")).to_be_visible()


def test_where_no_tab_can_be_told_from_another_none_forgets_what_another_holds(served):
    """A browser without locks: a duplicated tab writes under the name of its original."""
    served.site.joined(served.site.load().name)
    page = signed_in(served)
    page.context.add_init_script("Object.defineProperty(Navigator.prototype, 'locks', { get() { return undefined; } })")
    begin(page)
    a, b = options(page)[:2]
    with page.context.expect_page() as opened, page.context.expect_event("request", lambda ask: "/beat" in ask.url):
        page.evaluate("() => { open(location.href); }")
    double = opened.value
    expect(double.locator("#finder")).to_be_visible()
    assert double.evaluate("() => sessionStorage['primum.lease']") == page.evaluate(
        "() => sessionStorage['primum.lease']"
    )
    page.route("**/saves", lambda route: route.abort())
    tick(page, a)
    expect(page.locator("#kept")).to_contain_text("Not saved yet")
    assert in_time(page, lambda: len(queued(page)) == 1)
    tick(double, b)
    expect(double.locator("#kept")).to_have_text(SAVED)
    double.get_by_role("button", name="Keep and review").click()
    expect(double.get_by_role("heading", name="Your plan for case 1")).to_be_visible()
    assert len(queued(page)) == 1
