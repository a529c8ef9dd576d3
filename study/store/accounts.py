"""People who sign in: accounts, one-time links, signed-in browsers.

Tokens come from the caller and only their digests are kept; password hashes are made and checked by the caller too.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import Connection, bindparam, delete, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from study.db import is_writing
from study.errors import StudyError
from study.store import events
from study.tables import (
    STAFF,
    AccountRow,
    LoginRow,
    OutboxRow,
    Role,
    TicketPurpose,
    TicketRow,
    metadata,
)

ACCOUNT = metadata.tables["account"]
LOGIN = metadata.tables["login"]

T = TypeVar("T")

_ADDRESS = re.compile(
    r"(?=[^@]{1,64}@)[a-z0-9!#$%&'*+/=?^_~-]+(\.[a-z0-9!#$%&'*+/=?^_~-]+)*"
    r"@[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+"
)
"""A name and a host, and nothing that stands between addresses, quotes them or comments on them."""

_WHO = (  # built once: it runs on every request
    select_columns(ACCOUNT.c.id, ACCOUNT.c.email, ACCOUNT.c.role)
    .select_from(LOGIN.join(ACCOUNT, ACCOUNT.c.id == LOGIN.c.account_id))
    .where(LOGIN.c.token_sha256 == bindparam("token_sha256"), LOGIN.c.expires_at_us >= bindparam("at_us"))
    .where(ACCOUNT.c.disabled_at_us.is_(None))
)


class Refused(StudyError):
    """An account, a link or a sign-in that is refused, with what to do next."""


@dataclass(frozen=True, slots=True)
class Who:
    """The signed-in person."""

    id: UUID
    email: str
    role: Role


def digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def normal(email: str) -> str:
    """The one spelling under which an address is kept: exactly one recipient, in ASCII.

    Raises Refused for what cannot be an address, and for what a mail program could take for two, or for another.
    """
    written = email.strip()
    spelled = written.lower()
    if not (written.isascii() and len(spelled) <= 254 and _ADDRESS.fullmatch(spelled)) or "=?" in spelled:
        raise Refused(f"{written!r} is not an e-mail address.")
    return spelled


def add_staff(session: Session, email: str, role: Role, *, actor_id: UUID | None, at_us: int) -> AccountRow:
    """An account for staff, without a password yet. The same address again may get another staff role."""
    if role not in STAFF:
        raise Refused(f"{role} is not a role of staff.")
    spelled = normal(email)
    account = by_email(session, spelled)
    if account is None:
        account = AccountRow(email=spelled, role=role, created_at_us=at_us)
        session.add(account)
    elif account.role == Role.READER:
        raise Refused(f"{spelled} is enrolled as a physician, and whoever reads cases may not watch the study.")
    account.role = role
    events.record(session, account, "role given", at_us=at_us, actor_id=actor_id, body={"role": role.value})
    return account


def held(session: Session, query: SelectOfScalar[T]) -> SelectOfScalar[T]:
    """The rows for update within a unit of work, where they may be changed; a mere look holds nothing."""
    return query.with_for_update() if is_writing(session) else query


def by_email(session: Session, email: str) -> AccountRow | None:
    query = select(AccountRow).where(col(AccountRow.email) == email)
    return session.exec(held(session, query)).one_or_none()


def by_id(session: Session, account_id: UUID) -> AccountRow:
    query = select(AccountRow).where(col(AccountRow.id) == account_id)
    return session.exec(held(session, query)).one()


def issue_password_ticket(session: Session, account: AccountRow, token: str, *, at_us: int, ttl_us: int) -> None:
    """A fresh link to set a password. Earlier ones end, as earlier invitations do."""
    end_password_tickets(session, account, at_us=at_us)
    session.add(
        TicketRow(
            token_sha256=digest(token),
            purpose=TicketPurpose.PASSWORD,
            account_id=account.id,
            created_at_us=at_us,
            expires_at_us=at_us + ttl_us,
        )
    )


def usable_ticket(session: Session, token: str, purpose: TicketPurpose, *, at_us: int) -> TicketRow:
    """The ticket behind a link. Looking at it never uses it up. Raises Refused with what to do next."""
    query = select(TicketRow).where(col(TicketRow.token_sha256) == digest(token))
    ticket = session.exec(held(session, query)).one_or_none()
    if ticket is None or ticket.purpose != purpose:
        raise Refused("This link is not known here. It may have been copied incompletely.")
    if ticket.used_at_us is not None:
        raise Refused("This link has been used already. If it was you, sign in with your e-mail and password.")
    if at_us > ticket.expires_at_us:
        raise Refused("This link has expired. Ask for a new one; nothing else is lost.")
    return ticket


def use_ticket(session: Session, ticket: TicketRow, *, at_us: int) -> None:
    """Claimed by one conditional update, so that of two people with one link one wins."""
    claim = (
        update(TicketRow)
        .where(col(TicketRow.token_sha256) == ticket.token_sha256, col(TicketRow.used_at_us).is_(None))
        .values(used_at_us=at_us)
        .execution_options(synchronize_session=False)
    )
    if session.connection().execute(claim).rowcount != 1:
        raise Refused("This link has been used already. If it was you, sign in with your e-mail and password.")


def set_password(session: Session, account: AccountRow, password_hash: str, *, at_us: int) -> None:
    """Every browser that was signed in with the old one is signed out, and other links to set one end."""
    account.password_hash = password_hash
    end_logins(session, account.id)
    end_password_tickets(session, account, at_us=at_us)
    events.record(session, account, "password set", at_us=at_us, actor_id=account.id)


def end_password_tickets(session: Session, account: AccountRow, *, at_us: int) -> None:
    """Links to set a password that were not used yet end now."""
    others = update(TicketRow).where(
        col(TicketRow.account_id) == account.id,
        col(TicketRow.purpose) == TicketPurpose.PASSWORD.value,
        col(TicketRow.used_at_us).is_(None),
        col(TicketRow.expires_at_us) >= at_us,
    )
    session.exec(others.values(expires_at_us=at_us - 1).execution_options(synchronize_session=False))


def start_login(session: Session, verified: AccountRow, token: str, *, at_us: int, ttl_us: int) -> None:
    """Sign in a browser. `verified`: the account as it stood when its password, or its link, was checked.

    Raises Refused where the password was changed or the account was closed since then.
    """
    account = by_id(session, verified.id)
    if account.password_hash != verified.password_hash or account.disabled_at_us is not None:
        raise Refused("The password of this account was changed, or the account was closed, at this moment.")
    session.exec(delete(LoginRow).where(col(LoginRow.expires_at_us) < at_us))
    session.add(
        LoginRow(token_sha256=digest(token), account_id=account.id, created_at_us=at_us, expires_at_us=at_us + ttl_us)
    )
    events.record(session, account, "signed in", at_us=at_us, actor_id=account.id)


def who(connection: Connection, token: str, *, at_us: int) -> Who | None:
    """Whose browser has this token. One statement, asked with every request."""
    row = connection.execute(_WHO, {"token_sha256": digest(token), "at_us": at_us}).one_or_none()
    return None if row is None else Who(row.id, row.email, Role(row.role))


def end_login(session: Session, token: str, *, at_us: int) -> None:
    """Sign out one browser. One that is signed out already changes nothing."""
    login = session.exec(select(LoginRow).where(col(LoginRow.token_sha256) == digest(token))).one_or_none()
    if login is None:
        return
    account = by_id(session, login.account_id)
    ended = delete(LoginRow).where(col(LoginRow.token_sha256) == digest(token))
    if session.connection().execute(ended).rowcount == 1:
        events.record(session, account, "signed out", at_us=at_us, actor_id=account.id)


def note_failed_sign_in(session: Session, account_id: UUID, *, at_us: int) -> None:
    """Somebody tried a password that was not the account's, or whose account is closed."""
    events.record(session, by_id(session, account_id), "sign-in failed", at_us=at_us, actor_id=None)


def end_logins(session: Session, account_id: UUID) -> None:
    session.exec(delete(LoginRow).where(col(LoginRow.account_id) == account_id))


def post(session: Session, recipient: str, subject: str, body: str, *, at_us: int) -> None:
    """Put a mail in the outbox, in the transaction that decided on it."""
    session.add(OutboxRow(recipient=recipient, subject=" ".join(subject.split()), body=body, created_at_us=at_us))
