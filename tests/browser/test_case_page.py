"""The case page in a real browser: what a physician's hands, network and batteries do to it."""

import re

import pytest
from browsers import PHONE
from case_pages import SAVED, begin, begun, options, signed_in, stored, with_limit
from playwright.sync_api import Page, expect
from sites import PASSWORD

from study.tables import metadata

pytestmark = pytest.mark.browser


def test_every_tick_is_kept_without_being_asked(served):
    page = begun(served)
    wanted = options(page)[:3]
    for value in wanted:
        page.locator(f'input[name=selected][value="{value}"]').check()
    expect(page.locator("#kept")).to_have_text(SAVED)
    assert stored(served) == sorted(wanted)


def test_the_whole_row_is_the_target(served):
    page = begun(served, viewport=PHONE, has_touch=True)
    row = page.locator(".option").first
    box = row.bounding_box()
    assert box["height"] >= 44
    row.tap(position={"x": box["width"] - 8, "y": box["height"] / 2})
    expect(row.locator("input")).to_be_checked()


def test_without_a_connection_ticks_wait_on_the_page_and_are_sent_when_it_is_back(served):
    page = begun(served)
    value = options(page)[0]
    page.context.set_offline(True)
    page.locator(f'input[name=selected][value="{value}"]').check()
    expect(page.locator("#kept")).to_contain_text("Not saved yet")
    assert stored(served) == []
    page.context.set_offline(False)
    expect(page.locator("#kept")).to_have_text(SAVED)
    assert stored(served) == [value]


def test_who_is_signed_out_mid_case_loses_nothing(served):
    """The session ends on the server; the tick waits, and is sent after signing in again in another tab."""
    page = begun(served)
    value = options(page)[0]
    served.site.database.write(lambda session: session.connection().execute(metadata.tables["login"].delete()))
    page.locator(f'input[name=selected][value="{value}"]').check()
    expect(page.locator("#banner")).to_contain_text("You are signed out")
    tab = page.context.new_page()
    tab.goto("/sign-in")
    tab.get_by_label("E-mail").fill("ada@example.org")
    tab.get_by_label("Password").fill(PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    expect(page.locator("#kept")).to_have_text(SAVED)
    assert stored(served) == [value]


def test_when_time_runs_out_what_was_ticked_last_stands(served):
    page = begun(served, with_limit(6))
    first, last = options(page)[:2]
    page.locator(f'input[name=selected][value="{first}"]').check()
    page.locator(f'input[name=selected][value="{last}"]').check()
    expect(page.get_by_role("heading", name="Time is up")).to_be_visible()
    expect(page.get_by_text("2 options chosen")).to_be_visible()
    assert stored(served) == sorted([first, last])


def test_the_countdown_shows_the_servers_seconds_and_can_be_hidden(served):
    page = begun(served)
    expect(page.locator("#timer")).to_have_text(re.compile(r"^(10:00|9:5\d)$"))
    page.get_by_role("button", name="Hide time").click()
    expect(page.locator("#timer")).to_be_hidden()
    page.get_by_role("button", name="Show time").click()
    expect(page.locator("#timer")).to_be_visible()


def test_the_devices_own_clock_has_no_say(served):
    """A phone that is a day ahead sees the same time left."""
    study = served.site.load()
    served.site.joined(study.name)
    page = signed_in(served)
    page.add_init_script("const real = Date.now; Date.now = () => real() + 86_400_000;")
    page.get_by_role("link", name="First case").click()
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#timer")).to_have_text(re.compile(r"^(10:00|9:5\d)$"))


def test_the_filter_finds_options_and_keeps_ticks(served):
    page = begun(served)
    value = options(page)[0]
    page.locator(f'input[name=selected][value="{value}"]').check()
    page.keyboard.press("/")
    page.keyboard.type("zzzz")
    expect(page.locator("#no-match")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(f'input[name=selected][value="{value}"]')).to_be_checked()
    expect(page.locator("#count")).to_contain_text("1 of ")


def test_the_keyboard_alone_answers_a_case(served):
    page = begun(served)
    page.keyboard.press("/")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("#count")).to_contain_text("2 of ")
    page.locator("#review").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Your plan for case 1")).to_be_visible()
    page.get_by_role("button", name="Submit case 1").press("Enter")
    expect(page.get_by_role("heading", name="Submitted")).to_be_visible()


def test_the_sticky_bar_never_covers_what_has_the_focus(served):
    page = begun(served, viewport=PHONE)
    bar = page.locator("#bar")
    for _ in range(12):
        page.keyboard.press("Tab")
    for _ in range(25):
        page.keyboard.press("Tab")
        held = page.evaluate(
            "() => { const at = document.activeElement.getBoundingClientRect(); return [at.top, at.bottom]; }"
        )
        box = bar.bounding_box()
        assert held[0] >= box["y"] + box["height"] - 1 or page.evaluate(
            "() => document.activeElement.closest('.bar') !== null"
        )


@pytest.mark.parametrize("width", [320, 390])
def test_nothing_is_wider_than_a_phone(served, width):
    page = begun(served, viewport={"width": width, "height": 700})
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width


def test_without_scripts_the_form_still_works_and_says_what_is_missing(served):
    study = served.site.load()
    served.site.joined(study.name)
    page = signed_in(served, java_script_enabled=False)
    page.get_by_role("link", name="First case").click()
    page.get_by_role("button", name="Begin").click()
    expect(page.get_by_text("Your browser runs no scripts")).to_be_visible()
    page.locator(".option").first.click()
    page.get_by_role("button", name="Keep and review").click()
    expect(page.get_by_text("1 option will be carried out")).to_be_visible()
    page.get_by_role("button", name="Submit case 1").click()
    expect(page.get_by_role("heading", name="Submitted")).to_be_visible()


def test_no_request_leaves_the_host(served):
    asked: list[str] = []
    study = served.site.load()
    served.site.joined(study.name)
    page = served.page()
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    begin(page)
    assert all(url.startswith((served.url, "data:")) for url in asked)


def in_view(page: Page, selector: str) -> bool:
    box, screen = page.locator(selector).bounding_box(), page.viewport_size
    return box is not None and box["y"] >= 0 and box["y"] + box["height"] <= screen["height"]


def test_a_refusal_is_seen_wherever_the_page_is_scrolled_to(served):
    page = begun(served, viewport=PHONE)
    page.locator("input[name=selected]").first.check()
    page.locator("#nothing").scroll_into_view_if_needed()
    page.locator("#nothing").click()
    expect(page.locator("#nothing")).not_to_be_checked()
    expect(page.locator("#banner")).to_contain_text("You have chosen options")
    assert in_view(page, "#banner")


@pytest.mark.parametrize("typed", ["150", "50.0", "1e2"])
def test_a_confidence_that_is_none_is_said_at_once_and_stops_before_the_review(served, typed):
    """A number that the form would not take is none for the page either, or it would say that it saved it."""
    page = begun(served, viewport=PHONE)
    page.locator("#confidence").press_sequentially(typed)
    expect(page.locator("#kept")).to_contain_text("confidence must be 0 to 100")
    page.get_by_role("button", name="Keep and review").click()
    expect(page.locator("#banner")).to_contain_text("whole number from 0 to 100")
    expect(page.locator("#confidence")).to_be_focused()


def test_a_review_that_was_asked_for_offline_opens_when_everything_is_saved(served):
    page = begun(served)
    page.context.set_offline(True)
    page.locator("input[name=selected]").first.check()
    page.get_by_role("button", name="Keep and review").click()
    expect(page.locator("#banner")).to_contain_text("The review opens as soon as everything is saved")
    page.context.set_offline(False)
    expect(page.get_by_role("heading", name="Your plan for case 1")).to_be_visible()
    expect(page.get_by_text("1 option will be carried out")).to_be_visible()


def test_signing_out_right_after_a_tick_keeps_the_tick(served):
    page = begun(served)
    value = options(page)[0]
    page.locator(f'input[name=selected][value="{value}"]').check()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()
    assert stored(served) == [value]


def test_space_on_the_page_before_a_case_does_not_start_its_clock(served):
    study = served.site.load()
    served.site.joined(study.name)
    page = signed_in(served)
    page.get_by_role("link", name="First case").click()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Ready?")).to_be_visible()


def test_a_filter_says_how_many_are_shown_and_lets_go_from_any_option(served):
    page = begun(served)
    boxes = page.locator("input[name=selected]")
    boxes.first.check()
    word = page.locator(".option span").first.text_content().split()[0]
    page.locator("#filter").fill(word)
    shown = page.locator("input[name=selected]:visible").count()
    expect(page.locator("#count")).to_have_text(f"{shown} of {boxes.count()} shown · 1 chosen")
    page.locator("input[name=selected]:visible").first.focus()
    page.keyboard.press("Escape")
    expect(page.locator("#count")).to_have_text(f"1 of {boxes.count()} chosen")
    expect(page.locator("#filter")).to_have_value("")
    page.locator("#filter").fill("zzzz")
    page.get_by_role("button", name="Show all").click()
    expect(page.locator("#filter")).to_be_focused()
    expect(page.locator("#filter")).to_have_value("")
    expect(page.get_by_role("button", name="Show all")).to_be_hidden()


@pytest.mark.parametrize(("device", "told"), [({"has_touch": True, "is_mobile": True}, False), ({}, True)])
def test_keys_are_told_of_where_there_are_some(served, device, told):
    page = begun(served, **device)
    expect(page.locator("#filter")).to_have_attribute("placeholder", "Filter the options")
    expect(page.locator("#finder [data-single-key]")).to_be_visible(visible=told)


def test_nothing_sticks_to_the_buttons_of_a_narrow_phone(served):
    page = begun(served, viewport={"width": 320, "height": 640}, has_touch=True)
    page.get_by_role("link", name="Report a problem").click()
    send = page.get_by_role("button", name="Send the report").bounding_box()
    back = page.get_by_role("link", name="Back to the case").bounding_box()
    apart = max(back["y"] - send["y"] - send["height"], back["x"] - send["x"] - send["width"])
    assert apart >= 8
    page = served.page(viewport={"width": 320, "height": 640})
    page.goto("/sign-in")
    button = page.locator("main").get_by_role("button", name="Sign in").bounding_box()
    assert page.get_by_text("Invited, and no password yet?").bounding_box()["y"] >= button["y"] + button["height"] + 8


def test_who_was_signed_out_with_everything_saved_is_led_to_the_sign_in_and_not_made_to_wait(served):
    page = begun(served)
    value = options(page)[0]
    page.locator(f'input[value="{value}"]').check()
    expect(page.locator("#kept")).to_have_text(SAVED)
    served.site.database.write(lambda session: session.connection().execute(metadata.tables["login"].delete()))
    page.get_by_role("button", name="Keep and review").click()
    expect(page.get_by_label("Password")).to_be_visible()
    assert stored(served) == [value]
