"""People as whoever runs the site names them: by their address. And the command line itself, which has one too."""

from uuid import UUID

from sqlmodel import Session, col, select

from study.store import accounts, events
from study.store.accounts import Refused
from study.tables import AccountRow, ReaderRow, Role, StudyRow

COMMAND_LINE = "command-line@primum.invalid"
"""The account in whose chain stands what was taken out by the command line. Nobody can sign in with it."""


def account_called(session: Session, email: str) -> AccountRow:
    """The account of an address, held. Raises Refused."""
    spelled = accounts.normal(email)
    found = accounts.by_email(session, spelled)
    if found is None or spelled == COMMAND_LINE:
        raise Refused(f"Nobody has an account as {spelled}.")
    return found


def reader_called(session: Session, study: StudyRow, email: str) -> ReaderRow:
    """Who stands on the roster of a study under an address, held. Raises Refused."""
    spelled = accounts.normal(email)
    query = select(ReaderRow).where(col(ReaderRow.study_id) == study.id, col(ReaderRow.email) == spelled)
    found = session.exec(accounts.held(session, query)).one_or_none()
    if found is None:
        raise Refused(f"{spelled} is not on the roster of {study.name}.")
    return found


def disable(session: Session, email: str, *, actor_id: UUID | None, at_us: int) -> AccountRow:
    """Sign somebody of the staff out everywhere, and let them in no more. Again, it changes nothing."""
    account = _staff_called(session, email)
    if account.disabled_at_us is not None:
        return account
    account.disabled_at_us = at_us
    accounts.end_logins(session, account.id)
    accounts.end_password_tickets(session, account, at_us=at_us)
    events.record(session, account, "disabled", at_us=at_us, actor_id=actor_id)
    return account


def enable(session: Session, email: str, *, actor_id: UUID | None, at_us: int) -> AccountRow:
    """Let somebody in again, with the password that they had. Again, it changes nothing."""
    account = _staff_called(session, email)
    if account.disabled_at_us is None:
        return account
    account.disabled_at_us = None
    events.record(session, account, "enabled", at_us=at_us, actor_id=actor_id)
    return account


def _staff_called(session: Session, email: str) -> AccountRow:
    account = account_called(session, email)
    if account.role == Role.READER:
        raise Refused(f"{account.email} reads cases: a reader is withdrawn from a study, on their page.")
    return account


def note_export(
    session: Session, account: AccountRow, study: StudyRow, *, sha256: str, actor_id: UUID | None, at_us: int
) -> None:
    """Who took what out of which study: in the chain of who did, because a locked study's no longer changes."""
    body = {"study": study.name, "state": str(study.state), "sha256": sha256}
    events.record(session, account, "exported", at_us=at_us, actor_id=actor_id, body=body)


def command_line(session: Session, *, at_us: int) -> AccountRow:
    """The command line's own account, made when it is first needed: disabled, and without a password."""
    found = accounts.by_email(session, COMMAND_LINE)
    if found is None:
        found = AccountRow(email=COMMAND_LINE, role=Role.OWNER, created_at_us=at_us, disabled_at_us=at_us)
        session.add(found)
        session.flush()
    return found
