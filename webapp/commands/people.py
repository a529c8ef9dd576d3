"""`primum staff add` and `primum invite`: accounts, rosters and one-time links."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from webapp import links
from webapp.commands.database import configured, now_us, opened
from webapp.commands.output import say

if TYPE_CHECKING:
    from sqlmodel import Session

    from study.protocol import Arm, Protocol
    from study.store.enrolment import Invitee
    from webapp.settings import Settings

staff = typer.Typer(no_args_is_help=True, help="People who run the study.")
HOUR_US = 3_600_000_000


@staff.callback()
def _staff() -> None:
    """People who run the study."""


@staff.command("add")
def add(
    email: Annotated[str, typer.Argument(metavar="EMAIL")],
    role: Annotated[str, typer.Option(help="owner, pi or statistician.")],
) -> None:
    """Make an account for staff and print its one-time link to set a password."""
    from study.store import accounts
    from study.tables import STAFF, Role

    if role not in STAFF:
        raise typer.BadParameter(f"{role!r} is not one of {', '.join(STAFF)}.", param_hint="--role")
    settings, token = configured(), secrets.token_urlsafe(24)
    link = links.password_link(settings, token)

    def work(session: "Session") -> str:
        at_us = now_us()
        account = accounts.add_staff(session, email, Role(role), actor_id=None, at_us=at_us)
        ttl_us = settings.password_link_hours * HOUR_US
        accounts.issue_password_ticket(session, account, token, at_us=at_us, ttl_us=ttl_us)
        if settings.smtp_host:
            accounts.post(session, account.email, *links.staff_letter(settings, link), at_us=at_us)
        return account.email

    with opened(settings) as database:
        say(f"{database.write(work)}\t{link}")


def invite(
    name: Annotated[str, typer.Option("--study", metavar="ID", help="The study's id.")],
    emails: Annotated[list[str] | None, typer.Argument(metavar="[EMAIL]...")] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Columns email and name; any other is a stratum.")
    ] = None,
    arm: Annotated[str | None, typer.Option(help="The arm; of several one is drawn by hash.")] = None,
    test: Annotated[bool, typer.Option("--test", help="Test readers: for rehearsals, never in a result.")] = False,
) -> None:
    """Enter physicians on the roster and print their one-time links; mail them where SMTP is set."""
    from study.store.enrolment import Invitee
    from webapp.commands.answers import read_file
    from webapp.pi.invitees import parse_invitees

    if bool(emails) == bool(csv):
        raise typer.BadParameter("Give e-mail addresses, or --csv FILE.", param_hint="EMAIL")
    if csv is not None:
        people = [person for _, person in parse_invitees(read_file(csv), csv.name)]
    else:
        people = [Invitee(email) for email in emails or ()]
    for email, link in invited(configured(), name, people, arm=arm, test=test):
        say(f"{email}\t{link}")


def invited(
    settings: "Settings", name: str, people: "list[Invitee]", *, arm: str | None, test: bool
) -> list[tuple[str, str]]:
    """Everybody or nobody: (address, link) of each. Raises StudyError where one of them cannot be invited."""
    from study.bundle_content import parse_content
    from study.store import accounts, enrolment, studies
    from webapp.content import Content
    from webapp.pi import letter

    tokens = [secrets.token_urlsafe(24) for _ in people]

    def work(session: "Session") -> list[tuple[str, str]]:
        at_us, study = now_us(), studies.by_name(session, name)
        content = Content(*parse_content(studies.files(session, study.id)))
        said = []
        for person, token in zip(people, tokens, strict=True):
            chosen = arm_of(content.protocol, arm, person.email)
            reader = enrolment.invite(session, study, person, arm=chosen, actor_id=None, at_us=at_us, test=test)
            if reader.joined_at_us is not None:
                said.append((reader.email, "has joined already"))
                continue
            ttl_us = settings.invitation_days * 24 * HOUR_US
            enrolment.issue_join_ticket(session, reader, token, at_us=at_us, ttl_us=ttl_us)
            link = links.join_link(settings, token)
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
            said.append((reader.email, link))
        return said

    with opened(settings) as database:
        return database.write(work)


def arm_of(protocol: "Protocol", name: str | None, email: str) -> "Arm":
    """The arm of that name; None: the one that the pages would draw for this person. Raises StudyError."""
    from study.allocation import draw_arm
    from study.errors import StudyError
    from study.store.accounts import normal

    if name is None:
        return draw_arm(protocol, normal(email))
    for arm in protocol.arms:
        if arm.id == name:
            return arm
    raise StudyError(f"There is no arm {name!r}; there are {', '.join(arm.id for arm in protocol.arms)}.")
