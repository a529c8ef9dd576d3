"""A whole site for a drill: database, study, signed-in readers, and gunicorn as `primum serve` runs it.

Everything is in one temporary folder and on loopback, and is ended by the ids of the processes that were started.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from _drill import ENGINES, POSTGRES, ROOT, SQLITE, note
from _readers import Place, enrol
from _visitor import HOST, Visitor
from postgres import Server, running

from study.db import Database
from study.migrate import migrate
from webapp.commands.operations import gunicorn
from webapp.demo import serving

LIMIT_S = 6 * 3600  # longer than any drill: a clock that runs out is not what they are about
ENDS_WITHIN_S = 35


@dataclass(slots=True)
class Site:
    """`server`: on PostgreSQL alone. `web` and `worker`: the processes, the web's own ones below it."""

    engine: str
    folder: Path
    port: int
    database: Database
    environment: dict[str, str]
    server: Server | None = None
    web: subprocess.Popen[bytes] | None = None
    worker: subprocess.Popen[bytes] | None = None
    places: list[Place] = field(default_factory=list)
    waiting: list[Place] = field(default_factory=list)

    @property
    def name(self) -> str:
        return ENGINES[self.engine]

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def web_workers(self) -> list[int]:
        """The processes that answer requests, as they are at this moment."""
        assert self.web is not None
        return children_of(self.web.pid)

    def visitor(self, place: Place) -> Visitor:
        """The browser of a reader, with the token of their pages."""
        visitor = Visitor(self.port, place.cookies)
        visitor.clock(place.reading)
        return visitor

    def primum(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of ours on this site's database."""
        command = [sys.executable, "-m", "webapp.cli", *arguments]
        return subprocess.run(command, cwd=ROOT, env=self.environment, capture_output=True, text=True)

    def last_words(self, name: str = "web") -> str:
        lines = (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-5:])


@contextmanager
def site(
    engine: str,
    *,
    readers: int,
    waiting: int = 0,
    workers: int = 2,
    threads: int = 8,
    limit_s: int = LIMIT_S,
    worker: bool = False,
    study_files: Mapping[str, bytes] | None = None,
) -> Iterator[Site]:
    """A site on its own database with as many readers, each with one reading that is open.

    `waiting`: so many more have not begun theirs. `worker`: `primum worker` runs too. `study_files` None: the demo's.
    """
    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="primum-drill-"))
        stack.callback(shutil.rmtree, folder)
        server = stack.enter_context(running(durable=True)) if engine == POSTGRES else None
        url = f"sqlite:///{folder / 'drill.db'}" if server is None else server.create("drill")
        database = Database(url)
        stack.callback(database.dispose)
        migrate(database)
        port = free_port()
        environment = serving.environment(folder, port) | {"PRIMUM_DATABASE_URL": url}
        made = Site(engine, folder, port, database, environment, server)
        enrolled = enrol(database, serving.secret(folder), readers + waiting, limit_s=limit_s, study_files=study_files)
        made.places, made.waiting = enrolled[:readers], enrolled[readers:]
        made.web = stack.enter_context(child(made, "web", gunicorn(HOST, port, workers=workers, threads=threads)))
        serving.await_answer(port, {"web": made.web}, folder, threading.Event())
        if worker:
            made.worker = stack.enter_context(child(made, "worker", [sys.executable, "-m", "webapp.cli", "worker"]))
        for place in made.places:
            _begin(made, place)
        note(f"{made.name}: {readers} readings open on {workers} × {threads}")
        yield made


def engines(only: str | None = None) -> list[str]:
    return [only] if only else [SQLITE, POSTGRES]


def free_port() -> int:
    """One that the system gives: drills and tests may run beside each other."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


def children_of(pid: int) -> list[int]:
    """The processes that one has started and that live. Of a process that is gone: none."""
    try:
        started = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []
    return [child for child in started if _lives(child)]


def _lives(pid: int) -> bool:
    """Not ended, nor waiting to be noticed by whoever started it."""
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return told.rpartition(")")[2].split()[0] not in "ZX"


@contextmanager
def child(made: Site, name: str, command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """One of our programs with a log of its own, ended by its id however this is left."""
    with (made.folder / f"{name}.log").open("wb") as log:
        # A session of its own: the Ctrl+C of a terminal is for the drill, which then ends it.
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=ROOT,
            env=made.environment,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(ENDS_WITHIN_S)
        except subprocess.TimeoutExpired:
            for pid in (*children_of(process.pid), process.pid):
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            process.wait()


def _begin(made: Site, place: Place) -> None:
    visitor = made.visitor(place)
    answer = visitor.post(f"{place.path}/begin", {"lease": place.lease})
    visitor.close()
    if answer.status != 303:
        raise RuntimeError(f"Begin was answered with {answer.status}: {made.last_words()}")
