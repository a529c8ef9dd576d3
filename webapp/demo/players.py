"""The invented physicians at work: every act goes through the door that a real one's goes through, at its time."""

import hashlib
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from study.bundle import Bundle
from study.case import CaseId
from study.draft import Draft
from study.progress import Ending
from study.simulate import SimulatedReader, SimulatedReading, simulate_readers
from study.store import answering, beginning, closing, conduct, enrolment, readings, studies
from study.store.answering import Sent
from study.store.enrolment import Invitee
from study.tables import ClosedBy, ReaderRow
from study.timing import SECOND_US, SLACK_US

TTL_US = 60 * 24 * 3600 * SECOND_US

PAGE = "simulated"
"""The lease of every simulated reader: each has one page, and never another."""


@dataclass(frozen=True, slots=True)
class Joined:
    """A reader with an account, and their readings in order."""

    account_id: UUID
    respondent_id: UUID
    readings: tuple[tuple[UUID, CaseId], ...]


def invite(session: Session, bundle: Bundle, invitee: Invitee, *, at_us: int) -> tuple[ReaderRow, str]:
    found = studies.by_name(session, bundle.protocol.id)
    reader = enrolment.invite(session, found, invitee, arm=bundle.protocol.arms[0], actor_id=None, at_us=at_us)
    token = secrets.token_urlsafe(24)
    enrolment.issue_join_ticket(session, reader, token, at_us=at_us, ttl_us=TTL_US)
    return reader, token


def join(session: Session, bundle: Bundle, invitee: Invitee, password_hash: str, *, at_us: int) -> Joined:
    reader, token = invite(session, bundle, invitee, at_us=at_us)
    session.flush()
    account = enrolment.join(
        session,
        token,
        protocol=bundle.protocol,
        cases=list(bundle.cases),
        bundle_digest=bundle.digest,
        consent_sha256=hashlib.sha256(bundle.consent.encode()).hexdigest(),
        password_hash=password_hash,
        at_us=at_us + 3600 * SECOND_US,
    )
    session.flush()
    (place,) = [
        place for place in enrolment.places(session, account.id) if place.reader.respondent_id == reader.respondent_id
    ]
    assigned = tuple((reading.id, CaseId(reading.case_id)) for reading in place.readings)
    return Joined(account.id, reader.respondent_id, assigned)


def panel(bundle: Bundle, joined: Mapping[str, Joined], *, start_us: int) -> dict[str, SimulatedReader]:
    assigned = {name: [case for _, case in reader.readings] for name, reader in joined.items()}
    protocol = bundle.protocol
    panel = simulate_readers(
        bundle.rubric(),
        list(bundle.cases),
        n_readers=len(assigned),
        cases_per_reader=protocol.allocation.cases_per_reader or len(bundle.cases),
        seed=protocol.seed,
        start_us=start_us,
        assigned=assigned,
    )
    return {reader.reader: reader for reader in panel}


def play_whole(session: Session, bundle: Bundle, joined: Joined, reader: SimulatedReader) -> None:
    play(session, bundle, joined, reader.readings)
    if reader.withdrew_at_us is not None:
        found = studies.by_name(session, bundle.protocol.id)
        row = enrolment.reader_of(session, found.id, joined.respondent_id)
        enrolment.withdraw(
            session, row, reason="No time for the other cases", actor_id=joined.account_id, at_us=reader.withdrew_at_us
        )


def play(session: Session, bundle: Bundle, joined: Joined, simulated: Sequence[SimulatedReading]) -> None:
    """Begin, save, submit or let time run out, each at its time."""
    for (reading_id, case_id), reading in zip(joined.readings, simulated, strict=False):
        if reading.opened_at_us is None:
            continue
        begin(session, bundle, joined, reading_id, case_id, at_us=reading.opened_at_us)
        ends_us = reading.opened_at_us + reading.seconds * SECOND_US
        submits = reading.ending in (Ending.SUBMITTED, Ending.NOTHING_TO_RECOMMEND)
        revision = 0
        for saved in reading.saves[:-1] if submits else reading.saves:
            at_us = reading.opened_at_us + saved.after_s * SECOND_US
            save(session, joined, reading_id, Draft(saved.selected), revision, at_us=at_us)
            revision += 1
        if submits:
            draft = Draft(
                reading.selected,
                confidence=reading.confidence,
                resources=frozenset({"reference" if reading.position % 3 == 0 else "none"}),
                nothing_to_recommend=reading.nothing_to_recommend,
            )
            last = Sent(f"submit-{revision}", revision, PAGE, draft)
            answering.submit(session, reading_id, joined.account_id, last, at_us=ends_us)
        else:
            _leave(session, bundle, joined, reading_id, reading, at_us=ends_us)


def begin(session: Session, bundle: Bundle, joined: Joined, reading_id: UUID, case_id: CaseId, *, at_us: int) -> None:
    beginning.begin(
        session,
        reading_id,
        joined.account_id,
        protocol=bundle.protocol,
        stage=bundle.protocol.arms[0].stages[0],
        case=bundle.cases[case_id],
        lease=PAGE,
        at_us=at_us,
    )


def save(session: Session, joined: Joined, reading_id: UUID, draft: Draft, revision: int, *, at_us: int) -> None:
    found = readings.of_reader(session, reading_id, joined.account_id, for_update=True)
    answering.save(session, found, Sent(f"save-{revision}", revision, PAGE, draft), at_us=at_us)


def _leave(
    session: Session, bundle: Bundle, joined: Joined, reading_id: UUID, reading: SimulatedReading, *, at_us: int
) -> None:
    """Not submitted: set aside after an incident, or closed when its time was over."""
    found = studies.by_name(session, bundle.protocol.id)
    if reading.void is not None:
        conduct.set_aside(session, found.id, reading_id, reason=reading.void, actor_id=joined.account_id, at_us=at_us)
    grace_us = (bundle.protocol.arms[0].stages[0].grace_s + 1) * SECOND_US
    limit_us = (bundle.protocol.arms[0].stages[0].limit_s or 0) * SECOND_US
    over = (reading.opened_at_us or 0) + limit_us + grace_us + SLACK_US
    closing.close_due(session, found.id, reading_id, by=ClosedBy.SWEEP, at_us=over)
