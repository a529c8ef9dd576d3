"""The report in a real browser: nothing spills at any width, nothing is fetched, axe finds nothing."""

import pytest
from axe_playwright_python.sync_playwright import Axe

from analysis.analyse import analyse

pytestmark = pytest.mark.browser


@pytest.fixture
def page_file(a_cut, tmp_path):
    path = tmp_path / "report.html"
    path.write_bytes(analyse(a_cut(arms=("physician", "aided")), seed=1, draws=200).files["report.html"])
    return path


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_spills_and_axe_finds_nothing(page_file, chromium, width):
    page = chromium.new_page(viewport={"width": width, "height": 900})
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert Axe().run(page).violations_count == 0
    assert asked == [page_file.as_uri()]
    page.close()


INSIDE = "all => all.every(one => one.getBoundingClientRect().left >= 0 && one.getBoundingClientRect().right <= 390)"


def test_on_a_phone_every_cell_is_on_the_screen_under_its_label_and_the_forest_is_whole(page_file, chromium):
    page = chromium.new_page(viewport={"width": 390, "height": 900})
    page.goto(page_file.as_uri())
    cells = page.locator("td:visible")
    assert cells.count() > 100
    assert cells.evaluate_all(INSIDE)
    assert page.locator("td:visible:not([data-label]):not([colspan])").all_inner_texts() == []
    first = page.locator("#primary ~ .scroll tbody tr").first
    shown = first.locator("td:visible")
    tops = {one.get_attribute("data-label"): one.bounding_box()["y"] for one in shown.all()}
    assert tops["Difference"] == tops["p"] < tops["95 % interval"] < tops["Bootstrap"] < tops["System"]
    assert page.locator("figure svg").first.evaluate_all(INSIDE)
    page.close()


def test_on_a_phone_a_long_table_of_differences_has_two_lines_a_system(page_file, chromium):
    page = chromium.new_page(viewport={"width": 390, "height": 900})
    page.goto(page_file.as_uri())
    page.evaluate("document.querySelectorAll('table:has(td.interval)').forEach(one => one.classList.add('long'))")
    row = page.locator("#primary ~ .scroll tbody tr").first
    shown = {one.get_attribute("data-label"): one.bounding_box() for one in row.locator("td:visible").all()}
    assert set(shown) == {"Difference", "95 % interval", "p"}
    assert shown["Difference"]["y"] == row.locator("th").bounding_box()["y"]
    assert shown["Difference"]["y"] < shown["95 % interval"]["y"] == shown["p"]["y"]
    assert page.locator("td:visible").evaluate_all(INSIDE)
    page.close()


def test_on_paper_no_table_is_cut(page_file, chromium):
    page = chromium.new_page(viewport={"width": 688, "height": 1000})  # A4 less its margins
    page.goto(page_file.as_uri())
    page.emulate_media(media="print")
    widths = page.evaluate("[...document.querySelectorAll('table')].map(t => [t.offsetWidth, t.caption.innerText])")
    assert [title for width, title in widths if width > 688] == []
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    page.close()
