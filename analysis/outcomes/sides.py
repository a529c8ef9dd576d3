"""The two sides of a contrast on one measure: their values over the same pairs, in the study and in every draw.

Means, ratios of sums and composites are told apart here, as far as their values go; which estimators a measure then has
is said where they are called.
"""

from collections.abc import Sequence

import numpy as np

from analysis.inference.bootstrap import Draws, Table, ratio_sides
from analysis.inference.estimate import Floats, Mask
from analysis.inference.influence import harmonic_mean, harmonic_means, ratio
from analysis.outcomes.frame import MeasureTable, Terms

Influenced = tuple[float, Floats]
"""A value over N readings, and each reading's influence on it, shape (N,)."""


def defined(table: MeasureTable, arm: str) -> Mask:
    """Where both sides have a value; of a composite, where some part has.

    Returns
    -------
    (K, R, C) bool array
        By system, reader and case. False where the case was not read, not answered, or the measure has no value.
    """
    some = table.parts or (table,)
    both = [
        np.isfinite(part.arms[arm].below)[None, :, :] & np.isfinite(part.systems.below)[:, None, :] for part in some
    ]
    return np.asarray(np.any(both, axis=0), dtype=bool)


def in_study(table: MeasureTable, arm: str, system: int, mask: Mask, weights: Floats) -> tuple[Influenced, Influenced]:
    """System and physicians over the same readings.

    Parameters
    ----------
    table : MeasureTable
        The measure, in its own units (a proportion between 0 and 1).
    arm : str
        The physicians' arm.
    system : int
        The system's row, of K.
    mask : (R, C) bool array
        The N readings that are compared.
    weights : (N,) array
        Of these readings in row-major order, adding up to 1.

    Returns
    -------
    test, control : (float, (N,) array)
        The value of each side and each reading's influence on it. NaN: nothing stands below the line of the ratio.
        Of a composite, a reading at which a part has no value adds nothing to that part.
    """
    if table.parts:
        sides = [in_study(part, arm, system, mask, weights) for part in table.parts]
        return harmonic_mean([side[0] for side in sides]), harmonic_mean([side[1] for side in sides])
    test, control = _both_at(table, arm, system, mask)
    there = np.isfinite(test.below) & np.isfinite(control.below)
    return _ratio_where(there, test, weights), _ratio_where(there, control, weights)


def of_physicians(table: MeasureTable, arm: str, mask: Mask, weights: Floats) -> Influenced:
    """The physicians of one arm alone.

    Parameters
    ----------
    mask : (R, C) bool array
        The N readings that enter.
    weights : (N,) array
        Of these readings in row-major order, adding up to 1.

    Returns
    -------
    (float, (N,) array)
        The value and each reading's influence on it. NaN: nothing stands below the line.
    """
    if table.parts:
        return harmonic_mean([of_physicians(part, arm, mask, weights) for part in table.parts])
    terms = Terms(table.arms[arm].above[mask], table.arms[arm].below[mask])
    return _ratio_where(np.isfinite(terms.below), terms, weights)


def of_system(table: MeasureTable, system: int, weights: Floats) -> Influenced:
    """One system alone, runs averaged within each case.

    Parameters
    ----------
    weights : (C,) array
        Of the cases, adding up to 1; 0 leaves a case out.

    Returns
    -------
    (float, (C,) array)
        The value and each case's influence on it. NaN: nothing stands below the line.
    """
    if table.parts:
        return harmonic_mean([of_system(part, system, weights) for part in table.parts])
    terms = Terms(table.systems.above[system], table.systems.below[system])
    return _ratio_where(np.isfinite(terms.below), terms, weights)


def differences(table: MeasureTable, arm: str, system: int, mask: Mask) -> Floats:
    """System − reader at each of the N readings of the mask (R, C), shape (N,); of a mean only.

    NaN where one of the two has no value.
    """
    test, control = _both_at(table, arm, system, mask)
    return test.above - control.above


def in_draws(table: MeasureTable, arm: str, systems: Sequence[int], read: Mask, draws: Draws) -> tuple[Floats, Floats]:
    """Both sides in every draw.

    Parameters
    ----------
    systems : K row numbers
        The systems that are compared.
    read : (R, C) bool array
        The readings of the arm that exist.
    draws : Draws
        Of all R readers and all C cases, B times.

    Returns
    -------
    systems, physicians : (B, K) arrays
        In the measure's units; the physicians over the pairs of each system. NaN: the draw has no pair, or nothing
        below the line.
    """
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
