"""A sitting to be recorded: many readers begin, save and submit in turns, each step one unit of work of the store.

What each step does follows from the plan alone, so that whoever looks afterwards knows what must stand.
"""

import os
import random
import sys
import time
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from uuid import UUID

from _recorder import be_recorded
from sqlalchemy import event, select
from sqlmodel import Session

from study.bundle_content import parse_content
from study.case import Case, CaseId
from study.db import Database
from study.draft import Draft
from study.protocol import Protocol
from study.store import answering, beginning, readings, studies
from study.store.answering import Closed, Saved, Sent
from study.tables import metadata

DATABASE, SAYS = "sitting.db", "acknowledged"
LEASE = "page-of-reader"
READER = metadata.tables["reader"]
READING = metadata.tables["reading"]


class Deed(StrEnum):
    """As the events of a reading call them."""

    OPENED = "opened"
    SAVED = "saved"
    SUBMITTED = "submitted"


@dataclass(frozen=True, slots=True)
class Seat:
    """A reader's one reading."""

    reading: UUID
    account: UUID
    case: Case


@dataclass(frozen=True, slots=True)
class Step:
    """One event of a seat's reading: `revision` and `draft` are those that stand after it."""

    seat: int
    deed: Deed
    revision: int
    draft: Draft


def seated(session: Session) -> tuple[Protocol, list[Seat]]:
    """The readers of the one study, as they were enrolled."""
    (study,) = studies.all_studies(session)
    protocol, cases, _consent = parse_content(studies.files(session, study.id))
    query = (
        select(READING.c.id, READER.c.account_id, READING.c.case_id)
        .join(READER, READER.c.respondent_id == READING.c.respondent_id)
        .order_by(READER.c.email)
    )
    rows = session.connection().execute(query)
    return protocol, [Seat(row.id, row.account_id, cases[CaseId(row.case_id)]) for row in rows]


def steps(seats: list[Seat], saves: int) -> list[Step]:
    """Everybody begins, saves in turns, and submits what was saved last."""
    plan = [Step(number, Deed.OPENED, 0, Draft()) for number in range(len(seats))]
    for revision in range(1, saves + 1):
        plan += [Step(number, Deed.SAVED, revision, _draft(seat, revision)) for number, seat in enumerate(seats)]
    return plan + [Step(number, Deed.SUBMITTED, saves, _draft(seat, saves)) for number, seat in enumerate(seats)]


def _draft(seat: Seat, revision: int) -> Draft:
    """Another one each time. Some are long, so that a row spills over its page."""
    rng = random.Random(f"{seat.reading} {revision}")  # noqa: S311  hides nothing
    options = sorted(seat.case.option_ids)
    return Draft(
        selected=frozenset(rng.sample(options, rng.randint(1, len(options)))),
        confidence=rng.randint(0, 100),
        rationale=f"{revision}: " + rng.choice("abcdef") * (3_900 if rng.random() < 0.02 else rng.randint(0, 200)),
        resources=frozenset({"reference"} if rng.random() < 0.3 else ()),
    )


def _do(session: Session, protocol: Protocol, seat: Seat, step: Step, *, at_us: int) -> None:
    """The store's own functions, in the order in which the pages call them."""
    match step.deed:
        case Deed.OPENED:
            stage = protocol.arms[0].stages[0]
            options = {"protocol": protocol, "stage": stage, "case": seat.case, "lease": LEASE, "at_us": at_us}
            beginning.begin(session, seat.reading, seat.account, **options)
        case Deed.SAVED:
            found = readings.of_reader(session, seat.reading, seat.account, for_update=True)
            sent = Sent(f"save-{step.revision}", step.revision - 1, LEASE, step.draft)
            outcome = answering.save(session, found, sent, at_us=at_us)
            assert isinstance(outcome, Saved), outcome
        case Deed.SUBMITTED:
            sent = Sent("submit", step.revision, LEASE, step.draft)
            ended = answering.submit(session, seat.reading, seat.account, sent, at_us=at_us)
            assert isinstance(ended, Closed), ended


def play(folder: Path, synchronous: str, saves: int) -> None:
    """The whole sitting, recorded. A step is told the moment that its unit of work has returned."""
    be_recorded()
    told = os.open(folder / SAYS, os.O_WRONLY | os.O_CREAT, 0o600)
    database = Database(f"sqlite:///{folder / DATABASE}")

    @event.listens_for(database.engine, "connect")  # after the engine's own listener, which sets what we ship
    def choose(connection, _record):  # type: ignore[no-untyped-def]
        connection.execute(f"PRAGMA synchronous={synchronous}")

    with database.read() as session:
        protocol, seats = seated(session)
    for number, step in enumerate(steps(seats, saves)):
        at_us = time.time_ns() // 1000
        database.write(
            lambda session, step=step, at_us=at_us: _do(session, protocol, seats[step.seat], step, at_us=at_us)
        )
        os.write(told, f"{number}\n".encode())
    database.dispose()


if __name__ == "__main__":
    play(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
