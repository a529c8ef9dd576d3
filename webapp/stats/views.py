"""What the statistician looks at: counts before the lock; after it the analysis, its files and the list of runs."""

import hashlib
import secrets
from importlib.metadata import version
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from study.export import export
from study.store import accounts, jobs, people, records, studies, tally
from study.store.jobs import Job
from study.store.studies import StudyRefuses
from study.tables import JobState, Role, StudyRow
from webapp import deps
from webapp.access import needs
from webapp.stats import files, numbers
from webapp.stats.forms import RunForm
from webapp.stats.results import read_results
from webapp.study_page import StudyPage, study_page

bp = Blueprint("stats", __name__, url_prefix="/stats")
bp.before_request(needs(Role.STATISTICIAN, Role.OWNER))
bp.add_app_template_filter(numbers.size, "file_size")

RESULTS = "results.json"
GOING = (JobState.QUEUED, JobState.RUNNING)


@bp.get("/")
def home() -> ResponseReturnValue:
    """The only study at once; of several, a list."""
    with deps.database().read() as session:
        found = studies.all_studies(session)
        runs = {study.id: len(jobs.of_study(session, study.id)) for study in found}
    if len(found) == 1:
        return redirect(url_for("stats.study", name=found[0].name), code=303)
    return render_template("stats/studies.html", studies=found, runs=runs)


@bp.get("/<study:name>")
def study(name: str) -> ResponseReturnValue:
    place = study_page(name)
    return _after(place) if place.locked else _before(place)


@bp.get("/<study:name>/runs/<uuid:job_id>")
def run(name: str, job_id: UUID) -> ResponseReturnValue:
    """One analysis among several; the newest of those under the protocol is on the study's page."""
    place = _locked(name)
    job = _job(place.study, job_id)
    if job.state is not JobState.DONE:
        return redirect(url_for("stats.study", name=name), code=303)
    return render_template("stats/run.html", study=place.study, **_shown(place, job))


@bp.post("/<study:name>/runs")
def run_again(name: str) -> ResponseReturnValue:
    place = _locked(name)
    form = RunForm(protocol=place.content.protocol)
    if not form.validate_on_submit():
        return _after(place, form)
    at_us, asked_by = deps.now_us(), deps.my_id()
    deps.database().write(
        lambda session: jobs.queue(
            session,
            studies.by_name(session, name),
            seed=form.seed.data,
            profile=form.profile.data,
            consensus=form.consensus.data,
            asked_by=asked_by,
            at_us=at_us,
        )
    )
    flash("The analysis is in the queue. It runs as soon as a worker is free.")
    return redirect(url_for("stats.study", name=name) + "#runs", code=303)


@bp.get("/<study:name>/runs.json")
def progress(name: str) -> Response:
    """What a page that waits asks every few seconds."""
    with deps.database().read() as session:
        found = jobs.of_study(session, _locked(name).study.id)
    going = [
        {"id": str(job.id), "state": job.state.value, "progress": job.progress} for job in found if job.state in GOING
    ]
    return jsonify(going=going)


@bp.get("/<study:name>/runs/<uuid:job_id>/files/<path:file>")
def file(name: str, job_id: UUID, file: str) -> Response:
    place = _locked(name)
    with deps.database().read() as session:
        found = jobs.artefact(session, place.study.id, job_id, file)
    return files.response(found, name, download="download" in request.args)


@bp.get("/<study:name>/export.zip")
def archive(name: str) -> Response:
    """Everything from which every number can be made again, without this site."""
    place = _locked(name)
    with deps.database().read() as session:
        record = records.study_record(session, studies.by_name(session, place.study.name))
    body = export(record, version=version("primum"))
    at_us, taker, sha256 = deps.now_us(), deps.my_id(), hashlib.sha256(body).hexdigest()
    deps.database().write(
        lambda session: people.note_export(
            session, accounts.by_id(session, taker), place.study, sha256=sha256, actor_id=taker, at_us=at_us
        )
    )
    sent = Response(body, content_type="application/zip")
    sent.headers.set("Content-Disposition", "attachment", filename=f"{name}.zip")
    return sent


def _before(place: StudyPage) -> str:
    """Counts, and why there is nothing more."""
    study_id = place.study.id
    with deps.database().read() as session:
        return render_template(
            "stats/before.html",
            study=place.study,
            place=place,
            readers=tally.readers(session, study_id),
            readings=tally.readings(session, study_id),
            systems=tally.systems(session, study_id),
        )


def _after(place: StudyPage, form: RunForm | None = None) -> ResponseReturnValue:
    """The newest finished analysis under the protocol, what runs, and the form to run it again."""
    with deps.database().read() as session:
        found = jobs.of_study(session, place.study.id)
    newest = next((job for job in found if job.state is JobState.DONE and _as_in_protocol(place, job)), None)
    page = render_template(
        "stats/after.html",
        study=place.study,
        place=place,
        runs=found,
        going=[job for job in found if job.state in GOING],
        form=form or _as_planned(place, again=bool(found)),
        states=JobState,
        planned={job.id for job in found if _as_in_protocol(place, job)},
        **(_shown(place, newest) if newest else {"run": None}),
    )
    return page, 422 if form is not None else 200


def _as_planned(place: StudyPage, *, again: bool) -> RunForm:
    """What the protocol says; for another run a fresh seed, which shows how much the draws matter."""
    protocol = place.content.protocol
    seed = secrets.randbelow(2**31) if again else protocol.seed
    planned = {"seed": seed, "profile": protocol.scoring.profile, "consensus": protocol.scoring.consensus}
    return RunForm(formdata=None, protocol=protocol, data=planned)


def _as_in_protocol(place: StudyPage, job: Job) -> bool:
    """Whether it is scored as the protocol says; its seed may be another. All else is a sensitivity analysis."""
    scoring = place.content.protocol.scoring
    return (job.profile, job.consensus) == (scoring.profile, scoring.consensus)


def _shown(place: StudyPage, job: Job) -> dict[str, Any]:
    """A finished analysis, for a page."""
    with deps.database().read() as session:
        left = tally.left_files(session, place.study.id, job.id)
        results = read_results(jobs.artefact(session, place.study.id, job.id, RESULTS).body)
    return {
        "run": job,
        "results": results,
        "left": left,
        "drawn": [one for one in results.figures if any(found.name == one.drawing for found in left)],
        "as_planned": _as_in_protocol(place, job),
    }


def _locked(name: str) -> StudyPage:
    """Raises StudyRefuses before the lock: there is no door to an outcome then."""
    place = study_page(name)
    if not place.locked:
        raise StudyRefuses("This study is not locked: nothing is analysed before the lock.")
    return place


def _job(study: StudyRow, job_id: UUID) -> Job:
    with deps.database().read() as session:
        found = jobs.of_study(session, study.id)
    return next((job for job in found if job.id == job_id), None) or abort(404)
