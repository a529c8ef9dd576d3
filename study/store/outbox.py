"""The outbox: mail that waits, each failure for longer, and links in it that are forgotten once they lead nowhere."""

from collections.abc import Callable

from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from study.store.accounts import digest
from study.tables import OutboxRow, TicketRow
from study.timing import SECOND_US

MOST_TRIES = 8
FIRST_WAIT_US = 30 * SECOND_US

TokenIn = Callable[[str], str | None]
"""The token of the link in a mail's body; None: there is no link in it."""


def any_waiting(session: Session) -> bool:
    """Whether anything is still to be sent: a look that takes no lock."""
    return session.exec(_waiting().limit(1)).first() is not None


def _waiting() -> SelectOfScalar[OutboxRow]:
    return select(OutboxRow).where(col(OutboxRow.sent_at_us).is_(None), col(OutboxRow.tries) < MOST_TRIES)


def ripe(session: Session, *, at_us: int, most: int) -> list[OutboxRow]:
    """Those whose turn it is, the least often tried first: what always fails stands in nobody's way."""
    query = _waiting().order_by(col(OutboxRow.tries), col(OutboxRow.created_at_us)).with_for_update(skip_locked=True)
    found = [row for row in session.exec(query) if at_us >= row.created_at_us + FIRST_WAIT_US * (2**row.tries - 1)]
    return found[:most]


def forget_dead(session: Session, token_in: TokenIn, *, at_us: int) -> int:
    """Mail whose link has expired or was ended in the meantime is never sent; how many there were."""
    waiting = session.exec(_waiting().with_for_update(skip_locked=True)).all()
    dead = [row for row in waiting if _is_dead(session, row, token_in, at_us)]
    for row in dead:
        row.tries, row.failure, row.body = MOST_TRIES, "the link in it has ended", ""
        session.add(row)
    return len(dead)


def _is_dead(session: Session, row: OutboxRow, token_in: TokenIn, at_us: int) -> bool:
    token = token_in(row.body)
    ticket = None if token is None else session.get(TicketRow, digest(token))
    return ticket is not None and (ticket.used_at_us is not None or at_us > ticket.expires_at_us)


def note(session: Session, row: OutboxRow, failure: str | None, *, at_us: int) -> None:
    """One more try. A link is a secret: once it is on its way, or was tried for the last time, it is forgotten."""
    row.tries += 1
    row.failure = failure
    if failure is None:
        row.sent_at_us = at_us
    if failure is None or row.tries >= MOST_TRIES:
        row.body = ""
    session.add(row)
