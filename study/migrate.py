"""Bringing a database to the schema of this version."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select
from sqlmodel import Session

from study.db import Database
from study.errors import StudyError

HERE = Path(__file__).parent / "migrations"
ONE_MIGRATION = 7_072_696_841
"""A number of ours for PostgreSQL's advisory locks."""


def configuration(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(HERE))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def migrate(database: Database, *, to: str = "head") -> None:
    """Upgrade the schema. Safe to repeat, and safe for two hosts at once: one unit of work, one after the other."""
    database.write(lambda session: command.upgrade(configuration(_alone(session)), to))


def downgrade(database: Database, *, to: str = "base") -> None:
    database.write(lambda session: command.downgrade(configuration(_alone(session)), to))


def _alone(session: Session) -> Connection:
    """PostgreSQL would let two hosts create one table at once, and fail one of them; SQLite has one writer anyway."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(ONE_MIGRATION)))
    return connection


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
