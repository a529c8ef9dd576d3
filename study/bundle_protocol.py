"""`study.toml`, strictly: a protocol, or every fault that keeps it from being one."""

from datetime import datetime

from study.bundle_text import Table, read_toml
from study.case import CaseId
from study.consensus import ConsensusRule
from study.errors import Fault
from study.profile import PROFILES
from study.protocol import Allocation, Arm, Primary, Protocol, Scoring, Stage, StageMode, Window

SCHEMA = 1
MOST_SECONDS = 7 * 24 * 3600
MOST_GRACE_S = 3600
MOST_READERS = 1_000_000
MOST_CASES = 100_000


def parse_protocol(data: bytes, name: str, faults: list[Fault]) -> Protocol | None:
    """None: a fault was found."""
    before = len(faults)
    table = read_toml(data, name, faults)
    if table is None:
        return None
    table.whole("schema", SCHEMA, SCHEMA, required=True)
    scoring = _scoring(table.table("scoring", required=True))
    session, targets = table.table("session"), table.table("targets")
    protocol = Protocol(
        id=table.id("id") or "",
        title=table.text("title", required=True) or "",
        version=table.text("version", required=True) or "",
        seed=table.whole("seed", 0, 2**63 - 1, required=True) or 0,
        scoring=scoring,
        arms=_arms(table),
        primary=_primary(table.table("primary"), scoring.profile),
        allocation=_allocation(table.table("allocation")),
        session_limit_s=session.whole("limit_s", 1, MOST_SECONDS) if session is not None else None,
        window=_window(table.table("window")),
        target_readers=targets.whole("readers", 1, MOST_READERS) if targets is not None else None,
    )
    for part in (session, targets, table):
        if part is not None:
            part.close()
    return protocol if len(faults) == before else None


def _scoring(table: Table | None) -> Scoring:
    if table is None:
        return Scoring("", "")
    profile = table.word("profile", tuple(PROFILES), required=True)
    consensus = table.word("consensus", tuple(ConsensusRule), required=True)
    table.close()
    return Scoring(profile or "", consensus or "")


def _primary(table: Table | None, profile: str) -> Primary | None:
    """The measure must be one of the profile's; test and control are named here, and met when answers come."""
    if table is None:
        return None
    words = tuple(PROFILES[profile].by_name) if profile in PROFILES else ()
    measure = table.word("measure", words, required=True) if words else table.text("measure", required=True)
    primary = Primary(
        measure=measure or "",
        test=table.id("test") or "",
        control=table.id("control") or "",
        margin=table.positive("margin"),
        mixed_modes=table.flag("mixed_modes"),
    )
    if primary.margin is not None and primary.margin >= 1 and primary.measure in words:
        table.fault("margin", f"must be below 1, is {primary.margin:g}: {primary.measure} lies between 0 and 1")
    if primary.test and primary.test == primary.control:
        table.fault("control", "must not be the test itself")
    table.close()
    return primary


def _arms(table: Table) -> tuple[Arm, ...]:
    arms: list[Arm] = []
    for given in table.tables("arms"):
        arms.append(Arm(id=_new_id(given, {arm.id for arm in arms}), stages=_stages(given)))
        given.close()
    return tuple(arms)


def _stages(table: Table) -> tuple[Stage, ...]:
    stages: list[Stage] = []
    for given in table.tables("stages"):
        grace = given.whole("grace_s", 0, MOST_GRACE_S)
        stage = Stage(
            id=_new_id(given, {stage.id for stage in stages}),
            mode=StageMode(given.word("mode", tuple(StageMode)) or StageMode.TICK),
            limit_s=given.whole("limit_s", 1, MOST_SECONDS),
            grace_s=10 if grace is None else grace,
            resources=given.text("resources"),
        )
        given.close()
        stages.append(stage)
    return tuple(stages)


def _new_id(table: Table, taken: set[str]) -> str:
    found = table.id("id") or ""
    if found and found in taken:
        table.fault("id", f"{found} stands there more than once")
    return found


def _allocation(table: Table | None) -> Allocation:
    if table is None:
        return Allocation()
    allocation = Allocation(
        cases_per_reader=table.whole("cases_per_reader", 1, MOST_CASES),
        anchors=tuple(map(CaseId, table.ids("anchors"))),
    )
    table.close()
    return allocation


def _window(table: Table | None) -> Window:
    if table is None:
        return Window()
    opens, closes = table.moment("opens"), table.moment("closes")
    if isinstance(opens, datetime) and isinstance(closes, datetime) and opens >= closes:
        table.fault("closes", "must be later than opens")
    table.close()
    return Window(opens, closes)
