"""What the PI does: each act has a page that says what it means, and a form that says it back with a reason."""

from collections.abc import Callable
from uuid import UUID

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_wtf import FlaskForm
from sqlmodel import Session

from study.store import closing, conduct, enrolment, studies
from study.store.conduct import CannotChange
from study.tables import ReaderRow, Role, StudyState
from webapp import deps, filters
from webapp.pi import gather
from webapp.pi.blueprint import bp
from webapp.pi.forms import AccommodationForm, ExtendForm, LockForm, PauseForm, ReasonForm
from webapp.pi.overview import overview
from webapp.study_page import StudyPage, study_page

SAID = {
    StudyState.OPEN: "The study is open: readers can begin cases.",
    StudyState.PAUSED: "The study is paused: no case can be begun. Cases that are open go on.",
    StudyState.LOCKED: "The study is locked. Nothing of it changes any more, and the analysis can be run.",
}


@bp.post("/<study:name>/open")
def open_study(name: str) -> ResponseReturnValue:
    """Open it, or resume it after a pause."""
    form = PauseForm()
    if not form.validate():
        abort(422, " ".join(form.reason.errors))
    return _become(name, StudyState.OPEN, form.reason.data or "")


@bp.route("/<study:name>/pause", methods=["GET", "POST"])
def pause(name: str) -> ResponseReturnValue:
    place, form = study_page(name), PauseForm()
    if form.validate_on_submit():
        return _become(name, StudyState.PAUSED, form.reason.data or "")
    return _asked("pi/pause.html", form, place=place)


@bp.route("/<study:name>/lock", methods=["GET", "POST"])
def lock(name: str) -> ResponseReturnValue:
    """The owner's alone: from here on the analysis may be seen, and nothing can be added."""
    if deps.me().role is not Role.OWNER:
        abort(403)
    place, form = study_page(name), LockForm(name=name)
    lines = gather.roster(place.study)
    if form.validate_on_submit():
        return _become(name, StudyState.LOCKED, form.reason.data)
    with deps.database().read() as session:
        answering = closing.being_answered(session, place.study.id)
    seen = overview(lines, target=place.content.protocol.target_readers)
    return _asked("pi/lock.html", form, place=place, seen=seen, answering=answering)


@bp.route("/<study:name>/readers/<uuid:respondent_id>/withdraw", methods=["GET", "POST"])
def withdraw(name: str, respondent_id: UUID) -> ResponseReturnValue:
    place, form, at_us, actor_id = study_page(name), ReasonForm(), deps.now_us(), deps.my_id()
    line = gather.line(place.study, respondent_id)
    if not form.validate_on_submit():
        return _asked("pi/withdraw.html", form, place=place, line=line)
    _with_reader(
        name,
        respondent_id,
        lambda session, reader: enrolment.withdraw(
            session, reader, reason=form.reason.data, actor_id=actor_id, at_us=at_us
        ),
    )
    flash(f"{line.label} is withdrawn. What they had done stays on the record.")
    return _to_reader(name, respondent_id)


@bp.route("/<study:name>/readers/<uuid:respondent_id>/time", methods=["GET", "POST"])
def accommodate(name: str, respondent_id: UUID) -> ResponseReturnValue:
    place, at_us, actor_id = study_page(name), deps.now_us(), deps.my_id()
    line = gather.line(place.study, respondent_id)
    form = AccommodationForm(data={"percent": line.accommodation_percent})
    if not form.validate_on_submit():
        return _asked("pi/accommodate.html", form, place=place, line=line)
    percent = form.percent.data
    _with_reader(
        name,
        respondent_id,
        lambda session, reader: enrolment.set_accommodation(session, reader, percent, actor_id=actor_id, at_us=at_us),
    )
    flash(f"{line.label} has {percent} % of the time for each case.")
    return _to_reader(name, respondent_id)


@bp.route("/<study:name>/readers/<uuid:respondent_id>/readings/<int:position>/extend", methods=["GET", "POST"])
def extend(name: str, respondent_id: UUID, position: int) -> ResponseReturnValue:
    place, form, at_us, actor_id = study_page(name), ExtendForm(), deps.now_us(), deps.my_id()
    line = gather.line(place.study, respondent_id)
    seen = gather.reading(line, position)
    if not form.validate_on_submit():
        return _asked("pi/extend.html", form, place=place, line=line, reading=seen)

    def work(session: Session) -> None:
        study = gather.unlocked(session, name)
        seconds = form.minutes.data * 60
        conduct.extend(
            session, study.id, seen.id, seconds=seconds, reason=form.reason.data, actor_id=actor_id, at_us=at_us
        )

    deps.database().write(work)
    flash(f"Case {position} of {line.label} has {filters.counted(form.minutes.data, 'minute')} more.")
    return _to_reader(name, respondent_id)


@bp.route("/<study:name>/readers/<uuid:respondent_id>/readings/<int:position>/set-aside", methods=["GET", "POST"])
def set_aside(name: str, respondent_id: UUID, position: int) -> ResponseReturnValue:
    place, form, at_us, actor_id = study_page(name), ReasonForm(), deps.now_us(), deps.my_id()
    line = gather.line(place.study, respondent_id)
    seen = gather.reading(line, position)
    if seen.void_reason is not None:
        raise CannotChange("This reading was set aside already.")
    if not form.validate_on_submit():
        return _asked("pi/set_aside.html", form, place=place, line=line, reading=seen)

    def work(session: Session) -> None:
        study = gather.unlocked(session, name)
        conduct.set_aside(session, study.id, seen.id, reason=form.reason.data, actor_id=actor_id, at_us=at_us)

    deps.database().write(work)
    flash(f"Case {position} of {line.label} is set aside. No analysis will use it; it is counted as set aside.")
    return _to_reader(name, respondent_id)


def _become(name: str, wanted: StudyState, reason: str) -> ResponseReturnValue:
    place, at_us, actor_id = study_page(name), deps.now_us(), deps.my_id()
    deps.database().write(
        lambda session: studies.change_state(
            session,
            name,
            wanted,
            protocol=place.content.protocol,
            actor_id=actor_id,
            at_us=at_us,
            reason=reason,
        )
    )
    flash(SAID[wanted])
    return redirect(url_for("pi.study", name=name), code=303)


def _with_reader(name: str, respondent_id: UUID, act: Callable[[Session, ReaderRow], None]) -> None:
    def work(session: Session) -> None:
        study = gather.unlocked(session, name)
        act(session, enrolment.reader_of(session, study.id, respondent_id))

    deps.database().write(work)


def _asked(template: str, form: FlaskForm, *, place: StudyPage, **shown: object) -> ResponseReturnValue:
    page = render_template(template, form=form, place=place, study=place.study, **shown)
    return page, 422 if form.errors else 200


def _to_reader(name: str, respondent_id: UUID) -> ResponseReturnValue:
    return redirect(url_for("pi.reader", name=name, respondent_id=respondent_id), code=303)
