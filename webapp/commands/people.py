"""`primum staff …`, `password-link` and `invite`: accounts, rosters and one-time links."""

import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from webapp import links
from webapp.commands.database import acting, configured, now_us
from webapp.commands.output import say

if TYPE_CHECKING:
    from sqlmodel import Session

    from study.protocol import Arm, Protocol
    from study.store.enrolment import Invitee
    from webapp.inviting import Invited
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
        known = accounts.by_email(session, accounts.normal(email))
        if known is not None and known.disabled_at_us is not None:
            raise accounts.Refused(f"The account of {known.email} is disabled: `primum staff enable` comes first.")
        account = accounts.add_staff(session, email, Role(role), actor_id=None, at_us=at_us)
        ttl_us = settings.password_link_hours * HOUR_US
        accounts.issue_password_ticket(session, account, token, at_us=at_us, ttl_us=ttl_us)
        if settings.smtp_host:
            accounts.post(session, account.email, *links.staff_letter(settings, link), at_us=at_us)
        return account.email

    with acting(settings) as database:
        say(f"{database.write(work)}\t{link}")


@staff.command("disable")
def disable(email: Annotated[str, typer.Argument(metavar="EMAIL")]) -> None:
    """Sign somebody of the staff out everywhere, and let them in no more. What they did stays on the record."""
    from study.store import people

    with acting(configured()) as database:
        account = database.write(lambda session: people.disable(session, email, actor_id=None, at_us=now_us()))
    say(f"{account.email}\tdisabled")


@staff.command("enable")
def enable(email: Annotated[str, typer.Argument(metavar="EMAIL")]) -> None:
    """Let somebody of the staff in again, with the password that they had."""
    from study.store import people

    with acting(configured()) as database:
        account = database.write(lambda session: people.enable(session, email, actor_id=None, at_us=now_us()))
    say(f"{account.email}\tenabled")


def password_link(email: Annotated[str, typer.Argument(metavar="EMAIL")]) -> None:
    """Print a one-time link with which a reader or somebody of the staff sets a new password. Earlier ones end.

    Whoever opens it acts as that person: give it to them and to nobody else. An event says that it was made.
    """
    from study.store import accounts, events, people
    from study.store.accounts import Refused

    settings, token = configured(), secrets.token_urlsafe(24)

    def work(session: "Session") -> str:
        account, at_us = people.account_called(session, email), now_us()
        if account.disabled_at_us is not None:
            raise Refused(f"The account of {account.email} is disabled: `primum staff enable` comes first.")
        ttl_us = settings.password_link_hours * HOUR_US
        accounts.issue_password_ticket(session, account, token, at_us=at_us, ttl_us=ttl_us)
        events.record(session, account, "password link issued", at_us=at_us, actor_id=None, body={"mailed": False})
        return account.email

    with acting(settings) as database:
        say(f"{database.write(work)}\t{links.password_link(settings, token)}")


def invite(
    name: Annotated[str, typer.Option("--study", metavar="ID", help="The study's id.")],
    emails: Annotated[list[str] | None, typer.Argument(metavar="[EMAIL]...")] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="FILE", help="Columns email and name; any other is a stratum.")
    ] = None,
    arm: Annotated[str | None, typer.Option(help="The arm; of several one is drawn by hash.")] = None,
    test: Annotated[bool, typer.Option("--test", help="Test readers: for rehearsals, never in a result.")] = False,
    again: Annotated[
        bool, typer.Option("--again", help="A fresh link for people on the roster who have not joined.")
    ] = False,
) -> None:
    """Enter physicians on the roster and print their one-time links; mail them where SMTP is set.

    Whoever stands on the roster already is left as they are; with --again they get a fresh link, and earlier ones end.
    """
    from study.store.enrolment import Invitee
    from webapp.commands.answers import read_file
    from webapp.pi.invitees import parse_invitees

    if bool(emails) == bool(csv):
        raise typer.BadParameter("Give e-mail addresses, or --csv FILE.", param_hint="EMAIL")
    if csv is not None:
        people = [person for _, person in parse_invitees(read_file(csv), csv.name)]
    else:
        people = [Invitee(email) for email in emails or ()]
    for one in invited(configured(), name, people, arm=arm, test=test, again=again):
        say(f"{one.email}\t{one.link or one.outcome}")


def invited(
    settings: "Settings", name: str, people: "list[Invitee]", *, arm: str | None, test: bool, again: bool
) -> "list[Invited]":
    """Everybody or nobody. Raises StudyError where one of them cannot be invited."""
    from study.bundle_content import parse_content
    from study.store import studies
    from study.store.people import reader_called
    from webapp.content import Content
    from webapp.inviting import invite_again, invite_and_post

    tokens = [secrets.token_urlsafe(24) for _ in people]

    def work(session: "Session") -> "list[Invited]":
        study = studies.by_name(session, name, for_update=True)
        content = Content(*parse_content(studies.files(session, study.id)))
        how: dict[str, Any] = {"content": content, "settings": settings, "actor_id": None, "at_us": now_us()}
        said = []
        for person, token in zip(people, tokens, strict=True):
            how["token_of"] = lambda _respondent, token=token: token
            if again:
                said.append(invite_again(session, reader_called(session, study, person.email), **how))
                continue
            chosen = arm_of(content.protocol, arm, person.email)
            said.append(invite_and_post(session, study, person, arm=chosen, test=test, **how))
        return said

    with acting(settings) as database:
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
