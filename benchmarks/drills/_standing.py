"""What stands in a database after a cut, beside what had been acknowledged before it."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from _play import READING, Deed, Seat, Step
from sqlalchemy import Connection, select
from sqlalchemy.exc import DatabaseError

from study.chain import GENESIS, link_hash, payload_digest
from study.db import Database
from study.draft import Draft, changes
from study.store.audit import audit
from study.store.readings import ANSWER

# Plain SQL: it is asked ten thousand times of the same rows, most of which were looked at before.
EVENTS = """
    SELECT e.subject_id, e.seq, e.prev, e.hash, e.study_id, e.subject_kind, e.at_us, e.kind, e.actor_id,
           e.payload_sha256, p.salt, p.body
    FROM event e LEFT JOIN event_payload p
      ON p.study_id = e.study_id AND p.subject_kind = e.subject_kind AND p.subject_id = e.subject_id AND p.seq = e.seq
    WHERE e.subject_kind = 'reading' ORDER BY e.subject_id, e.seq
"""
STATES = {Deed.OPENED: "open", Deed.SAVED: "open", Deed.SUBMITTED: "submitted"}


@dataclass(frozen=True, slots=True)
class Standing:
    """`lost`: acknowledged steps that are not there; all of them where the database cannot be read.

    `faults`: what is there and should not be, or is not whole.
    """

    lost: int
    faults: tuple[str, ...]


class Plan:
    """What must stand after each step. Rows that were found right once are known by all their columns."""

    def __init__(self, seats: Sequence[Seat], steps: Sequence[Step]) -> None:
        self.seats = {seat.reading.hex: number for number, seat in enumerate(seats)}
        self.steps = steps
        self.chains: list[list[Step]] = [[] for _ in seats]
        for step in steps:
            self.chains[step.seat].append(step)
        self.known: set[tuple[Any, ...]] = set()

    def standing(self, database: Database, acknowledged: int, *, whole: bool = False) -> Standing:
        """`acknowledged`: how many steps were. `whole`: with the audit that `primum audit verify` makes."""
        try:
            with database.read() as session:
                faults = _integrity(session.connection())
                if faults:
                    return Standing(acknowledged, tuple(faults))
                found, faults = self._chains(session.connection())
                faults += self._beside(session.connection(), found)
                faults += audit(session).faults if whole else ()
        except DatabaseError as error:
            return Standing(acknowledged, (f"cannot be read: {error.orig}",))
        except (LookupError, ValueError) as error:  # pages of different times may tell of anything
            return Standing(acknowledged, (f"makes no sense: {error!r}",))
        wanted = Counter(step.seat for step in self.steps[:acknowledged])
        lost = sum(max(0, wanted[seat] - found[seat]) for seat in wanted)
        more = sum(found.values()) - acknowledged
        if more > 1:
            faults.append(f"{more} steps stand that were not acknowledged, and one was under way")
        return Standing(lost, tuple(faults))

    def _chains(self, connection: Connection) -> tuple[Counter[int], list[str]]:
        """How many events each seat has, each of them whole, in its place, and the one that was written."""
        found: Counter[int] = Counter()
        heads = {}
        faults = []
        rows = connection.exec_driver_sql(EVENTS)
        for reading, chain in groupby(rows, key=lambda row: row[0]):
            seat, head = self.seats[reading], GENESIS
            for place, row in enumerate(map(tuple, chain)):
                if row not in self.known:
                    faults += [f"reading {seat}: {fault}" for fault in self._event_faults(row, seat, place)]
                if row[1] != place + 1 or row[2] != head:
                    faults.append(f"reading {seat}: event {row[1]} does not follow the one before it")
                head = row[3]
                found[seat] += 1
            heads[reading] = (found[seat], head)
        said = connection.execute(select(READING.c.id, READING.c.event_count, READING.c.head))
        for identity, count, head in said:
            if (count, head) != heads.get(identity.hex, (0, GENESIS)):
                faults.append(f"reading {self.seats[identity.hex]}: its chain is not the one that its row tells of")
        return found, faults

    def _event_faults(self, row: tuple[Any, ...], seat: int, place: int) -> Iterator[str]:
        subject, seq, prev, hashed, study, kind_of, at_us, kind, actor, digest, salt, body = row
        step, before = self.chains[seat][place], self.chains[seat][place - 1] if place else None
        named = [None if name is None else str(UUID(name)) for name in (study, subject, actor)]
        if link_hash(named[0], kind_of, named[1], seq, at_us, kind, named[2], digest, prev) != hashed:  # type: ignore[arg-type]  # only the actor may be nobody
            yield f"event {seq} was altered"
        elif salt is None or payload_digest(salt, body) != digest:
            yield f"the payload of event {seq} is not what was written"
        elif kind != step.deed:
            yield f"event {seq} is {kind}, not {step.deed}"
        elif step.deed is Deed.SAVED:
            told = changes(before.draft if before else Draft(), step.draft, {})
            if json.loads(body)["changes"] == told:
                self.known.add(row)
            else:
                yield f"event {seq} tells of other changes than were sent"
        else:
            self.known.add(row)

    def _beside(self, connection: Connection, found: Counter[int]) -> Iterator[str]:
        """Each reading's state, draft and keys, as its last event leaves them."""
        last = {seat: self.chains[seat][count - 1] for seat, count in found.items()}
        wanted = {
            (reading, f"save-{revision}", revision)
            for reading, seat in self.seats.items()
            for revision in range(1, last[seat].revision + 1 if seat in last else 1)
        }
        kept = {tuple(row) for row in connection.exec_driver_sql("SELECT reading_id, key, revision FROM save")}
        if kept != wanted:
            yield f"{len(kept ^ wanted)} keys of saves are there without their event, or the other way round"
        answers = {row.reading_id.hex: row for row in connection.execute(select(ANSWER))}
        for row in connection.execute(select(READING.c.id, READING.c.state, READING.c.revision)):
            seat = self.seats[row.id.hex]
            step = last.get(seat)
            state, revision, draft = ("assigned", 0, None) if step is None else _told(step)
            if (row.state, row.revision) != (state, revision):
                yield f"reading {seat} is {row.state} at {row.revision}, its events say {state} at {revision}"
            answer = answers.get(row.id.hex)
            if (None if answer is None else {name: getattr(answer, name) for name in Draft().as_json()}) != draft:
                yield f"reading {seat}: its answer is not the draft that was saved last"


def _told(step: Step) -> tuple[str, int, dict[str, Any] | None]:
    return STATES[step.deed], step.revision, step.draft.as_json() if step.revision else None


def _integrity(connection: Connection) -> list[str]:
    return [row[0] for row in connection.exec_driver_sql("PRAGMA integrity_check") if row[0] != "ok"]
