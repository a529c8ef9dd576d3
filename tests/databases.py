"""A fresh, migrated database on each engine, for every test that stores something."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from study.db import Database
from study.migrate import migrate

ENGINES = ("sqlite", "postgresql")


@pytest.fixture(params=[ENGINES[0], pytest.param(ENGINES[1], marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """On SQLite and on PostgreSQL: what holds must hold on both."""
    url = f"sqlite:///{tmp_path}/study.db" if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    yield from _fresh(url)


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """On SQLite alone, for what does not depend on the engine."""
    yield from _fresh(f"sqlite:///{tmp_path}/study.db")


def _fresh(url: str) -> Iterator[Database]:
    opened = Database(url)
    migrate(opened)
    try:
        yield opened
    finally:
        opened.dispose()
