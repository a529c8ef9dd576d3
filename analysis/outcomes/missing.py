"""The primary comparison with the readings that are missing filled in: how little, or how much, could hang on them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from analysis.inference.estimate import NAN, Estimate, Floats, Mask
from analysis.inference.layout import layout_of
from analysis.inference.twoway import twoway
from analysis.outcomes.frame import MeasureTable, PhysicianArm
from study.profile import Better, MeasureKind, Scale

STEPS = 100
ROUNDS = 200
FILLED = "missing scores filled in, and taken as known"
Conclude = Callable[[Estimate], object]


@dataclass(frozen=True, slots=True)
class Missing:
    """Readings that were assigned and have no score, at cases that the system answered.

    `scores` (R, C) are the physicians', NaN where there is none; `expected` (R, C) what physician and case lead to
    expect. `system` (C,). Scores lie between 0 and 1. `beyond` counts absent readings at cases without an answer.
    """

    absent: Mask
    scores: Floats
    expected: Floats
    system: Floats
    best: float
    beyond: int = 0

    @property
    def n(self) -> int:
        return int(self.absent.sum())

    def difference(self, fill: Floats | float, *, level: float) -> Estimate:
        """System − physicians, by the default interval, with these scores at the absent readings.

        The interval takes them as known, and its label says so.
        """
        scores = np.where(self.absent, fill, self.scores)
        differences = self.system - scores
        there = np.isfinite(differences)
        made = twoway(differences[there], layout_of(there), level=level)
        return replace(made, label=FILLED if made.label is None else f"{FILLED}; {made.label}")


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """How far the missing scores must be moved together, up or down, before the primary interval says something else.

    From what physician and case lead to expect, in the measure's units, by hundredths of its range; a score stays
    between 0 and 1. 0: it says something else already where they are as expected. NaN: at no distance tried.
    """

    missing: int
    beyond: int
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
    unread: Mask = (arm.positions > 0) & ~arm.read
    absent: Mask = unread & np.isfinite(answers)
    if not absent.any() or not np.isfinite(scores).any():
        return None
    best = 1.0 if measure.better is Better.HIGHER else 0.0
    return Missing(absent, scores, expected(scores), answers, best, beyond=int((unread & ~absent).sum()))


def expected(scores: Floats) -> Floats:
    """What every physician would score on every case, as a sum of the two: how good the one, how hard the other.

    Parameters
    ----------
    scores : (R, C) array
        NaN where there is none; one at least is there.

    Returns
    -------
    (R, C) array
        Least squares, between 0 and 1. A physician or a case without a score is taken as the average one.
    """
    known = np.isfinite(scores)
    centre = float(scores[known].mean())
    rest = np.where(known, scores - centre, 0.0)
    per_reader, per_case = (np.maximum(known.sum(axis=axis, keepdims=True), 1) for axis in (1, 0))
    of_reader, of_case = np.zeros_like(per_reader, dtype=float), np.zeros_like(per_case, dtype=float)
    for _ in range(ROUNDS):
        of_reader = np.where(known, rest - of_case, 0.0).sum(axis=1, keepdims=True) / per_reader
        of_case = np.where(known, rest - of_reader, 0.0).sum(axis=0, keepdims=True) / per_case
    both: Floats = centre + of_reader + of_case
    return np.clip(both, 0.0, 1.0)


def filled(missing: Missing, *, level: float) -> dict[str, Estimate]:
    """The difference with the absent readings as expected, all at the best score, all at the worst.

    The last two bound the estimate that any other filling gives. Little and Rubin, *Statistical Analysis with Missing
    Data*.
    """
    at: dict[str, Floats | float] = {
        "as physician and case lead to expect": missing.expected,
        "all at the best score": missing.best,
        "all at the worst score": 1 - missing.best,
    }
    return {where: missing.difference(fill, level=level) for where, fill in at.items()}


def tipping_point(missing: Missing, primary: Estimate, conclude: Conclude) -> TippingPoint:
    """Where the conclusion turns as the missing scores move together.

    Parameters
    ----------
    missing : Missing
    primary : Estimate
        The comparison without them.
    conclude : callable
        What an estimate says, such as on which side of 0 its interval lies. An estimate without an interval says
        nothing, and turns nothing.

    Notes
    -----
    Delta-adjusted imputation: Yan, Lee & Li, Journal of Biopharmaceutical Statistics 2009.
    """
    said = conclude(primary)

    def first(direction: int) -> float:
        for step in range(STEPS + 1):
            moved = np.clip(missing.expected + direction * step / STEPS, 0.0, 1.0)
            estimate = missing.difference(moved, level=primary.level)
            if estimate.refused is None and conclude(estimate) != said:
                return step / STEPS
        return NAN

    return TippingPoint(missing.n, missing.beyond, above=first(1), below=first(-1))
