"""The physician's pages: a place in each study, the case against the clock, review, receipt."""

from secrets import token_urlsafe
from uuid import UUID

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from study.draft import RESOURCES, Unacceptable
from study.progress import State
from study.store import conduct, enrolment, readings
from study.store.enrolment import Place
from study.store.readings import Closed, Found, Saved, Stale
from study.tables import ClosedBy, Role, StudyState
from webapp import deps, filters
from webapp.access import needs
from webapp.content import Content
from webapp.reader import pages
from webapp.reader.forms import ProblemForm, ReadingForm, SubmitForm, WithdrawForm

bp = Blueprint("reader", __name__)
bp.before_request(needs(Role.READER))

KEPT_APART = "What arrived after the time was over is kept apart for the study team. Your last answer in time stands."


@bp.get("/my")
def home() -> ResponseReturnValue:
    with deps.database().read() as session:
        places = enrolment.places(session, deps.my_id())
    if len(places) == 1:
        return redirect(url_for(".place", respondent_id=places[0].reader.respondent_id), code=303)
    return render_template("reader/home.html", places=places)


@bp.get("/my/<uuid:respondent_id>")
def place(respondent_id: UUID) -> ResponseReturnValue:
    found = _place(respondent_id)
    return render_template("reader/place.html", place=found, progress=pages.progress(found.readings, deps.now_us()))


@bp.get("/my/<uuid:respondent_id>/instructions")
def instructions(respondent_id: UUID) -> ResponseReturnValue:
    found = _place(respondent_id)
    content = deps.content(found.study.id, found.study.bundle_digest)
    stage = content.stage(found.reader.arm)
    return render_template("reader/instructions.html", place=found, content=content, stage=stage)


@bp.get("/my/<uuid:respondent_id>/consent")
def consent(respondent_id: UUID) -> ResponseReturnValue:
    found = _place(respondent_id)
    content = deps.content(found.study.id, found.study.bundle_digest)
    return render_template("reader/consent.html", place=found, content=content)


@bp.route("/my/<uuid:respondent_id>/withdraw", methods=["GET", "POST"])
def withdraw(respondent_id: UUID) -> ResponseReturnValue:
    found = _place(respondent_id)
    form = WithdrawForm()
    if not form.validate_on_submit():
        page = render_template("reader/withdraw.html", place=found, form=form)
        return page, 422 if form.errors else 200
    me, at_us, reason = deps.my_id(), deps.now_us(), (form.reason.data or "").strip()

    def work(session: Session) -> None:
        reader = enrolment.reader_of(session, found.study.id, respondent_id)
        enrolment.withdraw(session, reader, reason=reason, actor_id=me, at_us=at_us)

    deps.database().write(work)
    flash("You have withdrawn. Thank you for the time that you gave.")
    return redirect(url_for(".place", respondent_id=respondent_id), code=303)


@bp.get("/readings/<uuid:reading_id>")
def reading(reading_id: UUID) -> ResponseReturnValue:
    """Where a reading stands: before Begin, open, or closed. A GET starts no clock."""
    found = _reading(reading_id)
    if found.state is State.ASSIGNED and found.row.void_at_us is None:
        return _before(found)
    if not found.takes_answers(deps.now_us()):
        return _receipt(found)
    content = _content(found)
    form = ReadingForm.for_case(content.cases[found.row.case_id], found.draft)
    form.base_revision.data, form.key.data = found.row.revision, token_urlsafe(12)
    return _case_page(found, form)


@bp.post("/readings/<uuid:reading_id>/begin")
def begin(reading_id: UUID) -> ResponseReturnValue:
    found = _reading(reading_id)
    content = _content(found)
    case, me, at_us = content.cases[found.row.case_id], deps.my_id(), deps.now_us()
    deps.database().write(
        lambda session: readings.begin(
            session,
            reading_id,
            me,
            protocol=content.protocol,
            stage=content.stage(found.row.arm),
            case=case,
            at_us=at_us,
        )
    )
    return redirect(url_for(".reading", reading_id=reading_id), code=303)


@bp.post("/readings/<uuid:reading_id>/saves")
def save(reading_id: UUID) -> ResponseReturnValue:
    """One change after another, as JSON. Acknowledged only after commit."""
    me, at_us, body = deps.my_id(), deps.now_us(), _sent()

    def work(session: Session) -> Saved | Stale | Closed:
        found = readings.of_reader(session, reading_id, me, for_update=True)
        sent = pages.parse_save(body, _content(found).cases[found.row.case_id])
        return readings.save(
            session,
            found,
            key=sent.key,
            base_revision=sent.base_revision,
            draft=sent.draft,
            offsets_ms=sent.offsets_ms,
            at_us=at_us,
        )

    return pages.answer_to_save(deps.database().write(work))


@bp.get("/readings/<uuid:reading_id>/clock")
def clock(reading_id: UUID) -> ResponseReturnValue:
    """What the server's clock says, for a page that slept, came back, or lost its session in between."""
    found = _reading(reading_id)
    return pages.clock(found, deps.now_us())


@bp.post("/readings/<uuid:reading_id>")
def keep(reading_id: UUID) -> ResponseReturnValue:
    """The whole form at once, and on to the review: the way of a page without scripts."""
    found = _reading(reading_id)
    content = _content(found)
    form = ReadingForm.for_case(content.cases[found.row.case_id])
    if not form.validate_on_submit():
        if found.takes_answers(deps.now_us()):
            return _case_page(found, form), 422
        return redirect(url_for(".reading", reading_id=reading_id), code=303)
    me, at_us, draft = deps.my_id(), deps.now_us(), form.draft
    if draft == found.draft and form.base_revision.data == found.row.revision and found.takes_answers(at_us):
        return redirect(url_for(".review", reading_id=reading_id), code=303)
    outcome = deps.database().write(
        lambda session: readings.save(
            session,
            readings.of_reader(session, reading_id, me, for_update=True),
            key=form.key.data,
            base_revision=form.base_revision.data,
            draft=draft,
            offsets_ms={},
            at_us=at_us,
        )
    )
    match outcome:
        case Saved():
            return redirect(url_for(".review", reading_id=reading_id), code=303)
        case Stale():
            flash("This case was changed in another window. Here is what stands now; please go on from it.")
        case Closed(kept_apart=True):
            flash(KEPT_APART)
    return redirect(url_for(".reading", reading_id=reading_id), code=303)


@bp.get("/readings/<uuid:reading_id>/review")
def review(reading_id: UUID) -> ResponseReturnValue:
    found = _reading(reading_id)
    if not found.takes_answers(deps.now_us()):
        return redirect(url_for(".reading", reading_id=reading_id), code=303)
    form = SubmitForm(data={"base_revision": found.row.revision, "key": token_urlsafe(12)})
    return _review_page(found, form)


@bp.post("/readings/<uuid:reading_id>/submit")
def submit(reading_id: UUID) -> ResponseReturnValue:
    found = _reading(reading_id)
    form = SubmitForm()
    if not form.validate_on_submit():
        return _review_page(found, form), 422
    draft, me, at_us = found.draft, deps.my_id(), deps.now_us()
    if found.takes_answers(at_us) and not draft.selected and not draft.nothing_to_recommend:
        if not form.nothing.data:
            form.nothing.errors = ["Nothing is chosen. Tick this if that is what you recommend, or go back and choose."]
            return _review_page(found, form), 422
        draft = pages.nothing(draft)
    outcome = deps.database().write(
        lambda session: readings.submit(
            session,
            reading_id,
            me,
            key=form.key.data,
            base_revision=form.base_revision.data,
            draft=draft,
            at_us=at_us,
        )
    )
    if isinstance(outcome, Stale):
        flash("This case was changed in another window. Look once more at what stands now, then submit.")
        return redirect(url_for(".review", reading_id=reading_id), code=303)
    if outcome.kept_apart:
        flash(KEPT_APART)
    return redirect(url_for(".reading", reading_id=reading_id), code=303)


@bp.route("/readings/<uuid:reading_id>/problem", methods=["GET", "POST"])
def problem(reading_id: UUID) -> ResponseReturnValue:
    found, me, at_us = _reading(reading_id), deps.my_id(), deps.now_us()
    form = ProblemForm()
    if not form.validate_on_submit():
        running = found.takes_answers(at_us)
        page = render_template("reader/problem.html", found=found, form=form, running=running, **_around(found))
        return page, 422 if form.errors else 200
    text = form.text.data.strip()

    def work(session: Session) -> None:
        held = readings.of_reader(session, reading_id, me, for_update=True)
        conduct.report_problem(session, held, text, at_us=at_us)

    deps.database().write(work)
    flash("Thank you. The study team will read your report; you can go on with the case.")
    return redirect(url_for(".reading", reading_id=reading_id), code=303)


def _sent() -> object:
    """The JSON of a request. Raises Unacceptable where it is nested so deeply that it cannot be read at all."""
    try:
        return request.get_json()
    except RecursionError:
        raise Unacceptable("A save must be one JSON object, and is none that this form could have made.") from None


def _place(respondent_id: UUID) -> Place:
    with deps.database().read() as session:
        found = enrolment.place(session, respondent_id, deps.my_id())
    at_us = deps.now_us()
    overdue = [row for row in found.readings if pages.must_be_closed(row, at_us)]
    if not overdue or found.study.state == StudyState.LOCKED:
        return found
    for row in overdue:
        _close(row.study_id, row.id)
    with deps.database().read() as session:
        return enrolment.place(session, respondent_id, deps.my_id())


def _reading(reading_id: UUID) -> Found:
    """The account's own reading, closed first if it is due."""
    with deps.database().read() as session:
        found = readings.of_reader(session, reading_id, deps.my_id())
    if not found.is_due(deps.now_us()):
        return found
    _close(found.row.study_id, reading_id)
    with deps.database().read() as session:
        return readings.of_reader(session, reading_id, deps.my_id())


def _content(found: Found) -> Content:
    return deps.content(found.row.study_id, found.row.bundle_digest)


def _close(study_id: UUID, reading_id: UUID) -> None:
    at_us = deps.now_us()
    deps.database().write(
        lambda session: readings.close_due(session, study_id, reading_id, by=ClosedBy.READ, at_us=at_us)
    )


def _around(found: Found) -> dict[str, object]:
    """What every page of a reading shows: which of how many, and the links that stay in one place."""
    content = _content(found)
    return {
        "respondent_id": found.row.respondent_id,
        "position": found.row.position,
        "of": content.cases_per_reader,
        "study_title": found.row.title,
    }


def _before(found: Found) -> ResponseReturnValue:
    content = _content(found)
    stage, at_us = content.stage(found.row.arm), deps.now_us()
    with deps.database().read() as session:
        terms = readings.terms(session, found, protocol=content.protocol, stage=stage, at_us=at_us)
        refusal = pages.refusal_to_begin(session, found, content.protocol, terms, at_us)
    total = None if terms.deadline_us is None else terms.deadline_us - at_us
    shortened = None not in (total, terms.limit_us) and total < terms.limit_us
    return render_template(
        "reader/begin.html",
        found=found,
        stage=stage,
        total_us=total,
        shortened=shortened,
        refusal=refusal,
        **_around(found),
    )


def _case_page(found: Found, form: ReadingForm) -> str:
    content = _content(found)
    case = content.cases[found.row.case_id]
    text, question = pages.story(case)
    return render_template(
        "reader/case.html",
        found=found,
        text=text,
        question=question,
        kinds=pages.presented(case, found.row.presented or ()),
        chosen=frozenset(form.selected.data or ()),
        used=frozenset(form.resources.data or ()),
        resources=RESOURCES,
        allowed=content.stage(found.row.arm).resources,
        form=form,
        total_us=pages.total_us(found),
        remaining_us=found.remaining_us(deps.now_us()),
        **_around(found),
    )


def _review_page(found: Found, form: SubmitForm) -> str:
    content = _content(found)
    case = content.cases[found.row.case_id]
    draft = found.draft
    return render_template(
        "reader/review.html",
        found=found,
        draft=draft,
        kinds=pages.chosen(case, found.row.presented or (), draft.selected),
        used=[RESOURCES[word] for word in RESOURCES if word in draft.resources],
        form=form,
        total_us=pages.total_us(found),
        remaining_us=found.remaining_us(deps.now_us()),
        **_around(found),
    )


def _receipt(found: Found) -> str:
    at_us = deps.now_us()
    with deps.database().read() as session:
        whole = enrolment.place(session, found.row.respondent_id, deps.my_id())
    return render_template(
        "reader/receipt.html",
        found=found,
        state=found.told(at_us).value,
        ended_us=found.row.closed_at_us or found.row.deadline_at_us,
        chosen=filters.counted(len(found.draft.selected), "option"),
        progress=pages.progress(whole.readings, at_us),
        **_around(found),
    )
