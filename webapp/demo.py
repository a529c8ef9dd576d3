"""`primum demo`: a database with two studies, three fresh links, and a server on this machine alone."""

import logging
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from webapp.commands.output import Advance, note, progress, say

if TYPE_CHECKING:
    from sqlmodel import Session

    from study.db import Database

HOST, PORT, PORTS = "127.0.0.1", 8000, 20
ANSWERS_WITHIN_S, ENDS_WITHIN_S = 30, 35
DATABASE, SECRET, MARK = "demo.db", "secret", "version"


@dataclass(frozen=True, slots=True)
class Links:
    """One for each of the three who use it."""

    physician: str
    investigator: str
    statistician: str


def demo(
    folder: Annotated[Path, typer.Option("--dir", metavar="DIR", help="Where its database is kept.")] = Path(
        "var/demo"
    ),
    port: Annotated[
        int | None, typer.Option(metavar="N", help="Where to listen; else the first free from 8000.")
    ] = None,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve until interrupted.")] = True,
) -> None:
    """Two demonstration studies, three links, and a server, on this machine alone. Nothing in it is real."""
    chosen = _free_port(port) if serve else port or PORT
    with progress("demonstration") as advance:
        links = prepare(folder, f"http://{HOST}:{chosen}", now_us=time.time_ns() // 1000, advance=advance)
    if not serve:
        _say_links(links)
        return
    with _children(folder, chosen) as children:
        _await_answer(chosen, children, folder)
        _say_links(links)
        note("Serving until you press Ctrl+C.")
        _until_stopped(children, folder)


def _say_links(links: Links) -> None:
    say("")
    say(f"  Physician               {links.physician}")
    say(f"  Principal investigator  {links.investigator}")
    say(f"  Statistician            {links.statistician}")
    say("")


def prepare(folder: Path, address: str, *, now_us: int, advance: Advance) -> Links:
    """Make the database of the demonstration where there is none, then fresh links to it.

    Raises StudyError where the folder holds the demonstration of another version.
    """
    from study.db import Database
    from study.errors import StudyError

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StudyError(f"{folder}: cannot be made: {error.strerror}") from error
    mark = folder / MARK
    standing = mark.read_text(encoding="utf-8") if mark.exists() else None
    if standing is not None and standing != _version():
        raise StudyError(f"{folder} holds the demonstration of another version: give another --dir, or delete it.")
    if standing is None:
        _clear(folder)
    database = Database(f"sqlite:///{folder / DATABASE}")
    try:
        if standing is None:
            _make(database, now_us=now_us, advance=advance)
            mark.write_text(_version(), encoding="utf-8")
        return _fresh_links(database, address, now_us=now_us)
    finally:
        database.dispose()


def _version() -> str:
    """What a demonstration must have been made by to be used again."""
    from study.bundle import read_folder
    from study.bundle_digest import bundle_digest
    from study.migrate import newest
    from webapp.commands.versions import version
    from webapp.demo_studies import demo_folder

    return f"{version()} {newest()} {bundle_digest(read_folder(demo_folder()))}\n"


def _clear(folder: Path) -> None:
    """What an interrupted run left: our own files only."""
    for file in folder.glob(f"{DATABASE}*"):
        file.unlink()


def _make(database: "Database", *, now_us: int, advance: Advance) -> None:
    from study.migrate import migrate
    from webapp import demo_studies, logs, passwords
    from webapp.worker import analyse_next

    advance("schema", 0, 1)
    migrate(database)
    advance("cases", 0, 1)
    open_bundle, locked_bundle = demo_studies.demo_bundles()
    database.write(lambda session: demo_studies.make_staff(session, at_us=now_us))
    nobodys = passwords.hashed(secrets.token_hex(32))
    demo_studies.make_open(database, open_bundle, now_us=now_us, password_hash=nobodys, advance=advance)
    demo_studies.make_locked(database, locked_bundle, now_us=now_us, password_hash=nobodys, advance=advance)
    advance("analysis", 0, 1)
    database.write(lambda session: demo_studies.ask_for_analysis(session, locked_bundle, at_us=now_us))
    logs.configure(least=logging.ERROR)
    analyse_next(database, clock=lambda: time.time_ns() // 1000, stop=threading.Event())
    with database.read() as session:
        demo_studies.check_analysed(session)


def _fresh_links(database: "Database", address: str, *, now_us: int) -> Links:
    from webapp import demo_studies

    physician, investigator, statistician = (secrets.token_urlsafe(24) for _ in range(3))

    def work(session: "Session") -> None:
        demo_studies.invite_visitor(session, physician, at_us=now_us)
        for email, token in ((demo_studies.PI, investigator), (demo_studies.STATISTICIAN, statistician)):
            demo_studies.let_set_password(session, email, token, at_us=now_us)

    database.write(work)
    return Links(
        physician=f"{address}/join/{physician}",
        investigator=f"{address}/set-password/{investigator}",
        statistician=f"{address}/set-password/{statistician}",
    )


def _free_port(wanted: int | None) -> int:
    """The port that was asked for, or the first one that nobody listens on. Raises StudyError."""
    from study.errors import StudyError

    for port in [wanted] if wanted is not None else range(PORT, PORT + PORTS):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except (OSError, OverflowError):
                continue
            return port
    raise StudyError(f"Port {wanted or PORT} is taken: give another with --port.")


def _secret(folder: Path) -> str:
    """Made once for this folder, readable by its owner alone."""
    file = folder / SECRET
    if not file.exists():
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as made:
            made.write(secrets.token_urlsafe(48))
    return file.read_text(encoding="utf-8")


def _environment(folder: Path, port: int) -> dict[str, str]:
    """The demonstration's own settings, and none of the site that may be configured here too."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PRIMUM_")}
    return kept | {
        "PRIMUM_DATABASE_URL": f"sqlite:///{(folder / DATABASE).resolve()}",
        "PRIMUM_SECRET_KEY": _secret(folder),
        "PRIMUM_PUBLIC_URL": f"http://{HOST}:{port}",
        "PRIMUM_PLAIN_COOKIE": "1",
        "PRIMUM_CONTACT_EMAIL": "study@primum.example",
        "PRIMUM_SECRETS_DIR": str(folder / "no-secrets"),
    }


@contextmanager
def _children(folder: Path, port: int) -> Iterator[Mapping[str, subprocess.Popen[bytes]]]:
    """Web and worker, each with a log of its own; ended by their pids, however this is left."""
    from webapp.commands.operations import gunicorn

    commands = {
        "web": gunicorn(HOST, port, workers=2, threads=8),
        "worker": [sys.executable, "-m", "webapp.cli", "worker"],
    }
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name, command in commands.items():
            with (folder / f"{name}.log").open("wb") as log:
                # A session of their own: the Ctrl+C of a terminal is for us, and we tell them.
                started[name] = subprocess.Popen(  # noqa: S603  our own programs
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env=_environment(folder, port),
                    start_new_session=True,
                )
        yield started
    finally:
        for child in started.values():
            child.terminate()
        for child in started.values():
            try:
                child.wait(ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def _await_answer(port: int, children: Mapping[str, subprocess.Popen[bytes]], folder: Path) -> None:
    """Links are shown once they work."""
    give_up = time.monotonic() + ANSWERS_WITHIN_S
    while not _answers(port):
        _check_alive(children, folder)
        if time.monotonic() > give_up:
            _ended("web", folder)
        time.sleep(0.1)


def _answers(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://{HOST}:{port}/sign-in", timeout=5).close()
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False
    return True


def _check_alive(children: Mapping[str, subprocess.Popen[bytes]], folder: Path) -> None:
    for name, child in children.items():
        if child.poll() is not None:
            _ended(name, folder)


def _ended(name: str, folder: Path) -> NoReturn:
    from study.errors import StudyError

    lines = (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    last = f" Its last words: {lines[-1]}" if lines else ""
    raise StudyError(f"The {name} of the demonstration does not run; see {folder / f'{name}.log'}.{last}")


def _until_stopped(children: Mapping[str, subprocess.Popen[bytes]], folder: Path) -> None:
    """Until a signal, or until one of the two ends by itself."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    while not stop.wait(0.5):
        _check_alive(children, folder)
