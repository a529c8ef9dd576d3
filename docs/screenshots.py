"""Takes the pictures of README and docs from the demonstration, in a real browser: `python docs/screenshots.py`."""

import re
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))
PASSWORD = "a phrase for the pictures"  # noqa: S105  of a demonstration that is deleted at the end


def links(printed: str) -> dict[str, str]:
    """The three links, by the path that each leads to."""
    found = re.findall(r"(http://\S+?/(join|set-password)/\S+)", printed)
    assert len(found) == 3, printed
    return {"physician": found[0][0], "pi": found[1][0], "statistician": found[2][0]}


def shoot(page: Page, name: str, width: int, height: int, *, down_to: str | None = None) -> None:
    """The window, or of a longer page all that stands above and in an element of it."""
    page.set_viewport_size({"width": width, "height": height})
    path = ROOT / "docs" / f"{name}-{width}.png"
    if down_to is None:
        page.screenshot(path=path)
        return
    page.wait_for_load_state("networkidle")
    end = page.locator(down_to).first.evaluate("one => one.getBoundingClientRect().bottom + window.scrollY")
    page.screenshot(path=path, full_page=True, clip={"x": 0, "y": 0, "width": width, "height": round(end) + 16})


def physician(page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("I have read").check()
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Agree and join").click()
    page.get_by_role("link", name="First case").click()
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#finder")).to_be_visible()
    for number in (1, 4, 9):
        page.locator("input[name=selected]").nth(number).check()
    expect(page.locator("#kept")).to_have_text(re.compile(r"^Saved \d"))
    shoot(page, "case", 1280, 900)
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator(".option").nth(1).evaluate("row => row.scrollIntoView({block: 'center'})")
    page.wait_for_timeout(500)  # until the browser has laid the narrow page out and painted it
    shoot(page, "case", 390, 844)


def staff(page: Page, link: str, name: str, down_to: str) -> None:
    page.goto(link)
    page.get_by_role("textbox", name="Password").fill(PASSWORD)
    page.get_by_role("button", name="Keep this password").click()
    page.get_by_role("heading", level=1).wait_for()
    shoot(page, name, 1280, 900, down_to=down_to)
    shoot(page, name, 390, 844, down_to=down_to)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "webapp.cli", "demo", "--dir", folder, "--port", "8799"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as demo:
            printed = ""
            for line in demo.stdout or ():
                printed += line
                if len(re.findall(r"/(?:join|set-password)/", printed)) == 3:
                    break
            threading.Thread(target=lambda: [None for _ in demo.stdout or ()], daemon=True).start()
            try:
                take(links(printed))
            finally:
                demo.terminate()


def take(found: dict[str, str]) -> None:
    from browsers import executable

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(), args=["--no-sandbox"])
        physician(browser.new_page(viewport={"width": 1280, "height": 900}), found["physician"])
        for name, down_to in (("pi", "body"), ("statistician", ".drawn")):
            staff(browser.new_page(), found[name], name, down_to)
        browser.close()


if __name__ == "__main__":
    main()
