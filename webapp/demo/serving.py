"""Serving the demonstration on this machine alone: web and worker as children, ended with it."""

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
from pathlib import Path
from typing import NoReturn

from study.errors import StudyError
from webapp.commands.operations import gunicorn

HOST, PORT, PORTS = "127.0.0.1", 8000, 20
ANSWERS_WITHIN_S, ENDS_WITHIN_S = 30, 35
DATABASE, SECRET = "demo.db", "secret"

Running = Mapping[str, subprocess.Popen[bytes]]


def free_port(wanted: int | None) -> int:
    """The port that was asked for, or the first one that nobody listens on. Raises StudyError."""
    for port in [wanted] if wanted is not None else range(PORT, PORT + PORTS):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except (OSError, OverflowError):
                continue
            return port
    raise StudyError(f"Port {wanted or PORT} is taken: give another with --port.")


def secret(folder: Path) -> str:
    """Made once for this folder, readable by its owner alone."""
    file = folder / SECRET
    if not file.exists():
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as made:
            made.write(secrets.token_urlsafe(48))
    return file.read_text(encoding="utf-8")


def environment(folder: Path, port: int) -> dict[str, str]:
    """The demonstration's own settings, and none of the site that may be configured here too."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PRIMUM_")}
    return kept | {
        "PRIMUM_DATABASE_URL": f"sqlite:///{(folder / DATABASE).resolve()}",
        "PRIMUM_SECRET_KEY": secret(folder),
        "PRIMUM_PUBLIC_URL": f"http://{HOST}:{port}",
        "PRIMUM_PLAIN_COOKIE": "1",
        "PRIMUM_CONTACT_EMAIL": "study@primum.example",
        "PRIMUM_SECRETS_DIR": str(folder / "no-secrets"),
    }


def stopped_by_signals() -> threading.Event:
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: stop.set())
    return stop


@contextmanager
def children(folder: Path, port: int) -> Iterator[Running]:
    """Web and worker, each with a log of its own; ended by their pids, however this is left."""
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
                    env=environment(folder, port),
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


def await_answer(port: int, running: Running, folder: Path, stop: threading.Event) -> None:
    """Links are shown once they work."""
    give_up = time.monotonic() + ANSWERS_WITHIN_S
    while not stop.is_set() and not _answers(port):
        check_alive(running, folder)
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


def check_alive(running: Running, folder: Path) -> None:
    for name, child in running.items():
        if child.poll() is not None:
            _ended(name, folder)


def _ended(name: str, folder: Path) -> NoReturn:
    lines = (folder / f"{name}.log").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    last = f" Its last words: {lines[-1]}" if lines else ""
    raise StudyError(f"The {name} of the demonstration does not run; see {folder / f'{name}.log'}.{last}")
