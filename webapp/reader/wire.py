"""What a page's script sends and asks: saves, the lease, presence, the clock. JSON, acknowledged only after commit."""

from uuid import UUID

from flask import request
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from study.draft import Unacceptable
from study.store import answering, leases, presence, readings
from study.store.answering import Closed, Moved, Saved, Stale
from study.store.readings import Found
from webapp import deps
from webapp.reader import gather, pages
from webapp.reader.blueprint import bp


@bp.post("/readings/<uuid:reading_id>/saves")
def save(reading_id: UUID) -> ResponseReturnValue:
    """One change after another."""
    me, at_us, body = deps.my_id(), deps.now_us(), _sent()

    def work(session: Session) -> tuple[Saved | Stale | Moved | Closed, list[str]]:
        found = readings.of_reader(session, reading_id, me, for_update=True, key=pages.key_of(body))
        sent, otherwise = pages.parse_save(body, gather.content(found).cases[found.row.case_id])
        return answering.save(session, found, sent, at_us=at_us), otherwise

    outcome, otherwise = deps.database().write(work)
    return pages.answer_to_save(outcome, at_us, otherwise)


@bp.post("/readings/<uuid:reading_id>/lease")
def lease(reading_id: UUID) -> ResponseReturnValue:
    """A page asks to write: when it opens, and when its reader says to continue here.

    It has no key. Where the network brings a take once more after another page took the case, it is taken back: no
    answer is lost to that, the other page is told with its next save or beat, and an event tells the change of hands.
    """
    me, at_us = deps.my_id(), deps.now_us()
    wanted, asked = pages.parse_lease(_sent())

    def work(session: Session) -> Found | Moved | Closed:
        found = readings.of_reader(session, reading_id, me, for_update=True)
        return leases.take(session, found, wanted, asked=asked, at_us=at_us)

    return pages.answer_to_lease(deps.database().write(work), at_us)


@bp.post("/readings/<uuid:reading_id>/beat")
def beat(reading_id: UUID) -> ResponseReturnValue:
    """A page says how long it was looked at, and is told the time; lost ones are made good by the next."""
    me, at_us = deps.my_id(), deps.now_us()
    told = pages.parse_beat(_sent())

    def work(session: Session) -> Found | Moved | Closed:
        found = readings.of_reader(session, reading_id, me, for_update=True)
        return presence.beat(session, found, told, at_us=at_us)

    return pages.answer_to_beat(deps.database().write(work), at_us)


@bp.get("/readings/<uuid:reading_id>/clock")
def clock(reading_id: UUID) -> ResponseReturnValue:
    """What the server's clock says, for a page that slept, came back, or lost its session in between."""
    return pages.clock(gather.reading(reading_id), deps.now_us())


def _sent() -> object:
    """The JSON of a request. Raises Unacceptable where it is nested so deeply that it cannot be read at all."""
    try:
        return request.get_json()
    except RecursionError:
        raise Unacceptable("A save must be one JSON object, and is none that this form could have made.") from None
