"""One system against each other system, case by case: no physician takes part, and only cases are random (E6)."""

from dataclasses import dataclass, replace

import numpy as np

from analysis.inference.conditional import between_systems
from analysis.inference.estimate import NAN, Estimate, Mask
from analysis.inference.refusals import refuse_variants, withheld
from analysis.inference.signflip import SignFlips, by_case
from analysis.outcomes.frame import Frame, MeasureTable, PhysicianArm


@dataclass(frozen=True, slots=True)
class SystemPair:
    """Test − control over the cases that the physicians read and both answered, every case counting the same.

    `estimate` has Student's t interval over cases. `p_flip` is the sign-flip test's, `p_family` the same stepping down
    over the family (max-T); NaN where there is none. `exact`: over all assignments of signs, not a sample of them.
    """

    test: str
    control: str
    measure: str
    estimate: Estimate
    p_flip: float = NAN
    p_family: float = NAN
    exact: bool = False
    assignments: int = 0


def against_others(
    study: Frame, table: MeasureTable, arm: PhysicianArm, test: int, *, level: float, seed: int, draws: int
) -> tuple[SystemPair, ...]:
    """One system − every other one, which is the family; reference policies are not in it.

    Parameters
    ----------
    study : Frame
        With K systems.
    table : MeasureTable
        A measure with one value a case; one made of sums over readings has no such family, and gives nothing.
    arm : PhysicianArm
        Whose cases are compared on.
    test : int
        The system's row, of K.
    level, seed, draws
        Coverage of the intervals, and of the signs where there are too many cases to enumerate them.

    Returns
    -------
    tuple of SystemPair
        In the order of the systems. Cases at which either side has no value are left out of a pair's interval; the
        sign-flip family needs the same cases throughout, and takes those that all of them have.
    """
    if table.measure.kind != "mean":
        return ()
    was_read: Mask = np.asarray(arm.read.any(axis=0), dtype=bool)
    others = [k for k, system in enumerate(study.systems) if k != test and not system.policy]
    differences = table.systems.above[test] - table.systems.above[others]
    usable = np.isfinite(differences) & was_read
    common = np.asarray(usable.all(axis=0), dtype=bool)
    variants = refuse_variants(study.cases, study.bases, was_read[None, :])
    flips = None
    if others and common.any() and variants is None:
        flips = by_case(differences[:, common].T, seed=seed, draws=draws)
    made = []
    for n, k in enumerate(others):
        estimate = withheld(between_systems(differences[n][usable[n]], level=level), variants)
        pair = SystemPair(study.systems[test].name, study.systems[k].name, table.measure.name, estimate)
        made.append(pair if flips is None else _flipped(pair, flips, n))
    return tuple(made)


def _flipped(pair: SystemPair, flips: SignFlips, n: int) -> SystemPair:
    return replace(
        pair,
        p_flip=float(flips.p[n]),
        p_family=float(flips.step_down[n]),
        exact=flips.exact,
        assignments=flips.assignments,
    )
