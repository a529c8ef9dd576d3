"""A disk that is full or fails, a database that is lost, locked or killed: said clearly, and nothing is half-written.

The faults are the database's own: a limit on its pages or on the size of files, a connection that may not write, a
process that holds it, a server that is killed in the middle of a unit of work. The application is never started again.
"""

import resource
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog
from postgres import Server, running
from sites import LEASE, site_on
from sitting_places import Sat, is_a_clear_503, sat_down
from sqlalchemy import Connection, event

from study.db import Database
from study.migrate import migrate
from webapp import logs

LONG = "because " * 490


@pytest.fixture(autouse=True)
def _logged_as_served() -> Iterator[None]:
    """To a file on the very disk that fails: a log that cannot be written must not turn a 503 into anything else."""
    before = structlog.get_config()
    logs.configure()
    yield
    structlog.configure(**before)


@pytest.fixture
def sat(site) -> Sat:
    return sat_down(site)


@contextmanager
def every_connection(sat: Sat, pragma: str, after: str) -> Iterator[None]:
    """Every connection of the site is under this pragma from its next use on; afterwards under the other one."""
    engine, now = sat.site.database.engine, pragma

    def set_pragma(connection: Any, _record: object, _proxy: object) -> None:
        connection.execute(f"PRAGMA {now}")

    event.listen(engine, "checkout", set_pragma)
    try:
        yield
    finally:
        now = after
        with engine.connect():
            event.remove(engine, "checkout", set_pragma)


@contextmanager
def full(sat: Sat) -> Iterator[None]:
    """The database may not take one more page: SQLite says that the disk is full."""
    with sat.site.database.engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    with every_connection(sat, f"max_page_count={pages}", "max_page_count=1073741823"):
        yield


@contextmanager
def failing(_sat: Sat) -> Iterator[None]:
    """No file may grow past a few bytes: what SQLite writes to its log fails in the middle of a transaction."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def read_only(sat: Sat) -> Iterator[None]:
    with every_connection(sat, "query_only=ON", "query_only=OFF"):
        yield


@contextmanager
def held_by_another(sat: Sat) -> Iterator[None]:
    """Somebody else's transaction is in the file, and ours wait for it no longer than this."""
    script = """
        import sqlite3, sys
        other = sqlite3.connect(sys.argv[1], isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        print("held", flush=True)
        sys.stdin.read()
    """
    command = [sys.executable, "-c", textwrap.dedent(script), str(sat.site.database.url.database)]
    with (
        every_connection(sat, "busy_timeout=20", "busy_timeout=10000"),
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other,
    ):
        assert other.stdout.readline() == "held\n"
        yield
        other.stdin.close()


@pytest.mark.parametrize("fault", [full, failing, read_only, held_by_another])
def test_while_nothing_can_be_written_a_save_is_refused_clearly_and_kept_when_it_comes_again(sat, fault):
    assert sat.save(1).status_code == 200
    number = 1
    with fault(sat):
        answer = sat.save(2, rationale=LONG)
        while answer.status_code == 200 and number < 40:  # what still fits into the last page is truly kept
            number += 1
            answer = sat.save(number + 1, rationale=f"{number} {LONG}")
        assert is_a_clear_503(answer)
        form = {
            "csrf_token": sat.token,
            "key": "plain-form",
            "base_revision": number,
            "rationale": LONG,
            "lease": LEASE,
        }
        assert is_a_clear_503(sat.visitor.client.post(sat.path, data={**form, "rationale": LONG}))
    assert sat.is_whole(number)
    again = sat.save(number + 1, rationale=LONG)
    assert (again.status_code, again.json["revision"]) == (200, number + 1)
    assert sat.is_whole(number + 1)


@pytest.mark.parametrize("fault", [full, failing, read_only, held_by_another])
def test_while_nothing_can_be_written_a_case_can_still_be_read(sat, fault):
    with fault(sat):
        assert sat.visitor.client.get(sat.path).status_code == 200
        assert sat.visitor.client.get(f"{sat.path}/clock").json["state"] == "open"


@pytest.mark.parametrize("instead", [b"", b"not a database at all" * 400])
def test_a_database_that_was_put_out_of_its_place_is_met_again_without_a_restart(sat, tmp_path, instead):
    assert sat.save(1).status_code == 200
    sat.site.database.dispose()
    stored, aside = Path(sat.site.database.url.database), tmp_path / "aside"
    shutil.move(stored, aside)
    stored.write_bytes(instead)
    assert is_a_clear_503(sat.save(2))
    assert is_a_clear_503(sat.visitor.client.get(sat.path))
    sat.site.database.dispose()
    for rest in stored.parent.glob(f"{stored.name}*"):
        if rest.suffix != ".lock":
            rest.unlink()
    shutil.move(aside, stored)
    assert sat.save(2).json["revision"] == 2
    assert sat.is_whole(2)


# PostgreSQL -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """One of our own that keeps its promises, because it will be killed."""
    with running(durable=True) as made:
        yield made


@pytest.fixture
def sat_on_postgres(server) -> Iterator[Sat]:
    database = Database(server.create(uuid4().hex))
    migrate(database)
    yield sat_down(site_on(database))
    database.dispose()


@pytest.mark.postgres
def test_a_server_that_is_gone_and_comes_back_loses_nothing_that_was_acknowledged(sat_on_postgres, server):
    sat = sat_on_postgres
    assert sat.save(1).status_code == 200
    server.stop(crash=True)
    try:
        assert is_a_clear_503(sat.save(2))
        assert is_a_clear_503(sat.visitor.client.get(sat.path))
    finally:
        server.start()
    assert until_kept(sat, 2) == 2
    assert sat.is_whole(2)


@pytest.mark.postgres
@pytest.mark.parametrize("at", [1, 2, 3, "commit"])
def test_a_connection_that_breaks_within_a_save_leaves_all_of_it_or_nothing(sat_on_postgres, server, at):
    """The server ends it itself, at a statement or before the commit: what was written until then is gone."""
    sat = sat_on_postgres
    assert sat.save(1).status_code == 200
    with broken_at(sat, server, at) as broken:
        assert is_a_clear_503(sat.save(2))
    assert broken
    assert sat.is_whole(1)
    assert until_kept(sat, 2) == 2
    assert sat.is_whole(2)


@pytest.mark.postgres
def test_a_row_that_somebody_holds_for_too_long_is_a_503_and_no_thread_waits_for_ever(sat_on_postgres):
    sat = sat_on_postgres
    holder = sat.site.database
    hasty = Database(holder.url.update_query_dict({"options": "-c lock_timeout=30"}))
    impatient = replace(sat, site=site_on(hasty))
    impatient.visitor.client.application = impatient.site.app
    with holder.engine.connect() as other:
        other.exec_driver_sql("SELECT 1 FROM reading FOR UPDATE")
        assert is_a_clear_503(impatient.save(1))
        assert impatient.visitor.client.get(sat.path).status_code == 200
    assert impatient.save(1).json["revision"] == 1
    assert sat.is_whole(1)
    hasty.dispose()


@contextmanager
def broken_at(sat: Sat, server: Server, at: int | str) -> Iterator[list[int]]:
    """The server process behind the connection is ended when a unit of work comes to this point; once."""
    engine, seen, broken = sat.site.database.engine, [], []

    def end(connection: Connection) -> None:
        with server.connect() as other:
            process = connection.connection.dbapi_connection.info.backend_pid
            other.execute("SELECT pg_terminate_backend(%s, 5000)", (process,))
        broken.append(process)

    def statement(connection: Connection, *_: object) -> None:
        if connection.get_execution_options().get("writing") and not broken:
            seen.append(1)
            if len(seen) == at:
                end(connection)

    def commit(connection: Connection) -> None:
        if connection.get_execution_options().get("writing") and at == "commit" and not broken:
            end(connection)

    listeners: list[tuple[str, Callable[..., None]]] = [("before_cursor_execute", statement), ("commit", commit)]
    for name, listener in listeners:
        event.listen(engine, name, listener)
    try:
        yield broken
    finally:
        for name, listener in listeners:
            event.remove(engine, name, listener)


def until_kept(sat: Sat, number: int) -> int:
    """The revision under which a save is kept; like a page, it asks again while the site cannot reach its records."""
    for _ in range(5):
        answer = sat.save(number)
        if answer.status_code != 503:
            break
        assert is_a_clear_503(answer)
    assert answer.status_code == 200
    return int(answer.json["revision"])
