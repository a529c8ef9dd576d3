"""No page of the staff has a violation that axe can find, on a desk and on a phone, and none scrolls sideways."""

import re
import secrets

import pytest
from axes import violations
from browsers import DESK, PHONE, Served
from playwright.sync_api import Page, expect
from runs import DRAWS, run_queued
from staff_pages import addresses

from study.store import accounts
from study.tables import Role, metadata
from webapp.deps import LOGIN

pytestmark = pytest.mark.browser

CUT_OFF = "[...document.querySelectorAll('.sheet')].filter(one => one.scrollWidth > one.clientWidth).map(one => one.id)"

JOB = metadata.tables["job"]


def signed_in(served: Served, role: Role, **device: object) -> Page:
    """A browser of the staff, with the cookie that signing in would have left."""
    site, token = served.site, secrets.token_urlsafe(16)
    email = f"{role}@example.org"

    def work(session) -> None:
        account = accounts.add_staff(session, email, role, actor_id=None, at_us=site.clock())
        accounts.start_login(session, account, token, at_us=site.clock(), ttl_us=3_600_000_000)

    site.database.write(work)
    signer = site.app.session_interface.get_signing_serializer(site.app)
    context = served.device(**device)
    context.add_cookies([{"name": "primum", "value": signer.dumps({LOGIN: token}), "url": served.url}])
    return context.new_page()


def pages(served: Served, blueprint: str, study: str) -> list[str]:
    """Each page once: of every route that can be looked at, the first few addresses."""
    shown: dict[str, list[str]] = {}
    for address in addresses(served.site, blueprint, study, positions=(4,)):
        adapter = served.site.app.url_map.bind("localhost")
        shown.setdefault(adapter.match(address)[0], []).append(address)
    files = {"stats.file", "stats.progress", "stats.archive"}
    return [address for endpoint, found in shown.items() if endpoint not in files for address in found[:2]]


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("study", ["demo", "demo-locked"])
@pytest.mark.parametrize("blueprint", ["pi", "stats"])
def test_every_page_is_accessible_and_as_wide_as_its_window(demo_served, viewport, blueprint, study):
    page = signed_in(demo_served, Role.OWNER, viewport=viewport)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    found = {}
    for address in pages(demo_served, blueprint, study):
        page.goto(address)
        found[address] = violations(page)
        if page.evaluate("document.documentElement.scrollWidth") > viewport["width"]:
            found[address].append("scrolls sideways")
        if blueprint == "pi":
            found[address] += [f"the table {table} is cut off" for table in page.evaluate(CUT_OFF)]
    assert len(found) >= 2
    assert {address: wrong for address, wrong in found.items() if wrong} == {}
    assert [line for line in said if "Content Security Policy" in line] == []


def test_on_a_phone_a_row_is_a_card_that_names_its_columns(demo_served):
    page = signed_in(demo_served, Role.PI, viewport=PHONE)
    page.goto("/pi/demo")
    for table, column in (("#roster", "Status"), ("#roster", "Cases"), ("#problems", "What they wrote")):
        cell = page.locator(f"{table} td[data-label='{column}']").first
        shown = cell.bounding_box()
        assert shown["x"] >= 0
        assert shown["x"] + shown["width"] <= PHONE["width"]
        assert cell.evaluate("cell => getComputedStyle(cell, '::before').content") == f'"{column}"'
    expect(page.get_by_role("table").first.get_by_role("columnheader", name="Status")).to_have_count(1)


OVERLAID = """() => {
    const ruler = document.createElement("canvas").getContext("2d");
    return [...document.querySelectorAll(".stacks td[data-label]")].filter((cell) => {
        const name = getComputedStyle(cell, "::before");
        ruler.font = `${name.fontWeight} ${name.fontSize} ${name.fontFamily}`;
        const wide = ruler.measureText(cell.dataset.label).width;
        return name.position === "absolute" && wide > parseFloat(getComputedStyle(cell).paddingLeft);
    }).map((cell) => cell.dataset.label);
}"""
"""Columns whose name runs into the value beside it."""


@pytest.mark.parametrize("address", ["/stats/", "/stats/demo", "/stats/demo-locked", "/pi/demo", "/pi/demo-locked"])
def test_on_a_phone_no_name_of_a_column_runs_into_its_value(demo_served, address):
    page = signed_in(demo_served, Role.OWNER, viewport=PHONE)
    page.goto(address)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.locator(".stacks td[data-label]").count() > 0
    assert page.evaluate(OVERLAID) == []


def test_on_a_phone_a_difference_stands_with_its_interval_and_p_before_the_two_means(demo_served):
    page = signed_in(demo_served, Role.STATISTICIAN, viewport=PHONE)
    page.goto("/stats/demo-locked")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.evaluate(CUT_OFF) == []
    cells = page.locator(".differences tbody tr").first.locator("td:visible")
    tops = {one.get_attribute("data-label"): one.bounding_box()["y"] for one in cells.all()}
    assert tops["Difference"] == tops["p"] < tops["95 % interval"] < tops["Bootstrap*"] < tops["System"]
    page.evaluate("document.querySelector('.differences').classList.add('long')")
    tops = {one.get_attribute("data-label"): one.bounding_box()["y"] for one in cells.all()}
    assert list(tops) == ["Difference", "95 % interval", "p"]
    assert tops["Difference"] < tops["95 % interval"] == tops["p"]


def test_a_study_is_paused_and_resumed_with_a_reason_each(demo_served):
    page = signed_in(demo_served, Role.PI, viewport=PHONE)
    page.goto("/pi/demo")
    page.get_by_role("link", name="Pause the study").click()
    page.get_by_label("Reason").fill("maintenance")
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("heading", name="Paused: no case can be begun")).to_be_visible()
    assert violations(page) == []
    page.get_by_label("Reason to resume").fill("maintenance is over")
    page.get_by_role("button", name="Resume the study").click()
    expect(page.get_by_role("status")).to_have_text("The study is open: readers can begin cases.")


def test_a_refused_form_is_accessible_and_says_what_is_wrong(demo_served):
    page = signed_in(demo_served, Role.PI, viewport=PHONE)
    page.goto("/pi/demo/invite")
    page.get_by_label("E-mail").fill("nobody")
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_label("E-mail")).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_text("'nobody' is not an e-mail address.")).to_be_visible()
    assert violations(page) == []


def test_links_are_shown_once_with_a_button_to_copy_each(demo_served):
    page = signed_in(demo_served, Role.PI, viewport=PHONE, permissions=["clipboard-read", "clipboard-write"])
    page.goto("/pi/demo/invite")
    page.get_by_label("E-mail").fill("new@example.org")
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_role("textbox", name="new@example.org")).to_have_value(re.compile(r"/join/[\w-]{32}$"))
    page.get_by_role("button", name="Copy the link of new@example.org").click()
    expect(page.get_by_role("status")).to_have_text("Copied.")
    assert (
        page.evaluate("navigator.clipboard.readText()")
        == page.get_by_role("textbox", name="new@example.org").input_value()
    )
    assert violations(page) == []
    page.reload()
    expect(page.get_by_role("heading", name="No link to show")).to_be_visible()


def test_a_run_that_is_asked_for_shows_itself_when_it_is_done(demo_served):
    """The analysis that stands there was asked for earlier, whatever this machine's clock says."""
    demo_served.site.database.write(lambda session: session.connection().execute(JOB.update().values(asked_at_us=0)))
    page = signed_in(demo_served, Role.STATISTICIAN)
    page.goto("/stats/demo-locked")
    page.get_by_role("spinbutton", name="Seed").fill("42")
    page.get_by_role("button", name="Run again").click()
    expect(page.get_by_text("1 analysis under way.")).to_be_visible()
    assert violations(page) == []
    run_queued(demo_served.site.database, at_us=demo_served.site.clock())
    expect(page.get_by_text("Seed and bootstrap draws")).to_be_visible()
    expect(page.get_by_text(f"42, {DRAWS}")).to_be_visible()


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_the_forest_plot_is_never_cut_and_on_a_desk_nor_is_its_table(demo_served, viewport):
    page = signed_in(demo_served, Role.STATISTICIAN, viewport=viewport)
    page.goto("/stats/demo-locked")
    drawn = page.locator("figure.drawn").first
    figure, image = drawn.bounding_box(), drawn.locator("img").bounding_box()
    assert figure["x"] <= image["x"]
    assert image["x"] + image["width"] <= figure["x"] + figure["width"] <= viewport["width"]
    assert drawn.locator("img").evaluate("image => image.naturalWidth") > 0
    if viewport == DESK:
        assert "main-f1_weighted-physician" not in page.evaluate(CUT_OFF)
    page.close()
