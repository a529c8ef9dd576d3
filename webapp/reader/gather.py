"""What a physician's pages are made from: their place in a study, their reading, and the study's content."""

from hashlib import sha256
from uuid import UUID

from flask import session as cookie

from study.store import closing, enrolment, readings
from study.store.enrolment import Place
from study.store.readings import Found
from study.tables import ClosedBy, StudyState
from webapp import deps
from webapp.content import Content
from webapp.reader import pages


def place(respondent_id: UUID) -> Place:
    """The account's own place in a study, with what is due in it closed first."""
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


def reading(reading_id: UUID) -> Found:
    """The account's own reading, closed first if it is due."""
    with deps.database().read() as session:
        found = readings.of_reader(session, reading_id, deps.my_id())
    if not found.is_due(deps.now_us()):
        return found
    _close(found.row.study_id, reading_id)
    with deps.database().read() as session:
        return readings.of_reader(session, reading_id, deps.my_id())


def _close(study_id: UUID, reading_id: UUID) -> None:
    at_us = deps.now_us()
    deps.database().write(
        lambda session: closing.close_due(session, study_id, reading_id, by=ClosedBy.READ, at_us=at_us)
    )


def content(found: Found) -> Content:
    return deps.content(found.row.study_id, found.row.bundle_digest)


def around(found: Found) -> dict[str, object]:
    """What every page of a reading shows: which of how many, and the links that stay in one place."""
    return {
        "respondent_id": found.row.respondent_id,
        "position": found.row.position,
        "of": content(found).cases_per_reader,
        "study_title": found.row.title,
    }


def lease(sent: str | None) -> str:
    """The lease of the page that sent this: its own, or, of a page without scripts, one for the whole browser."""
    if sent:
        return sent
    return f"plain-{sha256(str(cookie.get(deps.LOGIN)).encode()).hexdigest()[:32]}"
