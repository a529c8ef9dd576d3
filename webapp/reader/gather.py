"""What a physician's pages are made from: their place in a study, their reading, and the study's content."""

from hashlib import sha256
from uuid import UUID

from flask import session as cookie

from study.chain import canonical
from study.draft import Draft
from study.store import closing, enrolment, readings
from study.store.enrolment import Place
from study.store.readings import Found
from study.tables import ClosedBy, StudyState
from webapp import deps
from webapp.content import Content
from webapp.reader.guide import Guide
from webapp.reader.guide import guide as told


def place(respondent_id: UUID) -> Place:
    """The account's own place in a study, with what is due in it closed first."""
    with deps.database().read() as session:
        found = enrolment.place(session, respondent_id, deps.my_id())
    at_us = deps.now_us()
    overdue = [row for row in found.readings if readings.is_due(row, at_us)]
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


def around(found: Found, whole: Place | None = None) -> dict[str, object]:
    """What every page of a reading shows: which of how many, the instructions, the links that stay in one place.

    `whole`: the reader's place, for pages of a reading whose own clock does not run and cannot tell the sitting's end.
    """
    return {
        "respondent_id": found.row.respondent_id,
        "position": found.row.position,
        "of": content(found).cases_per_reader,
        "study_title": found.row.title,
        "guide": told(
            content(found),
            found.row.arm,
            percent=found.row.allowed_percent,
            ends_us=found.row.session_ends_at_us if whole is None else _ends_us(whole),
            at_us=deps.now_us(),
        ),
    }


def guide(place: Place) -> Guide:
    """What this reader is told of their clocks now."""
    reader = place.reader
    return told(
        deps.content(reader.study_id, place.study.bundle_digest),
        reader.arm,
        percent=reader.accommodation_percent,
        ends_us=_ends_us(place),
        at_us=deps.now_us(),
    )


def _ends_us(place: Place) -> int | None:
    return None if place.sitting_us is None else place.sitting_us[1]


def lease(sent: str | None) -> str:
    """The lease of the page that sent this: its own, or, of a page without scripts, one for the whole browser."""
    if sent:
        return sent
    return f"plain-{sha256(str(cookie.get(deps.LOGIN)).encode()).hexdigest()[:32]}"


def key(sent: str, base_revision: int, draft: Draft) -> str:
    """The key of a plain form: of what it says as well, since the same page can be sent again with other ticks.

    A browser that goes back shows the page with its key as it was; under that alone the second form would be lost. The
    revision belongs to it: a page that comes back with a question may go on to say what was said, and replaced, before.
    """
    words = canonical({"key": sent, "base_revision": base_revision, "draft": draft.as_json()})
    return f"plain-{sha256(words).hexdigest()[:40]}"
