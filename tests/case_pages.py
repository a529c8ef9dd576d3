"""What browser tests of a case do over and over: sign in, begin, and look at what the site has stored."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from browsers import Served
from builders import rows
from playwright.sync_api import BrowserContext, Page, expect
from sites import demo_files

from study.store import conduct
from study.tables import metadata
from study.timing import SECOND_US

SAVED = re.compile(r"^Saved \d")
BY_ITSELF = re.compile(r"/(beat|clock)$")


def with_limit(seconds: int, grace: int = 1) -> dict[str, bytes]:
    """The demonstration with another clock."""
    text = demo_files()["study.toml"].decode()
    text = re.sub(r"limit_s = \d+", f"limit_s = {seconds}", text)
    return {"study.toml": re.sub(r"grace_s = \d+", f"grace_s = {grace}", text).encode()}


def signed_in(served: Served, email: str = "ada@example.org", **device: object) -> Page:
    """On a device that has the cookie of a sign-in; the tests of the form fill it in themselves."""
    cookie = served.site.signed_in(email).client.get_cookie("primum")
    assert cookie is not None
    page = served.page(**device)
    kept = {"httpOnly": True, "sameSite": "Lax", "url": served.url}
    page.context.add_cookies([{"name": cookie.key, "value": cookie.value, **kept}])
    page.goto("/my")
    expect(page.get_by_text("cases finished")).to_be_visible()
    return page


def begun(served: Served, files: dict[str, bytes] | None = None, **device: object) -> Page:
    study = served.site.load(**{name.replace("/", "__"): body for name, body in (files or {}).items()})
    served.site.joined(study.name)
    page = signed_in(served, **device)
    begin(page)
    return page


def begun_with_a_clock(served: Served, files: dict[str, bytes]) -> Page:
    """The same on a page whose time the test moves: it was so before the page looked at it first."""
    served.site.joined(served.site.load(**{name.replace("/", "__"): body for name, body in files.items()}).name)
    page = signed_in(served)
    page.clock.install()
    begin(page)
    return page


def begin(page: Page) -> None:
    """The first case, until its page is at work."""
    page.get_by_role("link", name="First case").click()
    with at_work(page):
        page.get_by_role("button", name="Begin").click()


@contextmanager
def at_work(page: Page) -> Iterator[None]:
    """A case is opened, until its page hears a hand: its first beat is the last thing that it does as it starts."""
    with page.expect_response("**/beat"):
        yield


def options(page: Page) -> list[str]:
    return page.locator("input[name=selected]").evaluate_all("boxes => boxes.map((box) => box.value)")


def stored(served: Served) -> list[str]:
    with served.site.database.read() as session:
        row = session.connection().execute(metadata.tables["answer"].select()).one_or_none()
    return [] if row is None else row.selected


def tick(page: Page, *values: str) -> None:
    for value in values:
        page.locator(f'input[name=selected][value="{value}"]').check()


def ticked(page: Page) -> list[str]:
    return sorted(page.locator("input[name=selected]:checked").evaluate_all("boxes => boxes.map((box) => box.value)"))


def opened_elsewhere(served: Served, **device: object) -> Page:
    """The same case on another device of the same physician."""
    page = signed_in(served, **device)
    page.get_by_role("link", name="Go on with case 1").click()
    expect(page.locator("#finder")).to_be_visible()
    return page


def events(served: Served, kind: str) -> int:
    """How often something happened to a reading."""
    event = metadata.tables["event"]
    with served.site.database.read() as session:
        return len(
            session.connection()
            .execute(event.select().where(event.c.kind == kind, event.c.subject_kind == "reading"))
            .all()
        )


def queued(page: Page) -> list[str]:
    """What this browser's offline queue holds, byte by byte as Latin-1 text."""
    return page.evaluate(
        """async () => {
          const known = await indexedDB.databases();
          if (!known.some((each) => each.name === "primum")) return [];
          const asked = (request) => new Promise((done, failed) => {
            request.onsuccess = () => done(request.result); request.onerror = () => failed(request.error);
          });
          const database = await asked(indexedDB.open("primum"));
          const all = await asked(database.transaction("queue").objectStore("queue").getAll());
          database.close();
          const latin = (bytes) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
          return all.map((each) => JSON.stringify({ ...each, iv: latin(each.iv), data: latin(each.data) }));
        }"""
    )


def on_a_still_network(page: Page) -> None:
    """Only what a hand does is sent: the site's own clock does not follow the page's."""
    page.route(BY_ITSELF, lambda route: route.abort())


def offline(page: Page, *, yes: bool = True) -> None:
    page.context.set_offline(yes)


def waits_on_the_device(page: Page, values: list[str]) -> None:
    """Until the queue was written: it never waits for the network."""
    expect(page.locator("#kept")).to_contain_text("Not saved yet")
    assert ticked(page) == sorted(values)
    held = "async () => (await indexedDB.databases()).some((each) => each.name === 'primum')"
    page.wait_for_function(held)
    assert queued(page)


def emptied(page: Page) -> bool:
    return in_time(page, lambda: not queued(page))


def in_time(page: Page, holds: Callable[[], bool]) -> bool:
    """Whether something comes to hold that no word on the page tells."""
    for _ in range(200):
        if holds():
            return True
        page.wait_for_timeout(100)
    return False


def shift_the_site(served: Served, *, seconds: float) -> None:
    """The time goes on for the server, without the wait."""
    site = served.site.app.extensions["primum"]
    served.site.app.extensions["primum"] = replace(site, clock=lambda: site.clock() + round(seconds * SECOND_US))


def past_the_end(served: Served) -> None:
    """For the server, the first case's time and its grace are over."""
    row = rows(served.site.database, "reading")[0]
    left_us = row["deadline_at_us"] + row["grace_us"] - served.site.clock()
    shift_the_site(served, seconds=left_us / SECOND_US + 1)


def held_over_the_deadline(served: Served) -> tuple[BrowserContext, str, list[str]]:
    """A tab that was closed offline, and a case whose time is over meanwhile."""
    page = begun(served)
    wanted = options(page)[:2]
    offline(page)
    tick(page, *wanted)
    waits_on_the_device(page, wanted)
    context, case = page.context, page.url
    with unreachable(served):  # what a tab sends as it closes gets past the browser's own switch
        page.close(run_before_unload=False)
        past_the_end(served)
    context.set_offline(False)
    return context, case, wanted


@contextmanager
def unreachable(served: Served) -> Iterator[None]:
    """The site answers nobody meanwhile."""
    app, real = served.site.app, served.site.app.wsgi_app

    def closed(_environ: object, start_response: Callable[..., object]) -> list[bytes]:
        start_response("503 Service Unavailable", [("Retry-After", "2")])
        return [b""]

    app.wsgi_app = closed  # type: ignore[method-assign]
    try:
        yield
    finally:
        app.wsgi_app = real  # type: ignore[method-assign]


def give_more(served: Served, *, seconds: int) -> None:
    """More time for the open reading, from its PI."""
    [reading] = [row for row in rows(served.site.database, "reading") if row["state"] == "open"]
    given = {
        "seconds": seconds,
        "reason": "a fault of the site",
        "actor_id": rows(served.site.database, "account")[0]["id"],
    }
    served.site.database.write(
        lambda session: conduct.extend(session, reading["study_id"], reading["id"], at_us=served.site.clock(), **given)
    )
