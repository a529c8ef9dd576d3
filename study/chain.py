"""The hash chain of a subject's events (contracts, event chain): what is hashed, and how a chain is checked."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

GENESIS = "0" * 64
SALT_BYTES = 16


class SubjectKind(StrEnum):
    READING = "reading"
    READER = "reader"
    STUDY = "study"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Link:
    """One event, as stored. Ids are the text of their UUIDs; `actor_id` None: the system itself."""

    study_id: str
    subject_kind: str
    subject_id: str
    seq: int
    at_us: int
    kind: str
    actor_id: str | None
    payload_sha256: str
    prev: str
    hash: str


def canonical(body: Mapping[str, Any]) -> bytes:
    """The bytes of a payload that are hashed. Raises TypeError on a float: a number must have one spelling."""
    _refuse_floats(body)
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


_PLAIN = frozenset({str, int, bool, type(None)})


def _refuse_floats(value: object) -> None:
    if type(value) in _PLAIN:  # nearly everything is: a save is canonical many times a minute
        return
    match value:
        case float():
            raise TypeError(f"A payload holds no floats, but here is {value!r}.")
        case Mapping():
            for inner in value.values():
                _refuse_floats(inner)
        case list() | tuple():
            for inner in value:
                _refuse_floats(inner)
        case _:
            return


def payload_digest(salt: bytes, body: bytes) -> str:
    return hashlib.sha256(salt + body).hexdigest()


def link_hash(
    study_id: str,
    subject_kind: str,
    subject_id: str,
    seq: int,
    at_us: int,
    kind: str,
    actor_id: str | None,
    payload_sha256: str,
    prev: str,
) -> str:
    fields = [1, study_id, subject_kind, subject_id, seq, at_us, kind, actor_id, payload_sha256, prev]
    return hashlib.sha256(json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def faults_of(links: Iterable[Link], *, event_count: int, head: str) -> list[str]:
    """Everything wrong with one subject's chain, given what its row says of it; an empty list: it verifies.

    `links` stand in the order of their sequence. A cut tail shows as a head and a count that do not agree.
    """
    faults = []
    prev, seq = GENESIS, 0
    for seq, link in enumerate(links, start=1):
        if link.seq != seq:
            faults.append(f"event {seq} is missing: {link.seq} stands in its place")
            break
        if link.prev != prev:
            faults.append(f"event {seq} does not follow the one before it")
        expected = link_hash(
            link.study_id,
            link.subject_kind,
            link.subject_id,
            link.seq,
            link.at_us,
            link.kind,
            link.actor_id,
            link.payload_sha256,
            link.prev,
        )
        if link.hash != expected:
            faults.append(f"event {seq} was altered")
        prev = link.hash
    if seq != event_count:
        faults.append(f"{seq} events stand, {event_count} were written")
    if prev != head:
        faults.append("the last event is not the one that was written last")
    return faults
