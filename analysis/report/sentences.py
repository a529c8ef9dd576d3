"""What the findings say, in words that claim no more than the numbers do."""

from collections.abc import Iterable
from dataclasses import dataclass

from analysis.inference.estimate import Estimate
from analysis.inference.margins import Conclusion
from analysis.outcomes.arms import ArmContrast
from analysis.outcomes.contrasts import Contrast
from analysis.outcomes.findings import Findings, Row
from analysis.wording import counted, equals_p, interval, listed, percent, plain, signed

SCOPE = (
    "The comparison is of agreement with this study's rubric on its written cases, by these respondents under the "
    "study's conditions; it is not a measurement of outcomes in patients."
)


def key_finding(found: Findings) -> list[str]:
    """The primary comparison as a few sentences; why there is none, where there is none."""
    wanted, row = found.cut.protocol.primary, found.primary
    if wanted is None:
        return ["The protocol names no primary comparison: everything below is descriptive.", SCOPE]
    if found.lacks_primary:
        return [
            f"This profile has no {wanted.measure}, so the protocol's primary comparison cannot be made here.",
            SCOPE,
        ]
    between = found.primary_arms
    if row is None and between is None:
        return [
            f"The protocol's primary comparison is {wanted.test} against {wanted.control} on {wanted.measure}. There "
            "are no such two sides in this study.",
            SCOPE,
        ]
    estimate = found.primary_estimate
    if estimate is None or estimate.value != estimate.value:
        return [f"The primary comparison was refused. {_reason(estimate)}", SCOPE]
    sides = _of_arms(found, between) if between is not None else _of_system(found, row)
    sentences = [sides.difference, _reading(found, estimate, sides), *_margin(found, sides)]
    return [*sentences, *([] if sides.mixed is None else [sides.mixed]), SCOPE]


@dataclass(frozen=True, slots=True)
class _Sides:
    """What the two sides are called, the sentence of their difference, and the one of their response modes."""

    test: str
    control: str
    better: str
    difference: str
    mixed: str | None


def _of_system(found: Findings, row: Row | None) -> _Sides:
    assert row is not None  # noqa: S101  narrows: one of the two is there
    contrast = row.contrast
    default, control = contrast.default, found.physicians(contrast.control)
    difference = (
        f"{_on(found)}, {contrast.test} averaged {plain(contrast.test_value)} and {control} "
        f"{plain(contrast.control_value)} over the same {counted(default.n_readings, 'reading')} "
        f"({counted(default.n_readers, 'physician')}, {counted(default.n_cases, 'case')}): a difference of "
        f"{signed(default.value)}."
    )
    mixed = mixed_modes(contrast) if contrast.mixed_modes else None
    return _Sides(contrast.test, control, contrast.better, difference, mixed)


def _of_arms(found: Findings, between: ArmContrast) -> _Sides:
    """Two arms of physicians, who read different cases: the estimate is no difference of the two means."""
    test, control = (found.physicians(side.arm) for side in (between.test, between.control))
    adjusted = between.estimates.adjusted
    by = f", adjusted for {listed(adjusted)}" if adjusted else ""
    difference = (
        f"{_on(found)}, {test} averaged {plain(between.test.value)} over {counted(between.test.n_readings, 'reading')} "
        f"({counted(between.test.n_readers, 'physician')}) and {control} {plain(between.control.value)} over "
        f"{counted(between.control.n_readings, 'reading')} ({counted(between.control.n_readers, 'physician')}): an "
        f"estimated difference of {signed(between.default.value)} ({between.estimates.crossing} arms{by})."
    )
    mixed = _modes(test, control, between.modes) if between.mixed_modes else None
    return _Sides(test, control, between.better, difference, mixed)


def mixed_modes(contrast: Contrast) -> str:
    """The sentence that stands wherever a contrast across response modes does."""
    return _modes(contrast.test, contrast.control, contrast.modes)


def _modes(test: str, control: str, modes: tuple[str, str]) -> str:
    return (
        f"{test} answered by {_mode(modes[0])} and {control} by {_mode(modes[1])}: the response modes differ, as the "
        "protocol allows, and part of the difference may be due to that."
    )


def mixed_notes(rows: Iterable[Row]) -> list[str]:
    """That sentence for each contrast that needs it, once."""
    return list(dict.fromkeys(mixed_modes(row.contrast) for row in rows if row.contrast.mixed_modes))


def _mode(mode: str) -> str:
    return listed(mode.replace("_", " ").split("+"))


def _reason(estimate: Estimate | None) -> str:
    refused = None if estimate is None else estimate.refused
    return "" if refused is None else refused.reason


def _on(found: Findings) -> str:
    return f"On {_lower_first(found.measure.label)} ({found.measure.better} is better)"


def _reading(found: Findings, estimate: Estimate, sides: _Sides) -> str:
    """What the interval allows to be said."""
    if estimate.refused is not None:
        return f"No interval is given. {estimate.refused.reason}"
    given = (
        f"The {percent(found.level)} confidence interval for the mean difference, allowing for other physicians and "
        f"other cases like these, is {interval(estimate.low, estimate.high)} ({equals_p(estimate.p)})"
    )
    if estimate.low <= 0 <= estimate.high:
        return f"{given}; it includes no difference, so these data do not settle which of the two scores better."
    better = (estimate.value > 0) == (sides.better == "higher")
    return f"{given}; it excludes no difference, in favour of {sides.test if better else sides.control}."


def _margin(found: Findings, sides: _Sides) -> list[str]:
    wanted, conclusion = found.cut.protocol.primary, found.conclusion
    if wanted is None or wanted.margin is None or conclusion is None:
        return []
    beside = {
        Conclusion.SUPERIOR: "superior, and so also not inferior by the margin",
        Conclusion.NON_INFERIOR: "not inferior by the margin",
        Conclusion.INFERIOR: "inferior by more than the margin",
        Conclusion.INCONCLUSIVE: "neither shown to be inferior by the margin nor shown not to be",
    }[conclusion]
    return [
        f"Against the protocol's margin of {plain(wanted.margin)}, {sides.test} {_is(sides)} {beside} (one-sided "
        f"{equals_p(found.p_margin)} for worse by the margin)."
    ]


def _is(sides: _Sides) -> str:
    return "are" if sides.test.startswith("the physicians") else "is"


def _lower_first(label: str) -> str:
    """`Weighted F1` → `weighted F1`, but `F1` stays."""
    return label[0].lower() + label[1:] if label[1:2].islower() else label


def tipping_says(found: Findings) -> str | None:
    """How much hangs on the readings that are missing; None: none is, or the measure is not one score a reading."""
    at = found.tipping
    if at is None:
        return None
    those = f"the {counted(at.missing, 'missing score')}"
    beyond = ""
    if at.beyond:
        beyond = f" {counted(at.beyond, 'more is', 'more are')} missing where the system has no answer."
    if at.above == 0:
        as_expected = f"With {those} as physician and case lead to expect"
        return f"{as_expected}, the primary interval would already say something else.{beyond}"
    start = f"Moved together from what physician and case lead to expect, {those}"
    turns = [f"{plain(by, 2)} {where}" for by, where in ((at.above, "higher"), (at.below, "lower")) if by == by]
    if not turns:
        return f"{start} would change nothing that the primary interval says, up to all best or all worst.{beyond}"
    rest = "" if len(turns) == 2 else f"; {'lower' if at.above == at.above else 'higher'}, nothing would change"
    until = f"{start} would have to lie {' or '.join(turns)}"
    return f"{until} for the primary interval to say something else{rest}.{beyond}"
