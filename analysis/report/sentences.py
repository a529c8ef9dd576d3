"""What the findings say, in words that claim no more than the numbers do."""

from collections.abc import Iterable

from analysis.inference.margins import Conclusion
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
    if row is None:
        return [
            f"The protocol's primary comparison is {wanted.test} against {wanted.control} on {wanted.measure}. It is "
            "not a system against an arm of physicians, and this report does not estimate it.",
            SCOPE,
        ]
    contrast = row.contrast
    if contrast.default.value != contrast.default.value:
        return [f"The primary comparison was refused. {_reason(contrast)}", SCOPE]
    sentences = [_difference(found, contrast), _reading(found, contrast), *_margin(found, contrast)]
    if contrast.mixed_modes:
        sentences.append(mixed_modes(contrast))
    return [*sentences, SCOPE]


def mixed_modes(contrast: Contrast) -> str:
    """The sentence that stands wherever a contrast across response modes does."""
    return (
        f"{contrast.test} answered by {_mode(contrast.modes[0])} and {contrast.control} by "
        f"{_mode(contrast.modes[1])}: the response modes differ, as the protocol allows, and part of the difference "
        "may be due to that."
    )


def mixed_notes(rows: Iterable[Row]) -> list[str]:
    """That sentence for each contrast that needs it, once."""
    return list(dict.fromkeys(mixed_modes(row.contrast) for row in rows if row.contrast.mixed_modes))


def _mode(mode: str) -> str:
    return listed(mode.replace("_", " ").split("+"))


def _reason(contrast: Contrast) -> str:
    refused = contrast.default.refused
    return "" if refused is None else refused.reason


def _difference(found: Findings, contrast: Contrast) -> str:
    default, measure = contrast.default, found.measure
    return (
        f"On {_lower_first(measure.label)} ({measure.better} is better), {contrast.test} averaged "
        f"{plain(contrast.test_value)} and {found.physicians(contrast.control)} {plain(contrast.control_value)} over "
        f"the same {counted(default.n_readings, 'reading')} ({counted(default.n_readers, 'physician')}, "
        f"{counted(default.n_cases, 'case')}): a difference of {signed(default.value)}."
    )


def _reading(found: Findings, contrast: Contrast) -> str:
    """What the interval allows to be said."""
    default = contrast.default
    if default.refused is not None:
        return f"No interval is given. {default.refused.reason}"
    given = (
        f"The {percent(found.level)} confidence interval for the mean difference, allowing for other physicians and "
        f"other cases like these, is {interval(default.low, default.high)} ({equals_p(default.p)})"
    )
    if default.low <= 0 <= default.high:
        return f"{given}; it includes no difference, so these data do not settle which of the two scores better."
    better = (default.value > 0) == (contrast.better == "higher")
    favoured = contrast.test if better else found.physicians(contrast.control)
    return f"{given}; it excludes no difference, in favour of {favoured}."


def _margin(found: Findings, contrast: Contrast) -> list[str]:
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
        f"Against the protocol's margin of {plain(wanted.margin)}, {contrast.test} is {beside} (one-sided "
        f"{equals_p(found.p_margin)} for worse by the margin)."
    ]


def _lower_first(label: str) -> str:
    """`Weighted F1` → `weighted F1`, but `F1` stays."""
    return label[0].lower() + label[1:] if label[1:2].islower() else label
