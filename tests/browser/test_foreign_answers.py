"""Not every answer is the site's: filters and proxies answer as well, and some answers come late."""

from collections.abc import Callable

import pytest
from builders import rows
from case_pages import (
    SAVED,
    begun,
    emptied,
    held_over_the_deadline,
    in_time,
    options,
    queued,
    stored,
    tick,
    ticked,
)
from playwright.sync_api import Route, expect

pytestmark = pytest.mark.browser


def a_page_of_its_own(status: int) -> Callable[[Route], None]:
    """What a filtering proxy says instead of the site: HTML, whatever was asked for."""
    return lambda route: route.fulfill(status=status, content_type="text/html", body="<h1>Blocked</h1>")


def test_an_old_answer_to_the_lease_takes_no_saved_tick_back(served):
    page = begun(served)
    page.wait_for_load_state("networkidle")  # the first load has its answer: what is held is the second one's
    held = []
    page.route("**/lease", lambda route: held.append((route, route.fetch())))
    page.reload()
    expect(page.locator("#finder")).to_be_visible()
    assert in_time(page, lambda: len(held) == 1)
    first, second = options(page)[:2]
    tick(page, first)
    expect(page.locator("#kept")).to_have_text(SAVED)
    for route, answer in held:
        with page.expect_event("requestfinished", lambda done: done.url.endswith("/lease")):
            route.fulfill(response=answer)
    tick(page, second)
    assert in_time(page, lambda: stored(served) == sorted([first, second]))
    assert ticked(page) == sorted([first, second])
    expect(page.locator("#banner")).to_be_hidden()


@pytest.mark.parametrize("status", [200, 410])
def test_a_foreign_page_never_costs_the_last_copy_of_an_answer(served, status):
    context, case, wanted = held_over_the_deadline(served)
    page = context.new_page()
    page.route("**/saves", a_page_of_its_own(status))
    page.goto(case)
    expect(page.locator("#late [role=status]")).to_contain_text("This device still holds answers")
    assert queued(page)
    page.unroute("**/saves")
    expect(page.locator("#late [role=status]")).to_contain_text("was sent now. It is kept apart")
    assert sorted(wanted) in [late["body"]["draft"]["selected"] for late in rows(served.site.database, "late_payload")]
    assert emptied(page)


@pytest.mark.parametrize("status", [404, 423])
def test_a_foreign_page_stops_no_case(served, status):
    page = begun(served)
    first, second = options(page)[:2]
    page.route("**/saves", a_page_of_its_own(status))
    tick(page, first)
    expect(page.locator("#kept")).to_contain_text("Not saved yet")
    page.unroute("**/saves")
    tick(page, second)
    expect(page.locator("#kept")).to_have_text(SAVED)
    assert stored(served) == sorted([first, second])
