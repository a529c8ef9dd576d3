"""A physician's place in a study: where they are in it, what they agreed to, and the way out."""

from uuid import UUID

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from study.store import enrolment
from webapp import deps
from webapp.reader import gather, pages
from webapp.reader.blueprint import bp
from webapp.reader.forms import WithdrawForm
from webapp.reader.practice import may_practise


@bp.get("/my")
def home() -> ResponseReturnValue:
    with deps.database().read() as session:
        places = enrolment.places(session, deps.my_id())
    if len(places) == 1:
        return redirect(url_for(".place", respondent_id=places[0].reader.respondent_id), code=303)
    return render_template("reader/home.html", places=places)


@bp.get("/my/<uuid:respondent_id>")
def place(respondent_id: UUID) -> ResponseReturnValue:
    found = gather.place(respondent_id)
    return render_template(
        "reader/place.html",
        place=found,
        guide=gather.guide(found),
        progress=pages.progress(found.readings, deps.now_us()),
        may_practise=may_practise(found),
    )


@bp.get("/my/<uuid:respondent_id>/instructions")
def instructions(respondent_id: UUID) -> ResponseReturnValue:
    found = gather.place(respondent_id)
    return render_template(
        "reader/instructions.html", place=found, guide=gather.guide(found), may_practise=may_practise(found)
    )


@bp.get("/my/<uuid:respondent_id>/consent")
def consent(respondent_id: UUID) -> ResponseReturnValue:
    found = gather.place(respondent_id)
    content = deps.content(found.study.id, found.study.bundle_digest)
    return render_template("reader/consent.html", place=found, content=content, guide=gather.guide(found))


@bp.route("/my/<uuid:respondent_id>/withdraw", methods=["GET", "POST"])
def withdraw(respondent_id: UUID) -> ResponseReturnValue:
    found = gather.place(respondent_id)
    form = WithdrawForm()
    if not form.validate_on_submit():
        page = render_template("reader/withdraw.html", place=found, form=form, guide=gather.guide(found))
        return page, 422 if form.errors else 200
    me, at_us, reason = deps.my_id(), deps.now_us(), (form.reason.data or "").strip()

    def work(session: Session) -> None:
        reader = enrolment.reader_of(session, found.study.id, respondent_id)
        enrolment.withdraw(session, reader, reason=reason, actor_id=me, at_us=at_us)

    deps.database().write(work)
    flash("You have withdrawn. Thank you for the time that you gave.")
    return redirect(url_for(".place", respondent_id=respondent_id), code=303)
