"""The primary comparison with the readings that are missing filled in: how little, or how much, could hang on them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from analysis.inference.estimate import NAN, Estimate, Floats, Mask
from analysis.inference.layout import layout_of
from analysis.inference.twoway import twoway
from analysis.outcomes.frame import MeasureTable, PhysicianArm
from study.profile import Better, MeasureKind, Scale

STEPS = 100
Conclude = Callable[[Estimate], object]


@dataclass(frozen=True, slots=True)
class Missing:
    """Readings that were assigned and have no score, at cases that the system answered.

    `scores` (R, C) are the physicians', NaN where there is none; `own_means` (R, C) each physician's own mean, or
    everybody's where a physician has no score. `system` (C,). Scores lie between 0 and 1.
    """

    absent: Mask
    scores: Floats
    own_means: Floats
    system: Floats
    best: float

    @property
    def n(self) -> int:
        return int(self.absent.sum())

    def difference(self, fill: Floats | float, *, level: float) -> Estimate:
        """System − physicians, by the default interval, with these scores at the absent readings."""
        scores = np.where(self.absent, fill, self.scores)
        differences = self.system - scores
        there = np.isfinite(differences)
        return twoway(differences[there], layout_of(there), level=level)


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """How far the missing scores must lie above, or below, the physicians' own means before the conclusion is another.

    In the measure's units, in hundredths of its range; a score stays between 0 and 1. NaN: it stands wherever they lie.
    """

    missing: int
    above: float
    below: float


def missing_of(table: MeasureTable, arm: PhysicianArm, system: int) -> Missing | None:
    """What is missing of one comparison.

    None: nothing is, nobody has a score, or the measure has not one score from 0 to 1 a reading.
    """
    measure = table.measure
    if measure.kind is not MeasureKind.MEAN or measure.scale is Scale.COUNT:
        return None
    scores, answers = table.arms[arm.name].above, table.systems.above[system]
    absent: Mask = (arm.positions > 0) & ~arm.read & np.isfinite(answers)
    known = np.isfinite(scores)
    if not absent.any() or not known.any():
        return None
    counts, sums = known.sum(axis=1, keepdims=True), np.where(known, scores, 0.0).sum(axis=1, keepdims=True)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), scores[known].mean())
    best = 1.0 if measure.better is Better.HIGHER else 0.0
    return Missing(absent, scores, np.broadcast_to(means, scores.shape), answers, best)


def filled(missing: Missing, *, level: float) -> dict[str, Estimate]:
    """The difference with the absent readings at each physician's own mean, all at the best score, all at the worst.

    Little and Rubin, *Statistical Analysis with Missing Data*; the last two bound what any other filling gives.
    """
    at: dict[str, Floats | float] = {
        "at each physician's own mean": missing.own_means,
        "all at the best score": missing.best,
        "all at the worst score": 1 - missing.best,
    }
    return {where: missing.difference(fill, level=level) for where, fill in at.items()}


def tipping_point(missing: Missing, conclude: Conclude, *, level: float) -> TippingPoint:
    """Where the conclusion turns, seen from the physicians' own means.

    Parameters
    ----------
    missing : Missing
    conclude : callable
        What an estimate says, such as on which side of 0 its interval lies.
    level : float
        Of the interval.

    Notes
    -----
    Delta-adjusted imputation: Yan, Lee & Li, Journal of Biopharmaceutical Statistics 2009.
    """

    def first(direction: int) -> float:
        said = conclude(missing.difference(missing.own_means, level=level))
        for step in range(1, STEPS + 1):
            moved = np.clip(missing.own_means + direction * step / STEPS, 0.0, 1.0)
            if conclude(missing.difference(moved, level=level)) != said:
                return step / STEPS
        return NAN

    return TippingPoint(missing.n, above=first(1), below=first(-1))
