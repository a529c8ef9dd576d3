"""The protocol of a study: `study.toml` as frozen data. Times of day are aware, UTC; durations are seconds."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from study.case import CaseId


class StageMode(StrEnum):
    TICK = "tick"
    GRADE_ALL = "grade_all"


@dataclass(frozen=True, slots=True)
class Scoring:
    profile: str
    consensus: str


@dataclass(frozen=True, slots=True)
class Primary:
    """The primary comparison. `margin` None: superiority; there is no default margin."""

    measure: str
    test: str
    control: str
    margin: float | None = None
    mixed_modes: bool = False


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a reading. `limit_s` None: no limit."""

    id: str
    mode: StageMode = StageMode.TICK
    limit_s: int | None = None
    grace_s: int = 10
    resources: str | None = None


@dataclass(frozen=True, slots=True)
class Arm:
    id: str
    stages: tuple[Stage, ...]


@dataclass(frozen=True, slots=True)
class Allocation:
    """`cases_per_reader` None: every case. Anchors are read by everybody."""

    cases_per_reader: int | None = None
    anchors: tuple[CaseId, ...] = ()


@dataclass(frozen=True, slots=True)
class Window:
    """When readings may be begun and answered. None: not bounded on that side."""

    opens: datetime | None = None
    closes: datetime | None = None


@dataclass(frozen=True, slots=True)
class Protocol:
    id: str
    title: str
    version: str
    seed: int
    scoring: Scoring
    arms: tuple[Arm, ...]
    primary: Primary | None = None
    allocation: Allocation = Allocation()
    session_limit_s: int | None = None
    window: Window = Window()
    target_readers: int | None = None


def not_ready(protocol: Protocol) -> str | None:
    """Why a study of this protocol may not open yet, in a sentence; None: it may."""
    primary = protocol.primary
    if primary is None:
        return (
            "The primary comparison must be named before a study opens: add [primary] to study.toml "
            "(measure, test, control), then load the bundle again."
        )
    if primary.control not in {arm.id for arm in protocol.arms}:
        return f"The primary comparison has {primary.control} as its control, which is no arm of this study."
    for arm in protocol.arms:
        if len(arm.stages) != 1:
            return f"Arm {arm.id} has {len(arm.stages)} stages; the pages play one."
        if arm.stages[0].mode is not StageMode.TICK:
            return f"Arm {arm.id} asks for a call on every option (grade_all); the pages play ticks."
    return None
