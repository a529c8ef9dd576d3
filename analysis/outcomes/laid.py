"""A study made ready to be analysed: arrays, draws, and what the protocol puts first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.inference.bootstrap import Draws, draw
from analysis.inference.estimate import Ints
from analysis.outcomes.contrasts import Contrast, contrasts, ordered
from analysis.outcomes.frame import Frame, MeasureTable, PhysicianArm, completed_only, frame
from study.answer import Answer
from study.cut import Cut
from study.profile import Measure
from study.rubric import Rubric

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Laid:
    """A study as arrays, the draws, and what the protocol says of both. The primary measure and control come first."""

    cut: Cut
    study: Frame
    completed: Frame
    measures: tuple[Measure, ...]
    arms: tuple[PhysicianArm, ...]
    draws: Draws
    mixed_modes: bool

    @property
    def table(self) -> MeasureTable:
        """The primary measure, or the profile's first."""
        return self.study.tables[self.measures[0].name]

    @property
    def specialty_of(self) -> Mapping[str, str]:
        """By case."""
        return {case_id: case.specialty for case_id, case in self.cut.cases.items()}

    def place_of(self, system: str) -> int:
        """A system's row."""
        return [one.name for one in self.study.systems].index(system)

    def contrasts(self, table: MeasureTable, arm: PhysicianArm, study: Frame | None = None) -> tuple[Contrast, ...]:
        return ordered(
            contrasts(study or self.study, table, arm, self.draws, level=LEVEL, mixed_modes=self.mixed_modes)
        )


def lay_out(cut: Cut, rubric: Rubric, policies: Sequence[Answer], *, seed: int, draws: int) -> Laid:
    """Score everything, lay it out, and draw once for all that follows."""
    study = frame(cut, rubric, policies)
    completed = completed_only(cut, rubric, policies)
    return Laid(
        cut=cut,
        study=study,
        completed=completed,
        measures=_primary_first(cut, tuple(table.measure for table in study.tables.values())),
        arms=_control_first(cut, study),
        draws=_draws(study, seed, draws),
        mixed_modes=cut.protocol.primary is not None and cut.protocol.primary.mixed_modes,
    )


def _primary_first(cut: Cut, measures: tuple[Measure, ...]) -> tuple[Measure, ...]:
    wanted = None if cut.protocol.primary is None else cut.protocol.primary.measure
    return tuple(sorted(measures, key=lambda measure: measure.name != wanted))


def _control_first(cut: Cut, study: Frame) -> tuple[PhysicianArm, ...]:
    wanted = None if cut.protocol.primary is None else cut.protocol.primary.control
    return tuple(sorted(study.arms.values(), key=lambda arm: arm.name != wanted))


def _draws(study: Frame, seed: int, n_draws: int) -> Draws:
    """Readers are drawn among those of the same arms, cases among those that somebody read."""
    read = np.stack([arm.read for arm in study.arms.values()])
    arms_of_reader = np.any(read, axis=2).T
    strata: dict[tuple[bool, ...], list[int]] = {}
    for reader, arms in enumerate(arms_of_reader.tolist()):
        if any(arms):
            strata.setdefault(tuple(arms), []).append(reader)
    was_read = np.flatnonzero(read.any(axis=(0, 1)))
    return draw(
        seed,
        n_draws,
        len(study.readers),
        len(study.cases),
        reader_strata=[_ints(strata[arms]) for arms in sorted(strata)],
        case_strata=[_ints(was_read)] if was_read.size else [],
    )


def _ints(members: "list[int] | Ints") -> Ints:
    return np.asarray(members, dtype=np.int64)
