"""Several raters' scores for one option become one integer, 1–9, under a named rule.

Benefit is a score of 7 or more, harm 3 or less, uncertain 4–6. Undecided panels land on 5, never on a side.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum

from study.errors import StudyError

LOWEST, NEUTRAL, HIGHEST = 1, 5, 9
BENEFIT, HARM = 7, 3
"""The least score that is a benefit, and the greatest that is a harm."""


class ConsensusRule(StrEnum):
    SINGLE = "single"
    MEDIAN = "median"
    MAJORITY = "majority"
    UNANIMOUS = "unanimous"
    SEVERE_ONLY_IF_UNANIMOUS = "severe_only_if_unanimous"


class NoConsensus(StudyError):
    """The rule cannot be used with this number of ratings."""


def consensus(rule: str, scores: Sequence[int]) -> int:
    """Return the panel's score for one option.

    Parameters
    ----------
    rule : str
        One of `ConsensusRule`.
    scores : sequence of int
        Every rater's score, 1–9, in any order.

    Returns
    -------
    int
        1–9.

    Raises
    ------
    NoConsensus
        The rule does not exist, or the number of ratings does not suit it.
    """
    fault = panel_fault(rule, len(scores))
    if fault is not None:
        raise NoConsensus(fault)
    return _RULES[ConsensusRule(rule)](sorted(scores))


def panel_fault(rule: str, raters: int) -> str | None:
    """What is wrong with applying the rule to so many ratings of one option; None: nothing."""
    if rule not in _RULES:
        return f"no consensus rule is called {rule!r}; there are {', '.join(ConsensusRule)}"
    if rule == ConsensusRule.SINGLE:
        return None if raters == 1 else f"consensus 'single' needs exactly one rating, found {raters}"
    return None if raters >= 2 else f"consensus {rule!r} needs at least two ratings, found {raters}"


def mid(scores: Sequence[int]) -> int:
    """The median; of two middle values the one nearer 5, and 5 where they lie equally far on both sides of it."""
    ordered = sorted(scores)
    low, high = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    if low != high and NEUTRAL - low == high - NEUTRAL:
        return NEUTRAL
    return min(low, high, key=lambda score: abs(score - NEUTRAL))


def direction(score: int) -> int:
    """+1 benefit, −1 harm, 0 uncertain."""
    return (score >= BENEFIT) - (score <= HARM)


def _single(scores: Sequence[int]) -> int:
    return scores[0]


def _majority(scores: Sequence[int]) -> int:
    for way in (-1, 0, 1):
        agreeing = [score for score in scores if direction(score) == way]
        if 2 * len(agreeing) > len(scores):
            return mid(agreeing)
    return NEUTRAL


def _unanimous(scores: Sequence[int]) -> int:
    return mid(scores) if len({direction(score) for score in scores}) == 1 else NEUTRAL


def _severe_only_if_unanimous(scores: Sequence[int]) -> int:
    score = mid(scores)
    if len(set(scores)) == 1:
        return score
    return min(max(score, LOWEST + 1), HIGHEST - 1)


_RULES: dict[str, Callable[[Sequence[int]], int]] = {
    ConsensusRule.SINGLE: _single,
    ConsensusRule.MEDIAN: mid,
    ConsensusRule.MAJORITY: _majority,
    ConsensusRule.UNANIMOUS: _unanimous,
    ConsensusRule.SEVERE_ONLY_IF_UNANIMOUS: _severe_only_if_unanimous,
}
