"""The only doors from a view to the site: its settings, its database, the time of arrival, and who is asking."""

from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from flask import current_app, g, session

from study.db import Database
from study.store import accounts
from study.store.accounts import Who
from webapp.content import Content, Library
from webapp.settings import Settings

LOGIN = "login"


@dataclass(frozen=True)
class Site:
    settings: Settings
    database: Database
    clock: Callable[[], int]
    library: Library = field(default_factory=Library)


def site() -> Site:
    found: Site = current_app.extensions["primum"]
    return found


def settings() -> Settings:
    return site().settings


def database() -> Database:
    return site().database


def note_arrival() -> None:
    """Taken before anything waits, so that a queue never costs a reader their time."""
    g.at_us = site().clock()


def now_us() -> int:
    at_us: int = g.at_us
    return at_us


def who() -> Who | None:
    """The signed-in person, asked of the database once a request: a browser that was signed out is out at once."""
    if "who" not in g:
        token = session.get(LOGIN)
        g.who = None
        if isinstance(token, str):
            with database().glance() as found:
                g.who = accounts.who(found, token, at_us=now_us())
    return g.who  # type: ignore[no-any-return]  # flask's g is untyped


def me() -> Who:
    """The signed-in person, on pages that a blueprint has already guarded."""
    found = who()
    if found is None:
        raise RuntimeError("a page asked who is there before its blueprint did")
    return found


def my_id() -> UUID:
    return me().id


def content(study_id: UUID, bundle_digest: str) -> Content:
    """The cases, the protocol and the consent of a study; parsed once a process for each digest."""
    return site().library.content(database(), study_id, bundle_digest)
