"""Sending the outbox. A mail is sent at least once; one that fails is tried again, later each time."""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from uuid import UUID

import structlog
from sqlmodel import Session

from study.db import Database
from study.store import accounts
from study.tables import OutboxRow
from study.timing import SECOND_US
from webapp.settings import Settings

TIMEOUT_S = 20
FIRST_WAIT_US = 30 * SECOND_US
AT_ONCE = 200

log = structlog.get_logger("mail")


@dataclass(frozen=True, slots=True)
class Mail:
    id: UUID
    recipient: str
    subject: str
    body: str


Send = Callable[[Mail], None]


def deliver(database: Database, send: Send, *, clock: Callable[[], int]) -> int:
    """Send what waits, outside any transaction; returns how many were sent."""
    waiting = database.write(lambda session: _waiting(session, clock()))
    return sum(_deliver(database, mail, send, clock) for mail in waiting)


def _waiting(session: Session, at_us: int) -> list[Mail]:
    """Those whose turn it is: each failure doubles the wait."""
    rows = accounts.unsent(session, most=AT_ONCE)
    ripe = [row for row in rows if at_us >= row.created_at_us + FIRST_WAIT_US * (2**row.tries - 1)]
    return [Mail(row.id, row.recipient, row.subject, row.body) for row in ripe]


def _deliver(database: Database, mail: Mail, send: Send, clock: Callable[[], int]) -> bool:
    failure = None
    try:
        send(mail)
    except (OSError, smtplib.SMTPException, ValueError) as error:
        failure = f"{type(error).__name__}: {error}"
        log.warning("mail not sent", mail=str(mail.id), reason=type(error).__name__)

    def note(session: Session) -> None:
        row = session.get_one(OutboxRow, mail.id, with_for_update=True)
        row.tries += 1
        row.failure = failure
        if failure is None:
            row.sent_at_us = clock()
            row.body = ""  # a link is a secret: once it is on its way only its digest is kept
        session.add(row)

    database.write(note)
    return failure is None


def sender(settings: Settings) -> Send:
    """Sends one mail by the server of the settings."""

    def send(mail: Mail) -> None:
        with _connected(settings) as server:
            server.send_message(message(mail, settings))

    return send


@contextmanager
def _connected(settings: Settings) -> Iterator[smtplib.SMTP]:
    with smtplib.SMTP(settings.smtp_host, settings.smtp_port, timeout=TIMEOUT_S) as server:
        if settings.smtp_starttls:
            server.starttls(context=ssl.create_default_context())
        if settings.smtp_user:
            server.login(settings.smtp_user, settings.smtp_password.get_secret_value())
        yield server


def message(mail: Mail, settings: Settings) -> EmailMessage:
    """The same mail sent twice carries the same id, so that a mailbox may know it again."""
    written = EmailMessage()
    written["From"] = settings.mail_from or settings.contact_email
    written["To"] = mail.recipient
    written["Subject"] = mail.subject
    written["Date"] = format_datetime(datetime.now(UTC))
    written["Message-ID"] = f"<{mail.id}@primum.invalid>"
    written.set_content(mail.body)
    return written
