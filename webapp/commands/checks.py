"""What `primum doctor` looks at."""

import os
import shutil
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from study.db import SAFE_SQLITE, Database, sqlite_module
from study.errors import Faulty, StudyError
from study.migrate import newest, standing
from study.outage import SHORTEST_US
from study.store import clocks, outages
from study.timing import SECOND_US
from webapp.clock import SiteClock, system_clock, this_host
from webapp.commands.database import configured, opened
from webapp.settings import LOOPBACK, Settings

SHORTEST_SECRET = 32
LITTLE_DISK = 1 << 30
EXPECTED_PRAGMAS = {"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1"}
BUILT = datetime(2026, 1, 1, tzinfo=UTC)


class Standing(StrEnum):
    FINE = "ok"
    ODD = "warn"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Check:
    standing: Standing
    what: str
    found: str


def checks() -> Iterator[Check]:
    """Each as it is made; one that cannot be made is wrong, and the others are made all the same."""
    try:
        settings = configured()
    except Faulty as faulty:
        yield from (Check(Standing.WRONG, fault.where, fault.what) for fault in faulty.faults)
        return
    yield from _settings(settings)
    yield _clock()
    try:
        url = make_url(settings.database_url)
    except ArgumentError:
        return  # said with the settings
    absent = _absent(url)
    if absent is not None:
        yield Check(Standing.WRONG, "database", f"there is none at {absent}; run `primum migrate`")
        return
    try:
        with opened(settings, current=False) as database:
            yield _schema(database)
            if standing(database) == newest():
                yield _site_clock(database)
                yield _pulse(database)
            yield from _sqlite(database) if database.is_sqlite else _postgres(database)
    except StudyError as error:
        yield Check(Standing.WRONG, "database", str(error))


def _settings(settings: Settings) -> Iterator[Check]:
    secret = settings.secret_key.get_secret_value()
    long_enough = len(secret) >= SHORTEST_SECRET
    said = "set" if long_enough else f"needs at least {SHORTEST_SECRET} random characters; `serve` refuses without"
    yield Check(Standing.FINE if long_enough else Standing.WRONG, "PRIMUM_SECRET_KEY", said)
    yield _database_url(settings)
    local, encrypted = _is_local(settings.public_url), settings.public_url.startswith("https://")
    yield Check(Standing.FINE if encrypted or local else Standing.WRONG, "PRIMUM_PUBLIC_URL", settings.public_url)
    unseen = encrypted and settings.proxies == 0
    yield Check(
        Standing.WRONG if unseen else Standing.FINE,
        "PRIMUM_PROXIES",
        "0, but the address is https: set PRIMUM_PROXIES=1 behind a TLS proxy, or everybody seems to come from it"
        if unseen
        else str(settings.proxies),
    )
    plain = settings.plain_cookie
    yield Check(
        Standing.WRONG if plain and not local else Standing.FINE,
        "PRIMUM_PLAIN_COOKIE",
        "set: never outside a demonstration" if plain else "not set",
    )
    mail = f"{settings.smtp_host}:{settings.smtp_port}" if settings.smtp_host else "none: links are printed, not mailed"
    unnamed = bool(settings.smtp_host) and not (settings.mail_from or settings.contact_email)
    yield Check(
        Standing.WRONG if unnamed else Standing.FINE, "mail", "PRIMUM_MAIL_FROM is missing" if unnamed else mail
    )
    yield Check(
        Standing.FINE if settings.contact_email else Standing.ODD,
        "PRIMUM_CONTACT_EMAIL",
        settings.contact_email or "not set: readers are told nobody to write to",
    )


def _database_url(settings: Settings) -> Check:
    """Without its password."""
    try:
        return Check(Standing.FINE, "PRIMUM_DATABASE_URL", make_url(settings.database_url).render_as_string())
    except ArgumentError:
        return Check(Standing.WRONG, "PRIMUM_DATABASE_URL", "is not the address of a database")


def _is_local(url: str) -> bool:
    """Whether the address leads to this machine, by its very host: 127.0.0.1.example.org does not."""
    try:
        return urlsplit(url).hostname in LOOPBACK
    except ValueError:
        return False


def _clock() -> Check:
    now = datetime.now(UTC)
    steady = time.get_clock_info("time").adjustable
    said = f"{now.isoformat(timespec='seconds')}{'' if steady else ', cannot be adjusted'}"
    return Check(Standing.FINE if now > BUILT else Standing.WRONG, "clock", said)


def _absent(url: URL) -> Path | None:
    """The SQLite file that is not there. Opening it would make it, and looking changes nothing."""
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    file = Path(url.database).resolve()
    return None if file.exists() else file


def _site_clock(database: Database) -> Check:
    """By what the site counts, and by how much the clock that it began with was set since."""
    clock = SiteClock(database, keeps=False)
    at_us = clock()
    if not database.is_sqlite:
        off_s = (at_us - system_clock()) / SECOND_US
        return Check(Standing.FINE, "time of the site", f"the database's; this host's clock differs by {-off_s:+.3f} s")
    with database.read() as session:
        anchored = clocks.anchor(session, this_host().boot_id or "")
    if anchored is None:
        return Check(Standing.FINE, "time of the site", "this host's: nothing has served since the host's start")
    if not clock.moved_us:
        return Check(Standing.FINE, "time of the site", "counted since the host's start; its clock agrees")
    said = f"this host's clock was set by {clock.moved_us / SECOND_US:+.1f} s; it is followed once no reading is open"
    return Check(Standing.ODD, "time of the site", said)


def _pulse(database: Database) -> Check:
    with database.read() as session:
        last = outages.last_pulse_us(session)
    if last is None:
        return Check(Standing.FINE, "pulse of the web", "none yet: it has never served")
    age_us = SiteClock(database, keeps=False)() - last
    said = f"{max(0, age_us) // SECOND_US} s ago" + (": the web is down" if age_us > SHORTEST_US else "")
    return Check(Standing.ODD if age_us > SHORTEST_US else Standing.FINE, "pulse of the web", said)


def _schema(database: Database) -> Check:
    at = standing(database)
    if at == newest():
        return Check(Standing.FINE, "schema", str(at))
    return Check(Standing.WRONG, "schema", f"{at or 'none'}, this version needs {newest()}: run `primum migrate`")


def _sqlite(database: Database) -> Iterator[Check]:
    module = sqlite_module()
    version = module.sqlite_version
    safe = tuple(int(part) for part in version.split(".")) >= SAFE_SQLITE
    wanted = ".".join(map(str, SAFE_SQLITE))
    said = f"{version} ({module.__name__.partition('.')[0]})" + ("" if safe else f"; {wanted} or later is safer")
    yield Check(Standing.FINE if safe else Standing.ODD, "SQLite", said)
    with database.engine.connect() as connection:
        for pragma, expected in EXPECTED_PRAGMAS.items():
            found = str(connection.exec_driver_sql(f"PRAGMA {pragma}").scalar())
            yield Check(Standing.FINE if found == expected else Standing.WRONG, f"pragma {pragma}", found)
        sound = str(connection.exec_driver_sql("PRAGMA quick_check(1)").scalar())
        yield Check(Standing.FINE if sound == "ok" else Standing.WRONG, "quick_check", sound)
    if database.url.database:
        yield from _disk(Path(database.url.database).resolve())


def _disk(file: Path) -> Iterator[Check]:
    free = shutil.disk_usage(file.parent).free
    yield Check(Standing.FINE if free >= LITTLE_DISK else Standing.ODD, "disk", f"{free / (1 << 30):.1f} GiB free")
    writable = os.access(file.parent, os.W_OK)
    said = "can be written" if writable else "cannot be written"
    yield Check(Standing.FINE if writable else Standing.WRONG, "folder of the database", said)
    if file.exists():
        open_to_others = file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        said = f"others on this machine can read it: chmod 600 {file}" if open_to_others else "its owner's alone"
        yield Check(Standing.ODD if open_to_others else Standing.FINE, "file of the database", said)


def _postgres(database: Database) -> Iterator[Check]:
    with database.engine.connect() as connection:
        yield Check(Standing.FINE, "PostgreSQL", str(connection.exec_driver_sql("SHOW server_version").scalar()))
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            found = str(connection.exec_driver_sql(f"SHOW {setting}").scalar())
            kept = "what was acknowledged survives a power cut" if found == "on" else "a power cut may lose answers"
            yield Check(Standing.FINE if found == "on" else Standing.WRONG, setting, f"{found}: {kept}")
