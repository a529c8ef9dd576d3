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


def test_on_paper_no_table_is_cut(page_file, chromium):
    page = chromium.new_page(viewport={"width": 688, "height": 1000})  # A4 less its margins
    page.goto(page_file.as_uri())
    page.emulate_media(media="print")
    widths = page.evaluate("[...document.querySelectorAll('table')].map(t => [t.offsetWidth, t.caption.innerText])")
    assert [title for width, title in widths if width > 688] == []
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    page.close()
