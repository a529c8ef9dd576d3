"""The primary measure by specialty: each difference for itself, and one number for how far they lie apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.inference.bootstrap import WITHIN_STRATA, Draws
from analysis.inference.estimate import NAN, Mask
from analysis.inference.heterogeneity import Heterogeneity, heterogeneity
from analysis.outcomes import sides
from analysis.outcomes.contrasts import Contrast, contrasts, ordered
from analysis.outcomes.frame import Frame, MeasureTable, PhysicianArm


@dataclass(frozen=True, slots=True)
class OfSpecialty:
    """One system − the physicians on the cases of one specialty. No p value, and no band: it is descriptive."""

    specialty: str
    n_cases: int
    contrast: Contrast


def by_specialty(
    study: Frame,
    table: MeasureTable,
    arm: PhysicianArm,
    draws: Draws,
    specialty_of: Mapping[str, str],
    *,
    level: float,
    mixed_modes: bool,
) -> tuple[OfSpecialty, ...]:
    """Every system in every specialty that was read, specialties by name and systems from the best.

    Parameters
    ----------
    study, table, arm
        The study, one measure, and the arm of physicians.
    draws : Draws
        Of cases within their specialty, so that every draw has as many of each as the study; every specialty is
        estimated on the same ones.
    specialty_of : mapping
        Specialty by case.

    Returns
    -------
    tuple of OfSpecialty
        Each with the default interval and the bootstrap beside it, or the reason why there is none: the physicians of
        few readings may all be left out of too many draws.
    """
    found = []
    for name, within in _members(study, arm, specialty_of).items():
        own = replace(arm, read=arm.read & within)
        made = contrasts(study, table, own, draws, level=level, mixed_modes=mixed_modes)
        n_cases = int(own.read.any(axis=0).sum())
        found += [OfSpecialty(name, n_cases, _descriptive(contrast)) for contrast in ordered(made)]
    return tuple(found)


def apart(
    study: Frame,
    table: MeasureTable,
    arm: PhysicianArm,
    draws: Draws,
    specialty_of: Mapping[str, str],
    rows: Sequence[OfSpecialty],
    test: str,
) -> Heterogeneity:
    """How far one system's differences lie apart between the specialties in which it has an interval.

    `rows` are those of `by_specialty` on the same draws; the physicians that several specialties share are heeded.
    """
    own = [row for row in rows if row.contrast.test == test and row.contrast.default.refused is None]
    system = [system.name for system in study.systems].index(test)
    members = _members(study, arm, specialty_of)
    in_draws = np.full((draws.n, len(own)), np.nan)
    for column, row in enumerate(own):
        test_side, control = sides.in_draws(table, arm.name, [system], arm.read & members[row.specialty], draws)
        in_draws[:, column] = (test_side - control)[:, 0]
    estimates = np.array([row.contrast.default.value for row in own])
    return heterogeneity([row.specialty for row in own], estimates, in_draws)


def _members(study: Frame, arm: PhysicianArm, specialty_of: Mapping[str, str]) -> dict[str, Mask]:
    """Which cases (C,) are of each specialty, of those with a case that the arm read."""
    own = np.array([specialty_of[case] for case in study.cases])
    was_read = arm.read.any(axis=0)
    return {str(name): own == name for name in sorted(set(own[was_read].tolist()))}


def _descriptive(contrast: Contrast) -> Contrast:
    beside = contrast.bootstrap
    label = WITHIN_STRATA if beside.label is None else f"{beside.label}; {WITHIN_STRATA}"
    return replace(
        contrast,
        default=replace(contrast.default, p=NAN),
        bootstrap=replace(beside, label=label),
        band=None,
        p_family=NAN,
    )
