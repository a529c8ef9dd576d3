"""What a physician is sent when their last case is closed: each case by its position, when it ended, and its receipt.

One mail when everything is done, and none for each case: six mails during one sitting would be read by nobody, and
would interrupt the next case. It names no case and repeats no answer, because a mailbox is nobody's vault.
"""

from dataclasses import dataclass
from uuid import UUID, uuid5

from sqlalchemy import and_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from study.progress import State
from study.tables import OutboxRow, ReaderRow, ReadingRow, StudyRow


@dataclass(frozen=True, slots=True)
class Line:
    """One case of the letter. `receipt` None: it ended before anything was put down; `closed_at_us` None: set aside."""

    position: int
    closed_at_us: int | None
    receipt: str | None


@dataclass(frozen=True, slots=True)
class Finished:
    """A reader with nothing left to do, as a letter speaks to them."""

    respondent_id: UUID
    recipient: str
    name: str
    title: str
    lines: tuple[Line, ...]


def finished(session: Session, study_id: UUID, respondent_id: UUID) -> Finished | None:
    """The reader, held, if all is done and no letter was written yet; None otherwise.

    Of two who close the last two cases at the same moment, one waits here for the other, and then sees both closed.
    """
    whose = (col(ReaderRow.study_id) == study_id, col(ReaderRow.respondent_id) == respondent_id)
    reader = session.exec(select(ReaderRow).where(*whose).with_for_update(key_share=True)).one()
    if reader.withdrawn_at_us is not None or session.get(OutboxRow, letter_id(respondent_id)) is not None:
        return None
    query = (
        select(ReadingRow.position, ReadingRow.closed_at_us, ReadingRow.receipt, ReadingRow.void_at_us)
        .where(col(ReadingRow.study_id) == study_id, col(ReadingRow.respondent_id) == respondent_id)
        .order_by(col(ReadingRow.position))
    )
    rows = session.exec(query).all()
    if any(closed is None and void is None for _position, closed, _receipt, void in rows):
        return None
    lines = tuple(
        Line(position, None, None) if void is not None else Line(position, closed, receipt)
        for position, closed, receipt, void in rows
    )
    if all(line.closed_at_us is None for line in lines):
        return None
    study = session.exec(select(StudyRow).where(col(StudyRow.id) == study_id)).one()
    return Finished(respondent_id, reader.email, reader.full_name, study.title, lines)


def post(session: Session, found: Finished, subject: str, body: str, *, at_us: int) -> None:
    """Put the letter in the outbox, in the transaction that held its reader."""
    row = OutboxRow(
        id=letter_id(found.respondent_id),
        recipient=found.recipient,
        subject=" ".join(subject.split()),
        body=body,
        created_at_us=at_us,
    )
    session.add(row)


def letter_id(respondent_id: UUID) -> UUID:
    """One reader, one letter: its row has the same name whoever writes it, so that the second one finds the first."""
    return uuid5(respondent_id, "receipts")


def unwritten(session: Session, *, since_us: int) -> list[tuple[UUID, UUID]]:
    """(study, respondent) of readers who are done, of whose cases one ended by itself since then, and have no letter.

    Whoever closes a case that ran out of time only notes that; the letter is written by whoever asks here.
    """
    other = aliased(ReadingRow)
    unfinished = (
        select(other.id)
        .where(col(other.study_id) == col(ReadingRow.study_id))
        .where(col(other.respondent_id) == col(ReadingRow.respondent_id))
        .where(col(other.closed_at_us).is_(None), col(other.void_at_us).is_(None))
    )
    query = (
        select(ReadingRow.study_id, ReadingRow.respondent_id)
        .join(
            ReaderRow,
            and_(
                col(ReaderRow.study_id) == col(ReadingRow.study_id),
                col(ReaderRow.respondent_id) == col(ReadingRow.respondent_id),
            ),
        )
        .where(col(ReadingRow.state) == State.EXPIRED.value, col(ReadingRow.deadline_at_us) > since_us)
        .where(col(ReadingRow.void_at_us).is_(None), col(ReaderRow.withdrawn_at_us).is_(None), ~unfinished.exists())
        .distinct()
    )
    done = session.exec(query).all()
    ids = [letter_id(respondent_id) for _study_id, respondent_id in done]
    written = set(session.exec(select(OutboxRow.id).where(col(OutboxRow.id).in_(ids))))
    return [(study_id, respondent_id) for study_id, respondent_id in done if letter_id(respondent_id) not in written]
