"""Inviting physicians: one, a list, or one again; and the page that shows their links once."""

import secrets
from collections.abc import Sequence
from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from study.allocation import draw_arm
from study.errors import Fault, Faulty
from study.store import accounts, enrolment, events
from study.store.accounts import Refused
from study.store.enrolment import Invitee
from study.store.studies import StudyRefuses
from study.tables import StudyRow
from study.timing import SECOND_US
from webapp import deps, filters, inviting
from webapp.content import Content
from webapp.inviting import Invited
from webapp.links import password_link as link_to_password
from webapp.pi import gather, letter, links
from webapp.pi.blueprint import bp
from webapp.pi.forms import InviteForm, InviteListForm
from webapp.pi.invitees import parse_invitees
from webapp.pi.strata import spelled_alike
from webapp.study_page import StudyPage, study_page

HOUR_US = 3600 * SECOND_US
NO_MAIL = (
    "No mail server is set up here, and a link to a password is for the reader's eyes alone. "
    "Whoever runs the site can make one: primum password-link EMAIL."
)


@bp.route("/<study:name>/invite", methods=["GET", "POST"])
def invite(name: str) -> ResponseReturnValue:
    place = _inviting(name)
    form = InviteForm()
    if not form.validate_on_submit():
        return _page(place, form=form)
    invitee = Invitee(form.email.data, form.full_name.data or "", form.named_strata())
    try:
        return _sent(place, [(0, invitee)], "")
    except Refused as refused:
        form.email.errors = [str(refused)]
        return _page(place, form=form)


@bp.post("/<study:name>/invite-list")
def invite_list(name: str) -> ResponseReturnValue:
    place = _inviting(name)
    form = InviteListForm()
    if not form.validate_on_submit():
        return _page(place, list_form=form)
    uploaded = form.people.data
    called = uploaded.filename or "list.csv"
    try:
        return _sent(place, parse_invitees(uploaded.read(), called), called)
    except Faulty as faulty:
        return _page(place, list_form=form, faults=faulty.faults)


@bp.post("/<study:name>/readers/<uuid:respondent_id>/invitation")
def invite_again(name: str, respondent_id: UUID) -> ResponseReturnValue:
    """A fresh link for somebody who has not joined; the earlier one ends."""
    place = _inviting(name)
    batch = links.draw(name)
    settings, at_us, actor_id = deps.settings(), deps.now_us(), deps.my_id()

    def work(session: Session) -> None:
        study = gather.unlocked(session, name)
        inviting.invite_again(
            session,
            enrolment.reader_of(session, study.id, respondent_id),
            content=place.content,
            settings=settings,
            token_of=batch.token,
            actor_id=actor_id,
            at_us=at_us,
        )

    deps.database().write(work)
    links.keep(batch)
    return redirect(url_for("pi.invited", name=name), code=303)


@bp.post("/<study:name>/readers/<uuid:respondent_id>/password-link")
def password_link(name: str, respondent_id: UUID) -> ResponseReturnValue:
    """For a reader who lost the password. The reader alone gets to see it: whoever opens it acts as the reader."""
    place = study_page(name)
    settings, at_us, actor_id = deps.settings(), deps.now_us(), deps.my_id()
    if not settings.smtp_host:
        raise StudyRefuses(NO_MAIL)
    token = secrets.token_urlsafe(24)

    def work(session: Session) -> None:
        study = gather.unlocked(session, name)
        reader = enrolment.reader_of(session, study.id, respondent_id)
        if reader.account_id is None or reader.withdrawn_at_us is not None:
            raise StudyRefuses("Only a reader who has joined has a password.")
        account = accounts.by_id(session, reader.account_id)
        ttl_us = settings.password_link_hours * HOUR_US
        accounts.issue_password_ticket(session, account, token, at_us=at_us, ttl_us=ttl_us)
        events.record(session, reader, "password link issued", at_us=at_us, actor_id=actor_id, body={"mailed": True})
        subject, body = letter.new_password(
            title=place.study.title, link=link_to_password(settings, token), hours=settings.password_link_hours
        )
        accounts.post(session, account.email, subject, body, at_us=at_us)

    deps.database().write(work)
    flash("A link to set a new password is on its way to the reader.")
    return redirect(url_for("pi.reader", name=name, respondent_id=respondent_id), code=303)


@bp.get("/<study:name>/links")
def invited(name: str) -> ResponseReturnValue:
    """The links of the last act, shown once: they are kept nowhere in the clear."""
    place = study_page(name)
    batch = links.take(name)
    if batch is None:
        return render_template("pi/links.html", place=place, study=place.study, shown=(), batch=None)
    with deps.database().read() as session:
        shown = [
            (line, batch.link(line.respondent_id))
            for line in gather.roster(place.study)
            if enrolment.is_ticket(session, batch.token(line.respondent_id))
        ]
    settings = deps.settings()
    return render_template(
        "pi/links.html",
        place=place,
        study=place.study,
        shown=shown,
        batch=batch,
        good_for=filters.counted(settings.invitation_days, "day"),
        by_mail=bool(settings.smtp_host),
    )


def _inviting(name: str) -> StudyPage:
    place = study_page(name)
    if place.locked:
        raise StudyRefuses("This study is locked: nobody can be invited any more.")
    return place


def _page(
    place: StudyPage,
    *,
    form: InviteForm | None = None,
    list_form: InviteListForm | None = None,
    faults: Sequence[Fault] = (),
) -> ResponseReturnValue:
    """Both ways to invite, side by side; the one that was sent keeps what was typed into it."""
    wrong = bool(faults or (form and form.errors) or (list_form and list_form.errors))
    page = render_template(
        "pi/invite.html",
        place=place,
        study=place.study,
        form=form or InviteForm(formdata=None),
        list_form=list_form or InviteListForm(formdata=None),
        faults=faults,
        by_mail=bool(deps.settings().smtp_host),
        days=deps.settings().invitation_days,
        strata=gather.spellings(place.study).in_use(),
    )
    return page, 422 if wrong else 200


def _sent(place: StudyPage, people: Sequence[tuple[int, Invitee]], called: str) -> ResponseReturnValue:
    """Invite all of them or nobody, then show the links. Raises Refused for one person, Faulty for a list."""
    name, at_us, actor_id = place.study.name, deps.now_us(), deps.my_id()
    people, respelled = spelled_alike(people, gather.spellings(place.study))
    batch = links.draw(name)
    done = deps.database().write(
        lambda session: _invite_all(
            session,
            gather.unlocked(session, name),
            place.content,
            people,
            called,
            batch,
            actor_id=actor_id,
            at_us=at_us,
        )
    )
    if respelled:
        flash(f"Strata are written as on the roster: {', '.join(respelled)}.")
    known = [one.email for one in done if one.link is None]
    if known:
        already = filters.counted(len(known), "person")
        flash(f"On the roster already, and left as they are: {already if len(known) > 3 else ', '.join(known)}.")
    if len(known) == len(done):
        return redirect(url_for("pi.study", name=name), code=303)
    links.keep(batch)
    return redirect(url_for("pi.invited", name=name), code=303)


def _invite_all(
    session: Session,
    study: StudyRow,
    content: Content,
    people: Sequence[tuple[int, Invitee]],
    called: str,
    batch: links.Batch,
    *,
    actor_id: UUID,
    at_us: int,
) -> list[Invited]:
    faults: list[Fault] = []
    done: list[Invited] = []
    for line, invitee in people:
        try:
            one = inviting.invite_and_post(
                session,
                study,
                invitee,
                content=content,
                settings=deps.settings(),
                arm=draw_arm(content.protocol, accounts.normal(invitee.email)),
                token_of=batch.token,
                actor_id=actor_id,
                at_us=at_us,
            )
        except Refused as refused:
            if not called:
                raise
            faults.append(Fault(f"{called}:{line}", str(refused).rstrip(".")))
            continue
        done.append(one)
    if faults:
        raise Faulty(faults)
    return done
