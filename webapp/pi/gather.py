"""What the pages of the PI begin with: the roster, and nothing open that is over."""

from uuid import UUID

from flask import abort
from sqlmodel import Session

from study.store import closing, conduct, studies
from study.store.conduct import RosterLine, Seen
from study.store.studies import StudyRefuses
from study.tables import ClosedBy, StudyRow, StudyState
from webapp import deps
from webapp.pi.strata import Spellings


def roster(study: StudyRow) -> list[RosterLine]:
    """Every reader, after what is due has been closed: an open row that is over would be shown as open."""
    close_what_is_due()
    with deps.database().read() as session:
        return conduct.roster(session, study.id, at_us=deps.now_us())


def spellings(study: StudyRow) -> Spellings:
    """The strata of everybody on the roster, as they are written there."""
    with deps.database().read() as session:
        return Spellings(line.strata for line in conduct.roster(session, study.id, at_us=deps.now_us()))


def line(study: StudyRow, respondent_id: UUID) -> RosterLine:
    return next((line for line in roster(study) if line.respondent_id == respondent_id), None) or abort(404)


def reading(line: RosterLine, position: int) -> Seen:
    return next((seen for seen in line.readings if seen.position == position), None) or abort(404)


def close_what_is_due() -> None:
    at_us = deps.now_us()
    with deps.database().read() as session:
        waiting = bool(closing.due(session, at_us, most=1))
    while waiting:
        waiting = bool(
            deps.database().write(lambda session: closing.close_all_due(session, by=ClosedBy.READ, at_us=at_us))
        )


def unlocked(session: Session, name: str) -> StudyRow:
    """The study, held, for something that the lock forbids. Raises StudyRefuses after it."""
    study = studies.by_name(session, name, for_update=True)
    if study.state == StudyState.LOCKED:
        raise StudyRefuses("This study is locked: its record no longer changes.")
    return study
