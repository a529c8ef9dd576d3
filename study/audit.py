"""Checking event chains, wherever they stand: in a database or in an export."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby

from study.chain import GENESIS, faults_of, payload_digest
from study.record import EventRecord

Subject = tuple[str, str, str]
"""The study, the kind of subject, and the subject."""

ERASED = "erased"
"""The kind of event that says which payload was deleted: its body is `{"seq": n}`."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What stands, and everything wrong with it; no faults: every chain verifies."""

    chains: int
    events: int
    erased: int
    faults: tuple[str, ...]


def audit(events: Iterable[EventRecord], said: Mapping[Subject, tuple[int, str]]) -> Audit:
    """Check every event once. `events` stand chain after chain; `said`: count and head that each subject's row has."""
    left = dict(said)
    chains = standing = erased = 0
    faults: list[str] = []
    for subject, records in groupby(events, key=_subject):
        chain = list(records)
        chains, standing = chains + 1, standing + len(chain)
        erased += sum(record.body is None for record in chain)
        name = f"{subject[1]} {subject[2]}"
        if subject not in left:
            faults.append(f"{name}: there are events, but no such {subject[1]}")
            continue
        count, head = left.pop(subject)
        found = faults_of((record.link for record in chain), event_count=count, head=head)
        faults += [f"{name}: {fault}" for fault in (*found, *_payload_faults(chain))]
    for (_, kind, identity), (count, head) in left.items():
        if count or head != GENESIS:
            faults.append(f"{kind} {identity}: 0 events stand, {count} were written")
    return Audit(chains, standing, erased, tuple(faults))


def _subject(record: EventRecord) -> Subject:
    return record.link.study_id, record.link.subject_kind, record.link.subject_id


def _payload_faults(chain: Iterable[EventRecord]) -> list[str]:
    """Payloads that are not what was written, or that are gone without an event that says so."""
    records = list(chain)
    erased = {said for record in records if (said := _erases(record)) is not None}
    faults = []
    for record in records:
        seq = record.link.seq
        if record.salt is None or record.body is None:
            if seq not in erased:
                faults.append(f"the payload of event {seq} is missing, and no event says that it was erased")
        elif payload_digest(record.salt, record.body) != record.link.payload_sha256:
            faults.append(f"the payload of event {seq} was altered")
    return faults


def _erases(record: EventRecord) -> int | None:
    """Which payload an event says was deleted."""
    if record.link.kind != ERASED or record.body is None:
        return None
    try:
        said = json.loads(record.body)["seq"]
    except (ValueError, KeyError, TypeError):
        return None
    return said if isinstance(said, int) else None
