"""Bringing a database to the schema of this version."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from study.db import Database
from study.errors import StudyError

HERE = Path(__file__).parent / "migrations"


def configuration(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def migrate(database: Database, *, to: str = "head") -> None:
    """Upgrade the schema. Safe to repeat, and safe for two hosts at once: it is one unit of work."""
    database.write(lambda session: command.upgrade(configuration(session.connection()), to))


def downgrade(database: Database, *, to: str = "base") -> None:
    database.write(lambda session: command.downgrade(configuration(session.connection()), to))


def newest() -> str | None:
    return ScriptDirectory(str(HERE)).get_current_head()


def standing(database: Database) -> str | None:
    """The revision that the database is at; None: it has no schema of ours."""
    with database.engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def check_current(database: Database) -> None:
    at = standing(database)
    if at != newest():
        raise StudyError(f"The database is at schema {at}, this version needs {newest()}: run `primum migrate`.")
