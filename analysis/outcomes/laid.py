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
    """A study as arrays, the draws, and what the protocol says of both. The primary measure and control come first.

    `within_specialties` are the same draws of readers, with the cases that the control's physicians read drawn within
    their specialty, so that no draw passes over a specialty.
    """

    cut: Cut
    study: Frame
    completed: Frame
    measures: tuple[Measure, ...]
    arms: tuple[PhysicianArm, ...]
    draws: Draws
    within_specialties: Draws
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
    arms = _control_first(cut, study)
    together, within = _draws(cut, study, arms[0], seed, draws)
    return Laid(
        cut=cut,
        study=study,
        completed=completed,
        measures=_primary_first(cut, tuple(table.measure for table in study.tables.values())),
        arms=arms,
        draws=together,
        within_specialties=within,
        mixed_modes=cut.protocol.primary is not None and cut.protocol.primary.mixed_modes,
    )


def _primary_first(cut: Cut, measures: tuple[Measure, ...]) -> tuple[Measure, ...]:
    wanted = None if cut.protocol.primary is None else cut.protocol.primary.measure
    return tuple(sorted(measures, key=lambda measure: measure.name != wanted))


def _control_first(cut: Cut, study: Frame) -> tuple[PhysicianArm, ...]:
    wanted = None if cut.protocol.primary is None else cut.protocol.primary.control
    return tuple(sorted(study.arms.values(), key=lambda arm: arm.name != wanted))


def _draws(cut: Cut, study: Frame, control: PhysicianArm, seed: int, n_draws: int) -> tuple[Draws, Draws]:
    """Readers are drawn among those of the same arms, cases among those that somebody read, or within specialties.

    The readers come first from the same seed, and are the same in both.
    """
    read = np.stack([arm.read for arm in study.arms.values()])
    arms_of_reader = np.any(read, axis=2).T
    strata: dict[tuple[bool, ...], list[int]] = {}
    for reader, arms in enumerate(arms_of_reader.tolist()):
        if any(arms):
            strata.setdefault(tuple(arms), []).append(reader)
    readers = [_ints(strata[arms]) for arms in sorted(strata)]
    was_read = np.flatnonzero(read.any(axis=(0, 1)))
    together, within = (
        draw(seed, n_draws, len(study.readers), len(study.cases), reader_strata=readers, case_strata=cases)
        for cases in ([_ints(was_read)] if was_read.size else [], _by_specialty(cut, study, control))
    )
    return together, within


def _by_specialty(cut: Cut, study: Frame, control: PhysicianArm) -> list[Ints]:
    """The cases that the control's physicians read, by specialty."""
    specialty_of: dict[str, str] = {case_id: case.specialty for case_id, case in cut.cases.items()}
    own = np.array([specialty_of[case] for case in study.cases])
    was_read = control.read.any(axis=0)
    return [_ints(np.flatnonzero(was_read & (own == name))) for name in sorted(set(own[was_read].tolist()))]


def _ints(members: "list[int] | Ints") -> Ints:
    return np.asarray(members, dtype=np.int64)
