"""A migrated database for tests, on both engines. The schema is made once; each test gets a copy of its own."""

import shutil
import sqlite3
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from postgres import Server

from study.db import Database
from study.migrate import migrate

TEMPLATE = "primum_template"
_numbers = count(1)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, whole in itself."""
    path = tmp_path_factory.mktemp("template") / "template.sqlite"
    made = Database(f"sqlite:///{path}")
    migrate(made)
    made.dispose()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: Server) -> str:
    """The name of a migrated PostgreSQL database that nobody is connected to."""
    made = Database(postgres_server.create(TEMPLATE))
    migrate(made)
    made.dispose()
    return TEMPLATE


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "study.sqlite"
    shutil.copyfile(sqlite_template, path)
    copied = Database(f"sqlite:///{path}")
    yield copied
    copied.dispose()


@pytest.fixture
def postgres_database(postgres_server: Server, postgres_template: str) -> Iterator[Database]:
    name = f"copy_{next(_numbers)}"
    with postgres_server.connect() as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{postgres_template}"')
    copied = Database(postgres_server.url(name))
    yield copied
    copied.dispose()
    postgres_server.drop(name)


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Database:
    """A migrated, empty database: the test runs once on each engine."""
    return request.getfixturevalue(f"{request.param}_database")
