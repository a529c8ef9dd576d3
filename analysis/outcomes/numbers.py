"""How many cases there are to one severe harm, alone and between a system and the physicians."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from analysis.inference.numbers_needed import NumberNeeded, cases_per_severe, nnh_difference
from analysis.outcomes.contrasts import Contrast
from analysis.outcomes.values import Value

SEVERE = "severe"


@dataclass(frozen=True, slots=True)
class Needed:
    """Cases to one severe harm. `control` None: of one respondent by itself; else cases to one more, or one less."""

    respondent: str
    control: str | None
    arm: str
    number: NumberNeeded


def numbers_needed(values: Sequence[Value], contrasts: Sequence[Contrast]) -> tuple[Needed, ...]:
    """From every value and every difference of the rate of cases with a severe harm, in their order."""
    return (*_alone(values), *_between(contrasts))


def _alone(values: Sequence[Value]) -> Iterator[Needed]:
    for value in values:
        if value.measure == SEVERE:
            yield Needed(value.respondent, None, value.arm, cases_per_severe(value.estimate))


def _between(contrasts: Sequence[Contrast]) -> Iterator[Needed]:
    for contrast in contrasts:
        if contrast.measure == SEVERE:
            yield Needed(contrast.test, contrast.control, contrast.control, nnh_difference(contrast.default))
