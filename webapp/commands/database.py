"""The database that the settings name, for the length of a command."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from pathlib import Path

from pydantic import ValidationError
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, OperationalError

from study.db import Database
from study.errors import Fault, Faulty, StudyError
from study.migrate import check_current
from webapp.clock import SiteClock, system_clock
from webapp.settings import Settings

COMMAND_LINE = "command line"

_clock: ContextVar[Callable[[], int]] = ContextVar("clock", default=system_clock)


def now_us() -> int:
    """By the clock of the site whose database this command has opened."""
    return _clock.get()()


@contextmanager
def opened(settings: Settings, *, current: bool = True, by: str | None = None) -> Iterator[Database]:
    """The database; `current`: refused unless its schema is this version's. A folder for an SQLite file is made."""
    database = Database(_with_folder(settings.database_url), by=by)
    try:
        if current:
            check_current(database)
            _clock.set(SiteClock(database, keeps=False))
        yield database
    except OperationalError as error:
        raise StudyError(f"The database cannot be used: {_first_line(error)}") from error
    finally:
        _clock.set(system_clock)
        database.dispose()


def acting(settings: Settings) -> AbstractContextManager[Database]:
    """The database for a command that changes something: its events name nobody, but say whence they come."""
    return opened(settings, by=COMMAND_LINE)


def _with_folder(url: str) -> str:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise StudyError("PRIMUM_DATABASE_URL is not the address of a database.") from error
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    return url


def _first_line(error: OperationalError) -> str:
    return str(error.orig or error).strip().splitlines()[0]


def configured() -> Settings:
    """The settings of this environment. Raises Faulty with every one that does not fit."""
    try:
        return Settings()
    except ValidationError as error:
        raise Faulty(
            [
                Fault(f"PRIMUM_{'.'.join(map(str, found['loc'])).upper()}", found["msg"])
                for found in error.errors(include_input=False, include_url=False)
            ]
        ) from None
