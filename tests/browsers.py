"""A real Chromium against the real site, served on loopback by threads of this process."""

import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright
from sites import SiteUnderTest, site_on
from werkzeug.serving import make_server

from study.db import Database
from webapp.clock import system_clock

# Each window of Chromium draws the suggestions of its address bar as pages of their own, which nobody sees here: they
# cost more than the site's pages. Playwright turns off the other features; this list takes the place of its own.
WITHOUT = (
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
)
FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(WITHOUT)}",
)
# As long as a slow machine with much else to do may take over what is a moment elsewhere.
expect.set_options(timeout=20_000)
LOOKS_EACH_S = 0.01
"""How often the server's thread looks whether it shall end: every test waits for that, and half a second is usual."""
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@dataclass
class Served:
    """The site, where it is reached, and the browser that visits it."""

    site: SiteUnderTest
    url: str
    chromium: Browser

    def device(self, **options: object) -> BrowserContext:
        """A browser of its own: no cookie in common with any other."""
        return self.chromium.new_context(base_url=self.url, **options)  # type: ignore[arg-type]

    def page(self, **options: object) -> Page:
        return self.device(**{"viewport": DESK, **options}).new_page()


def executable() -> str:
    """Debian's Chromium, or the one that PRIMUM_CHROMIUM names."""
    named = os.environ.get("PRIMUM_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    assert found, "there is no Chromium: `make test` installs it, or says the line that does"
    return found


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=list(FLAGS))
        yield browser
        browser.close()


def serve(database: Database, chromium: Browser) -> Iterator[Served]:
    site = site_on(database, clock=system_clock)
    server = make_server("127.0.0.1", 0, site.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=[LOOKS_EACH_S], daemon=True)
    thread.start()
    try:
        yield Served(site, f"http://127.0.0.1:{server.server_port}", chromium)
    finally:
        for context in chromium.contexts:
            context.close()
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def served(sqlite_database: Database, chromium: Browser) -> Iterator[Served]:
    """The site on SQLite, in a browser."""
    yield from serve(sqlite_database, chromium)


@pytest.fixture
def served_on_both(database: Database, chromium: Browser) -> Iterator[Served]:
    """The site on each engine in turn, in a browser."""
    yield from serve(database, chromium)
