"""The export of a study: one archive from which every number can be made again, without its database.

The same study gives the same bytes. Before the lock it holds the protocol, roster counts and the allocation only.
"""

import csv
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from study.answer import Kind
from study.archive import BUNDLE, MANIFEST, SET_ASIDE, NotAnExport, locked_export
from study.audit import Audit, audit
from study.bundle import parse_bundle
from study.chain import Link
from study.cut import Cut
from study.errors import Fault, Faulty
from study.formats.canonical import parse_answers, write_answers
from study.reading_table import COLUMNS, read_readings, write_readings, write_table
from study.record import EventRecord, StudyRecord, cut_of, physician_answer, set_aside_answer
from study.sitting_tables import CHANGES, LATE, OUTAGES, path_faults, write_changes, write_late, write_outages

SCHEMA = 1
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every member: an archive made later is not another archive."""
DICTIONARY = {"readings.csv": COLUMNS, "changes.csv": CHANGES, "late-payloads.jsonl": LATE, "outages.csv": OUTAGES}


def export(record: StudyRecord, *, version: str) -> bytes:
    """The archive. `version`: of the software that made it."""
    files = _unlocked(record) if record.locked_at_us is None else _locked(record, record.locked_at_us)
    files[MANIFEST] = _json(_manifest(record, files, version))
    return pack(files)


def pack(files: Mapping[str, bytes]) -> bytes:
    """Files as one archive: sorted, without a clock, without whose they were."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
        for path in sorted(files):
            member = zipfile.ZipInfo(path, LONG_AGO)
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o644 << 16
            member.create_system = 3
            packed.writestr(member, files[path])
    return archive.getvalue()


def _unlocked(record: StudyRecord) -> dict[str, bytes]:
    return {
        "bundle/study.toml": record.files["study.toml"],
        "roster.csv": _roster(record),
        "allocation.csv": write_table(
            ["respondent", "position", "case_id"],
            ([place.label, place.position, place.case_id] for place in record.allocation),
        ),
    }


def _locked(record: StudyRecord, locked_at_us: int) -> dict[str, bytes]:
    readings = [reading.reading for reading in record.readings]
    scored = [answer for reading in readings if (answer := physician_answer(reading)) is not None]
    unscored = [answer for reading in readings if (answer := set_aside_answer(reading)) is not None]
    return {
        **{f"{BUNDLE}{path}": body for path, body in record.files.items()},
        "roster.csv": _roster(record),
        "allocation.csv": write_table(
            ["respondent", "position", "case_id", "arm"],
            ([place.label, place.position, place.case_id, place.arm] for place in record.allocation),
        ),
        "readers.csv": write_table(
            ["respondent", "respondent_id", "arm", "strata", "invited_at_us", "joined_at_us", "withdrawn_at_us"],
            (
                [
                    reader.label,
                    reader.respondent_id,
                    reader.arm,
                    json.dumps(reader.strata, sort_keys=True, ensure_ascii=False) if reader.strata else None,
                    reader.invited_at_us,
                    reader.joined_at_us,
                    reader.withdrawn_at_us,
                ]
                for reader in record.readers
                if not reader.test
            ),
        ),
        "readings.csv": write_readings(record.readings, record.readers),
        "changes.csv": write_changes(record.readings, record.events),
        "late-payloads.jsonl": write_late(record.readings, record.late),
        "outages.csv": write_outages(record.outages, record.readings, locked_at_us),
        "dictionary.csv": write_table(
            ["file", "column", "meaning"],
            ([file, column, meaning] for file, columns in DICTIONARY.items() for column, meaning in columns.items()),
        ),
        "answers.jsonl": write_answers([*record.answers, *scored]),
        SET_ASIDE: write_answers(unscored),
        "chains.csv": write_table(
            ["subject_kind", "subject_id", "event_count", "head"],
            ([chain.subject_kind, chain.subject_id, chain.event_count, chain.head] for chain in record.chains),
        ),
        "events.jsonl": b"".join(_event(event) for event in record.events),
    }


def _roster(record: StudyRecord) -> bytes:
    return write_table(["standing", "readers"], record.roster.items())


def _event(event: EventRecord) -> bytes:
    """One event with its payload: `body` is the very text that was hashed after the salt; both null: erased."""
    link = event.link
    line = {
        "study_id": link.study_id,
        "subject_kind": link.subject_kind,
        "subject_id": link.subject_id,
        "seq": link.seq,
        "at_us": link.at_us,
        "kind": link.kind,
        "actor_id": link.actor_id,
        "payload_sha256": link.payload_sha256,
        "prev": link.prev,
        "hash": link.hash,
        "salt": None if event.salt is None else event.salt.hex(),
        "body": None if event.body is None else event.body.decode(),
    }
    return json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _manifest(record: StudyRecord, files: Mapping[str, bytes], version: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "study": record.name,
        "study_id": record.study_id,
        "state": record.state,
        "locked_at_us": record.locked_at_us,
        "lock_reason": record.lock_reason,
        "bundle_digest": record.bundle_digest,
        "rubric_digest": record.rubric_digest,
        "versions": {"primum": version},
        "files": {path: hashlib.sha256(files[path]).hexdigest() for path in sorted(files)},
    }


def _json(found: object) -> bytes:
    return json.dumps(found, indent=2, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def cut_from_export(path: Path) -> Cut:
    """What an analysis needs, from the archive of a locked study: the same as from its database.

    Raises NotAnExport for a file that is none or that was made before the lock; Faulty with every member that is
    missing, foreign or not as it was written.
    """
    manifest, files = locked_export(path)
    bundled = {name.removeprefix(BUNDLE): body for name, body in files.items() if name.startswith(BUNDLE)}
    bundle = parse_bundle(bundled)
    answers = parse_answers(files["answers.jsonl"], "answers.jsonl", bundle.cases)
    unscored = parse_answers(files[SET_ASIDE], SET_ASIDE, bundle.cases) if files[SET_ASIDE] else []
    physicians = [answer for answer in [*answers, *unscored] if answer.kind is Kind.PHYSICIAN]
    responses = {(answer.respondent, str(answer.case_id)): answer.response for answer in physicians}
    return cut_of(
        bundle,
        read_readings(files["readings.csv"], responses, "readings.csv"),
        [answer for answer in answers if answer.kind is not Kind.PHYSICIAN],
        locked_at_us=manifest.locked_at_us,
        lock_reason=manifest.lock_reason,
        withdrawn=_withdrawn(files["readers.csv"]),
    )


def _withdrawn(readers: bytes) -> list[str]:
    """Who withdrew, by `readers.csv`. Raises Faulty where that is no table of readers."""
    try:
        rows = list(csv.DictReader(io.StringIO(readers.decode(), newline=""), strict=True))
        return [row["respondent"] for row in rows if row["withdrawn_at_us"]]
    except (UnicodeDecodeError, csv.Error, KeyError) as error:
        raise Faulty([Fault("readers.csv", f"is not a table of readers: {type(error).__name__}: {error}")]) from error


def audit_export(path: Path) -> Audit:
    """Every event chain in an archive, against the counts and heads that it was written with. Raises as above.

    And every physician's answer against the path that its events tell.
    """
    _, files = locked_export(path)
    try:
        events = [_event_record(json.loads(line)) for line in files["events.jsonl"].splitlines()]
        rows = list(csv.DictReader(io.StringIO(files["chains.csv"].decode(), newline=""), strict=True))
        study_id = events[0].link.study_id if events else ""
        said = {
            (study_id, row["subject_kind"], row["subject_id"]): (int(row["event_count"]), row["head"]) for row in rows
        }
        other = path_faults(files, events)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, csv.Error) as error:
        raise NotAnExport(f"{path.name} holds no chains that can be read: {error}") from error
    found = audit(events, said)
    return replace(found, faults=(*found.faults, *other))


def _event_record(line: dict[str, Any]) -> EventRecord:
    salt, body = line.pop("salt"), line.pop("body")
    return EventRecord(
        Link(**line), None if salt is None else bytes.fromhex(salt), None if body is None else body.encode()
    )
