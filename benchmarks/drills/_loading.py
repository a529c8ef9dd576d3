"""A site under load and the bare form beside it, each on the same engine and served alike, and the load upon them."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from _generator import Reader
from _long_cases import study_files
from _site import Site, child, children_of, free_port, site
from _visitor import HOST
from case_page import BareRow

from study.db import Database
from webapp.commands.operations import gunicorn
from webapp.demo import serving

WORKERS, THREADS = 2, 8
HERE = Path(__file__).parent
OURS = {"save": 0.85, "clock": 0.10, "page": 0.05}
BARE = {"bare post": 0.85, "bare page": 0.15}
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Target:
    """What is loaded: the processes that answer, the generator that asks, and the mix of what it asks."""

    name: str
    web: subprocess.Popen[bytes]
    generator: "subprocess.Popen[str]"
    mix: Mapping[str, float]

    def open_loop(self, *, rate: float, seconds: float) -> dict[str, Any]:
        return self._phase({"mix": self.mix, "rate": rate, "seconds": seconds})

    def closed_loop(self, kind: str, *, readers: int, seconds: float | None) -> dict[str, Any]:
        """`seconds` None: every reader once. With what the web's processes spent on it: `cpu_s`."""
        before = cpu_s(self.web.pid)
        came = self._phase({"kind": kind, "readers": readers, "seconds": seconds})
        return {**came, "cpu_s": cpu_s(self.web.pid) - before}

    def _phase(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        assert self.generator.stdin is not None
        assert self.generator.stdout is not None
        self.generator.stdin.write(json.dumps(asked) + "\n")
        self.generator.stdin.flush()
        line = self.generator.stdout.readline()
        if not line:
            raise RuntimeError(f"the generator of {self.name} ended")
        found: dict[str, Any] = json.loads(line)
        return found


def cpu_s(pid: int) -> float:
    """Seconds of processor that a web server and its workers have used so far."""
    spent = 0
    for one in (pid, *children_of(pid)):
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
        spent += int(fields[11]) + int(fields[12])
    return spent / TICKS


@contextmanager
def loaded(engine: str, *, readers: int, worker: bool = False) -> Iterator[tuple[Site, Target]]:
    """Our site with as many readings open, and a generator that knows them."""
    with site(
        engine, readers=readers, workers=WORKERS, threads=THREADS, worker=worker, study_files=study_files()
    ) as made:
        assert made.web is not None
        with generating(made.port, readers_of(made)) as generator:
            yield made, Target("primum", made.web, generator, OURS)


@contextmanager
def bare(made: Site) -> Iterator[Target]:
    """The bare form on the same engine, with a database of its own."""
    url = f"sqlite:///{made.folder / 'bare.db'}" if made.server is None else made.server.create("bare")
    database = Database(url)
    BareRow.__table__.create(database.engine)  # type: ignore[attr-defined]
    database.dispose()
    port = free_port()
    command = [*gunicorn(HOST, port, workers=WORKERS, threads=THREADS)[:-1], "_bare:app"]
    environment = made.environment | {"PRIMUM_DATABASE_URL": url, "PYTHONPATH": str(HERE)}
    with child(replace(made, environment=environment), "bare", command) as web:
        serving.await_answer(port, {"bare": web}, made.folder, threading.Event())
        with generating(port, [replace(reader, path="/") for reader in readers_of(made)[:64]]) as generator:
            yield Target("bare form", web, generator, BARE)


def readers_of(made: Site) -> list[Reader]:
    found = []
    for place in made.places:
        visitor = made.visitor(place)
        cookie = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        found.append(Reader(place.path, cookie, visitor.token, place.lease, list(place.options)))
        visitor.close()
    return found


@contextmanager
def generating(port: int, readers: list[Reader]) -> Iterator["subprocess.Popen[str]"]:
    """The generator, told whom it speaks for; ended with the block."""
    command = [sys.executable, str(HERE / "_generator.py")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        told = {"port": port, "readers": [asdict(reader) for reader in readers], "seed": 20261121}
        process.stdin.write(json.dumps(told) + "\n")
        try:
            yield process
        finally:
            process.stdin.close()


def says(came: Mapping[str, Any]) -> str:
    """A phase in a line, for whoever waits."""
    errors = f", errors {came['errors']}" if came["errors"] else ""
    rate = came["answered"] / came["seconds"]
    return f"{rate:.0f} answers/s, p50 {came['p50_ms']:.1f} ms, p99 {came['p99_ms']:.1f} ms{errors}"
