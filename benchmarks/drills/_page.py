"""A case in Chromium: a physician who goes on ticking whatever becomes of the server."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

from _figures import figure
from _readers import Place
from _site import Site
from browsers import FLAGS, executable
from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as TooLong
from sqlalchemy import select

from study.tables import metadata

SAVED = re.compile(r"^\s*Saved")
PATIENCE_S = 60


class CasePage:
    """`ticked`: the options that were ticked, in order. `claimed`: how often it said *Saved* while nothing could be."""

    def __init__(self, page: Page, made: Site, place: Place) -> None:
        self._page, self._made, self._place = page, made, place
        self.ticked: list[str] = []
        self.claimed = 0
        self.said_saved = True

    def tick(self, options: int, *, within_s: float) -> None:
        """So many further options, spread over the time, while the server is down."""
        boxes = self._page.locator("input[name=selected]:not(:checked)")
        for _ in range(min(options, boxes.count())):
            box = boxes.first
            self.ticked.append(box.get_attribute("value") or "")
            box.check()
            self._page.wait_for_timeout(within_s * 1000 / options)
            self.claimed += bool(SAVED.match(self._page.locator("#kept").inner_text()))

    def await_saved(self) -> None:
        """Until the page says so and the database has every tick; what is missing by then is told as missing."""
        gives_up_at = time.monotonic() + PATIENCE_S
        try:
            self._page.locator("#kept", has_text=SAVED).wait_for(timeout=PATIENCE_S * 1000)
        except TooLong:
            self.said_saved = False
        while self.missing() and time.monotonic() < gives_up_at:
            self._page.wait_for_timeout(100)

    def missing(self) -> int:
        answer = metadata.tables["answer"]
        with self._made.database.read() as session:
            rows = session.connection().execute(select(answer)).all()
        kept = next((set(row.selected) for row in rows if str(row.reading_id) == self._place.reading), set())
        return len(set(self.ticked) ^ kept)

    def report(self, name: str) -> None:
        ticked, said, missing = len(self.ticked), int(self.said_saved), self.missing()
        figure(f"{name}: options ticked in the browser meanwhile", ticked, "", target=1, holds=ticked >= 1)
        figure(f"{name}: times it said “Saved” meanwhile", self.claimed, "", target=0, holds=not self.claimed)
        figure(f"{name}: times it said so afterwards", said, "", target=1, holds=said == 1)
        figure(f"{name}: ticks that the database has not", missing, "", target=0, holds=not missing)


@contextmanager
def opened(made: Site, place: Place) -> Iterator[CasePage]:
    """The reader opens their case in a browser of their own and presses Begin."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        try:
            context = browser.new_context(base_url=made.url)
            context.add_cookies(
                [{"name": name, "value": value, "url": made.url} for name, value in place.cookies.items()]
            )
            page = context.new_page()
            page.goto(place.path)
            page.get_by_role("button", name="Begin").click()
            page.locator("#finder").wait_for()  # shown by the page's script, once it has taken over
            yield CasePage(page, made, place)
        finally:
            browser.close()
