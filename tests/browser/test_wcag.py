"""What axe cannot see of WCAG 2.2 AA: where the focus is, what is read out and when, how large things are, how narrow.

Each test names its criterion. The states that axe looks at are in test_accessibility.
"""

import re
from collections.abc import Callable, Iterator

import pytest
from browsers import DESK, PHONE
from case_pages import SAVED, at_work, begin, begun, on_a_still_network, signed_in, with_limit
from playwright.sync_api import Page, expect
from sites import PASSWORD

pytestmark = pytest.mark.browser

NARROW = {"width": 320, "height": 640}
LISTEN = """() => {
  window.heard = [];
  for (const place of document.querySelectorAll("[role=status], [role=alert], [aria-live]")) {
    let last = place.textContent;
    new MutationObserver(() => {
      const text = place.textContent.trim();
      if (text !== last) window.heard.push(text);
      last = text;
    }).observe(place, { childList: true, characterData: true, subtree: true });
  }
}"""


@pytest.fixture
def ticking(served) -> Page:
    """A case of twenty minutes on a page whose time the test moves, with all that is read out written down."""
    study = served.site.load(**with_limit(1200))
    served.site.joined(study.name)
    page = signed_in(served)
    page.clock.install()
    begin(page)
    on_a_still_network(page)
    page.evaluate(LISTEN)
    return page


def heard(page: Page) -> list[str]:
    return [sentence for sentence in page.evaluate("() => window.heard") if "left." in sentence]


def test_4_1_3_the_time_is_told_at_half_five_minutes_one_and_twenty_seconds_and_each_once(ticking):
    ticking.clock.run_for(570_000)
    assert heard(ticking) == []
    ticking.clock.run_for(60_000)
    assert heard(ticking) == ["Half of the time is left."]
    ticking.clock.run_for(300_000)
    assert heard(ticking)[1:] == ["Five minutes left."]
    ticking.clock.run_for(240_000)
    assert heard(ticking)[2:] == ["One minute left."]
    ticking.clock.run_for(20_000)
    assert heard(ticking)[3:] == ["20 seconds left."]
    assert ticking.locator("#announce").get_attribute("role") == "status"


def test_2_2_2_the_time_can_be_hidden_its_warnings_stay_and_nothing_is_read_out_by_the_second(ticking):
    ticking.get_by_role("button", name="Hide time").click()
    ticking.clock.run_for(660_000)
    expect(ticking.locator("#timer")).to_be_hidden()
    assert ticking.evaluate("() => window.heard") == ["Half of the time is left."]
    expect(ticking.get_by_role("timer")).to_have_count(0)
    ticking.get_by_role("button", name="Show time").click()
    expect(ticking.get_by_role("timer").first).to_be_visible()
    live = ticking.get_by_role("timer").first.evaluate("(timer) => timer.closest('[aria-live], [role=status]')")
    assert live is None, "a timer is silent by its role"


def test_4_1_3_what_is_saved_and_what_waits_is_said_where_it_is_read_out(served):
    page = begun(served)
    kept = page.get_by_role("status").filter(has_text=re.compile("Saved|Saving|Not saved"))
    page.locator("input[name=selected]").first.check()
    expect(kept).to_have_text(SAVED)
    page.context.set_offline(True)
    page.locator("input[name=selected]").nth(1).check()
    expect(kept).to_contain_text("Not saved yet")
    page.context.set_offline(False)
    expect(kept).to_have_text(SAVED)
    expect(page.get_by_role("status").filter(has_text="chosen")).to_have_text(re.compile(r"^2 of \d+ chosen$"))


def steps(page: Page, key: str, *, most: int = 300) -> Iterator[dict[str, str | bool]]:
    """Each place of the focus on the way through the page, until it leaves it."""
    for _ in range(most):
        page.keyboard.press(key)
        at = page.evaluate(
            """async () => {
              const frame = () => new Promise(requestAnimationFrame);
              await frame(); await frame(); // the page scrolls to what has the focus with the next picture
              const held = document.activeElement;
              if (held === document.body || held === null) return null;
              const shown = held.closest(".option") ?? held;
              const box = shown.getBoundingClientRect(), bar = document.getElementById("bar");
              const { top: over, bottom: to } = bar.getBoundingClientRect();
              const seen = box.bottom > 0 && box.top < innerHeight;
              const beneath = !held.matches(".skip") && !bar.contains(held);
              const covered = beneath && box.top < to - 1 && box.bottom > over + 1;
              const name = held.id || held.name || held.textContent.trim().slice(0, 30);
              return { name, wrong: covered || !seen, at: `${box.top} to ${box.bottom}, the bar ${over} to ${to}` };
            }"""
        )
        if at is None:
            return
        yield at
    pytest.fail("the focus never leaves the page")


def hidden_focus(page: Page, key: str) -> tuple[int, list[str]]:
    """How many places the focus had, and those that the bar covered even in part, or that were out of sight."""
    found = list(steps(page, key))
    return len(found), [f"{at['name']}: {at['at']}" for at in found if at["wrong"]]


@pytest.mark.parametrize("screen", [PHONE, NARROW], ids=["390", "320"])
def test_2_4_11_the_focus_is_never_covered_on_the_way_down_or_up(served, screen):
    page = begun(served, viewport=screen)
    there, covered = hidden_focus(page, "Tab")
    assert covered == []
    back, covered = hidden_focus(page, "Shift+Tab")
    assert covered == []
    assert back >= there > 20


@pytest.mark.parametrize("screen", [PHONE, NARROW], ids=["390", "320"])
def test_2_4_11_nor_is_it_when_the_bar_says_more_than_usual(served, screen):
    page = begun(served, viewport=screen)
    page.locator("input[name=selected]").first.check()
    page.locator("#nothing").click()
    expect(page.locator("#banner")).to_be_visible()
    there, covered = hidden_focus(page, "Tab")
    assert covered == []
    expect(page.locator("#banner")).to_be_visible()
    back, covered = hidden_focus(page, "Shift+Tab")
    assert covered == []
    assert there > 5
    assert back > 20


def test_2_4_11_a_bar_that_grows_pushes_nothing_out_of_sight_that_has_the_focus(served):
    page = begun(served, viewport=NARROW)
    page.locator("input[name=selected]").first.check()
    page.locator("#nothing").focus()
    page.evaluate(
        """() => {
          const row = document.getElementById("nothing").closest(".option").getBoundingClientRect();
          scrollBy(0, row.top - document.getElementById("bar").getBoundingClientRect().bottom - 2);
        }"""
    )
    page.keyboard.press("Space")
    expect(page.locator("#banner")).to_be_visible()
    expect(page.locator("#nothing")).to_be_focused()
    row, bar = page.locator(".option:has(#nothing)"), page.locator("#bar")
    page.wait_for_function(
        """() => document.getElementById("nothing").closest(".option").getBoundingClientRect().top
          >= document.getElementById("bar").getBoundingClientRect().bottom - 1"""
    )
    assert row.bounding_box()["y"] + row.bounding_box()["height"] <= NARROW["height"]
    assert bar.bounding_box()["y"] == 0


def walk(page: Page, seen: Callable[[str], None]) -> None:
    """Every page of a physician that stands still."""
    place = page.url
    seen("place")
    page.wait_for_load_state()
    page.keyboard.press("?")
    expect(page.locator("#guide")).to_be_visible()
    seen("instructions in a dialog")
    page.keyboard.press("Escape")
    for path in ("instructions", "consent", "withdraw", "practised"):
        page.goto(f"{place}/{path}")
        seen(path)
    page.goto("/help")
    seen("help")
    page.goto(f"{place}/practice")
    expect(page.locator("#finder")).to_be_visible()
    seen("practice")
    page.get_by_role("button", name="Keep and review").click()
    expect(page.get_by_text("You chose nothing.")).to_be_visible()
    seen("practice, review")
    page.get_by_role("button", name="Submit the practice case").click()
    expect(page.get_by_text("Tick this if")).to_be_visible()
    seen("practice, review refused")
    page.goto(place)
    page.get_by_role("link", name="First case").click()
    expect(page.get_by_role("button", name="Begin")).to_be_visible()
    seen("before Begin")
    with at_work(page):
        page.get_by_role("button", name="Begin").click()
    seen("case")
    case = page.url
    page.locator("input[name=selected]").first.check()
    page.locator("#nothing").click()
    expect(page.locator("#banner")).to_be_visible()
    seen("case, with a banner")
    expect(page.locator("#kept")).to_have_text(SAVED)
    page.locator("#rationale").fill("A long word: " + "electro" * 30)
    page.get_by_role("button", name="Keep and review").click()
    expect(page.get_by_role("heading", name="Your plan for case 1")).to_be_visible()
    seen("review")
    page.get_by_role("link", name="Report a problem").click()
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_text("Say in a few words")).to_be_visible()
    seen("problem, refused")
    page.goto(f"{case}/review")
    page.get_by_role("button", name="Submit case 1").click()
    expect(page.get_by_role("heading", name="Submitted")).to_be_visible()
    seen("receipt")
    page.goto("/nowhere")
    seen("not found")


WALKED = 17


SMALL = """() => {
  const inSentence = (one) => one.matches("a") && !one.matches(".btn, nav a, footer li a, .brand, .skip");
  const sized = [...document.querySelectorAll("a, button, input, select, textarea, summary")].filter((one) =>
    one.checkVisibility() && one.type !== "hidden" && !inSentence(one) && !one.matches(".skip"));
  return sized.map((one) => {
    const boxes = [one, ...(one.labels ?? [])].map((each) => each.getBoundingClientRect());
    const width = Math.max(...boxes.map((box) => box.right)) - Math.min(...boxes.map((box) => box.left));
    const height = Math.max(...boxes.map((box) => box.bottom)) - Math.min(...boxes.map((box) => box.top));
    return { name: one.id || one.name || one.textContent.trim(), width, height };
  }).filter(({ width, height }) => width < 24 || height < 24).map((one) => `${one.name} ${one.width}x${one.height}`);
}"""


@pytest.mark.parametrize("screen", [DESK, NARROW], ids=["desk", "320"])
def test_1_4_10_and_2_5_8_no_page_scrolls_sideways_and_every_target_has_24_pixels(served, screen):
    served.site.joined(served.site.load().name)
    page = signed_in(served, viewport=screen)
    wide: dict[str, int] = {}
    small: dict[str, list[str]] = {}

    def seen(name: str) -> None:
        wide[name] = page.evaluate("() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
        small[name] = page.evaluate(SMALL)

    walk(page, seen)
    assert len(wide) == WALKED
    assert {name: found for name, found in wide.items() if found > screen["width"]} == {}
    assert {name: found for name, found in small.items() if found} == {}


def to(page: Page, selector: str) -> None:
    """The focus, by Tab alone, onto what the selector names."""
    for _ in range(300):
        page.keyboard.press("Tab")
        if page.evaluate("(selector) => document.activeElement.matches(selector)", selector):
            return
    pytest.fail(f"Tab never reaches {selector}")


def test_2_1_1_the_keyboard_alone_leads_from_the_door_to_the_receipt(served):
    served.site.joined(served.site.load().name)
    page = served.page()
    page.goto("/sign-in")
    to(page, "[name=email]")
    page.keyboard.type("ada@example.org")
    to(page, "[name=password]")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("cases finished")).to_be_visible()
    to(page, "main .btn-primary")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Begin")).to_be_visible()
    to(page, "#begin button")
    with at_work(page):
        page.keyboard.press("Enter")
    page.keyboard.press("?")
    expect(page.locator("#guide")).to_be_visible()
    page.keyboard.press("Enter")
    expect(page.locator("#guide")).to_be_hidden()
    page.keyboard.press("/")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    to(page, "#confidence")
    page.keyboard.type("70")
    to(page, "[name=resources]")
    page.keyboard.press("Space")
    to(page, "#rationale")
    page.keyboard.type("because / why?")
    expect(page.locator("#kept")).to_have_text(SAVED)
    to(page, "#review")
    page.keyboard.press("Enter")
    expect(page.get_by_text("2 options will be carried out")).to_be_visible()
    expect(page.get_by_text("because / why?")).to_be_visible()
    to(page, "main .btn-primary")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Submitted")).to_be_visible()


def test_2_4_3_the_dialog_keeps_the_focus_and_gives_it_back(served):
    page = begun(served)
    to(page, "[name=selected]")
    page.keyboard.press("?")
    for _ in range(4):
        assert page.evaluate(
            "() => document.activeElement === document.body || document.activeElement.closest('dialog') !== null"
        )
        page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    assert page.evaluate("() => document.activeElement.name") == "selected"


def test_3_3_1_a_refused_form_names_the_field_and_ties_the_error_to_it(served):
    page = begun(served)
    page.locator("#confidence").fill("900")
    expect(page.locator("#kept")).to_contain_text("Saved, but")
    page.evaluate("() => HTMLFormElement.prototype.submit.call(document.getElementById('case'))")
    field = page.get_by_label("How confident are you in this plan?")
    expect(page.locator("#confidence-errors")).to_have_text("Confidence is a whole number from 0 to 100.")
    assert "confidence-errors" in field.get_attribute("aria-describedby")
    assert field.get_attribute("aria-invalid") == "true"
    expect(page.get_by_role("alert").filter(has_text="another look")).to_be_visible()
