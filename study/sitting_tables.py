"""How the readings were made, as files of an export: every change of an answer, what came late, and the outages."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby

from study.answer import Kind
from study.archive import SET_ASIDE
from study.chain import SubjectKind
from study.draft import Draft
from study.reading_table import QUOTED, flag, quoted, write_table
from study.record import EventRecord, LateRecord, OutageRecord, ReadingRecord
from study.replay import DoesNotFollow, Step, drafts, steps

CHANGES: Mapping[str, str] = {
    "respondent": "the reader's pseudonym in this study",
    "case_id": "the case that was read",
    "revision": "which kept draft it was, from 1; every kept draft has a row",
    "at_us": "when the server had it, UTC microseconds",
    "kind": "option, field; unchanged (a draft that was kept as it stood); erased or unreadable (the changes are gone)",
    "what": "the option's id or the field's name" + QUOTED,
    "old": "what it was: 1 or 0, a number, a text, words joined by ;; empty: nothing" + QUOTED,
    "new": "what it became, likewise; the drafts of a reading begin empty, and its rows in order give each of them",
    "offset_ms": "when the page says that it was made, ms since it was shown, by its own clock; empty: it does not say",
    "in_grace": "1: the server had it after the deadline, within the grace; empty where erased, too",
}
OUTAGES: Mapping[str, str] = {
    "from_us": "when the site was last known to serve, UTC microseconds; an outage that took time of a limited reading",
    "to_us": "when it served again",
    "readings": "readings of this study that were open in it; what each was given back is part of its credit_s",
}
LATE: Mapping[str, str] = {
    "respondent": "the reader's pseudonym in this study",
    "case_id": "the case that was read",
    "received_at_us": "when the server had it, UTC microseconds: after deadline and grace",
    "claimed_at_us": "when the page says that its last change was made, on the server's clock; null: it does not say",
    "draft": "the whole answer that came: kept apart for whoever judges it without knowing a rating, used for nothing",
}


def write_changes(readings: Iterable[ReadingRecord], events: Iterable[EventRecord]) -> bytes:
    """Every change of every kept draft of these readings. `events` stand chain after chain."""
    return write_table(list(CHANGES), _changes(readings, _of_readings(events)))


def _of_readings(events: Iterable[EventRecord]) -> dict[str, list[EventRecord]]:
    chains = groupby(events, key=lambda event: (event.link.subject_kind, event.link.subject_id))
    return {subject: list(chain) for (kind, subject), chain in chains if kind == SubjectKind.READING}


def _changes(readings: Iterable[ReadingRecord], chains: Mapping[str, list[EventRecord]]) -> Iterator[list[object]]:
    for record in readings:
        for step in steps(chains.get(record.id, ())):
            yield from ([record.reading.reader, record.reading.case_id, *cells] for cells in _cells(step))


def _cells(step: Step) -> Iterator[list[object]]:
    begins, grace = [step.revision, step.at_us], flag(step.in_grace)
    if not step.changes:
        yield [*begins, step.lost or "unchanged", None, None, None, None, grace]
    for change in step.changes:
        yield [*begins, change.part, change.name, _cell(change.old), _cell(change.new), change.offset_ms, grace]


def _cell(value: object) -> object:
    match value:
        case bool():
            return int(value)
        case list():
            return ";".join(value)
        case _:
            return value


def path_faults(files: Mapping[str, bytes], events: Iterable[EventRecord]) -> list[str]:
    """Readings of an export whose answer is not where their events lead. Raises what unreadable files raise."""
    lines = b"".join((files["answers.jsonl"], files[SET_ASIDE])).splitlines()
    answers = [answer for answer in map(json.loads, lines) if answer.get("kind") == Kind.PHYSICIAN]
    selected = {(answer["respondent"], answer["case_id"]): answer["selected"] for answer in answers}
    chains = _of_readings(events)
    faults = []
    for row in csv.DictReader(io.StringIO(files["readings.csv"].decode(), newline=""), strict=True):
        stands = {
            "selected": sorted(selected.get((row["respondent"], row["case_id"]), ())),
            **{name: row[name] for name in ("confidence", "rationale", "resources", "nothing_to_recommend")},
        }
        try:
            (*_, last) = (Draft(), *drafts(steps(chains.get(row["reading_id"], ()))))
        except DoesNotFollow as error:
            faults.append(f"reading {row['reading_id']}: {error}")
            continue
        if last is not None and stands != _as_written(last):
            faults.append(f"reading {row['reading_id']}: its events lead to another answer than the one that stands")
    return faults


def _as_written(draft: Draft) -> dict[str, object]:
    """A draft as the files of an export have it."""
    return {
        "selected": sorted(draft.selected),
        "confidence": "" if draft.confidence is None else str(draft.confidence),
        "rationale": quoted(draft.rationale),
        "resources": ";".join(sorted(draft.resources)),
        "nothing_to_recommend": "1" if draft.nothing_to_recommend else "",
    }


def write_outages(outages: Iterable[OutageRecord], readings: Iterable[ReadingRecord], locked_at_us: int) -> bytes:
    """The outages that any of these readings ran into. What a lock found open ran until then."""
    spans = [
        (record.reading.opened_at_us, record.reading.closed_at_us or locked_at_us)
        for record in readings
        if record.reading.opened_at_us is not None
    ]
    rows = (
        (outage.from_us, outage.to_us, sum(begun < outage.to_us and outage.from_us < ended for begun, ended in spans))
        for outage in outages
    )
    return write_table(list(OUTAGES), (row for row in rows if row[-1]))


def write_late(readings: Iterable[ReadingRecord], late: Iterable[LateRecord]) -> bytes:
    """One JSON object a line: answers that came too late to count, in the order in which they came."""
    whose = {record.id: record.reading for record in readings}
    lines = (
        {
            "respondent": whose[record.reading_id].reader,
            "case_id": whose[record.reading_id].case_id,
            "received_at_us": record.at_us,
            "claimed_at_us": record.claimed_at_us,
            "draft": record.draft,
        }
        for record in late
        if record.reading_id in whose
    )
    return b"".join(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for line in lines)
