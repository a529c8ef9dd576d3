"""No page of the physician has a violation that axe can find, on a desk and on a phone, in each of its states."""

import re
from collections.abc import Callable

import pytest
from axes import violations
from browsers import DESK, PHONE, Served
from playwright.sync_api import Page, expect
from sites import PASSWORD

from study.tables import StudyState

pytestmark = pytest.mark.browser


def signed_in(served: Served, **device: object) -> Page:
    page = served.page(**device)
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("cases finished")).to_be_visible()
    return page


def walk(page: Page, seen: Callable[[str], None]) -> None:
    """Every page that a physician meets, in the order of meeting them."""
    place = page.url
    seen("place")
    for what in ("Instructions", "Copy of the consent", "Withdraw from the study", "Help"):
        page.get_by_role("link", name=what).first.click()
        seen(what)
        page.goto(place)
    page.get_by_role("link", name="First case").click()
    seen("before Begin")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#finder")).to_be_visible()
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
    expect(page.locator("#kept")).to_have_text(re.compile(r"^Saved \d"), timeout=20_000)
    case = page.url
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
    assert len(found) == 13
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


def test_closed_and_refused_states_have_no_violation(served):
    site = served.site
    study = site.load()
    site.joined(study.name)
    first, second = signed_in(served), signed_in(served)
    for page in (first, second):
        page.get_by_role("link", name=re.compile("First case|Go on")).click()
        if page.get_by_role("button", name="Begin").count():
            page.get_by_role("button", name="Begin").click()
        expect(page.locator("#finder")).to_be_visible()
    second.get_by_role("button", name="Continue here").click()
    second.locator("input[name=selected]").first.check()
    expect(second.locator("#kept")).to_have_text(re.compile(r"^Saved \d"))
    first.locator("input[name=selected]").nth(1).check()
    expect(first.locator("#banner")).to_contain_text("your last change here was not saved")
    assert violations(first) == [], "the older window"
    site.change_state(study.name, StudyState.PAUSED)
    second.get_by_role("button", name="Keep and review").click()
    second.get_by_role("button", name="Submit case 1").click()
    second.get_by_role("link", name="Next case").click()
    expect(second.get_by_text("The study is paused")).to_be_visible()
    assert violations(second) == [], "paused"
