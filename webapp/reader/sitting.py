"""One case against the clock: before Begin, the case, its review, its receipt. Each works without scripts."""

from secrets import token_urlsafe
from uuid import UUID

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlmodel import Session

from study.draft import RESOURCES
from study.progress import State
from study.store import answering, beginning, conduct, enrolment, leases, readings
from study.store.answering import Closed, Moved, Saved, Sent, Stale
from study.store.readings import Found
from webapp import deps, filters, security
from webapp.reader import gather, pages
from webapp.reader.blueprint import bp
from webapp.reader.forms import ProblemForm, ReadingForm, SubmitForm
from webapp.receipts import post_when_finished


@bp.get("/readings/<uuid:reading_id>")
def reading(reading_id: UUID) -> ResponseReturnValue:
    """Where a reading stands: before Begin, open, or closed. A GET starts no clock."""
    found = gather.reading(reading_id)
    if found.state is State.ASSIGNED and found.row.void_at_us is None:
        return _before(found)
    if not found.takes_answers(deps.now_us()):
        return _receipt(found)
    content = gather.content(found)
    form = ReadingForm.for_case(content.cases[found.row.case_id], found.draft)
    form.base_revision.data, form.key.data = found.row.revision, token_urlsafe(12)
    return _case_page(found, form)


@bp.post("/readings/<uuid:reading_id>/begin")
def begin(reading_id: UUID) -> ResponseReturnValue:
    found = gather.reading(reading_id)
    content = gather.content(found)
    case, me, at_us = content.cases[found.row.case_id], deps.my_id(), deps.now_us()
    lease = request.form.get("lease") or None
    if lease is not None:
        answering.check_word(lease, "lease")
    deps.database().write(
        lambda session: beginning.begin(
            session,
            reading_id,
            me,
            protocol=content.protocol,
            stage=content.stage(found.row.arm),
            case=case,
            lease=lease,
            at_us=at_us,
        )
    )
    return redirect(url_for(".reading", reading_id=reading_id), code=303)


@bp.post("/readings/<uuid:reading_id>")
def keep(reading_id: UUID) -> ResponseReturnValue:
    """The whole form at once, and on to the review: the way of a page without scripts.

    A field that cannot be taken is asked for again, but takes nothing else with it: the time may be over by then.
    """
    found = gather.reading(reading_id)
    content = gather.content(found)
    form = ReadingForm.for_case(content.cases[found.row.case_id])
    if not form.validate_on_submit() and not form.readable:
        if found.takes_answers(deps.now_us()):
            return _case_page(found, form), 422
        return redirect(url_for(".reading", reading_id=reading_id), code=303)
    at_us, draft = deps.now_us(), form.draft_beside(found.draft)
    if draft == found.draft and form.base_revision.data == found.row.revision and found.takes_answers(at_us):
        return _kept(found, form, found.row.revision)
    base_revision = form.base_revision.data
    key = gather.key(form.key.data, base_revision, draft)
    sent = Sent(key, base_revision, gather.lease(form.lease.data), draft)

    def work(session: Session) -> Saved | Stale | Moved | Closed:
        held = _held(session, reading_id, sent, take=form.take.data, at_us=at_us)
        outcome = answering.save(session, held, sent, at_us=at_us)
        return pages.answer_to_form(outcome, held, sent, at_us)

    outcome = deps.database().write(work)
    match outcome:
        case Saved(revision):
            return _kept(found, form, revision)
        case Moved(revision) | Stale(revision):
            form.base_revision.data = revision  # to continue here is to put this page in the place of what stands
            return _case_page(found, form, moved=isinstance(outcome, Moved), stale=isinstance(outcome, Stale)), 409
        case Closed(kept_apart=True):
            flash(pages.came_too_late(found), "warning")
    return redirect(url_for(".reading", reading_id=reading_id), code=303)


def _kept(found: Found, form: ReadingForm, revision: int) -> ResponseReturnValue:
    """On to the review, or back to the field that could not be taken."""
    if not form.errors:
        return redirect(url_for(".review", reading_id=found.row.id), code=303)
    form.base_revision.data, form.key.data = revision, token_urlsafe(12)
    return _case_page(found, form, kept=True), 422


@bp.get("/readings/<uuid:reading_id>/review")
def review(reading_id: UUID) -> ResponseReturnValue:
    found = gather.reading(reading_id)
    if not found.takes_answers(deps.now_us()):
        return redirect(url_for(".reading", reading_id=reading_id), code=303)
    form = SubmitForm(data={"base_revision": found.row.revision, "key": token_urlsafe(12)})
    return _review_page(found, form)


@bp.post("/readings/<uuid:reading_id>/submit")
def submit(reading_id: UUID) -> ResponseReturnValue:
    found = gather.reading(reading_id)
    form = SubmitForm()
    if not form.validate_on_submit():
        return _review_page(found, form), 422
    draft, me, at_us = found.draft, deps.my_id(), deps.now_us()
    if found.takes_answers(at_us) and not draft.selected and not draft.nothing_to_recommend:
        if not form.nothing.data:
            form.nothing.errors = ["Nothing is chosen. Tick this if that is what you recommend, or go back and choose."]
            return _review_page(found, form), 422
        draft = pages.nothing(draft)
    sent = Sent(form.key.data, form.base_revision.data, gather.lease(form.lease.data), draft)
    mails = bool(deps.settings().smtp_host)

    def work(session: Session) -> Stale | Moved | Closed:
        _held(session, reading_id, sent, take=form.take.data, at_us=at_us)
        outcome = answering.submit(session, reading_id, me, sent, at_us=at_us)
        if isinstance(outcome, Closed) and mails:
            post_when_finished(session, found.row.study_id, found.row.respondent_id, at_us=at_us)
        return outcome

    outcome = deps.database().write(work)
    if isinstance(outcome, Moved):
        found = gather.reading(reading_id)
        form.base_revision.data = found.row.revision
        return _review_page(found, form, moved=True), 409
    if isinstance(outcome, Stale):
        flash("This case was changed in another window. Look once more at what stands now, then submit.")
        return redirect(url_for(".review", reading_id=reading_id), code=303)
    if outcome.kept_apart:
        flash(pages.came_too_late(found), "warning")
    return redirect(url_for(".reading", reading_id=reading_id), code=303)


@bp.route("/readings/<uuid:reading_id>/problem", methods=["GET", "POST"])
def problem(reading_id: UUID) -> ResponseReturnValue:
    found, me, at_us = gather.reading(reading_id), deps.my_id(), deps.now_us()
    form = ProblemForm()
    if not form.validate_on_submit():
        running = found.takes_answers(at_us)
        page = render_template("reader/problem.html", found=found, form=form, running=running, **gather.around(found))
        return page, 422 if form.errors else 200
    text = form.text.data.strip()

    def work(session: Session) -> None:
        held = readings.of_reader(session, reading_id, me, for_update=True)
        conduct.report_problem(session, held, text, at_us=at_us)

    deps.database().write(work)
    flash("Thank you. The study team will read your report; you can go on with the case.")
    return redirect(url_for(".reading", reading_id=reading_id), code=303)


def _held(session: Session, reading_id: UUID, sent: Sent, *, take: bool, at_us: int) -> Found:
    """The reading for a change, with its lease taken first where the reader said to continue here.

    They said so of what they saw: a page that something newer replaced takes nothing, and is asked again. So a form
    that a browser sends once more takes nothing either, whatever became of it the first time.
    """
    found = readings.of_reader(session, reading_id, deps.my_id(), for_update=True)
    if not take or sent.base_revision != found.row.revision:
        return found
    taken = leases.take(session, found, sent.lease, asked=True, at_us=at_us)
    return taken if isinstance(taken, Found) else found


def _before(found: Found) -> ResponseReturnValue:
    content = gather.content(found)
    stage, at_us = content.stage(found.row.arm), deps.now_us()
    with deps.database().read() as session:
        terms = beginning.terms(session, found, protocol=content.protocol, stage=stage, at_us=at_us)
        refusal = pages.refusal_to_begin(session, found, content.protocol, terms, at_us)
        whole = enrolment.place(session, found.row.respondent_id, deps.my_id())
    total = None if terms.deadline_us is None else terms.deadline_us - at_us
    shortened = None not in (total, terms.limit_us) and total < terms.limit_us
    return render_template(
        "reader/begin.html",
        found=found,
        stage=stage,
        total_us=total,
        shortened=shortened,
        refusal=refusal,
        **gather.around(found, whole),
    )


def _case_page(found: Found, form: ReadingForm, *, moved: bool = False, stale: bool = False, kept: bool = False) -> str:
    content = gather.content(found)
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
        moved=moved,
        stale=stale,
        kept=kept,
        clock=pages.clock_face(found, deps.now_us()),
        queue_key=security.queue_key(deps.settings(), found.row.id, deps.my_id()),
        **gather.around(found),
    )


def _review_page(found: Found, form: SubmitForm, *, moved: bool = False) -> str:
    content = gather.content(found)
    case = content.cases[found.row.case_id]
    draft = found.draft
    return render_template(
        "reader/review.html",
        found=found,
        draft=draft,
        kinds=pages.chosen(case, found.row.presented or (), draft.selected),
        used=[RESOURCES[word] for word in RESOURCES if word in draft.resources],
        form=form,
        moved=moved,
        clock=pages.clock_face(found, deps.now_us()),
        queue_key=security.queue_key(deps.settings(), found.row.id, deps.my_id()),
        **gather.around(found),
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
        now_ms=pages.clock_face(found, at_us).now_ms,
        queue_key=security.queue_key(deps.settings(), found.row.id, deps.my_id()),
        **gather.around(found, whole),
    )
