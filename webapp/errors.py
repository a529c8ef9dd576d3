"""Refusals on the web: which status each has, and one page for all of them."""

from uuid import UUID

import structlog
from flask import Flask, Response, g, jsonify, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException

from study.draft import Unacceptable
from study.errors import StudyError
from study.progress import NotNow
from study.store.accounts import Refused
from study.store.answering import TooMany
from study.store.conduct import CannotChange
from study.store.enrolment import AgreedToOther, NoSuchReader
from study.store.jobs import NoSuchArtefact
from study.store.readings import NoSuchReading
from study.store.studies import NoSuchStudy, StudyRefuses
from study.turns import Busy

log = structlog.get_logger()

STATUS: dict[type[StudyError], int] = {
    NoSuchReading: 404,
    NoSuchReader: 404,
    NoSuchStudy: 404,
    NoSuchArtefact: 404,
    NotNow: 409,
    StudyRefuses: 409,
    CannotChange: 409,
    AgreedToOther: 409,
    Refused: 410,
    Unacceptable: 422,
    TooMany: 429,
}
DENIALS = frozenset({403, 404})
TITLES = {
    400: "That did not work",
    403: "Not for this account",
    404: "Not here",
    405: "Not here",
    409: "Not at this time",
    410: "This link no longer works",
    413: "Too large",
    422: "Something does not fit",
    429: "Too many tries",
    503: "One moment, please",
}


def init_app(app: Flask) -> None:
    app.register_error_handler(StudyError, _study_error)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(DataError, _unstorable)
    app.register_error_handler(Busy, _no_database)
    app.register_error_handler(DBAPIError, _no_database)
    app.register_error_handler(PoolTimeout, _no_database)
    app.register_error_handler(Exception, _unforeseen)


def page(status: int, sentence: str, *, title: str | None = None) -> Response:
    """The one page for every refusal; a JSON request gets the same sentence as JSON."""
    if request.is_json:
        return make_response(jsonify(error=sentence), status)
    heading = title or TITLES.get(status, "That did not work")
    return make_response(render_template("error.html", title=heading, sentence=sentence), status)


def _study_error(error: StudyError) -> Response:
    status = next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 400)
    if status in DENIALS:
        _note_denial(status)
    return page(status, str(error))


def _stale_form(_error: CSRFError) -> Response:
    return page(
        400, "This page was open in another session. Go back, reload it, and try again: what was saved is kept."
    )


def _http_error(error: HTTPException) -> Response:
    status = error.code or 500
    if status in DENIALS and request.endpoint is not None:
        _note_denial(status)
    sentences = {
        403: "Your account may not see this page. Sign in with another one if you have it.",
        404: "There is no such page here, or not for you.",
        405: "This address takes no such request.",
        413: "What was sent is larger than this site takes.",
    }
    return page(status, sentences.get(status, error.description or "The request was not understood."))


def _note_denial(status: int) -> None:
    """Who was told that something is not for them, by ids alone: an address that is a secret is not among them."""
    found = g.get("who")
    named = {name: str(value) for name, value in (request.view_args or {}).items() if isinstance(value, UUID | int)}
    log.info(
        "denied",
        status=status,
        endpoint=request.endpoint,
        method=request.method,
        account=None if found is None else str(found.id),
        **named,
    )


def _unstorable(error: Exception) -> Response:
    """What no form catches: a number or a character that the database cannot hold. Nothing was written."""
    log.info("unstorable", kind=type(error).__name__, endpoint=request.endpoint)
    return page(422, "Something that was sent cannot be stored. Nothing of it was kept.")


def _no_database(error: Exception) -> Response:
    """Nothing half-written: the unit of work was rolled back, and the browser may try again."""
    log.error("database unreachable", kind=type(error).__name__, endpoint=request.endpoint)
    g.who = None  # the page must not ask the database who is looking at it
    response = page(503, "The site cannot reach its records just now. Nothing that was saved is lost. Try again soon.")
    response.headers["Retry-After"] = "2"
    return response


def _unforeseen(error: Exception) -> Response:
    log.exception("unforeseen error", endpoint=request.endpoint, kind=type(error).__name__)
    return page(500, "Something went wrong on our side, and was noted. What was saved is kept. Try again soon.")
