"""One study from its folder to its difference: the command line, a browser, and real cases where they are at hand.

The physician works with the keyboard alone, loses the session in the second case, and goes on on another device.
"""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import tomli_w
from browsers import DESK, PHONE, Served
from case_pages import at_work
from playwright.sync_api import BrowserContext, Locator, Page, expect
from sites import PASSWORD, SiteUnderTest, Visitor

from study.bundle import parse_bundle, read_folder
from study.formats.canonical import write_answers
from study.policies import oracle, select_all
from study.tables import metadata

pytestmark = pytest.mark.browser

CASES, SYSTEM = 3, "made-system"


def primum(served: Served, *words: str) -> str:
    """The command line as an operator runs it; returns what it printed."""
    database = served.site.database.url.render_as_string(hide_password=False)
    settings = {"PRIMUM_DATABASE_URL": database, "PRIMUM_SECRET_KEY": "w" * 40, "PRIMUM_PUBLIC_URL": served.url}
    done = subprocess.run(
        [sys.executable, "-m", "webapp.cli", *words],
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def study_folder(served: Served, shared_data: Path, folder: Path) -> Path:
    """The official open cases, with three of them for everybody and a primary comparison."""
    primum(served, "study", "import", "noharm", str(shared_data / "noharm-open"), "--out", str(folder))
    protocol = tomllib.loads((folder / "study.toml").read_text(encoding="utf-8"))
    protocol["allocation"] = {"cases_per_reader": CASES}
    protocol["primary"] = {"measure": "f1_weighted", "test": SYSTEM, "control": "physician"}
    (folder / "study.toml").write_text(tomli_w.dumps(protocol), encoding="utf-8")
    return folder


def systems_file(folder: Path, path: Path) -> Path:
    """A system that knows everything in its first run and wants everything in its second."""
    from dataclasses import replace

    from study.answer import Kind

    rubric = parse_bundle(read_folder(folder)).rubric()
    named = {"respondent": SYSTEM, "kind": Kind.SYSTEM}
    answers = [replace(answer, run=1, **named) for answer in oracle(rubric)]
    answers += [replace(answer, run=2, **named) for answer in select_all(rubric)]
    path.write_bytes(write_answers(answers))
    return path


def link_in(printed: str, what: str) -> str:
    found = re.search(rf"/{what}/[\w-]+", printed)
    assert found, printed
    return found[0]


def tab_to(page: Page, wanted: Locator, *, most: int = 120) -> None:
    """Press Tab until the wanted element has the focus, as somebody without a mouse does."""
    for _ in range(most):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} was not reached by the keyboard")


def join(page: Page, link: str) -> None:
    page.goto(link)
    tab_to(page, page.get_by_label("I have read"))
    page.keyboard.press("Space")
    tab_to(page, page.get_by_role("textbox", name="Password"))
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text(f"0 of {CASES} cases finished")).to_be_visible()


def open_next(page: Page) -> None:
    tab_to(page, page.get_by_role("link", name=re.compile("First case|Next case")))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Begin"))
    with at_work(page):
        page.keyboard.press("Enter")


def tick(page: Page, how_many: int) -> None:
    """Go to the options by the filter, then down and down again, choosing each."""
    page.keyboard.press("/")
    page.keyboard.press("Tab")
    for _ in range(how_many):
        page.keyboard.press("Space")
        page.keyboard.press("ArrowDown")
    expect(page.locator("#kept")).to_have_text(re.compile(r"^Saved \d"))


def submit(page: Page) -> None:
    tab_to(page, page.locator("#confidence"))
    page.keyboard.type("65")
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name=re.compile("Submit case")))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Submitted")).to_be_visible()


def on_another_device(served: Served) -> tuple[BrowserContext, Page]:
    phone = served.device(viewport=PHONE)
    page = phone.new_page()
    page.goto("/sign-in")
    tab_to(page, page.get_by_label("E-mail"))
    page.keyboard.type("ada@example.org")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("link", name="Go on with case 2"))
    page.keyboard.press("Enter")
    # The other device was heard of a moment ago: going on here is said on purpose.
    expect(page.get_by_role("button", name="Continue here")).to_be_visible()
    tab_to(page, page.get_by_role("button", name="Continue here"))
    page.keyboard.press("Enter")
    expect(page.locator("#banner")).to_be_hidden()
    return phone, page


def colleague(site: SiteUnderTest, link: str, how_many: int) -> None:
    """Another physician of the same study, without the wait for a browser."""
    visitor: Visitor = site.visitor()
    visitor.get(link)
    visitor.post(link, {"agreed": "y", "password": PASSWORD}, follow_redirects=True)
    for _ in range(CASES):
        visitor.get("/my", follow_redirects=True)
        path = re.search(r'href="(/readings/[0-9a-f-]+)">(?:First|Next) case', visitor.page.text)[1]
        visitor.get(path)
        visitor.post(f"{path}/begin", follow_redirects=True)
        chosen = re.findall(r'name="selected" value="([^"]+)"', visitor.page.text)[:how_many]
        visitor.post(path, {"selected": chosen}, follow_redirects=True)
        visitor.post(f"{path}/submit", follow_redirects=True)


def states(served: Served) -> list[str]:
    reading, respondent = metadata.tables["reading"], metadata.tables["respondent"]
    with served.site.database.read() as session:
        query = reading.select().join(respondent, respondent.c.id == reading.c.respondent_id)
        rows = session.connection().execute(query.where(respondent.c.kind == "physician")).all()
    return [row.state for row in rows]


def test_a_study_runs_from_its_folder_to_its_difference(served_on_both, shared_data, tmp_path):
    served = served_on_both
    folder = study_folder(served, shared_data, tmp_path / "open-cases")
    primum(served, "study", "load", str(folder), "--open")
    emails = ["ada@example.org", "ben@example.org", "cyd@example.org", "dan@example.org"]
    links = re.findall(r"/join/[\w-]+", primum(served, "invite", "--study", "noharm-open", *emails))
    assert len(links) == len(emails)

    desk = served.device(viewport=DESK)
    page = desk.new_page()
    join(page, links[0])
    open_next(page)
    tick(page, 4)
    submit(page)

    open_next(page)
    tick(page, 2)
    kept = page.locator("input[name=selected]:checked").evaluate_all("boxes => boxes.map((box) => box.value)")
    desk.close()

    phone, page = on_another_device(served)
    found = page.locator("input[name=selected]:checked").evaluate_all("boxes => boxes.map((box) => box.value)")
    assert sorted(found) == sorted(kept)
    assert len(found) == 2
    submit(page)
    open_next(page)
    tick(page, 5)
    submit(page)
    expect(page.get_by_text("That was the last case. Thank you.")).to_be_visible()
    phone.close()
    for number, link in enumerate(links[1:], start=1):
        colleague(served.site, link, how_many=3 + 4 * number)
    assert states(served) == ["submitted"] * CASES * len(emails)

    primum(served, "systems", "import", str(systems_file(folder, tmp_path / "system.jsonl")), "--study", "noharm-open")
    statistician = link_in(primum(served, "staff", "add", "stat@example.org", "--role", "statistician"), "set-password")
    primum(served, "study", "lock", "noharm-open", "--reason", "Enough readers")

    page = served.page()
    page.goto(statistician)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Keep this password").click()
    page.get_by_role("button", name=re.compile("Run the analysis")).click()
    primum(served, "worker", "--once")
    # The page looks by itself whether the run has ended, and shows it then.
    expect(page.get_by_role("row", name=re.compile(SYSTEM)).first).to_be_visible(timeout=30_000)

    out = tmp_path / "report"
    primum(served, "analyse", "--study", "noharm-open", "--out", str(out))
    differences = (out / "tables" / "differences.csv").read_text(encoding="utf-8")
    line = next(line for line in differences.splitlines() if SYSTEM in line and "f1_weighted" in line)
    assert re.search(r"-?\d\.\d+", line)
    assert primum(served, "audit", "verify")
