"""`primum demo`: a database with two studies, three fresh links, and a server on this machine alone."""

import secrets
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from webapp.commands.output import Advance, note, progress, say
from webapp.demo import serving
from webapp.demo.serving import DATABASE, HOST, PORT

if TYPE_CHECKING:
    from sqlmodel import Session

    from study.db import Database

MARK = "version"


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
    chosen = serving.free_port(port) if serve else port or PORT
    with progress("demonstration") as advance:
        links = prepare(folder, f"http://{HOST}:{chosen}", now_us=time.time_ns() // 1000, advance=advance)
    if not serve:
        _say_links(links)
        return
    stop = serving.stopped_by_signals()
    with serving.children(folder, chosen) as running:
        serving.await_answer(chosen, running, folder, stop)
        if not stop.is_set():
            _say_links(links)
            note("Serving until you press Ctrl+C.")
        while not stop.wait(0.5):
            serving.check_alive(running, folder)


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
    from webapp.demo.studies import demo_folder

    return f"{version()} {newest()} {bundle_digest(read_folder(demo_folder()))}\n"


def _clear(folder: Path) -> None:
    """What an interrupted run left: our own files only."""
    for file in folder.glob(f"{DATABASE}*"):
        file.unlink()


def _make(database: "Database", *, now_us: int, advance: Advance) -> None:
    from study.migrate import migrate
    from webapp import logs, passwords
    from webapp.demo import studies
    from webapp.worker import analyse_next

    advance("schema", 0, 1)
    migrate(database)
    advance("cases", 0, 1)
    open_bundle, locked_bundle = studies.demo_bundles()
    database.write(lambda session: studies.make_staff(session, at_us=now_us))
    nobodys = passwords.hashed(secrets.token_hex(32))
    studies.make_open(database, open_bundle, now_us=now_us, password_hash=nobodys, advance=advance)
    studies.make_locked(database, locked_bundle, now_us=now_us, password_hash=nobodys, advance=advance)
    advance("analysis", 0, 1)
    database.write(lambda session: studies.ask_for_analysis(session, locked_bundle, at_us=now_us))
    with logs.quiet():
        analyse_next(database, clock=lambda: time.time_ns() // 1000, stop=threading.Event())
    with database.read() as session:
        studies.check_analysed(session)


def _fresh_links(database: "Database", address: str, *, now_us: int) -> Links:
    from webapp.demo import studies

    physician, investigator, statistician = (secrets.token_urlsafe(24) for _ in range(3))

    def work(session: "Session") -> None:
        studies.invite_visitor(session, physician, at_us=now_us)
        for email, token in ((studies.PI, investigator), (studies.STATISTICIAN, statistician)):
            studies.let_set_password(session, email, token, at_us=now_us)

    database.write(work)
    return Links(
        physician=f"{address}/join/{physician}",
        investigator=f"{address}/set-password/{investigator}?after=/pi/demo",
        statistician=f"{address}/set-password/{statistician}?after=/stats/demo-locked",
    )
