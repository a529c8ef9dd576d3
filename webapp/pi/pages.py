"""What the PI looks at: the studies, one study's conduct, one reader."""

from uuid import UUID

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from study.store import conduct, incidents, studies, tally
from study.store.incidents import Kind
from study.tables import StudyState
from webapp import deps, filters
from webapp.pi import gather
from webapp.pi.blueprint import bp
from webapp.pi.finding import find
from webapp.pi.overview import overview
from webapp.pi.stalled import SHOWN, STALLED_AFTER_DAYS, UNANSWERED_AFTER_DAYS, stalled
from webapp.study_page import study_page

INCIDENTS_SHOWN = 20


@bp.get("/")
def home() -> ResponseReturnValue:
    """The only study at once; of several, a list."""
    with deps.database().read() as session:
        found = studies.all_studies(session)
        counted = {study.id: tally.readings(session, study.id) for study in found}
    if len(found) == 1:
        return redirect(url_for("pi.study", name=found[0].name), code=303)
    return render_template("pi/studies.html", studies=found, counted=counted)


@bp.get("/<study:name>")
def study(name: str) -> ResponseReturnValue:
    place = study_page(name)
    lines = gather.roster(place.study)
    with deps.database().read() as session:
        problems = conduct.problems(session, place.study.id)
        befell = incidents.of_study(session, place.study)
    found = find(lines, request.args.get("q", ""), request.args.get("page", 1, type=int))
    return render_template(
        "pi/study.html",
        place=place,
        study=place.study,
        states=StudyState,
        seen=overview(lines, target=place.content.protocol.target_readers),
        stalled=stalled(lines, place.study, place.content.protocol.window, at_us=deps.now_us()),
        stalled_after=filters.counted(STALLED_AFTER_DAYS, "day"),
        unanswered_after=filters.counted(UNANSWERED_AFTER_DAYS, "day"),
        named=SHOWN,
        problems=problems,
        incidents=befell[:INCIDENTS_SHOWN],
        incidents_in_all=len(befell),
        names={line.respondent_id: line.full_name or line.email for line in lines},
        found=found,
    )


@bp.get("/<study:name>/readers/<uuid:respondent_id>")
def reader(name: str, respondent_id: UUID) -> ResponseReturnValue:
    place = study_page(name)
    line = gather.line(place.study, respondent_id)
    with deps.database().read() as session:
        problems = [told for told in conduct.problems(session, place.study.id) if told.respondent_id == respondent_id]
        befell = [one for one in incidents.of_study(session, place.study) if one.whose is not None]
    return render_template(
        "pi/reader.html",
        place=place,
        study=place.study,
        line=line,
        problems=problems,
        begun=any(seen.opened_at_us is not None for seen in line.readings),
        more_time=[one for one in befell if one.kind is Kind.EXTENSION],
        late={one.whose.reading_id: one.at_us for one in befell if one.kind is Kind.LATE},
        aside={one.whose.reading_id: one for one in befell if one.kind is Kind.SET_ASIDE},
    )
