"""A migrated database for tests, on both engines. The schema is made once for a run of the tests."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from postgres import Server
from sqlalchemy import event, text

from study.db import Database
from study.migrate import migrate
from study.tables import metadata


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


@contextmanager
def copy_of(template: Path, path: Path) -> Iterator[Database]:
    """A test that does not ask for durability does not wait for a disk."""
    shutil.copyfile(template, path)
    copied = Database(f"sqlite:///{path}")
    event.listen(copied.engine, "connect", lambda connection, _record: connection.execute("PRAGMA synchronous=OFF"))
    yield copied
    copied.dispose()


@pytest.fixture
def sqlite_database(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    with copy_of(sqlite_template, tmp_path / "study.sqlite") as database:
        yield database


@pytest.fixture(scope="session")
def _postgres_file(postgres_server: Server) -> Iterator[Database]:
    """One migrated database for all tests: making one for each took longer than the tests."""
    made = Database(postgres_server.create("study"))
    migrate(made)
    yield made
    made.dispose()


@pytest.fixture
def postgres_database(_postgres_file: Database) -> Iterator[Database]:
    """Emptied behind the back of the triggers, which refuse that events are deleted.

    By TRUNCATE, though a DELETE is quicker: rows that take the place of deleted ones are found in another order.
    """
    yield _postgres_file
    tables = ", ".join(f'"{table}"' for table in metadata.tables)
    with _postgres_file.engine.begin() as connection:
        connection.execute(text("SET LOCAL session_replication_role = replica"))
        connection.execute(text(f"TRUNCATE {tables}"))


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> Database:
    """A migrated, empty database: the test runs once on each engine."""
    return request.getfixturevalue(f"{request.param}_database")
