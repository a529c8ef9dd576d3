"""Practice before the first case: the same form and the same clock, on an invented patient. Nothing is kept anywhere.

What was chosen travels with the form from page to page, so a page is the answer to a POST here: there is nothing
stored that a redirect could show.
"""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import BooleanField, IntegerField
from wtforms.validators import NumberRange, Optional

from study.draft import RESOURCES, Draft
from study.store.enrolment import Place
from study.tables import StudyState
from webapp import deps
from webapp.reader import gather, pages
from webapp.reader.blueprint import bp
from webapp.reader.forms import ReadingForm
from webapp.reader.guide import Guide
from webapp.reader.pages import MILLISECOND_US, ClockFace
from webapp.reader.practice_case import CASE


class PracticeForm(ReadingForm):
    """The form of a case without what keeping it needs. `ends_ms`: when its time is over, as the page carries it."""

    key = None
    base_revision = None
    lease = None
    take = None
    ends_ms = IntegerField(validators=[Optional(), NumberRange(min=0, max=2**53)])
    nothing = BooleanField("For this patient I recommend none of the options.")


def may_practise(place: Place) -> bool:
    """Whether practice still comes first: nothing begun yet, and something to begin."""
    begun = any(row.opened_at_us is not None for row in place.readings)
    return not begun and place.reader.withdrawn_at_us is None and place.study.state != StudyState.LOCKED


@bp.route("/my/<uuid:respondent_id>/practice", methods=["GET", "POST"])
def practice(respondent_id: UUID) -> ResponseReturnValue:
    """The case, its review (`step=review`), the way back from there, and the end (`step=submit`)."""
    place = gather.place(respondent_id)
    if not may_practise(place):
        return redirect(url_for(".place", respondent_id=respondent_id), code=303)
    form = PracticeForm.for_case(CASE)
    told = gather.guide(place)
    clock = _clock(told, form.ends_ms.data)
    if request.method == "GET":
        return _case(place, told, form, clock)
    if clock.remaining_us == 0:
        return redirect(url_for(".practised", respondent_id=respondent_id, time="up"), code=303)
    if not form.validate():
        return _case(place, told, form, clock), 422
    return _next(place, told, form, clock, request.form.get("step"))


def _next(place: Place, told: Guide, form: PracticeForm, clock: ClockFace, step: str | None) -> ResponseReturnValue:
    draft = form.draft
    if step == "back":
        return _case(place, told, form, clock)
    if step != "submit":
        return _review(place, told, form, draft, clock)
    if not draft.selected and not draft.nothing_to_recommend and not form.nothing.data:
        form.nothing.errors = ["Nothing is chosen. Tick this if that is what you recommend, or go back and choose."]
        return _review(place, told, form, draft, clock), 422
    return redirect(url_for(".practised", respondent_id=place.reader.respondent_id), code=303)


@bp.get("/my/<uuid:respondent_id>/practised")
def practised(respondent_id: UUID) -> ResponseReturnValue:
    """After practice: what a plan weighs, said without a word on any option, and on to the first case."""
    place = gather.place(respondent_id)
    if not may_practise(place):
        return redirect(url_for(".place", respondent_id=respondent_id), code=303)
    return render_template(
        "reader/practised.html",
        place=place,
        guide=gather.guide(place),
        progress=pages.progress(place.readings, deps.now_us()),
        timed_out=request.args.get("time") == "up",
    )


def _clock(told: Guide, ends_ms: int | None) -> ClockFace:
    """As long as a case of this study. What the page says of its end is taken as it is, but never for more time."""
    now_ms = told.at_us // MILLISECOND_US
    total_ms = None if told.limit_us is None else told.limit_us // MILLISECOND_US
    latest = None if total_ms is None else now_ms + total_ms
    ends = latest if latest is None or ends_ms is None else min(ends_ms, latest)
    return ClockFace(now_ms=now_ms, deadline_ms=ends, session_ends_ms=None, total_ms=total_ms, grace_ms=0)


def _case(place: Place, told: Guide, form: PracticeForm, clock: ClockFace) -> str:
    text, question = pages.story(CASE)
    return render_template(
        "reader/practice.html",
        place=place,
        respondent_id=place.reader.respondent_id,
        guide=told,
        text=text,
        question=question,
        kinds=pages.presented(CASE, ()),
        chosen=frozenset(form.selected.data or ()),
        used=frozenset(form.resources.data or ()),
        resources=RESOURCES,
        allowed=told.resources,
        form=form,
        clock=clock,
    )


def _review(place: Place, told: Guide, form: PracticeForm, draft: Draft, clock: ClockFace) -> str:
    return render_template(
        "reader/practice_review.html",
        place=place,
        guide=told,
        form=form,
        draft=draft,
        kinds=pages.chosen(CASE, (), draft.selected),
        used=[RESOURCES[word] for word in RESOURCES if word in draft.resources],
        clock=clock,
    )
