"""Readers: invited, joined, withdrawn. Joining is consent, an account and an assignment in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from uuid import UUID

from sqlmodel import Session, col, func, select

from study.allocation import allocate
from study.case import CaseId
from study.db import is_writing
from study.errors import StudyError
from study.progress import NotNow
from study.protocol import Arm, Protocol
from study.store import accounts, events, outages
from study.store.accounts import Refused
from study.tables import (
    AccountRow,
    ReaderRow,
    ReadingRow,
    RespondentRow,
    Role,
    StudyRow,
    StudyState,
    TicketPurpose,
    TicketRow,
)


class NoSuchReader(StudyError):
    """There is no such reader, or not for whoever asks."""


class AgreedToOther(StudyError):
    """The study was changed after the page that somebody agreed to was made: they must be asked again."""


@dataclass(frozen=True, slots=True)
class Invitee:
    """One person to invite. Strata are the PI's own words, for example `{"site": "north"}`."""

    email: str
    full_name: str = ""
    strata: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """A reader in one study, as their pages show it.

    `sitting_us`: when their sitting began and when it ends; None: it has not begun, or has no end.
    """

    reader: ReaderRow
    study: StudyRow
    readings: tuple[ReadingRow, ...]
    sitting_us: tuple[int, int] | None


def invite(
    session: Session,
    study: StudyRow,
    invitee: Invitee,
    *,
    arm: Arm,
    actor_id: UUID | None,
    at_us: int,
    test: bool = False,
) -> ReaderRow:
    """Enter a person on the roster. Whoever stands there already is given back as they are."""
    if _held_state(session, study.id) is StudyState.LOCKED:
        raise Refused("The study is locked: nobody can be invited any more.")
    email = accounts.normal(invitee.email)
    query = select(ReaderRow).where(col(ReaderRow.study_id) == study.id, col(ReaderRow.email) == email)
    known = session.exec(query).one_or_none()
    if known is not None:
        return known
    account = accounts.by_email(session, email)
    if account is not None and account.role != Role.READER:
        raise Refused(f"{email} belongs to the study's staff, who may not read its cases.")
    respondent = RespondentRow(study_id=study.id, kind="physician", label=_free_label(session, study))
    session.add(respondent)
    session.flush()
    reader = ReaderRow(
        study_id=study.id,
        respondent_id=respondent.id,
        email=email,
        full_name=" ".join(invitee.full_name.split()),
        strata=dict(invitee.strata or {}),
        arm=arm.id,
        test=test,
        invited_at_us=at_us,
    )
    session.add(reader)
    events.record(session, reader, "invited", at_us=at_us, actor_id=actor_id, body={"test": test})
    return reader


def _held_state(session: Session, study_id: UUID) -> StudyState:
    """The study's state as it is now. Until the end of this unit of work nobody else invites, assigns or locks."""
    query = select(col(StudyRow.state)).where(col(StudyRow.id) == study_id)
    return StudyState(session.exec(accounts.held(session, query)).one())


def _free_label(session: Session, study: StudyRow) -> str:
    """The next pseudonym, whatever names the systems have."""
    taken = set(session.exec(select(col(RespondentRow.label)).where(col(RespondentRow.study_id) == study.id)))
    readers = session.exec(select(func.count()).select_from(ReaderRow).where(col(ReaderRow.study_id) == study.id)).one()
    return next(label for number in count(readers + 1) if (label := f"R{number:03d}") not in taken)


def issue_join_ticket(session: Session, reader: ReaderRow, token: str, *, at_us: int, ttl_us: int) -> None:
    """A fresh invitation link. Earlier ones end, so that only the newest mail in an inbox works."""
    query = select(TicketRow).where(
        col(TicketRow.study_id) == reader.study_id,
        col(TicketRow.respondent_id) == reader.respondent_id,
        col(TicketRow.used_at_us).is_(None),
    )
    for earlier in session.exec(query):
        earlier.expires_at_us = min(earlier.expires_at_us, at_us - 1)
        session.add(earlier)
    session.add(
        TicketRow(
            token_sha256=accounts.digest(token),
            purpose=TicketPurpose.JOIN,
            study_id=reader.study_id,
            respondent_id=reader.respondent_id,
            created_at_us=at_us,
            expires_at_us=at_us + ttl_us,
        )
    )
    reader.invitation_sent_at_us = at_us
    session.add(reader)


def is_ticket(session: Session, token: str) -> bool:
    """Whether a link with this token was ever issued, used or not."""
    return session.get(TicketRow, accounts.digest(token)) is not None


def invited_by(session: Session, token: str, *, at_us: int) -> tuple[ReaderRow, StudyRow]:
    """Whom a link invites to what. Looking never uses it up; in a unit of work the study is held, then the reader."""
    if is_writing(session):
        of_link = select(col(TicketRow.study_id)).where(col(TicketRow.token_sha256) == accounts.digest(token))
        study_ids = select(col(StudyRow.id)).where(col(StudyRow.id).in_(of_link))
        session.exec(accounts.held(session, study_ids)).all()
    ticket = accounts.usable_ticket(session, token, TicketPurpose.JOIN, at_us=at_us)
    query = select(ReaderRow).where(
        col(ReaderRow.study_id) == ticket.study_id, col(ReaderRow.respondent_id) == ticket.respondent_id
    )
    reader = session.exec(accounts.held(session, query)).one()
    study = session.exec(select(StudyRow).where(col(StudyRow.id) == reader.study_id)).one()
    if reader.joined_at_us is not None:
        raise Refused("You have joined this study already. Sign in with your e-mail and password.")
    if reader.withdrawn_at_us is not None:
        raise Refused("This invitation was withdrawn. Nothing more is needed from you.")
    if study.state == StudyState.LOCKED:
        raise Refused("The study is complete: no further physician can join.")
    return reader, study


def join(
    session: Session,
    token: str,
    *,
    protocol: Protocol,
    cases: Sequence[CaseId],
    bundle_digest: str,
    consent_sha256: str,
    password_hash: str | None,
    at_us: int,
) -> AccountRow:
    """Consent, the account and the assignment, all or nothing; the link is used up here and only here.

    `bundle_digest`: of the files whose consent was shown, and whose protocol and cases these are. Raises AgreedToOther
    where the study has others by now. `password_hash` None: the address has an account already, and its password was
    checked by the caller.
    """
    reader, study = invited_by(session, token, at_us=at_us)
    if study.bundle_digest != bundle_digest:
        raise AgreedToOther("The study was changed while you read. Please read once more what you agree to.")
    accounts.use_ticket(session, accounts.usable_ticket(session, token, TicketPurpose.JOIN, at_us=at_us), at_us=at_us)
    account = accounts.by_email(session, reader.email)
    if account is None:
        if password_hash is None:
            raise Refused("A password is needed to join.")
        account = AccountRow(email=reader.email, role=Role.READER, created_at_us=at_us)
        session.add(account)
        session.flush()
    elif account.role != Role.READER:
        raise Refused("This address belongs to the study's staff, who may not read its cases.")
    elif account.disabled_at_us is not None:
        raise Refused("The account of this address is closed. Please write to the study team.")
    elif (account.password_hash is None) is (password_hash is None):
        raise Refused("This address has an account by now. Open the link again, and join with its password.")
    if password_hash is not None:
        accounts.set_password(session, account, password_hash, at_us=at_us)
    reader.account_id, reader.joined_at_us, reader.consent_sha256 = account.id, at_us, consent_sha256
    assigned = _assign(session, reader, study, protocol=protocol, cases=cases)
    body = {
        "bundle_digest": bundle_digest,
        "consent_sha256": consent_sha256,
        "assigned": [str(case) for case in assigned],
        "seed": protocol.seed,
    }
    events.record(session, reader, "joined", at_us=at_us, actor_id=account.id, body=body)
    return account


def _assign(
    session: Session, reader: ReaderRow, study: StudyRow, *, protocol: Protocol, cases: Sequence[CaseId]
) -> tuple[CaseId, ...]:
    counted = (
        select(col(ReadingRow.case_id), func.count())
        .join(ReaderRow, col(ReaderRow.respondent_id) == col(ReadingRow.respondent_id))
        .where(
            col(ReadingRow.study_id) == study.id,
            col(ReaderRow.study_id) == study.id,
            col(ReaderRow.test) == reader.test,
            col(ReaderRow.withdrawn_at_us).is_(None),
        )
        .group_by(col(ReadingRow.case_id))
    )
    chosen = allocate(
        protocol.seed,
        str(reader.respondent_id),
        cases,
        per_reader=protocol.allocation.cases_per_reader,
        anchors=protocol.allocation.anchors,
        reads={CaseId(case): reads for case, reads in session.exec(counted)},
    )
    session.add_all(
        ReadingRow(
            study_id=study.id,
            respondent_id=reader.respondent_id,
            case_id=case,
            arm=reader.arm,
            position=position,
        )
        for position, case in enumerate(chosen, start=1)
    )
    return chosen


def places(session: Session, account_id: UUID) -> list[Place]:
    """Every study that the account reads in, newest invitation first."""
    query = (
        select(ReaderRow, StudyRow)
        .join(StudyRow, col(StudyRow.id) == col(ReaderRow.study_id))
        .where(col(ReaderRow.account_id) == account_id)
        .order_by(col(ReaderRow.joined_at_us).desc())
    )
    return [_place(session, reader, study) for reader, study in session.exec(query)]


def place(session: Session, respondent_id: UUID, account_id: UUID) -> Place:
    """The account's own place. Raises NoSuchReader for somebody else's."""
    for found in places(session, account_id):
        if found.reader.respondent_id == respondent_id:
            return found
    raise NoSuchReader("There is no such place for you.")


def _place(session: Session, reader: ReaderRow, study: StudyRow) -> Place:
    theirs = _readings(session, reader)
    sitting_us = outages.sitting_us(session, reader.study_id, reader.respondent_id, theirs)
    return Place(reader, study, theirs, sitting_us)


def _readings(session: Session, reader: ReaderRow) -> tuple[ReadingRow, ...]:
    query = (
        select(ReadingRow)
        .where(
            col(ReadingRow.study_id) == reader.study_id,
            col(ReadingRow.respondent_id) == reader.respondent_id,
        )
        .order_by(col(ReadingRow.position))
    )
    return tuple(session.exec(query))


def reader_of(session: Session, study_id: UUID, respondent_id: UUID) -> ReaderRow:
    """A reader of this study, held for update after the study itself: whoever needs both holds them in that order.

    Raises NoSuchReader.
    """
    if is_writing(session):
        session.exec(accounts.held(session, select(col(StudyRow.id)).where(col(StudyRow.id) == study_id))).all()
    query = select(ReaderRow).where(col(ReaderRow.study_id) == study_id, col(ReaderRow.respondent_id) == respondent_id)
    found = session.exec(accounts.held(session, query)).one_or_none()
    if found is None:
        raise NoSuchReader("There is no such reader in this study.")
    return found


def withdraw(session: Session, reader: ReaderRow, *, reason: str, actor_id: UUID | None, at_us: int) -> None:
    """A fact of the reader; the readings stay as they are. Withdrawing again changes nothing.

    Raises NotNow after the lock: what was locked is analysed as it stood.
    """
    if reader.withdrawn_at_us is not None:
        return
    if _held_state(session, reader.study_id) is StudyState.LOCKED:
        raise NotNow(
            "The study is locked: its record no longer changes, and nothing more is asked of you. If you want your "
            "answers to be removed, please write to the study team."
        )
    reader.withdrawn_at_us, reader.withdrawn_reason, reader.withdrawn_by = at_us, reason, actor_id
    events.record(session, reader, "withdrawn", at_us=at_us, actor_id=actor_id, body={"reason": reason})


ACCOMMODATIONS = (100, 125, 150, 200)
"""Per cent of the limit that a reader may be given."""


def set_accommodation(session: Session, reader: ReaderRow, percent: int, *, actor_id: UUID | None, at_us: int) -> None:
    """A longer limit for one reader, fixed before their first case. The same again changes nothing.

    Raises NotNow once a case was begun: a limit that changes in between would make the reader's cases unlike. And
    after the lock.
    """
    if _held_state(session, reader.study_id) is StudyState.LOCKED:
        raise NotNow("The study is locked: its record no longer changes.")
    if percent not in ACCOMMODATIONS:
        raise NotNow(f"{percent} % is not a limit that can be set.")
    begun = session.exec(
        select(func.count())
        .select_from(ReadingRow)
        .where(
            col(ReadingRow.study_id) == reader.study_id,
            col(ReadingRow.respondent_id) == reader.respondent_id,
            col(ReadingRow.opened_at_us).is_not(None),
        )
    ).one()
    if begun:
        raise NotNow("This reader has begun a case: the limit stays as it was for all of their cases.")
    if reader.accommodation_percent == percent:
        return
    body = {"from": reader.accommodation_percent, "percent": percent}
    reader.accommodation_percent = percent
    events.record(session, reader, "accommodation set", at_us=at_us, actor_id=actor_id, body=body)
