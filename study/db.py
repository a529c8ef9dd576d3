"""The door to the database: one engine, reads, and units of work that are whole or not at all.

SQLite: WAL, `synchronous=FULL`, foreign keys on, and a fair lock around every write, because SQLite's own waiting
starves (one writer of eight waited five seconds where a fair queue waited under two hundred milliseconds).
PostgreSQL: the same code; a unit of work that lost a serialisation race (40001) or a deadlock (40P01) runs again.
"""

import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    Column,
    Connection,
    CursorResult,
    Engine,
    Insert,
    Update,
    bindparam,
    create_engine,
    event,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, InvalidatePoolError
from sqlmodel import Session

from study.turns import FairLock

T = TypeVar("T")

RETRIED_STATES = frozenset({"40001", "40P01"})
ONE_STATE: dict[str, Any] = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
MOST_TRIES = 8
RESTED_S = 2.0
SAFE_SQLITE = (3, 51, 3)
LOCKED_S = 10
"""How long a statement waits for what somebody else holds: SQLite's file, or a row of PostgreSQL's. Then it fails."""

PATIENCE: dict[str, Any] = {"options": f"-c lock_timeout={LOCKED_S}s", "connect_timeout": 5}
"""Of every connection to PostgreSQL, unless its address says otherwise."""


def sqlite_module() -> ModuleType:
    """SQLite with the WAL-reset fix where the wheel exists, else the system's own (`doctor` warns of it)."""
    if sys.platform == "linux":
        try:
            import pysqlite3.dbapi2 as bundled
        except ImportError:
            pass
        else:
            return bundled  # type: ignore[no-any-return]  # the wheel ships no types
    import sqlite3

    return sqlite3


class Database:
    """Reads see one state from first to last; `write` runs a unit of work and gives what it returned, after commit."""

    def __init__(self, url: str | URL, *, by: str | None = None) -> None:
        """`by`: who acts where nobody is signed in; it stands in the body of every event without an actor."""
        self._unit = {"writing": True, "by": by}
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(self.url) if self.is_sqlite else _postgres_engine(self.url)
        self._writing = self.engine.execution_options(writing=True)
        # On SQLite a transaction is such a state by itself; PostgreSQL has to be asked for one.
        self._reading = self.engine if self.is_sqlite else self.engine.execution_options(**ONE_STATE)
        self._glancing = self.engine if self.is_sqlite else self.engine.execution_options(isolation_level="AUTOCOMMIT")
        on_disk = self.is_sqlite and self.url.database not in (None, "", ":memory:")
        self._turn = FairLock(Path(f"{self.url.database}.lock") if on_disk else None)

    @contextmanager
    def read(self) -> Iterator[Session]:
        with Session(self._reading, autoflush=False) as session:
            yield session

    @contextmanager
    def glance(self) -> Iterator[Connection]:
        """For one statement, which sees one state by itself: no transaction is begun and ended around it."""
        with self._glancing.connect() as connection:
            yield connection

    def write(self, work: Callable[[Session], T], *, patience_s: float | None = None) -> T:
        """Run `work` in one transaction. It may run more than once, so it must do nothing but read and write rows.

        `patience_s`: how long to stand in SQLite's queue of writers before Busy is raised; None: as long as it takes.
        """
        if self.is_sqlite:
            with self._turn(patience_s):
                return self._attempt(work)
        for tried in range(1, MOST_TRIES + 1):
            try:
                return self._attempt(work)
            except DBAPIError as error:
                if tried == MOST_TRIES or getattr(error.orig, "sqlstate", None) not in RETRIED_STATES:
                    raise
                time.sleep(random.uniform(0, 0.005 * 2**tried))  # noqa: S311  spreads rivals apart, hides nothing
        raise AssertionError("unreachable: the last try returns or raises")

    def _attempt(self, work: Callable[[Session], T]) -> T:
        with Session(self._writing, expire_on_commit=False, info=self._unit) as session, session.begin():
            return work(session)

    def dispose(self) -> None:
        self.engine.dispose()


def connection_of(session: Session) -> Connection:
    """The connection of a session's one transaction, looked for once: a save asks for it at every statement."""
    found: Connection | None = session.info.get("connection")
    if found is None:
        found = session.info["connection"] = session.connection()
    return found


def given(columns: Iterable[Column[Any]], prefix: str) -> dict[str, BindParameter[Any]]:
    """Values that are given when a statement runs, each under its column's name after a prefix of the statement's."""
    return {column.name: bindparam(f"{prefix}{column.name}", type_=column.type) for column in columns}


class Together:
    """Several writes, one after the other: PostgreSQL takes them as one statement, which spares the ways between.

    Made once and used often. All but the last name each of their values (`given`), under names of their own.
    """

    def __init__(self, *before: Insert | Update, last: Insert | Update) -> None:
        self._before = [(write, _asked(write)) for write in before]
        self._last = last
        self._all = last.add_cte(*(write.cte() for write in before))

    def execute(self, connection: Connection, values: Mapping[str, Any]) -> CursorResult[Any]:
        """What the last one gives. None may depend on what another one writes."""
        if connection.dialect.name != "sqlite":
            return connection.execute(self._all, values)
        for write, names in self._before:
            connection.execute(write, {name: values[name] for name in names})
        theirs = frozenset().union(*(names for _, names in self._before))
        return connection.execute(self._last, {name: value for name, value in values.items() if name not in theirs})


def _asked(write: Insert | Update) -> frozenset[str]:
    """The names of the values that a statement wants to be given."""
    return frozenset(name for name, value in write.compile().params.items() if value is None)


def is_writing(session: Session) -> bool:
    """Whether the session belongs to a unit of work. Only there are rows held: a look at them must not wait."""
    return bool(session.info.get("writing", False))


def _sqlite_engine(url: URL) -> Engine:
    engine = create_engine(
        url,
        module=sqlite_module(),
        connect_args={"check_same_thread": False, "timeout": float(LOCKED_S)},
        hide_parameters=True,  # an error that is logged must not tell what somebody answered
    )

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # transactions begin below, where their kind is known
        patience = f"busy_timeout={LOCKED_S * 1000}"
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", patience):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writing = connection.get_execution_options().get("writing", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


def _postgres_engine(url: URL) -> Engine:
    engine = create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=10,
        max_overflow=20,
        hide_parameters=True,
        # Without it one row that somebody holds stops the page that wants it, and with its every try one more thread.
        # And without the other a host that swallows what is sent to it stops everybody for as long as TCP hopes.
        connect_args={name: value for name, value in PATIENCE.items() if name not in url.query},
    )

    @event.listens_for(engine, "checkin")
    def rest(_connection: object, record: Any) -> None:
        record.info["since"] = time.monotonic()

    @event.listens_for(engine, "checkout")
    def wake(connection: Any, record: Any, _proxy: object) -> None:
        """A server that was restarted is found by asking a connection that rested, not by asking at every turn.

        One that broke within these seconds fails once, and takes all its kind out of the pool with it.
        """
        if time.monotonic() - record.info.get("since", time.monotonic()) <= RESTED_S:
            return
        try:
            engine.dialect.do_ping(connection)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    return engine
