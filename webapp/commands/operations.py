"""`primum serve`, `worker`, `migrate`, `doctor`, `audit verify`: keeping a site."""

import os
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from study.errors import Fault, Faulty
from webapp.commands.database import configured, opened
from webapp.commands.output import note, progress, say
from webapp.settings import LOOPBACK

audit = typer.Typer(no_args_is_help=True, help="Whether anything was altered.")
SHORTEST_SECRET = 32


@audit.callback()
def _audit() -> None:
    """Whether anything was altered."""


def gunicorn(host: str, port: int, *, workers: int, threads: int) -> list[str]:
    """The web server's command. No access log: links carry tokens."""
    return [
        *(sys.executable, "-m", "gunicorn"),
        *("--bind", f"{host}:{port}"),
        *("--worker-class", "gthread", "--workers", str(workers), "--threads", str(threads)),
        *("--timeout", "60", "--graceful-timeout", "30", "--keep-alive", "5"),
        "--no-control-socket",
        "webapp.wsgi:app",
    ]


def serve(
    host: Annotated[str, typer.Option(help="Where to listen; behind a proxy leave it.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="On which port.")] = 8000,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 2,
    threads: Annotated[int, typer.Option(min=1, help="Threads of each.")] = 8,
) -> None:
    """Serve the site. Refuses on another schema than this version's: run `primum migrate` first."""
    settings = configured()
    if len(settings.secret_key.get_secret_value()) < SHORTEST_SECRET:
        raise Faulty([Fault("PRIMUM_SECRET_KEY", f"needs at least {SHORTEST_SECRET} random characters")])
    if settings.plain_cookie and host not in LOOPBACK:
        raise Faulty(
            [Fault("PRIMUM_PLAIN_COOKIE", f"is for this machine alone, and {host} can be reached from others")]
        )
    with opened(settings):
        pass
    command = gunicorn(host, port, workers=workers, threads=threads)
    os.execv(command[0], command)  # noqa: S606  the site takes this process's place, its signals included


def worker(once: Annotated[bool, typer.Option("--once", help="One round, then end.")] = False) -> None:
    """Close what is due, send mail, run analyses, until told to stop. Several may run."""
    from webapp import logs
    from webapp.clock import SiteClock, Steps
    from webapp.worker import run, stop_on_signals, work_once

    settings = configured()
    logs.configure()
    with opened(settings) as database:
        clock = SiteClock(database)
        steps = Steps(clock)
        if once:
            done = work_once(database, settings, clock=clock, steps=steps)
            say(f"closed {done.closed}, sent {done.sent}, analysed {done.analysed}")
            return
        stop = threading.Event()
        stop_on_signals(stop)
        run(database, settings, clock=clock, stop=stop, steps=steps)


def migrate() -> None:
    """Bring the database to the schema of this version. Safe to repeat."""
    from study.migrate import migrate as upgraded
    from study.migrate import standing

    with opened(configured(), current=False) as database:
        before = standing(database)
        upgraded(database)
        after = standing(database)
    say(f"schema {after}: " + ("nothing to do" if before == after else f"migrated from {before or 'nothing'}"))


def doctor() -> None:
    """What an operator should know: the database and its pragmas, disk, clock, settings."""
    from webapp.commands.checks import Standing, checks

    found = list(checks())
    for check in found:
        say(f"{check.standing.value:<5} {check.what}: {check.found}")
    wrong = [Fault(check.what, check.found) for check in found if check.standing is Standing.WRONG]
    if wrong:
        raise Faulty(wrong)


@audit.command()
def verify(
    bundle: Annotated[
        Path | None, typer.Option("--bundle", metavar="FILE.zip", help="An export, instead of the database.")
    ] = None,
) -> None:
    """Every event chain, its head and its count, every payload that stands, and every answer beside its receipt."""
    from study.export import audit_export
    from study.store.audit import audit as audited

    if bundle is not None:
        found = audit_export(bundle)
    else:
        with opened(configured()) as database, progress("audit"), database.read() as session:
            found = audited(session)
    if found.faults:
        raise Faulty([Fault("audit", fault) for fault in found.faults])
    if found.erased:
        note(f"{found.erased} payloads were erased, each with an event that says so")
    say(f"{found.chains} chains, {found.events} events: every one verifies")
