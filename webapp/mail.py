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
from study.store import outbox
from study.tables import OutboxRow
from webapp.links import token_in
from webapp.settings import Settings

TIMEOUT_S = 20
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
    """Send what waits, outside any transaction; returns how many were sent.

    One mail that fails stops no other. A server that cannot be reached ends the round: every mail would wait for it.
    """
    waiting = database.write(lambda session: _waiting(session, clock()))
    sent = 0
    for mail in waiting:
        failure = _tried(mail, send)
        _note(database, mail, failure, clock)
        if failure is None:
            sent += 1
        elif isinstance(failure, OSError) and not isinstance(failure, smtplib.SMTPException):
            break
    return sent


def forget_dead_links(database: Database, *, at_us: int) -> None:
    """With a mail server or without one: a link that has ended is kept nowhere."""
    with database.read() as session:
        if not outbox.any_waiting(session):
            return
    database.write(lambda session: outbox.forget_dead(session, token_in, at_us=at_us))


def _waiting(session: Session, at_us: int) -> list[Mail]:
    rows = outbox.ripe(session, at_us=at_us, most=AT_ONCE)
    return [Mail(row.id, row.recipient, row.subject, row.body) for row in rows]


def _tried(mail: Mail, send: Send) -> Exception | None:
    """What went wrong. Anything may: the text of a mail and its address come from people."""
    try:
        send(mail)
    except Exception as error:
        log.warning("mail not sent", mail=str(mail.id), reason=type(error).__name__)
        return error
    return None


def _note(database: Database, mail: Mail, failure: Exception | None, clock: Callable[[], int]) -> None:
    def note(session: Session) -> None:
        row = session.get_one(OutboxRow, mail.id, with_for_update=True)
        outbox.note(session, row, None if failure is None else _kind(failure), at_us=clock())

    database.write(note)


def _kind(failure: Exception) -> str:
    """The kind alone, with the server's code: its words may hold anything."""
    code = getattr(failure, "smtp_code", None)
    return type(failure).__name__ if code is None else f"{type(failure).__name__} {code}"


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
