"""No page of the physician has a violation that axe can find, on a desk and on a phone, in each of its states."""

import re
from collections.abc import Callable

import pytest
from axes import violations
from browsers import DESK, PHONE
from case_pages import (
    SAVED,
    at_work,
    begin,
    begun,
    in_time,
    opened_elsewhere,
    options,
    signed_in,
    stored,
    tick,
    with_limit,
)
from playwright.sync_api import Page, Route, expect

from study.tables import StudyState

pytestmark = pytest.mark.browser


def walk(page: Page, seen: Callable[[str], None]) -> None:
    """Every page that a physician meets, in the order of meeting them."""
    place = page.url
    seen("place")
    for what in ("Instructions", "Copy of the consent", "Withdraw from the study", "Help"):
        page.get_by_role("link", name=what).first.click()
        seen(what)
        page.goto(place)
    page.wait_for_load_state()
    page.keyboard.press("?")
    expect(page.locator("#guide")).to_be_visible()
    seen("instructions in a dialog")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Practise first").click()
    expect(page.locator("#finder")).to_be_visible()
    seen("practice")
    page.locator("#confidence").fill("900")
    page.evaluate("() => HTMLFormElement.prototype.submit.call(document.getElementById('practice'))")
    expect(page.locator("#confidence-errors")).to_be_visible()
    seen("practice, refused")
    page.locator("#confidence").fill("90")
    page.get_by_role("button", name="Keep and review").click()
    page.get_by_role("button", name="Submit the practice case").click()
    expect(page.get_by_text("Tick this if")).to_be_visible()
    seen("practice, review refused")
    page.get_by_label("I recommend none").check()
    page.get_by_role("button", name="Submit the practice case").click()
    expect(page.get_by_text("A good plan weighs")).to_be_visible()
    seen("practised")
    page.goto(place)
    page.get_by_role("link", name="First case").click()
    seen("before Begin")
    with at_work(page):
        page.get_by_role("button", name="Begin").click()
    seen("case")
    page.locator("input[name=selected]").first.check()
    expect(page.locator("#kept")).to_have_text(re.compile(r"^Saved \d"))
    page.locator("#filter").fill("zzzz")
    seen("case, nothing found")
    page.locator("#filter").fill("")
    page.context.set_offline(True)
    page.locator("input[name=selected]").nth(1).check()
    expect(page.locator("#kept")).to_contain_text("Not saved yet")
    seen("case, offline")
    page.context.set_offline(False)
    expect(page.locator("#kept")).to_have_text(re.compile(r"^Saved \d"))
    case = page.url
    page.locator("#confidence").fill("900")
    expect(page.locator("#kept")).to_contain_text("Saved, but")
    page.evaluate("() => HTMLFormElement.prototype.submit.call(document.getElementById('case'))")
    expect(page.locator("#confidence-errors")).to_be_visible()
    seen("case, refused")
    page.locator("#confidence").fill("90")
    expect(page.locator("#kept")).to_have_text(re.compile(r"^Saved \d"))
    page.get_by_role("link", name="Report a problem").click()
    seen("problem")
    page.get_by_role("button", name="Send the report").click()
    seen("problem, refused")
    page.goto(case)
    page.get_by_role("button", name="Keep and review").click()
    expect(page.get_by_role("heading", name="Your plan for case 1")).to_be_visible()
    seen("review")
    page.get_by_role("button", name="Submit case 1").click()
    expect(page.get_by_role("heading", name="Submitted")).to_be_visible()
    seen("receipt")


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_the_physicians_pages_have_no_violation(served, screen):
    served.site.joined(served.site.load().name)
    page = signed_in(served, viewport=screen)
    found: dict[str, list[str]] = {}

    def seen(name: str) -> None:
        found[name] = violations(page)

    walk(page, seen)
    assert len(found) == 19
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_the_doors_have_no_violation(served, screen):
    site = served.site
    study = site.load()
    site.invite(study.name)
    page = served.page(viewport=screen)
    found: dict[str, list[str]] = {}
    for path in ("/sign-in", "/join/invitation", "/join/unknown", "/help", "/nowhere"):
        page.goto(path)
        found[path] = violations(page)
    page.goto("/sign-in")
    page.get_by_role("button", name="Sign in").click()
    found["sign-in, refused"] = violations(page)
    page.goto("/join/invitation")
    page.get_by_role("button", name="Agree and join").click()
    expect(page.get_by_text("Not sent yet")).to_be_visible()
    found["join, refused"] = violations(page)
    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_closed_and_refused_states_have_no_violation(served, screen):
    site = served.site
    study = site.load()
    site.joined(study.name)
    first = signed_in(served, viewport=screen)
    begin(first)
    second = opened_elsewhere(served, viewport=screen)
    expect(second.get_by_role("button", name="Continue here")).to_be_visible()
    assert violations(second) == [], "read only, open elsewhere"
    second.get_by_role("button", name="Continue here").click()
    second.locator("input[name=selected]").first.check()
    expect(second.locator("#kept")).to_have_text(re.compile(r"^Saved \d"))
    first.locator("input[name=selected]").nth(1).check()
    expect(first.locator("#banner")).to_contain_text("your last change here was not saved")
    assert violations(first) == [], "taken over, with a change of its own"
    first.goto(f"{first.url}/review")
    first.get_by_role("button", name="Submit case 1").click()
    expect(first.get_by_role("button", name="Continue here and submit")).to_be_visible()
    assert violations(first) == [], "the review, taken over"
    site.change_state(study.name, StudyState.PAUSED)
    second.get_by_role("button", name="Keep and review").click()
    second.get_by_role("button", name="Submit case 1").click()
    second.get_by_role("link", name="Next case").click()
    expect(second.get_by_text("The study is paused")).to_be_visible()
    assert violations(second) == [], "paused"


@pytest.mark.parametrize("screen", [DESK, PHONE], ids=["desk", "phone"])
def test_the_end_of_the_time_has_no_violation(served, screen):
    """On the page while it sends what it holds, on the receipt, and where the sitting's time is over as well."""
    files = with_limit(4, grace=3)
    text = files["study.toml"] + b"\n[session]\nlimit_s = 4\n"
    page = begun(served, {"study.toml": text}, viewport=screen)
    leaving: list[Route] = []
    # The page stays until it was looked at, however long that takes.
    page.route(page.url, lambda route: leaving.append(route), times=1)
    expect(page.locator("#kept")).to_contain_text("Time is up")
    assert violations(page) == [], "closed, and still on the case"
    assert in_time(page, lambda: bool(leaving))
    leaving[0].continue_()
    expect(page.get_by_role("heading", name="Time is up")).to_be_visible()
    assert violations(page) == [], "the receipt of a case that ran out of time"
    page.get_by_role("link", name="My cases").click()
    expect(page.get_by_text("The time for all cases together is over.")).to_be_visible()
    assert violations(page) == [], "no further case"


def test_a_page_of_the_plain_way_that_was_taken_over_has_no_violation(served):
    """Without scripts the question stands on the page itself; with them, it is the same page."""
    first = begun(served)
    first.locator("input[name=selected]").first.check()
    expect(first.locator("#kept")).to_have_text(SAVED)
    second = signed_in(served, java_script_enabled=False)
    second.get_by_role("link", name="Go on with case 1").click()
    second.locator(".option").nth(1).click()
    second.get_by_role("button", name="Keep and review").click()
    expect(second.get_by_role("button", name="Continue here, with what this page shows")).to_be_visible()
    page = served.page(viewport=PHONE)
    page.set_content(second.content())
    assert violations(page) == []


def test_a_tick_is_told_aloud_once(served):
    """Whoever listens hears that it is saved; what the page shows meanwhile is for the eyes."""
    page = begun(served)
    page.evaluate(
        """() => {
          window.heard = [];
          const aloud = (node) => {
            const place = node.closest("[aria-live], [role=status], [role=alert]");
            return place && place.getAttribute("aria-live") !== "off";
          };
          new MutationObserver((changes) => {
            for (const { target } of changes) {
              const element = target.nodeType === Node.TEXT_NODE ? target.parentElement : target;
              if (element && aloud(element)) heard.push(element.textContent);
            }
          }).observe(document.body, { childList: true, characterData: true, subtree: true });
        }"""
    )
    wanted = options(page)[:3]
    for number, value in enumerate(wanted, start=1):
        tick(page, value)
        assert in_time(page, lambda number=number: len(stored(served)) == number)
    expect(page.locator("#kept")).to_have_text(SAVED)
    heard = page.evaluate("() => heard")
    assert 1 <= len(heard) <= 3
    assert all(SAVED.match(words) for words in heard)


def test_a_button_that_says_what_it_does_is_not_also_pressed(served):
    page = begun(served)
    button = page.locator("#toggle-timer")
    for name in ("Hide time", "Show time", "Hide time"):
        expect(button).to_have_text(name)
        assert button.get_attribute("aria-pressed") is None
        button.click()
