"""The demonstration's studies for tests of the staff's pages: made once, and each test gets a copy of its own."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsers import Served, serve
from databases import copy_of
from playwright.sync_api import Browser
from runs import run_queued
from sites import NOON_US, SiteUnderTest, site_on

from study.db import Database
from webapp.demo import studies as demo_studies


@pytest.fixture(scope="session")
def demo_file(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`demo` is open and has readers at every stage; `demo-locked` is locked and analysed, with few draws."""
    path = tmp_path_factory.mktemp("demo") / "demo.sqlite"
    shutil.copyfile(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    opened, locked = demo_studies.demo_bundles()
    quiet = {"now_us": NOON_US, "password_hash": "no password", "advance": lambda _what, _done, _of: None}
    demo_studies.make_open(database, opened, **quiet)
    demo_studies.make_locked(database, locked, **quiet)
    database.write(lambda session: demo_studies.ask_for_analysis(session, locked, at_us=NOON_US - 1))
    run_queued(database, at_us=NOON_US)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path


@pytest.fixture
def demo_database(demo_file: Path, tmp_path: Path) -> Iterator[Database]:
    with copy_of(demo_file, tmp_path / "demo.sqlite") as database:
        yield database


@pytest.fixture
def demo_site(demo_database: Database) -> SiteUnderTest:
    """The site with both studies, at noon."""
    return site_on(demo_database)


@pytest.fixture
def demo_served(demo_database: Database, chromium: Browser) -> Iterator[Served]:
    """The same in a browser."""
    yield from serve(demo_database, chromium)
