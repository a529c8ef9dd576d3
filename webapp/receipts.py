"""The letter with a physician's receipts: written by whoever closes their last case, where mail is set up."""

from uuid import UUID

from sqlmodel import Session

from study.db import Database
from study.store import receipts
from study.store.receipts import Finished, Line
from study.timing import SECOND_US
from webapp import filters

LOOK_BACK_US = 24 * 3600 * SECOND_US
"""For how long after a time-out its reader is still written to: a worker may have been away meanwhile."""


def post_when_finished(session: Session, study_id: UUID, respondent_id: UUID, *, at_us: int) -> bool:
    """Write the letter if this reader has nothing left to do and was not written to before; whether it was written."""
    found = receipts.finished(session, study_id, respondent_id)
    if found is None:
        return False
    subject, body = letter(found)
    receipts.post(session, found, subject, body, at_us=at_us)
    return True


def post_after_time_outs(database: Database, *, at_us: int) -> int:
    """The letters of readers whose last case ran out of time, whoever closed it; how many were written."""
    with database.read() as session:
        done = receipts.unwritten(session, since_us=at_us - LOOK_BACK_US)
    return sum(
        database.write(lambda session, whose=whose: post_when_finished(session, *whose, at_us=at_us)) for whose in done
    )


def letter(found: Finished) -> tuple[str, str]:
    """(subject, body)."""
    listed = "\n".join(f"Case {line.position}: {_ended(line)}" for line in found.lines)
    body = (
        f"{f'Dear {found.name},' if found.name else 'Dear colleague,'}\n\n"
        f"thank you for taking part in “{found.title}”. You have finished all of your cases, and nothing more is asked "
        "of you.\n\n"
        f"Your receipts:\n\n{listed}\n\n"
        "A receipt is a short digest of what was stored for a case, and when. Keep this mail: with a receipt the study "
        "team can show that your answer is still the one that you gave. What you answered does not stand in it.\n"
    )
    return f"Your receipts: {found.title}", body


def _ended(line: Line) -> str:
    if line.closed_at_us is None:
        return "set aside by the study team"
    when = filters.clock_time(line.closed_at_us)
    return f"ended {when}, with nothing that reached us" if line.receipt is None else f"{when}, receipt {line.receipt}"
