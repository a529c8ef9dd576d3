"""What a database holds after a drill, beside everything that it had acknowledged."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from _figures import figure
from _site import Site
from _writers import Kept, Writer
from sqlalchemy import and_, select

from study.tables import metadata

SAVE, READING, ANSWER = metadata.tables["save"], metadata.tables["reading"], metadata.tables["answer"]
EVENT, PAYLOAD = metadata.tables["event"], metadata.tables["event_payload"]
EMPTY: Mapping[str, Any] = {
    "selected": [],
    "confidence": None,
    "rationale": "",
    "resources": [],
    "nothing_to_recommend": False,
}
Revision = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Counts, each of which must be nought. `lost`: acknowledged, and not there as it was acknowledged."""

    lost: int
    gaps: int
    duplicates: int
    chain_faults: int


@dataclass(frozen=True, slots=True)
class Stored:
    """Saves by reading and key, drafts as the events tell them, and answers and revisions as they stand."""

    saves: Mapping[tuple[str, str], tuple[int, datetime]]
    events: Mapping[str, Sequence[Mapping[str, Any]]]
    drafts: Mapping[Revision, Mapping[str, Any]]
    answers: Mapping[str, Mapping[str, Any]]
    revisions: Mapping[str, int]


def verdict(site: Site, writers: Sequence[Writer]) -> Verdict:
    """Read the whole database once, then ask `primum audit verify`."""
    stored = read(site)
    kept = [one for writer in writers for one in writer.kept]
    return Verdict(lost(stored, kept), gaps(stored), duplicates(stored, kept), chain_faults(site))


def read(site: Site) -> Stored:
    with site.database.read() as session:
        connection = session.connection()
        saves = {
            (str(row.reading_id), row.key): (row.revision, row.at_us) for row in connection.execute(select(SAVE)).all()
        }
        revisions = {str(row.id): row.revision for row in connection.execute(select(READING)).all()}
        answers = {
            str(row.reading_id): {name: getattr(row, name) for name in EMPTY}
            for row in connection.execute(select(ANSWER)).all()
        }
        same = [EVENT.c[name] == PAYLOAD.c[name] for name in ("study_id", "subject_kind", "subject_id", "seq")]
        told = connection.execute(
            select(EVENT.c.subject_id, PAYLOAD.c.body)
            .join(PAYLOAD, and_(*same))
            .where(EVENT.c.subject_kind == "reading", EVENT.c.kind == "saved")
            .order_by(EVENT.c.subject_id, EVENT.c.seq)
        ).all()
    events: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for reading, body in told:
        events[str(reading)].append(json.loads(body))
    return Stored(saves, events, retold(events), answers, revisions)


def retold(events: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[Revision, Mapping[str, Any]]:
    """The draft at every revision, made again from what each event says was changed."""
    drafts: dict[Revision, Mapping[str, Any]] = {}
    for reading, bodies in events.items():
        draft = dict(EMPTY)
        for body in bodies:
            for change in body["changes"]:
                draft = changed(draft, change)
            drafts[reading, body["revision"]] = draft
    return drafts


def changed(draft: Mapping[str, Any], change: Mapping[str, Any]) -> dict[str, Any]:
    if "field" in change:
        return {**draft, change["field"]: change["new"]}
    others = {option for option in draft["selected"] if option != change["option"]}
    return {**draft, "selected": sorted(others | ({change["option"]} if change["new"] else set()))}


def lost(stored: Stored, kept: Sequence[Kept]) -> int:
    """Acknowledged saves that are not there under their key, at their revision and time, with their draft."""

    def is_there(one: Kept) -> bool:
        revision, at_us = stored.saves.get((one.reading, one.key), (0, 0))
        at = datetime.fromtimestamp(at_us / 1e6, UTC).isoformat(timespec="milliseconds")
        said = one.saved_at.isoformat(timespec="milliseconds")
        return (revision, at) == (one.revision, said) and stored.drafts.get((one.reading, revision)) == one.draft

    newest = {reading: stored.drafts.get((reading, revision)) for reading, revision in stored.revisions.items()}
    overwritten = sum(stored.answers.get(reading) != draft for reading, draft in newest.items() if draft is not None)
    return sum(not is_there(one) for one in kept) + overwritten


def gaps(stored: Stored) -> int:
    """Revisions that are missing below the newest one of their reading, among its saves or among its events."""
    saved = {(reading, revision) for (reading, _key), (revision, _at) in stored.saves.items()}
    wanted = {(reading, number) for reading, last in stored.revisions.items() for number in range(1, last + 1)}
    return len(wanted ^ saved) + len(wanted ^ set(stored.drafts))


def duplicates(stored: Stored, kept: Sequence[Kept]) -> int:
    """Revisions told twice, saves made twice (their reason is theirs alone), and one revision acknowledged to two."""
    told = Counter((reading, body["revision"]) for reading, bodies in stored.events.items() for body in bodies)
    made = Counter(
        (reading, change["new"])
        for reading, bodies in stored.events.items()
        for body in bodies
        for change in body["changes"]
        if change.get("field") == "rationale"
    )
    said = Counter((one.reading, one.revision) for one in kept)
    return sum(times - 1 for counted in (told, made, said) for times in counted.values())


def chain_faults(site: Site) -> int:
    """What `primum audit verify` says of every chain, head and receipt; the figure is of lines that name a fault."""
    found = site.primum("audit", "verify")
    if found.returncode == 0 and found.stdout.rstrip().endswith("every one verifies"):
        return 0
    print(found.stdout, found.stderr, flush=True)
    return max(1, len(found.stderr.splitlines()))


def told(name: str, found: Verdict) -> None:
    """The four counts as figures."""
    for what, count in (
        ("acknowledged saves lost", found.lost),
        ("gaps in revisions", found.gaps),
        ("saves doubled", found.duplicates),
        ("faults of chains", found.chain_faults),
    ):
        figure(f"{name}: {what}", count, "", target=0, holds=count == 0)
