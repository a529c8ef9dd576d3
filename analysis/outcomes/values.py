"""What each respondent scores by itself, beside the differences: physicians by arm, systems, reference policies.

A mean is taken as a ratio over ones: through influences about the value, whose variance does not depend on how far the
value is from 0.
"""

from dataclasses import dataclass, replace

import numpy as np

from analysis.inference.estimate import NAN, Estimate, Floats, Mask, Method, Refusal, RefusalCode, Weighting
from analysis.inference.exact import total
from analysis.inference.layout import layout_of, weights_of
from analysis.inference.rates import on_log_scale, on_logit_scale, with_effective_n
from analysis.inference.refusals import FEWEST_CASES, ZERO_VARIANCE, few_cases, refuse_variants, withheld
from analysis.inference.twoway import ROUNDING, twoway
from analysis.outcomes import sides
from analysis.outcomes.frame import Frame, MeasureTable, PhysicianArm

CASES_ONLY = "this respondent, new cases"


@dataclass(frozen=True, slots=True)
class Value:
    """One respondent on one measure, over the cases that an arm of physicians read, weighted as they were read.

    `undefined` counts answers on these cases at which the measure has no value: a system's runs, an arm's readings.
    `beside`: a second interval for the rate of something that happens or not, on the logit scale; None: another kind of
    measure.
    """

    respondent: str
    kind: str
    arm: str
    measure: str
    estimate: Estimate
    undefined: int = 0
    beside: Estimate | None = None


def values(study: Frame, table: MeasureTable, arm: PhysicianArm, *, level: float) -> tuple[Value, ...]:
    """The arm itself, then every system on the arm's cases."""
    variants = refuse_variants(study.cases, study.bases, arm.read)
    of_arm = withheld(_of_arm(table, arm, level), variants)
    undefined = int(arm.read.sum()) - of_arm.n_readings
    found = [_value(table, arm, arm.name, "physicians", of_arm, undefined)]
    for k, system in enumerate(study.systems):
        estimate = withheld(_of_system(table, k, study.answered[k], arm.read, level), variants)
        kind = "policy" if system.policy else "system"
        undefined = int(table.undefined_runs[k][arm.read.any(axis=0)].sum())
        found.append(_value(table, arm, system.name, kind, estimate, undefined))
    return tuple(found)


def _value(
    table: MeasureTable, arm: PhysicianArm, respondent: str, kind: str, estimate: Estimate, undefined: int
) -> Value:
    """With the interval that suits the measure: nothing that cannot be is in it."""
    measure, beside = table.measure, None
    if measure.scale == "binary" and measure.kind == "mean":
        bounded, beside = with_effective_n(estimate), on_logit_scale(estimate)
    else:
        bounded = on_log_scale(estimate) if measure.scale == "count" else on_logit_scale(estimate)
    return Value(respondent, kind, arm.name, measure.name, bounded, undefined, beside)


def _of_arm(table: MeasureTable, arm: PhysicianArm, level: float) -> Estimate:
    """Readers and cases random. Influences about the value, so that its distance from 0 adds no noise."""
    some = table.parts or (table,)
    has_value = np.any([np.isfinite(part.arms[arm.name].below) for part in some], axis=0)
    mask: Mask = arm.read & has_value
    layout = layout_of(mask)
    if layout.n_readings == 0:
        nothing = twoway(np.zeros(0), layout, level=level)
        return replace(nothing, refused=NO_VALUE_ANYWHERE) if arm.read.any() else nothing
    value, influence = sides.of_physicians(table, arm.name, mask, weights_of(layout, Weighting.PAIR))
    if np.isnan(value):
        estimate = twoway(np.zeros(layout.n_readings), layout, level=level, value=NAN)
        return replace(estimate, refused=NOTHING_BELOW)
    return twoway(influence, layout, level=level, value=value)


NOTHING_BELOW = Refusal(RefusalCode.NO_VALUE, "Nothing stands below the line of the ratio.")
NO_VALUE_ANYWHERE = Refusal(RefusalCode.NO_VALUE, "No answer has a value of this measure.")


def _of_system(table: MeasureTable, system: int, answered: Mask, read: Mask, level: float) -> Estimate:
    some = table.parts or (table,)
    has_value = np.any([np.isfinite(part.systems.below[system]) for part in some], axis=0)
    times_read = read.sum(axis=0).astype(np.float64)
    weights = np.where(has_value, times_read, 0.0)
    n_cases = int((weights > 0).sum())
    estimate = Estimate(
        value=NAN,
        level=level,
        method=Method.CASES,
        weighting=Weighting.PAIR,
        n_readers=0,
        n_cases=n_cases,
        n_readings=n_cases,
        random=("case",),
        label=CASES_ONLY,
    )
    unanswered = int(((times_read > 0) & ~answered).sum())
    if unanswered:
        reason = f"No answer on {unanswered} of the cases that the physicians read."
        return replace(estimate, refused=Refusal(RefusalCode.MISSING_ANSWERS, reason))
    if n_cases == 0:
        return replace(estimate, refused=NO_VALUE_ANYWHERE)
    weights /= weights.sum()
    value, influence = sides.of_system(table, system, weights)
    if np.isnan(value):
        return replace(estimate, refused=NOTHING_BELOW)
    return _over_cases(replace(estimate, value=value), influence, weights)


def _over_cases(estimate: Estimate, influence: Floats, weights: Floats) -> Estimate:
    """Cases random, the system fixed: variance of a weighted mean of independent cases, Student's t on C − 1.

    How far cases differ is known from all of them alike, whatever they weigh: squares of weighted influences would know
    it from the few that were read most.
    """
    n = estimate.n_cases
    if n < FEWEST_CASES:
        return replace(estimate, refused=few_cases(n))
    there = weights > 0
    about = influence[there] - total(influence[there]) / n
    variance = total(about**2) / (n - 1) * total(weights**2)
    if variance <= ROUNDING**2:
        return replace(estimate, refused=ZERO_VARIANCE)
    return replace(estimate, se=variance**0.5, df=n - 1.0)
