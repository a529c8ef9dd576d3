"""The door to the database: units of work, the queue of writers, how connections are set, and what is tried again."""

import platform
import subprocess
import sys
import textwrap
import threading
import time
from uuid import uuid4

import pytest
from builders import NOON_US, a_study_in, rows
from sqlalchemy import event, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from study.db import LOCKED_S, MOST_TRIES, SAFE_SQLITE, Database, is_writing, sqlite_module
from study.tables import metadata
from study.turns import Busy, FairLock

THROTTLE = metadata.tables["throttle"]


def add(session, key, tries=1):
    session.connection().execute(THROTTLE.insert(), {"key": key, "window_us": 0, "tries": tries})


def keys(database):
    return sorted(row["key"] for row in rows(database, "throttle"))


# A unit of work ------------------------------------------------------------------------------------------------


def test_a_unit_of_work_is_whole_and_gives_what_it_returned(database):
    assert database.write(lambda session: [add(session, "a"), add(session, "b"), "done"][-1]) == "done"
    assert keys(database) == ["a", "b"]


def test_a_unit_of_work_that_fails_leaves_nothing(database):
    def work(session):
        add(session, "a")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        database.write(work)
    assert keys(database) == []
    database.write(lambda session: add(session, "b"))
    assert keys(database) == ["b"]


def test_a_unit_of_work_that_breaks_a_rule_of_the_tables_leaves_nothing(database):
    def work(session):
        add(session, "a")
        add(session, "a")

    with pytest.raises(IntegrityError):
        database.write(work)
    assert keys(database) == []


def test_what_a_killed_process_had_begun_does_not_stand_and_holds_up_nobody(sqlite_database):
    script = """
        import os, sys
        from study.db import Database
        from study.tables import metadata
        def work(session):
            session.connection().execute(
                metadata.tables["throttle"].insert(), {"key": "half", "window_us": 0, "tries": 1}
            )
            os._exit(9)
        Database(sys.argv[1]).write(work)
    """
    assert run(script, str(sqlite_database.url)).wait() == 9
    sqlite_database.write(lambda session: add(session, "whole"))
    assert keys(sqlite_database) == ["whole"]


def test_only_a_unit_of_work_is_writing(database):
    assert database.write(is_writing) is True
    with database.read() as session:
        assert is_writing(session) is False


def test_a_read_sees_one_state_from_first_to_last(database):
    database.write(lambda session: add(session, "a"))
    with database.read() as session:
        counted = text("SELECT count(*) FROM throttle")
        assert session.connection().scalar(counted) == 1
        database.write(lambda session: add(session, "b"))
        assert session.connection().scalar(counted) == 1
    assert keys(database) == ["a", "b"]


def test_an_error_does_not_tell_what_somebody_answered(database):
    with pytest.raises(IntegrityError) as error:
        database.write(lambda session: [add(session, "secret"), add(session, "secret")])
    assert "SQL parameters hidden" in str(error.value)


# SQLite --------------------------------------------------------------------------------------------------------


def test_every_connection_is_durable_and_holds_foreign_keys(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'study.sqlite'}")
    connections = [database.engine.connect() for _ in range(4)]
    try:
        for connection in connections:
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}
            assert found == PRAGMAS
    finally:
        for connection in connections:
            connection.close()
        database.dispose()


PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}


def test_a_row_without_its_parent_is_refused(database):
    orphan = {"study_id": uuid4(), "path": "p", "sha256": "s", "body": b""}
    with pytest.raises(IntegrityError):
        database.write(lambda session: session.connection().execute(metadata.tables["bundle_file"].insert(), orphan))


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"), reason="the wheel with the fix is for Linux x86-64"
)
def test_sqlite_has_the_fix_of_its_write_ahead_log(sqlite_database):
    assert sqlite_module().sqlite_version_info >= SAFE_SQLITE
    with sqlite_database.read() as session:
        version = session.connection().scalar(text("SELECT sqlite_version()"))
    assert tuple(map(int, version.split("."))) >= SAFE_SQLITE


# The queue -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on_disk", [True, False])
def test_writers_are_served_in_the_order_of_asking(tmp_path, on_disk):
    lock = FairLock(tmp_path / "lock" if on_disk else None)
    served = []

    def writer(number):
        with lock():
            served.append(number)

    threads = [threading.Thread(target=writer, args=(number,)) for number in range(12)]
    with lock():
        for number, thread in enumerate(threads):
            thread.start()
            until(lambda asked=number + 1: len(lock._waiting) == asked)
    for thread in threads:
        thread.join(10)
    assert served == list(range(12))
    with lock():
        served.append("again")
    assert served[-1] == "again"


def test_the_queue_goes_on_after_a_writer_that_failed(tmp_path):
    lock = FairLock(tmp_path / "lock")
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), lock():
            raise ZeroDivisionError
    with lock():
        pass


@pytest.mark.parametrize("held_by", ["a thread", "another process"])
def test_whoever_has_little_patience_is_told_and_leaves_the_queue_as_it_was(tmp_path, held_by):
    lock = FairLock(tmp_path / "lock")
    holding = lock if held_by == "a thread" else FairLock(tmp_path / "lock")
    began = time.monotonic()
    with holding(), pytest.raises(Busy), lock(patience_s=0.05):
        pass
    assert time.monotonic() - began < 5
    for _ in range(2):
        with lock(patience_s=10):
            pass


def test_who_has_a_second_is_served_beside_other_processes_that_write_without_a_pause(tmp_path):
    """As the pulse is, which must not take busy writers for an outage."""
    script = """
        import sys, time
        from pathlib import Path
        from study.turns import FairLock
        lock, parent = FairLock(Path(sys.argv[1])), Path(sys.argv[1] + ".until")
        while parent.exists():
            with lock():
                time.sleep(0.02)
                Path(sys.argv[1] + "." + sys.argv[2]).touch()
    """
    until_gone = tmp_path / "lock.until"
    until_gone.touch()
    rivals = [run(script, str(tmp_path / "lock"), str(number)) for number in range(3)]
    try:
        until(lambda: all((tmp_path / f"lock.{number}").exists() for number in range(3)))
        lock, served = FairLock(tmp_path / "lock"), 0
        for _ in range(20):
            try:
                with lock(patience_s=1.0):
                    served += 1
            except Busy:
                pass
    finally:
        until_gone.unlink()
        assert [rival.wait(30) for rival in rivals] == [0, 0, 0]
    assert served >= 15


def test_what_was_waited_for_in_vain_goes_to_the_next_in_line(tmp_path):
    """The file is not given back to the other processes in between: who stood behind has lost no place."""
    lock, other, served = FairLock(tmp_path / "lock"), FairLock(tmp_path / "lock"), []

    def impatient():
        try:
            with lock(patience_s=0.2):
                served.append("impatient")
        except Busy:
            served.append("gave up")

    def patient():
        with lock():
            served.append("patient")

    with other():
        threads = [threading.Thread(target=impatient)]
        threads[0].start()
        until(lambda: lock._held)
        threads.append(threading.Thread(target=patient))
        threads[1].start()
        until(lambda: served == ["gave up"] and len(lock._waiting) == 1)
    for thread in threads:
        thread.join(10)
    assert served == ["gave up", "patient"]
    with other(patience_s=10):
        served.append("other")
    with lock(patience_s=10):
        served.append("again")
    assert served[2:] == ["other", "again"]


def test_those_behind_whoever_gave_up_get_their_turn(tmp_path):
    lock, served = FairLock(tmp_path / "lock"), []

    def writer(patience_s):
        try:
            with lock(patience_s):
                served.append(patience_s)
        except Busy:
            served.append("gave up")

    threads = [threading.Thread(target=writer, args=(patience_s,)) for patience_s in (None, 0.05, None)]
    with lock():
        for thread in threads:
            thread.start()
        until(lambda: served == ["gave up"])
    for thread in threads:
        thread.join(10)
    assert served == ["gave up", None, None]


def test_several_processes_and_threads_lose_no_write(sqlite_database):
    """Each reads a number and writes it one higher: any two at once would lose one."""
    script = """
        import sys, threading
        from sqlalchemy import event, text
        from study.db import Database
        database = Database(sys.argv[1])
        def one_more(session):
            found = session.connection().scalar(text("SELECT tries FROM throttle"))
            session.connection().execute(text("UPDATE throttle SET tries = :tries"), {"tries": found + 1})
        def writer():
            for _ in range(20):
                database.write(one_more)
        threads = [threading.Thread(target=writer) for _ in range(3)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
    """
    sqlite_database.write(lambda session: add(session, "count", tries=0))
    running = [run(script, str(sqlite_database.url)) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    assert [row["tries"] for row in rows(sqlite_database, "throttle")] == [180]


def test_a_forked_worker_does_not_share_its_parents_lock(tmp_path):
    """Two holders of one open file would both be let in by `flock`."""
    script = """
        import os, sys, time
        from pathlib import Path
        from study.turns import FairLock
        lock = FairLock(Path(sys.argv[1]))
        with lock():
            pass
        inside = Path(sys.argv[1] + ".inside")
        children = []
        for _ in range(3):
            child = os.fork()
            if child == 0:
                code = 0
                for _ in range(20):
                    with lock():
                        if inside.exists(): code = 1
                        inside.touch(); time.sleep(0.001); inside.unlink(missing_ok=True)
                os._exit(code)
            children.append(child)
        sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
    """
    assert run(script, str(tmp_path / "lock")).wait(60) == 0


def test_a_database_in_memory_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for url in ("sqlite://", "sqlite:///:memory:"):
        made = Database(url)
        assert made.write(lambda session: session.connection().scalar(text("SELECT 1"))) == 1
        made.dispose()
    assert list(tmp_path.iterdir()) == []


# PostgreSQL ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("said", "waits_s"), [("", 5), ("?connect_timeout=30", "30"), ("?options=-c%20jit%3Doff", 5)])
def test_a_database_that_never_answers_is_given_up_unless_its_address_says_otherwise(said, waits_s):
    made, asked = Database(f"postgresql+psycopg://somebody@localhost/study{said}"), {}

    class Asked(Exception):
        pass

    @event.listens_for(made.engine, "do_connect")
    def ask(_dialect, _record, _args, wanted):
        asked.update(wanted)
        raise Asked

    with pytest.raises(Asked), made.read() as session:
        session.connection()
    made.dispose()
    assert asked["connect_timeout"] == waits_s
    assert asked["options"] == ("-c jit=off" if "options" in said else f"-c lock_timeout={LOCKED_S}s")


def failing(state, times):
    """A unit of work that fails with an SQLSTATE the first few times."""
    tried = []

    def work(session):
        add(session, "kept")
        tried.append(1)
        if len(tried) <= times:
            session.connection().exec_driver_sql(
                f"DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '{state}'; END $$"
            )
        return len(tried)

    return work, tried


@pytest.mark.postgres
@pytest.mark.parametrize("state", ["40001", "40P01"])
def test_a_unit_of_work_that_lost_a_race_runs_again_and_stands_once(postgres_database, state):
    work, _ = failing(state, times=3)
    assert postgres_database.write(work) == 4
    assert keys(postgres_database) == ["kept"]


@pytest.mark.postgres
@pytest.mark.parametrize("state", ["23505", "40002", "57014", "P0001"])
def test_nothing_else_is_tried_again(postgres_database, state):
    work, tried = failing(state, times=1)
    with pytest.raises(DBAPIError):
        postgres_database.write(work)
    assert len(tried) == 1
    assert keys(postgres_database) == []


@pytest.mark.postgres
def test_a_race_that_is_lost_every_time_is_given_up(postgres_database, monkeypatch):
    monkeypatch.setattr(time, "sleep", lambda _: None)
    work, tried = failing("40001", times=100)
    with pytest.raises(DBAPIError):
        postgres_database.write(work)
    assert len(tried) == MOST_TRIES


@pytest.mark.postgres
def test_two_who_block_each_other_both_get_through(postgres_database):
    """A real deadlock: each holds what the other wants. The server ends one of them, and that one runs again."""
    postgres_database.write(lambda session: [add(session, "a", 0), add(session, "b", 0)])
    both_hold, tried = threading.Barrier(2), []

    def work(session, first, second):
        one_more = text("UPDATE throttle SET tries = tries + 1 WHERE key = :key")
        session.connection().execute(text("SET LOCAL deadlock_timeout = '20ms'"))
        session.connection().execute(one_more, {"key": first})
        tried.append(first)
        if len(tried) <= 2:
            both_hold.wait(10)
        session.connection().execute(one_more, {"key": second})

    threads = [
        threading.Thread(target=postgres_database.write, args=(lambda session, pair=pair: work(session, *pair),))
        for pair in ("ab", "ba")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert [row["tries"] for row in rows(postgres_database, "throttle")] == [2, 2]
    assert len(tried) == 3


@pytest.mark.postgres
def test_a_row_that_somebody_holds_is_waited_for_as_long_as_a_file_would_be(postgres_database):
    with postgres_database.read() as session:
        assert session.connection().scalar(text("SHOW lock_timeout")) == f"{LOCKED_S}s"
    assert PRAGMAS["busy_timeout"] == LOCKED_S * 1000


@pytest.mark.postgres
def test_a_look_neither_waits_for_a_writer_nor_writes(postgres_database):
    study = a_study_in(postgres_database)
    holding, seen = threading.Event(), threading.Event()

    def hold(session):
        session.connection().execute(text("SELECT 1 FROM study FOR UPDATE"))
        holding.set()
        assert seen.wait(10)

    writer = threading.Thread(target=postgres_database.write, args=(hold,))
    writer.start()
    assert holding.wait(10)
    assert [row["id"] for row in rows(postgres_database, "study")] == [study.id]
    seen.set()
    writer.join(10)
    with postgres_database.read() as session, pytest.raises(DBAPIError, match="read-only"):
        session.connection().execute(text("UPDATE study SET loaded_at_us = :at_us"), {"at_us": NOON_US})


def run(script, *arguments):
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(script), *arguments])


def until(holds):
    give_up = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < give_up
        time.sleep(0.001)
