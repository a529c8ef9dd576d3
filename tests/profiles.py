"""A browser with a profile on disk, which can be killed and started again as after an empty battery."""

import os
import signal
from pathlib import Path

from browsers import DESK, FLAGS, Served, executable
from playwright.sync_api import BrowserContext, Page
from sites import PASSWORD


def started(served: Served, folder: Path) -> BrowserContext:
    return served.chromium.browser_type.launch_persistent_context(
        folder, executable_path=executable(), args=list(FLAGS), base_url=served.url, viewport=DESK
    )


def kill(folder: Path) -> None:
    """The browser that has this profile, and nothing else."""
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if f"--user-data-dir={folder}" in words and not any(word.startswith("--type=") for word in words):
            os.kill(int(process.name), signal.SIGKILL)


def on_disk(folder: Path, words: str) -> bool:
    """Whether the local storage was written out with these words in it: a browser takes its time over that."""
    kept = (folder / "Default" / "Local Storage" / "leveldb").glob("*.log")
    return any(words.encode() in file.read_bytes() for file in kept)


def sign_in(page: Page) -> None:
    page.get_by_label("E-mail").fill("ada@example.org")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
