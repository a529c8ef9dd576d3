"""Every two arms of physicians of a study against each other, on every measure."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from analysis.inference.arms import ArmEstimates, ArmReadings, contrast_arms, periods
from analysis.inference.estimate import NAN, Estimate, Floats, Ints, Mask, Refusal, RefusalCode, Weighting
from analysis.inference.layout import Layout, layout_of, weights_of
from analysis.inference.refusals import refuse_variants, withheld
from analysis.outcomes import sides
from analysis.outcomes.frame import Frame, MeasureTable, PhysicianArm
from analysis.wording import listed

NOT_A_MEAN = Refusal(
    RefusalCode.NO_VALUE, "A mixed model is of one value a reading; this measure is made of sums over readings."
)


@dataclass(frozen=True, slots=True)
class ArmSide:
    """One arm by itself. `value`: over its own readings, in the measure's units, every reading counting the same.

    `undefined` counts readings at which the measure has no value. NaN: no reading has one, or nothing stands below the
    line of a ratio.
    """

    arm: str
    value: float
    n_readers: int
    n_cases: int
    n_readings: int
    undefined: int


@dataclass(frozen=True, slots=True)
class ArmContrast:
    """Test − control between two arms of physicians on one measure (E9); of a rate, the risk difference.

    The arms read different cases, so this is no mean over pairs: see `inference.arms`. No reader's baseline is known to
    a study, so none is adjusted for.
    """

    test: ArmSide
    control: ArmSide
    measure: str
    better: str
    estimates: ArmEstimates
    modes: tuple[str, str]
    mixed_modes: bool

    @property
    def default(self) -> Estimate:
        """The primary estimate."""
        return self.estimates.robust


@dataclass(frozen=True, slots=True)
class _Laid:
    """One arm's readings that have a value, each with the value that it adds to a mean."""

    side: ArmSide
    mask: Mask
    values: Floats


def arm_contrasts(
    study: Frame, *, control: str | None, level: float, mixed_modes: bool = False
) -> tuple[ArmContrast, ...]:
    """Every two arms on every measure, in the order of the study's arms and of the profile's measures.

    Parameters
    ----------
    study : Frame
        With any number of arms; fewer than two give nothing.
    control : str or None
        The arm that is the control wherever it takes part, such as the protocol's; of two others it is the one that
        the protocol names first.
    level : float
        Of the two-sided intervals.
    mixed_modes : bool
        Whether the protocol allows a contrast between arms that answered in different ways; refused otherwise.

    Returns
    -------
    tuple of ArmContrast
        Physicians and cases are random. What is refused says why.
    """
    arms = sorted(study.arms.values(), key=lambda arm: arm.name != control)
    return tuple(
        _contrast(study, table, test, base, level=level, mixed_modes=mixed_modes)
        for base, test in combinations(arms, 2)
        for table in study.tables.values()
    )


def _contrast(
    study: Frame, table: MeasureTable, test: PhysicianArm, control: PhysicianArm, *, level: float, mixed_modes: bool
) -> ArmContrast:
    laid = _laid(table, test), _laid(table, control)
    found = _estimates(table, (test, control), laid, level=level)
    differ = test.modes != control.modes
    if differ and not mixed_modes:
        found = _without_values(found, _different_modes(test, control))
    found = _without_intervals(found, refuse_variants(study.cases, study.bases, laid[0].mask | laid[1].mask))
    return ArmContrast(
        test=laid[0].side,
        control=laid[1].side,
        measure=table.measure.name,
        better=str(table.measure.better),
        estimates=found,
        modes=("+".join(test.modes), "+".join(control.modes)),
        mixed_modes=differ,
    )


def _laid(table: MeasureTable, arm: PhysicianArm) -> _Laid:
    """Of a ratio and of a composite, each reading's value is the arm's own plus the reading's influence on it."""
    some = table.parts or (table,)
    has_value = np.any([np.isfinite(part.arms[arm.name].below) for part in some], axis=0)
    mask: Mask = arm.read & has_value
    layout = layout_of(mask)
    value, influence = NAN, np.zeros(0)
    if layout.n_readings:
        value, influence = sides.of_physicians(table, arm.name, mask, weights_of(layout, Weighting.PAIR))
    plain = table.measure.kind == "mean"
    side = ArmSide(
        arm=arm.name,
        value=value,
        n_readers=layout.n_readers,
        n_cases=layout.n_cases,
        n_readings=layout.n_readings,
        undefined=int(arm.read.sum()) - layout.n_readings,
    )
    return _Laid(side, mask, table.arms[arm.name].above[mask] if plain else value + influence)


def _estimates(
    table: MeasureTable,
    arms: tuple[PhysicianArm, PhysicianArm],
    laid: tuple[_Laid, _Laid],
    *,
    level: float,
) -> ArmEstimates:
    names = arms[0].name, arms[1].name
    plain = table.measure.kind == "mean"
    valued = all(one.side.n_readings == 0 or one.side.value == one.side.value for one in laid)
    in_order = periods(arms[0].positions, arms[1].positions) if plain else None
    given = _together(laid, in_order)
    if not valued:
        nothing = Refusal(RefusalCode.NO_VALUE, "Nothing stands below the line of the ratio, in one arm or both.")
        found = contrast_arms(replace(given, values=np.zeros(given.values.size)), names=names, level=level)
        return _without_values(found, nothing)
    found = contrast_arms(given, names=names, level=level)
    if plain or found.mixed.refused is not None:
        return found
    return replace(found, mixed=replace(withheld(found.mixed, NOT_A_MEAN), value=NAN))


def _together(laid: tuple[_Laid, _Laid], in_order: tuple[Ints, Ints] | None) -> ArmReadings:
    """Both arms' readings, one after the other, on codes of their readers and cases together."""
    places = [np.nonzero(one.mask) for one in laid]
    reader, case = (np.concatenate([place[axis] for place in places]) for axis in (0, 1))
    codes = [np.unique(axis, return_inverse=True)[1].astype(np.int64) for axis in (reader, case)]
    n_test = laid[0].side.n_readings
    period = None
    if in_order is not None:
        period = np.concatenate([order[one.mask] for order, one in zip(in_order, laid, strict=True)])
    return ArmReadings(
        values=np.concatenate([one.values for one in laid]),
        test=np.arange(reader.size) < n_test,
        layout=Layout(codes[0], codes[1], int(codes[0].max(initial=-1)) + 1, int(codes[1].max(initial=-1)) + 1),
        period=period,
    )


def _different_modes(test: PhysicianArm, control: PhysicianArm) -> Refusal:
    reason = (
        f"{test.name} answered by {listed(test.modes)}, {control.name} by {listed(control.modes)}; the protocol does "
        "not say that response modes may be mixed."
    )
    return Refusal(RefusalCode.MIXED_RESPONSE_MODES, reason)


def _without_intervals(found: ArmEstimates, refusal: Refusal | None) -> ArmEstimates:
    return found if refusal is None else _each(found, lambda one: withheld(one, refusal))


def _without_values(found: ArmEstimates, refusal: Refusal) -> ArmEstimates:
    return _each(found, lambda one: replace(withheld(one, refusal), value=NAN))


def _each(found: ArmEstimates, change: Callable[[Estimate], Estimate]) -> ArmEstimates:
    return replace(
        found,
        robust=change(found.robust),
        mixed=change(found.mixed),
        carryover=None if found.carryover is None else change(found.carryover),
        first_period=None if found.first_period is None else change(found.first_period),
    )
