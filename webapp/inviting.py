"""Inviting physicians, from the page and from the command line alike: one rule for who gets a link, and one mail."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from sqlmodel import Session

from study.protocol import Arm
from study.store import accounts, enrolment, events
from study.store.enrolment import Invitee
from study.store.studies import StudyRefuses
from study.tables import ReaderRow, StudyRow
from study.timing import SECOND_US
from webapp.content import Content
from webapp.links import join_link
from webapp.pi import letter
from webapp.settings import Settings

DAY_US = 24 * 3600 * SECOND_US
TokenOf = Callable[[UUID], str]
"""The token that a reader's link is made of, by the respondent's id."""


class Outcome(StrEnum):
    """What inviting came to, as it is said."""

    INVITED = "invited"
    KNOWN = "stands on the roster already"
    JOINED = "has joined already"
    WITHDRAWN = "has withdrawn"


@dataclass(frozen=True, slots=True)
class Invited:
    """`link` None: whoever stood on the roster already is left as they are."""

    email: str
    outcome: Outcome
    link: str | None = None


def invite_and_post(
    session: Session,
    study: StudyRow,
    invitee: Invitee,
    *,
    content: Content,
    settings: Settings,
    arm: Arm,
    token_of: TokenOf,
    actor_id: UUID | None,
    at_us: int,
    test: bool = False,
) -> Invited:
    """Enter a person on the roster, with a link and, where mail is set up, the mail that carries it."""
    reader = enrolment.invite(session, study, invitee, arm=arm, actor_id=actor_id, at_us=at_us, test=test)
    if reader.joined_at_us is not None:
        return Invited(reader.email, Outcome.JOINED)
    if reader.withdrawn_at_us is not None:
        return Invited(reader.email, Outcome.WITHDRAWN)
    if reader.invitation_sent_at_us is not None:
        return Invited(reader.email, Outcome.KNOWN)
    link = _issue(session, reader, content, settings, token_of(reader.respondent_id), at_us=at_us)
    return Invited(reader.email, Outcome.INVITED, link)


def invite_again(
    session: Session,
    reader: ReaderRow,
    *,
    content: Content,
    settings: Settings,
    token_of: TokenOf,
    actor_id: UUID | None,
    at_us: int,
) -> Invited:
    """A deed of its own: a fresh link for somebody who has not joined. The earlier one ends, and an event says so."""
    if reader.joined_at_us is not None or reader.withdrawn_at_us is not None:
        raise StudyRefuses("Whoever has joined or withdrawn needs no invitation.")
    link = _issue(session, reader, content, settings, token_of(reader.respondent_id), at_us=at_us)
    events.record(session, reader, "invited again", at_us=at_us, actor_id=actor_id)
    return Invited(reader.email, Outcome.INVITED, link)


def _issue(session: Session, reader: ReaderRow, content: Content, settings: Settings, token: str, *, at_us: int) -> str:
    link = join_link(settings, token)
    enrolment.issue_join_ticket(session, reader, token, at_us=at_us, ttl_us=settings.invitation_days * DAY_US)
    if settings.smtp_host:
        subject, body = letter.invitation(
            content,
            reader.arm,
            name=reader.full_name,
            link=link,
            days=settings.invitation_days,
            contact=settings.contact_email,
        )
        accounts.post(session, reader.email, subject, body, at_us=at_us)
    return link
