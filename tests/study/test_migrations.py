"""The migrations lead to the tables of the models, on both engines, and back."""

import re
import threading
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from builders import a_draft, a_reader_joined, a_study_in, chain_faults, rows
from sqlalchemy import ForeignKeyConstraint, UniqueConstraint, inspect, text
from sqlalchemy.exc import DBAPIError

from study.db import Database
from study.errors import StudyError
from study.migrate import HERE, check_current, downgrade, migrate, newest, standing
from study.tables import metadata

OURS = set(metadata.tables)
WITHOUT_A_STUDY = {"study", "account", "login", "outbox", "throttle", "pulse", "outage", "clock_anchor"}
ONLY_LATER = {"first_selected_at_us", "lease", "lease_at_us"}
FOUND_BY_TOKEN = {"ticket"}
"""A link is looked up by its digest alone: whoever follows it has not said which study."""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def empty(request, tmp_path):
    """A database without any schema."""
    url = f"sqlite:///{tmp_path / 'empty.sqlite'}"
    made = Database(url if request.param == "sqlite" else request.getfixturevalue("postgres_url"))
    yield made
    made.dispose()


def differences(database):
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        return compare_metadata(context, metadata)


def tables(database):
    return set(inspect(database.engine).get_table_names())


def test_the_migrations_lead_to_the_tables_of_the_models(database):
    assert differences(database) == []
    assert tables(database) == OURS | {"alembic_version"}
    assert standing(database) == newest()
    check_current(database)


def test_there_is_one_line_of_migrations():
    assert len(ScriptDirectory(str(HERE)).get_heads()) == 1


def test_down_and_up_again_gives_the_same(empty):
    migrate(empty)
    before = described(empty)
    downgrade(empty)
    assert tables(empty) == {"alembic_version"}
    assert standing(empty) is None
    migrate(empty)
    migrate(empty)
    assert described(empty) == before
    assert differences(empty) == []


def test_every_step_down_and_up_keeps_what_stands(empty):
    """From the second schema on: the first one has nothing below it that could keep a row.

    What only a later schema can hold goes on the way down; what had been answered, and its events, must not.
    """
    migrate(empty)
    study = a_study_in(empty)
    reader = a_reader_joined(study)
    reader.begin()
    reader.submit(a_draft("a"))
    reader.begin(2)
    reader.save(a_draft("b"), position=2)
    before = {name: told_to_all(empty, name) for name in OURS}
    revisions = [script.revision for script in ScriptDirectory(str(HERE)).walk_revisions()]
    for revision in revisions[1:]:
        downgrade(empty, to=revision)
        assert standing(empty) == revision
    migrate(empty)
    assert {name: told_to_all(empty, name) for name in OURS} == before
    assert [row["id"] for row in rows(empty, "study")] == [study.id]
    assert chain_faults(empty) == []


def told_to_all(database, table):
    """A table without what only a later schema can hold, in no order."""
    held = [{name: value for name, value in row.items() if name not in ONLY_LATER} for row in rows(database, table)]
    return sorted(held, key=repr)


def test_a_database_of_another_version_is_refused_with_what_to_do(empty):
    with pytest.raises(StudyError, match="run `primum migrate`"):
        check_current(empty)
    migrate(empty, to="20261121_01")
    with pytest.raises(StudyError, match="schema 20261121_01, this version needs"):
        check_current(empty)


def test_two_hosts_may_migrate_at_once(empty):
    failed = []

    def host():
        mine = Database(empty.url)
        try:
            migrate(mine)
        except Exception as error:
            failed.append(error)
        finally:
            mine.dispose()

    hosts = [threading.Thread(target=host) for _ in range(4)]
    for thread in hosts:
        thread.start()
    for thread in hosts:
        thread.join(60)
    assert failed == []
    assert differences(empty) == []


def described(database):
    """Every constraint, index and trigger as the engine itself tells it."""
    query = (
        "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND tbl_name <> 'alembic_version'"
        if database.is_sqlite
        else """
        SELECT conname, conrelid::regclass || ': ' || pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass
        UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
        AND tablename <> 'alembic_version'
        UNION ALL SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
        """
    )
    with database.engine.connect() as connection:
        found = {name: " ".join(definition.split()) for name, definition in connection.execute(text(query))}
    if not database.is_sqlite:
        return found
    clause = re.compile(
        r"CONSTRAINT \w+ (?:CHECK|PRIMARY KEY|UNIQUE|FOREIGN KEY) ?\(.*?\)(?=,? ?CONSTRAINT|,? ?\)$|,? ?$)"
    )
    return {
        f"{name} {at}": fragment
        for name, definition in found.items()
        for at, fragment in enumerate(
            sorted(clause.findall(definition)) if "CREATE TABLE" in definition else [definition]
        )
    }


def test_every_constraint_of_the_models_stands_and_no_other(empty, request):
    """Autogenerate does not see checks: the engine's own words for a database made from the models are compared."""
    migrate(empty)
    migrated = {name: said for name, said in described(empty).items() if "TRIGGER" not in said}
    named = {constraint.name for table in metadata.tables.values() for constraint in table.constraints}
    assert not [name for name in named if name and not any(name in f"{key} {migrated[key]}" for key in migrated)]
    with empty.engine.begin() as connection:
        if not empty.is_sqlite:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
        else:
            connection.execute(text("PRAGMA defer_foreign_keys = ON"))
            metadata.drop_all(connection)
        metadata.create_all(connection)
        if not empty.is_sqlite:
            connection.execute(text("CREATE TABLE alembic_version (version_num text)"))
    assert described(empty) == migrated


@pytest.mark.parametrize("table", sorted(OURS))
def test_every_constraint_has_the_name_that_the_convention_gives(database, table):
    found = inspect(database.engine)
    said = [found.get_pk_constraint(table), *found.get_unique_constraints(table), *found.get_foreign_keys(table)]
    names = [one["name"] for one in (*said, *found.get_check_constraints(table), *found.get_indexes(table))]
    assert None not in names
    odd = [name for name in names if not re.fullmatch(rf"(pk|uq|ck|fk|ix)_{table}(_\w+)?", name)]
    assert odd == []


@pytest.mark.parametrize("table", sorted(OURS - WITHOUT_A_STUDY - FOUND_BY_TOKEN))
def test_every_key_of_a_table_that_grows_with_a_study_contains_the_study(table):
    found = metadata.tables[table]
    assert "study_id" in found.primary_key.columns
    for constraint in found.constraints:
        if isinstance(constraint, UniqueConstraint):
            assert "study_id" in constraint.columns
        if isinstance(constraint, ForeignKeyConstraint) and constraint.referred_table.name not in WITHOUT_A_STUDY:
            assert "study_id" in constraint.columns
            assert "study_id" in {element.column.name for element in constraint.elements}
    assert not [index for index in found.indexes if index.unique]


def test_no_table_without_a_study_grows_with_one():
    assert {name for name, table in metadata.tables.items() if "study_id" not in table.columns} == WITHOUT_A_STUDY


def test_every_time_has_the_width_of_microseconds():
    times = [column for table in metadata.tables.values() for column in table.columns if column.name.endswith("_us")]
    assert len(times) > 30
    assert {type(column.type).__name__ for column in times} == {"BigInteger"}


# Events are only added -----------------------------------------------------------------------------------------

CHANGES = [
    "UPDATE event SET kind = 'other'",
    "UPDATE event SET kind = 'other' WHERE seq = 1",
    "DELETE FROM event",
    "DELETE FROM event WHERE seq = 1",
]
REPLACED = """
    INSERT OR REPLACE INTO event
    SELECT study_id, subject_kind, subject_id, seq, at_us, 'other', actor_id, payload_sha256, prev, hash FROM event
"""
UPSERTED = """
    INSERT INTO event
    SELECT study_id, subject_kind, subject_id, seq, at_us, 'other', actor_id, payload_sha256, prev, hash FROM event
    WHERE true ON CONFLICT (study_id, subject_kind, subject_id, seq) DO UPDATE SET kind = 'other'
"""


def refused(database, statement):
    before = rows(database, "event")
    assert before
    with pytest.raises(DBAPIError, match="an event is never changed or deleted"):
        database.write(lambda session: session.connection().execute(text(statement)))
    assert rows(database, "event") == before


@pytest.mark.parametrize("statement", [*CHANGES, UPSERTED])
def test_an_event_is_never_changed_or_deleted(database, statement):
    a_study_in(database)
    refused(database, statement)


def test_an_event_is_never_replaced(sqlite_database):
    """REPLACE deletes without waking a trigger on DELETE."""
    a_study_in(sqlite_database)
    refused(sqlite_database, REPLACED)


@pytest.mark.postgres
def test_events_are_never_emptied_at_once(postgres_database):
    a_study_in(postgres_database)
    refused(postgres_database, "TRUNCATE event CASCADE")


def test_an_event_is_added_and_its_payload_may_be_erased(database):
    study = a_study_in(database)
    one = {**rows(database, "event")[-1], "subject_id": uuid4(), "seq": 1}
    database.write(lambda session: session.connection().execute(metadata.tables["event"].insert(), one))
    payload = metadata.tables["event_payload"]
    database.write(lambda session: session.connection().execute(payload.delete().where(payload.c.study_id == study.id)))
    assert rows(database, "event_payload") == []
