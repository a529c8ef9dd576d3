"""The smaller tables of the page as it shows them: chosen and put in order, not computed."""

import math
from dataclasses import dataclass

from analysis.inference.estimate import Estimate, Method
from analysis.inference.numbers_needed import NumberNeeded
from analysis.outcomes.arms import ArmContrast
from analysis.outcomes.findings import Findings
from analysis.outcomes.specialties import OfSpecialty
from analysis.report.occurrence import severe_in
from analysis.report.order import primary_rows
from analysis.wording import counted, equals_p, interval, listed, percent, plain, signed


@dataclass(frozen=True, slots=True)
class NeededLine:
    """One respondent: in how many cases one severe harm, and one more or one less than the physicians.

    `occurred`: in how many of its cases there was one, in words; None: not known.
    """

    respondent: str
    kind: str
    occurred: str | None
    alone: NumberNeeded
    between: NumberNeeded | None


def needed_lines(found: Findings) -> list[NeededLine]:
    """Over the control arm's cases, physicians first and then as in the primary table; empty where nothing is rated."""
    own = [one for one in found.needed if one.arm == found.control]
    alone = {one.respondent: one.number for one in own if one.control is None}
    between = {one.respondent: one.number for one in own if one.control is not None}
    kinds = {value.respondent: value.kind for value in found.values}
    occurred = {who: words for (who, arm), words in severe_in(found).items() if arm == found.control}
    order = [found.control, *(row.contrast.test for row in primary_rows(found))]
    return [
        NeededLine(who, kinds[who], occurred.get(who), alone[who], between.get(who)) for who in order if who in alone
    ]


def needed_words(number: NumberNeeded | None) -> str:
    """The number of cases, signed where it is of a difference; a dash where there is none."""
    return "–" if number is None else plain(number.value, 1)


def needed_range(number: NumberNeeded | None) -> str:
    """Its interval in words, or why there is none."""
    if number is None:
        return "–"
    said = needed_interval(number)
    return said if said is not None else (number.refused.reason if number.refused is not None else "–")


def needed_interval(number: NumberNeeded) -> str | None:
    """The interval in words, in two parts where the difference may be 0; None: there is none."""
    if number.refused is not None:
        return None
    if number.two_part:
        parts = [
            f"{plain(number.low, 1)} or beyond" if math.isfinite(number.low) else "",
            f"{plain(number.high, 1)} or more" if math.isfinite(number.high) else "",
        ]
        return ", or ".join(part for part in parts if part)
    if math.isfinite(number.low) and math.isfinite(number.high):
        return f"{plain(number.low, 1)} to {plain(number.high, 1)}"
    return f"{plain(number.low, 1)} or more"


def interval_by(estimate: Estimate) -> str | None:
    """How the interval of a share or a chance was made; None: there is none."""
    if estimate.refused is not None:
        return None
    by_draws = estimate.method is Method.BOOTSTRAP
    return "percentiles of the crossed bootstrap" if by_draws else "Student’s t on the logit scale"


def specialty_lines(found: Findings) -> list[OfSpecialty]:
    """Of the one system whose readings are shown; all of them are in the table beside the page."""
    shown = found.cells
    return [] if shown is None else [one for one in found.specialties if one.contrast.test == shown.test]


def apart_says(found: Findings) -> str:
    """How far the specialties lie apart, in a sentence that claims no test."""
    apart = found.apart
    if apart is None:
        return "No system has a value to be set apart by specialty."
    if apart.refused is not None:
        return f"How far specialties lie apart is not estimated. {apart.refused.reason}"
    return (
        f"Over {counted(len(apart.groups), 'specialty', 'specialties')} with an interval, Q = {plain(apart.q, 1)} on "
        f"{apart.df} degrees of freedom: I² = {percent(apart.share)} of their spread is more than sampling explains. "
        "The specialties share their physicians, which Q heeds through the covariance over the bootstrap draws; that "
        "covariance is conservative in incomplete designs, so Q tends to be small."
    )


def systems_says(found: Findings) -> str:
    """What the comparison of systems generalises over, and how its p values were made."""
    if not found.systems:
        return ""
    pair = found.systems[0]
    how = (
        f"all {pair.assignments:,} assignments of signs to cases"
        if pair.exact
        else f"{pair.assignments:,} drawn assignments of signs to cases"
    )
    return (
        "No physician takes part here: both systems answered the same cases, and only other cases like these are "
        f"allowed for. p values compare the sum of the differences with that under {how}; “all at once” steps down "
        f"over the {counted(len(found.systems), 'comparison')} of this table (max-T)."
    )


def best_says(found: Findings) -> str | None:
    """The best system as chosen after looking, with what the choice costs; None: there is no family."""
    family = [row for row in primary_rows(found) if row.contrast.band is not None]
    if not family:
        return None
    best = family[0].contrast
    assert best.band is not None  # noqa: S101  narrows: such rows were left out
    return (
        f"Whoever looks for the best of {best.band.family} finds {best.test}, and must pay for having looked, which a "
        "comparison that was registered need not: with the band that holds for all of them at once its difference is "
        f"{signed(best.default.value)} ({interval(best.band.low, best.band.high)}; {equals_p(best.p_family)} "
        "stepping down over the family)."
    )


@dataclass(frozen=True, slots=True)
class ArmPair:
    """Two arms on every measure, and what has to be said below the table."""

    title: str
    remark: str
    test: str
    control: str
    contrasts: tuple[ArmContrast, ...]
    notes: tuple[str, ...]


def arm_pairs(found: Findings) -> list[ArmPair]:
    """Each two arms once, in the order of the findings."""
    pairs: dict[tuple[str, str], list[ArmContrast]] = {}
    for one in found.arms:
        pairs.setdefault((one.test.arm, one.control.arm), []).append(one)
    return [_arm_pair(test, control, tuple(own)) for (test, control), own in pairs.items()]


def _arm_pair(test: str, control: str, own: tuple[ArmContrast, ...]) -> ArmPair:
    first = own[0]
    adjusted = first.estimates.adjusted
    remark = (
        f"{first.estimates.crossing} arms{f', adjusted for {listed(adjusted)}' if adjusted else ''}; "
        f"{test}: {counted(first.test.n_readings, 'reading')} of {counted(first.test.n_readers, 'physician')}, "
        f"{control}: {counted(first.control.n_readings, 'reading')} of {counted(first.control.n_readers, 'physician')}"
    )
    without = dict.fromkeys(
        one.estimates.mixed.refused.reason
        for one in own
        if one.estimates.mixed.refused is not None and one.estimates.robust.refused is None
    )
    return ArmPair(
        title=f"{test} − {control}",
        remark=remark,
        test=test,
        control=control,
        contrasts=own,
        notes=(*(f"A dash for the mixed model: {reason}" for reason in without), *_periods(first)),
    )


def _periods(one: ArmContrast) -> list[str]:
    """What a crossover has beside its contrast, on the first measure shown."""
    said = []
    carryover, first = one.estimates.carryover, one.estimates.first_period
    if carryover is not None and carryover.refused is None:
        said.append(
            f"Carryover on {one.measure}, descriptive: {signed(carryover.value)} "
            f"({interval(carryover.low, carryover.high)})."
        )
    if first is not None and first.refused is None:
        said.append(
            f"The first period alone on {one.measure}: {signed(first.value)} ({interval(first.low, first.high)})."
        )
    return said
