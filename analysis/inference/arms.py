"""Two arms of readers who read different cases: test − control, parallel or crossover.

Nothing is paired here, and readings are never counted as independent: readers and cases are random in both estimators.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from analysis.inference.estimate import NAN, Estimate, Floats, Ints, Mask, Method, Refusal, RefusalCode, Weighting
from analysis.inference.layout import Layout
from analysis.inference.refusals import FEWEST_CASES, FEWEST_READERS, withheld
from analysis.inference.regression import Design, design_of, mixed_coefficient, robust_coefficient
from analysis.wording import counted, listed

ARM, PERIOD, BASELINE = "the arm", "the period", "the baseline"
CARRYOVER = "descriptive: the arm's effect in the second period − in the first"
FIRST_PERIOD = "first period alone"
SAME_EFFECT = "the same effect on every case"


class Crossing(StrEnum):
    """Whether most readers read under one arm, or under both."""

    PARALLEL = "parallel"
    CROSSOVER = "crossover"


@dataclass(frozen=True, slots=True)
class ArmReadings:
    """N readings of two arms by reader and case.

    `values` (N,) in the measure's units, finite. `test` (N,): read under the test arm, otherwise under the control.
    `period` (N,), 1 or 2: the reader's first or second arm; None: no reader had periods, or somebody's were mixed.
    `baseline` (N,): a covariate of the reader, such as an earlier score, finite and the same at all of a reader's
    readings; None: there is none.
    """

    values: Floats
    test: Mask
    layout: Layout
    period: Ints | None = None
    baseline: Floats | None = None


@dataclass(frozen=True, slots=True)
class ArmEstimates:
    """Test − control, by two estimators, and what belongs beside it in a crossover.

    `robust` is the primary: least squares, every reading counting the same. `mixed` is the mixed model. `adjusted`
    names the covariates of both. `carryover` is descriptive and has no p; `first_period` is the parallel contrast of
    the first period, for where carryover is feared. Both None: not a crossover with periods.
    """

    crossing: Crossing
    adjusted: tuple[str, ...]
    robust: Estimate
    mixed: Estimate
    carryover: Estimate | None = None
    first_period: Estimate | None = None


def contrast_arms(given: ArmReadings, *, names: tuple[str, str], level: float) -> ArmEstimates:
    """Test − control for new readers and new cases.

    Parameters
    ----------
    given : ArmReadings
        Two arms on the same pool of cases, whoever read which.
    names : (str, str)
        Of test and control, for the sentences of a refusal.
    level : float
        Of the two-sided intervals.

    Returns
    -------
    ArmEstimates
        Every estimate in the measure's units; readers and cases are random. Refused with a reason: an empty arm, fewer
        than three readers or cases in an arm, columns that cannot be told apart (all readers had the arms in the same
        order), no variance.

    Notes
    -----
    score ~ arm + period (in a crossover) + baseline (where there is one). `robust`: see `robust_coefficient`. `mixed`:
    readers and cases random; in a crossover each reader has an intercept of their own, and what is random is how
    readers differ under each arm, so that readers who answer differently to the arm are not taken for noise of single
    readings. It takes the arm's effect as the same on every case, and its label says so: where cases differ in it, its
    intervals are too narrow, and those of least squares are not. A crossover compares within readers: Jones & Kenward,
    Design and Analysis of Cross-Over Trials, 2014. Senn, Cross-over Trials in Clinical Research, 2002, on why carryover
    is described and not tested first.
    """
    both = _under_both(given)
    crossing = Crossing.CROSSOVER if 2 * both > given.layout.n_readers else Crossing.PARALLEL
    refused = _refuse_arms(given, names)
    if refused is not None and refused.code is RefusalCode.EMPTY_ARM:
        nothing = _refused(given.layout, refused, level)
        return ArmEstimates(crossing, (), nothing, replace(nothing, method=Method.REML, weighting=None))
    with_periods = crossing is Crossing.CROSSOVER and given.period is not None
    columns = [(ARM, given.test.astype(np.float64)), *_covariates(given, with_periods)]
    adjusted = tuple(name.removeprefix("the ") for name, _ in columns[1:])
    design = design_of(columns, asked=ARM)
    robust = _labelled(robust_coefficient(given.values, design, given.layout, level=level), "least squares", adjusted)
    robust = withheld(robust, refused)
    return ArmEstimates(
        crossing=crossing,
        adjusted=adjusted,
        robust=robust,
        mixed=_mixed(given, design, crossing, robust.refused, adjusted, level=level),
        carryover=_carryover(given, columns, refused, level=level) if with_periods else None,
        first_period=_first_period(given, names, level=level) if with_periods else None,
    )


def periods(test: Ints, control: Ints) -> tuple[Ints, Ints] | None:
    """Which readings belong to a reader's first arm and which to the second, from the order of assignment.

    Parameters
    ----------
    test, control : (R, C) arrays
        At which place of the reader's order the case was assigned in each arm; 0: it was not.

    Returns
    -------
    test, control : (R, C) arrays
        1 or 2, for the whole row of a reader in that arm; whoever had one arm only had it first. None: somebody's arms
        were mixed, so that there are no two periods.
    """
    last = [np.where((arm > 0).any(axis=1), arm.max(axis=1), 0) for arm in (test, control)]
    never = np.iinfo(np.int64).max
    first = [np.where(arm > 0, arm, never).min(axis=1) for arm in (test, control)]
    test_second, control_second = first[0] > last[1], first[1] > last[0]
    both = (last[0] > 0) & (last[1] > 0)
    if (both & ~test_second & ~control_second).any():
        return None
    of_test = np.where(both & test_second, 2, 1)[:, None] * np.ones_like(test)
    of_control = np.where(both & control_second, 2, 1)[:, None] * np.ones_like(control)
    return of_test, of_control


def _under_both(given: ArmReadings) -> int:
    """How many readers read under both arms."""
    under = [np.bincount(given.layout.reader[arm], minlength=given.layout.n_readers) > 0 for arm in _sides(given)]
    return int((under[0] & under[1]).sum())


def _sides(given: ArmReadings) -> tuple[Mask, Mask]:
    return given.test, ~given.test


def _refuse_arms(given: ArmReadings, names: tuple[str, str]) -> Refusal | None:
    for name, arm in zip(names, _sides(given), strict=True):
        if not arm.any():
            return Refusal(RefusalCode.EMPTY_ARM, f"No reading of arm {name} has a value.")
    for name, arm in zip(names, _sides(given), strict=True):
        n_readers, n_cases = np.unique(given.layout.reader[arm]).size, np.unique(given.layout.case[arm]).size
        if n_readers < FEWEST_READERS:
            reason = f"{counted(n_readers, 'reader')} in arm {name}; an interval needs {FEWEST_READERS} in each."
            return Refusal(RefusalCode.FEW_READERS, reason)
        if n_cases < FEWEST_CASES:
            reason = f"{counted(n_cases, 'case')} read in arm {name}; an interval needs {FEWEST_CASES} in each."
            return Refusal(RefusalCode.FEW_CASES, reason)
    return None


def _covariates(given: ArmReadings, with_periods: bool) -> list[tuple[str, Floats]]:
    found: list[tuple[str, Floats]] = []
    if with_periods and given.period is not None:
        found.append((PERIOD, given.period.astype(np.float64) - 1))
    if given.baseline is not None:
        centred = given.baseline - float(np.median(given.baseline))
        found.append((BASELINE, np.asarray(centred, dtype=np.float64)))
    return found


def _labelled(estimate: Estimate, method: str, adjusted: tuple[str, ...]) -> Estimate:
    return replace(estimate, label=f"{method}, adjusted for {listed(adjusted)}" if adjusted else method)


def _mixed(
    given: ArmReadings,
    design: Design,
    crossing: Crossing,
    refused: Refusal | None,
    adjusted: tuple[str, ...],
    *,
    level: float,
) -> Estimate:
    """What least squares is refused for, the model is refused for too."""
    if refused is not None:
        return replace(_refused(given.layout, refused, level), method=Method.REML, weighting=None)
    if crossing is Crossing.PARALLEL:
        found = mixed_coefficient(given.values, design, given.layout, level=level)
        return _labelled(found, f"mixed model, {SAME_EFFECT}", adjusted)
    adjusted = tuple(name for name in adjusted if name != BASELINE.removeprefix("the "))
    found = mixed_coefficient(given.values, *_within_readers(given, design), level=level)
    return replace(
        _labelled(found, f"mixed model within readers, {SAME_EFFECT}", adjusted), n_readers=given.layout.n_readers
    )


def _within_readers(given: ArmReadings, design: Design) -> tuple[Design, Layout]:
    """An intercept for every reader, and a random level for every reader under each arm.

    The baseline is the same at all of a reader's readings, and their intercept holds it already.
    """
    reader, n_readers = given.layout.reader, given.layout.n_readers
    own = [(f"reader {r}", (reader == r).astype(np.float64)) for r in range(1, n_readers)]
    kept = [
        (name, np.ascontiguousarray(column))
        for name, column in zip(design.names, design.matrix.T, strict=True)
        if name in (ARM, PERIOD)
    ]
    levels = np.unique(2 * reader + given.test, return_inverse=True)[1].astype(np.int64)
    layout = replace(given.layout, reader=levels, n_readers=int(levels.max()) + 1)
    return design_of([*kept, *own], asked=ARM), layout


def _carryover(
    given: ArmReadings, columns: list[tuple[str, Floats]], refused: Refusal | None, *, level: float
) -> Estimate:
    """Period × arm. It stands between readers, says little of carryover, and has no p for that."""
    both = "period × arm"
    design = design_of([*columns, (both, columns[0][1] * columns[1][1])], asked=both)
    found = robust_coefficient(given.values, design, given.layout, level=level)
    return replace(withheld(found, refused), p=NAN, label=CARRYOVER)


def _first_period(given: ArmReadings, names: tuple[str, str], *, level: float) -> Estimate:
    kept = np.asarray(given.period == 1)
    first = ArmReadings(
        values=given.values[kept],
        test=given.test[kept],
        layout=_part(given.layout, kept),
        baseline=None if given.baseline is None else given.baseline[kept],
    )
    refused = _refuse_arms(first, names)
    if refused is not None and refused.code is RefusalCode.EMPTY_ARM:
        return replace(_refused(first.layout, refused, level), label=FIRST_PERIOD)
    design = design_of([(ARM, first.test.astype(np.float64)), *_covariates(first, with_periods=False)], asked=ARM)
    found = withheld(robust_coefficient(first.values, design, first.layout, level=level), refused)
    return replace(found, label=FIRST_PERIOD)


def _part(layout: Layout, kept: Mask) -> Layout:
    """The layout of some of the readings; whoever has none of them takes no code."""
    reader = np.unique(layout.reader[kept], return_inverse=True)[1].astype(np.int64)
    case = np.unique(layout.case[kept], return_inverse=True)[1].astype(np.int64)
    return Layout(reader, case, int(reader.max(initial=-1)) + 1, int(case.max(initial=-1)) + 1)


def _refused(layout: Layout, refused: Refusal, level: float) -> Estimate:
    return Estimate(
        value=NAN,
        level=level,
        method=Method.LEAST_SQUARES,
        weighting=Weighting.PAIR,
        n_readers=layout.n_readers,
        n_cases=layout.n_cases,
        n_readings=layout.n_readings,
        refused=refused,
    )
