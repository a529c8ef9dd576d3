"""Every system against every arm of physicians, on every measure, from one set of draws."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.inference.bootstrap import Draws, percentile
from analysis.inference.estimate import NAN, Estimate, Floats, Method, Refusal, RefusalCode, Weighting
from analysis.inference.families import step_down_max_t
from analysis.inference.influence import difference
from analysis.inference.layout import Layout, layout_of, weights_of
from analysis.inference.pairs import Pairs, Unmatched, system_pairs
from analysis.inference.refusals import refuse_variants, withheld
from analysis.inference.simultaneous import Band, bands
from analysis.inference.twoway import twoway
from analysis.outcomes import sides
from analysis.outcomes.frame import Frame, MeasureTable, PhysicianArm, System
from analysis.wording import counted


@dataclass(frozen=True, slots=True)
class Contrast:
    """One system − one arm of physicians on one measure, over the pairs that exist.

    `test_value` and `control_value` are over the same pairs; their difference is the estimate. `default` is the
    two-way interval, `bootstrap` stands beside it. `mixed_modes`: the two sides answered in different ways, and the
    protocol allows the comparison. `undefined_runs` counts the test's answers, on the cases that the control read, at
    which the measure has no value. `band` holds for all systems of the family at once; None: there is none.
    """

    test: str
    policy: bool
    control: str
    measure: str
    better: str
    test_value: float
    control_value: float
    default: Estimate
    bootstrap: Estimate
    unmatched: Unmatched
    undefined: int
    undefined_runs: int
    modes: tuple[str, str]
    mixed_modes: bool
    band: Band | None = None
    p_family: float = NAN


@dataclass(frozen=True, slots=True)
class _Ready:
    """A contrast before its draws: what it compares, or why it may not."""

    system: int
    pairs: Pairs
    refused: Refusal | None


def contrasts(
    study: Frame, table: MeasureTable, arm: PhysicianArm, draws: Draws, *, level: float, mixed_modes: bool
) -> tuple[Contrast, ...]:
    """All systems against one arm on one measure; `draws` are over all readers and all cases of the frame."""
    defined = sides.defined(table, arm.name)
    ready = []
    for k, system in enumerate(study.systems):
        pairs = system_pairs(arm.read, study.answered[k], defined=defined[k])
        ready.append(_Ready(k, pairs, _refuse(study, system, arm, pairs, mixed_modes=mixed_modes)))
    compared = [one.system for one in ready if one.refused is None]
    in_draws = np.subtract(*sides.in_draws(table, arm.name, compared, arm.read, draws))
    column = {k: j for j, k in enumerate(compared)}
    found = []
    for one in ready:
        if one.refused is None:
            drawn = in_draws[:, column[one.system]]
            found.append(_contrast(study, one, table, arm, drawn, seed=draws.seed, level=level))
        else:
            found.append(_refused(study, one, table, arm, one.refused, level=level))
    return _with_bands(found, in_draws, compared, level)


def ordered(found: Sequence[Contrast]) -> tuple[Contrast, ...]:
    """Systems from the best to the worst estimate, then policies likewise, then what has no estimate."""

    def place(contrast: Contrast) -> tuple[bool, bool, float]:
        value = contrast.default.value
        has_value = value == value
        best_first = -value if contrast.better == "higher" else value
        return not has_value, contrast.policy, best_first if has_value else 0.0

    return tuple(sorted(found, key=place))


def differs_in_mode(system: System, arm: PhysicianArm) -> bool:
    """Whether the two sides answered in different ways. A reference policy answers in none, and never differs."""
    return not system.policy and system.modes != arm.modes


def _refuse(study: Frame, system: System, arm: PhysicianArm, pairs: Pairs, *, mixed_modes: bool) -> Refusal | None:
    if differs_in_mode(system, arm) and not mixed_modes:
        reason = (
            f"{system.name} answered by {' and '.join(system.modes)}, {arm.name} by {' and '.join(arm.modes)}; the "
            "protocol does not say that response modes may be mixed."
        )
        return Refusal(RefusalCode.MIXED_RESPONSE_MODES, reason)
    if pairs.unanswered:
        cases = ", ".join(study.cases[case] for case in pairs.unanswered)
        n = counted(len(pairs.unanswered), "compared case")
        reason = f"{system.name} has no answer on {n} ({cases})."
        return Refusal(RefusalCode.MISSING_ANSWERS, reason)
    if not pairs.mask.any() and pairs.undefined:
        reason = f"Of {counted(pairs.undefined, 'pair')} of readings none has a value of this measure on both sides."
        return Refusal(RefusalCode.NO_VALUE, reason)
    if not pairs.mask.any():
        return Refusal(RefusalCode.NO_PAIRS, "No reading can be paired.")
    return None


def _contrast(
    study: Frame,
    one: _Ready,
    table: MeasureTable,
    arm: PhysicianArm,
    drawn: Floats,
    *,
    seed: int | None,
    level: float,
) -> Contrast:
    mask = one.pairs.mask
    layout = layout_of(mask)
    weights = weights_of(layout, Weighting.PAIR)
    test, control = sides.in_study(table, arm.name, one.system, mask, weights)
    value, influence = difference(test, control)
    if np.isnan(value):
        reason = "Nothing stands below the line of the ratio, on one side or both."
        return _refused(study, one, table, arm, Refusal(RefusalCode.NO_VALUE, reason), level=level)
    if table.measure.kind == "mean":
        default = twoway(sides.differences(table, arm.name, one.system, mask), layout, level=level)
    else:
        default = twoway(influence, layout, level=level, value=value)
    beside = percentile(drawn, layout, value=default.value, level=level, seed=seed)
    variants = refuse_variants(study.cases, study.bases, mask)
    intervals = withheld(default, variants), withheld(beside, variants)
    return _put_together(study, one, table, arm, (test[0], control[0]), intervals)


def _refused(
    study: Frame, one: _Ready, table: MeasureTable, arm: PhysicianArm, refusal: Refusal, *, level: float
) -> Contrast:
    """A contrast that has no value: its counts and the reason."""
    layout: Layout = layout_of(one.pairs.mask)
    nothing = Estimate(
        value=NAN,
        level=level,
        method=Method.TWO_WAY,
        weighting=Weighting.PAIR,
        n_readers=layout.n_readers,
        n_cases=layout.n_cases,
        n_readings=layout.n_readings,
        refused=refusal,
    )
    return _put_together(study, one, table, arm, (NAN, NAN), (nothing, replace(nothing, method=Method.BOOTSTRAP)))


def _put_together(
    study: Frame,
    one: _Ready,
    table: MeasureTable,
    arm: PhysicianArm,
    values: tuple[float, float],
    estimates: tuple[Estimate, Estimate],
) -> Contrast:
    system = study.systems[one.system]
    return Contrast(
        test=system.name,
        policy=system.policy,
        control=arm.name,
        measure=table.measure.name,
        better=str(table.measure.better),
        test_value=values[0],
        control_value=values[1],
        default=estimates[0],
        bootstrap=estimates[1],
        unmatched=one.pairs.unmatched,
        undefined=one.pairs.undefined,
        undefined_runs=int(table.undefined_runs[one.system][arm.read.any(axis=0)].sum()),
        modes=("+".join(system.modes), "+".join(arm.modes)),
        mixed_modes=differs_in_mode(system, arm),
    )


def _with_bands(
    found: Sequence[Contrast], in_draws: Floats, compared: Sequence[int], level: float
) -> tuple[Contrast, ...]:
    """The family of a simultaneous band is the systems with both intervals; policies are not in it."""
    family = [j for j, k in enumerate(compared) if _in_family(found[k])]
    if len(family) < 2:
        return tuple(found)
    estimates = [found[compared[j]].default for j in family]
    made = bands(in_draws[:, family], estimates, level=level)
    values, errors, df = (np.array([getattr(one, name) for one in estimates]) for name in ("value", "se", "df"))
    adjusted = step_down_max_t(in_draws[:, family], values, errors, df)
    changed = list(found)
    for j, band, p in zip(family, made, adjusted.tolist(), strict=True):
        changed[compared[j]] = replace(found[compared[j]], band=band, p_family=p)
    return tuple(changed)


def _in_family(contrast: Contrast) -> bool:
    return not contrast.policy and contrast.default.refused is None and contrast.bootstrap.refused is None
