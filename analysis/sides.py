"""The two sides of a contrast on one measure: their values over the same pairs, in the study and in every draw.

Means, ratios of sums and composites are told apart here, and nowhere else.
"""

from collections.abc import Sequence

import numpy as np

from analysis.bootstrap import Draws, Table, ratio_sides
from analysis.estimate import Floats, Mask
from analysis.frame import MeasureTable, Terms
from analysis.influence import harmonic_mean, harmonic_means, ratio

Influenced = tuple[float, Floats]
"""A value over N readings, and each reading's influence on it, shape (N,)."""


def defined(table: MeasureTable, arm: str) -> Mask:
    """Where both sides have a value, by (system, reader, case); of a composite: where some part has."""
    some = table.parts or (table,)
    both = [
        np.isfinite(part.arms[arm].below)[None, :, :] & np.isfinite(part.systems.below)[:, None, :] for part in some
    ]
    return np.asarray(np.any(both, axis=0), dtype=bool)


def in_study(table: MeasureTable, arm: str, system: int, mask: Mask, weights: Floats) -> tuple[Influenced, Influenced]:
    """System and physicians over the readings of the mask (R, C), weighted."""
    if table.parts:
        sides = [in_study(part, arm, system, mask, weights) for part in table.parts]
        return harmonic_mean([side[0] for side in sides]), harmonic_mean([side[1] for side in sides])
    test, control = _both_at(table, arm, system, mask)
    there = np.isfinite(test.below) & np.isfinite(control.below)
    return _ratio_where(there, test, weights), _ratio_where(there, control, weights)


def of_physicians(table: MeasureTable, arm: str, mask: Mask, weights: Floats) -> Influenced:
    """The physicians of one arm alone, over the readings of the mask."""
    if table.parts:
        return harmonic_mean([of_physicians(part, arm, mask, weights) for part in table.parts])
    terms = Terms(table.arms[arm].above[mask], table.arms[arm].below[mask])
    return _ratio_where(np.isfinite(terms.below), terms, weights)


def of_system(table: MeasureTable, system: int, weights: Floats) -> Influenced:
    """One system alone, over the cases, weighted (C,)."""
    if table.parts:
        return harmonic_mean([of_system(part, system, weights) for part in table.parts])
    terms = Terms(table.systems.above[system], table.systems.below[system])
    return _ratio_where(np.isfinite(terms.below), terms, weights)


def differences(table: MeasureTable, arm: str, system: int, mask: Mask) -> Floats:
    """System − reader at each reading of the mask, of a mean."""
    test, control = _both_at(table, arm, system, mask)
    return test.above - control.above


def in_draws(table: MeasureTable, arm: str, systems: Sequence[int], read: Mask, draws: Draws) -> tuple[Floats, Floats]:
    """Systems and physicians in every draw, each of shape (B, K): physicians over the pairs of each system."""
    if table.parts:
        sides = [in_draws(part, arm, systems, read, draws) for part in table.parts]
        return (
            harmonic_means(np.stack([side[0] for side in sides])),
            harmonic_means(np.stack([side[1] for side in sides])),
        )
    readings = table.arms[arm]
    rows = list(systems)
    return ratio_sides(
        Table(np.where(read, readings.above, np.nan), table.systems.above[rows]),
        Table(np.where(read, readings.below, np.nan), table.systems.below[rows]),
        draws,
    )


def _both_at(table: MeasureTable, arm: str, system: int, mask: Mask) -> tuple[Terms, Terms]:
    """System and physicians at the readings of the mask; the system's answer to a case is the same for every reader."""
    case = np.nonzero(mask)[1]
    readings = table.arms[arm]
    return (
        Terms(table.systems.above[system][case], table.systems.below[system][case]),
        Terms(readings.above[mask], readings.below[mask]),
    )


def _ratio_where(there: Mask, terms: Terms, weights: Floats) -> Influenced:
    return ratio(np.where(there, terms.above, 0.0), np.where(there, terms.below, 0.0), weights)
