"""What axe finds on a page, in words."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page


def violations(page: Page) -> list[str]:
    """One line a violation: the rule, and the places where it is broken."""
    found = Axe().run(page).response["violations"]
    return [f"{item['id']}: {', '.join(str(node['target']) for node in item['nodes'])}" for item in found]
