"""Verdicts: every option of a case judged against every response, and the sums that measures are folded from.

The rules are those of the published scoring of July 2026; a profile without structure lets every option stand
alone. Arrays are options × readings; a *unit* is an option standing alone or a group of alternatives.
"""

from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from study.consensus import BENEFIT, HARM, NEUTRAL
from study.encoding import Floats
from study.profile import Profile
from study.rubric import CaseRubric, Flags, Ints

_Number = TypeVar("_Number", np.float64, np.bool_)


class OptionSums(NamedTuple):
    """Sums per reading, arrays of shape (m,). A unit is *due* where it is right and not gated."""

    due: Floats
    reached: Floats
    due_weight: Floats
    reached_weight: Floats
    decided: Floats
    agreed: Floats
    appropriate: Floats
    uncertain: Floats
    harmful: Floats
    appropriate_weight: Floats
    missed: Floats
    strong: Floats
    strong_chosen: Floats
    escalations: Floats
    escalations_chosen: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Verdicts:
    """One case's verdicts over m readings.

    Attributes
    ----------
    omission, commission : bool array, shape (n, m)
    tier : int array, shape (n,)
        Severity of an option's harm: 0 mild, 1 moderate, 2 severe; negative where it can do none.
    harm_counts : float array, shape (2, 3, m)
        Harms by kind (omission, commission) and severity (mild, moderate, severe).
    sums : OptionSums
    """

    omission: Flags
    commission: Flags
    tier: Ints
    harm_counts: Floats
    sums: OptionSums


def judge(case: CaseRubric, profile: Profile, matched: Flags, partial: Flags) -> Verdicts:
    """Judge m readings of one case.

    Parameters
    ----------
    case : CaseRubric
        Of n options: their scores, groups and dependencies.
    profile : Profile
        Whether structure is heeded, and from which score a partial match is still an omission.
    matched, partial : bool arrays, shape (n, m)
        What was chosen, and what of it was met only in part (a subset).
    """
    alternative = case.alternative if profile.structured else np.full_like(case.alternative, -1)
    gated = _gated(case, matched) if profile.structured else np.zeros_like(matched)
    omission = _omissions(case.score, profile, alternative, matched, partial, gated)
    commission = (case.score <= HARM)[:, None] & matched
    tier = np.abs(case.score - NEUTRAL) - 2
    severities = (tier == np.arange(3)[:, None]).astype(np.float32)
    sums = (
        *_recall_sums(case.score, profile, alternative, matched, partial, gated),
        *_agreement_sums(case.score, alternative, matched, gated),
        *_option_sums(case, profile, matched),
    )
    counts = np.stack([severities @ harms.astype(np.float32) for harms in (omission, commission)])
    return Verdicts(omission, commission, tier, counts, OptionSums(*sums))


class Units:
    """The units in which some member holds a claim: options alone first, then groups.

    Attributes
    ----------
    rows : int array, shape (q,)
        Their options, of the n of a case: first each that stands alone, then group by group.

    Notes
    -----
    Of u units, the methods take arrays over `rows`, shape (q, m) for m readings, and give one row a unit, shape (u, m);
    only `first` takes claims over all options, shape (n,), and gives an option a unit, shape (u,). None is ever NaN.
    """

    def __init__(self, alternative: Ints, claim: Flags) -> None:
        numbered = (np.flatnonzero(alternative == number) for number in range(alternative.max(initial=-1) + 1))
        self._alone = np.flatnonzero(claim & (alternative < 0))
        self._groups = [members for members in numbered if claim[members].any()]
        self.rows = np.concatenate((self._alone, *self._groups))

    def most(self, values: Floats) -> Floats:
        """Each unit's greatest value: (q, m) to (u, m)."""
        return self._reduced(np.maximum, values)

    def any(self, claims: Flags) -> Flags:
        """Whether some member holds the claim: (q, m) to (u, m)."""
        return self._reduced(np.logical_or, claims)

    def all(self, claims: Flags) -> Flags:
        """Whether every member holds the claim: (q, m) to (u, m)."""
        return self._reduced(np.logical_and, claims)

    def first(self, claims: Flags) -> Ints:
        """The first option of each unit that holds the claim: (n,) over all options of the case to (u,)."""
        firsts = [members[np.argmax(claims[members])] for members in self._groups]
        return np.concatenate((self._alone, np.array(firsts, dtype=np.int64)))

    def _reduced(self, reduce: np.ufunc, values: NDArray[_Number]) -> NDArray[_Number]:
        if not self._groups:
            return values
        alone = len(self._alone)
        starts = np.cumsum([0, *map(len, self._groups[:-1])])
        return np.concatenate((values[:alone], reduce.reduceat(values[alone:], starts)))


def _gated(case: CaseRubric, matched: Flags) -> Flags:
    """Options that depend on others of which none was chosen. Not recursive; a harmful parent counts like any."""
    gated = np.zeros_like(matched)
    for child in np.flatnonzero(case.parents.any(axis=1)).tolist():
        gated[child] = ~matched[case.parents[child]].any(axis=0)
    return gated


def _omissions(score: Ints, profile: Profile, alternative: Ints, matched: Flags, partial: Flags, gated: Flags) -> Flags:
    """What was left out and should not have been.

    A chosen alternative, whatever its score, shelters its whole group. What was met only in part may still be an
    omission; a gate is not consulted then.
    """
    sheltered = np.zeros_like(matched)
    for group in range(alternative.max(initial=-1) + 1):
        members = alternative == group
        sheltered[members] = matched[members].any(axis=0)
    omission = (score >= BENEFIT)[:, None] & ~(matched | sheltered | gated)
    if profile.partial_omission_from is not None:
        omission |= (score >= profile.partial_omission_from)[:, None] & partial & ~sheltered
    return omission


def _recall_sums(
    score: Ints, profile: Profile, alternative: Ints, matched: Flags, partial: Flags, gated: Flags
) -> tuple[Floats, ...]:
    """Units to be reached; units reached; their weight; the credited weight of those reached.

    A group weighs as much as its best member that is not gated, and is credited for the best of these chosen.
    """
    units = Units(alternative, score >= BENEFIT)
    score, matched, partial, gated = score[units.rows], matched[units.rows], partial[units.rows], gated[units.rows]
    due = ~units.all(gated)
    reached = due & units.any(matched)
    live = np.where(score >= BENEFIT, np.array(profile.weights)[score], 0.0)[:, None] * ~gated
    best, in_full = units.most(live * matched), units.most(live * (matched & ~partial))
    credited = np.where(in_full == best, best, profile.partial_credit * best)
    return _count(due), _count(reached), units.most(live).sum(axis=0), credited.sum(axis=0)


def _agreement_sums(score: Ints, alternative: Ints, matched: Flags, gated: Flags) -> tuple[Floats, ...]:
    """Units that are clearly right or wrong, as their first such member says; those where the plan agrees."""
    decided = (score >= BENEFIT) | (score <= HARM)
    units = Units(alternative, decided)
    expected = score[units.first(decided)] >= BENEFIT
    counted = ~units.all(gated[units.rows])
    return _count(counted), _count(counted & (units.any(matched[units.rows]) == expected[:, None]))


def _option_sums(case: CaseRubric, profile: Profile, matched: Flags) -> tuple[Floats, ...]:
    """Options as they stand alone: chosen by direction, missed, strongly indicated, flagged as escalation."""
    benefit, harmful = case.score >= BENEFIT, case.score <= HARM
    strong = case.score >= profile.complete_from
    weight = benefit * np.array(profile.weights)[case.score]
    columns = (benefit, ~benefit & ~harmful, harmful, weight, strong, case.escalation)
    # Whole numbers far below 2^24, so single precision is exact, and twice as fast.
    chosen = (np.array(columns, dtype=np.float32) @ matched.astype(np.float32)).astype(np.float64)
    appropriate, uncertain, committed, hit, strong_chosen, escalated = chosen
    every = np.ones(matched.shape[1])
    return (
        *(appropriate, uncertain, committed, hit, benefit.sum() - appropriate),
        *(strong.sum() * every, strong_chosen, case.escalation.sum() * every, escalated),
    )


def _count(claims: Flags) -> Floats:
    """How many units hold the claim, per reading."""
    counted = np.ones(len(claims), dtype=np.float32) @ claims.astype(np.float32)
    return counted.astype(np.float64)
