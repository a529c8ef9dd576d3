"""Verdicts: every option judged against every response, and the sums per reading that measures are folded from.

The rules are those of the published scoring of July 2026; a profile without structure lets every option stand
alone. Arrays are options × readings; a *unit* is an option standing alone or a group of alternatives.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from study.consensus import BENEFIT, HARM
from study.encoding import Floats, Plans
from study.profile import Profile
from study.rubric import CaseRubric, Flags, Ints

LEAST_HARMFUL = 3
"""A score of 7 or 3 is mild, 8 or 2 moderate, 9 or 1 severe: one step each away from here."""


class Totals(NamedTuple):
    """Sums per reading, float arrays of shape (m,): counts of actions, options and units, and their weights."""

    actions: Floats
    good_actions: Floats
    listed_actions: Floats
    listed_weight: Floats
    good_listed_weight: Floats
    units: Floats
    units_reached: Floats
    unit_weight: Floats
    reached_weight: Floats
    decided_units: Floats
    agreed_units: Floats
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
    unlisted : tuple of two int arrays, shape (h,)
        Reading and severity of each harmful action off the list.
    harm_counts : int array, shape (2, 3, m)
        Harms by kind (omission, commission) and severity (mild, moderate, severe).
    totals : Totals
    """

    omission: Flags
    commission: Flags
    tier: Ints
    unlisted: tuple[Ints, Ints]
    harm_counts: Ints
    totals: Totals


def judge(case: CaseRubric, profile: Profile, plans: Plans) -> Verdicts:
    """Judge m readings of one case."""
    units = _units(case) if profile.structured else _every_option(len(case.options))
    gated = _gated(case, plans.matched) if profile.structured else np.zeros_like(plans.matched)
    omission, commission = _harms(case, profile, plans, units, gated)
    tier = np.abs(case.score - 5) - 2
    severities = (tier == np.arange(3)[:, None]).astype(np.float64)
    counts = np.stack((severities @ omission, severities @ commission)).astype(np.int64)
    unlisted = _unlisted_harms(plans)
    np.add.at(counts[1], (unlisted[1], unlisted[0]), 1)
    weights = np.array(profile.weights)
    sums = (
        *_action_sums(plans, weights),
        *_recall_sums(case, profile, plans, units, gated, weights),
        *_agreement_sums(case, plans, units, gated),
        *_option_sums(case, profile, plans, weights),
    )
    return Verdicts(omission, commission, tier, unlisted, counts, Totals(*sums))


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """Options standing alone first, then the groups. `members` are the grouped options, group by group."""

    alone: Ints
    members: Ints
    starts: Ints

    def most(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Each unit's greatest value (of claims: does any member hold it?); over the first axis."""
        if not len(self.members):
            return values
        return np.concatenate((values[self.alone], np.maximum.reduceat(values[self.members], self.starts)))

    def all(self, claims: Flags) -> Flags:
        return ~np.asarray(self.most(~claims), dtype=np.bool_)

    def any(self, claims: Flags) -> Flags:
        return np.asarray(self.most(claims), dtype=np.bool_)


def _units(case: CaseRubric) -> Units:
    grouped = np.flatnonzero(case.alternative >= 0)
    members = grouped[np.argsort(case.alternative[grouped], kind="stable")]
    starts = np.flatnonzero(np.diff(case.alternative[members], prepend=-1))
    return Units(np.flatnonzero(case.alternative < 0), members, starts)


def _every_option(n: int) -> Units:
    nobody = np.empty(0, dtype=np.int64)
    return Units(np.arange(n), nobody, nobody)


def _gated(case: CaseRubric, matched: Flags) -> Flags:
    """Options that depend on others of which none was chosen. Not recursive; a harmful parent counts like any."""
    gated = np.zeros_like(matched)
    dependent = np.flatnonzero(case.parents.any(axis=1))
    if len(dependent):
        gated[dependent] = case.parents[dependent].astype(np.float64) @ matched == 0
    return gated


def _harms(case: CaseRubric, profile: Profile, plans: Plans, units: Units, gated: Flags) -> tuple[Flags, Flags]:
    """What was left out and should not have been, and what was done and should not have been.

    A chosen alternative, whatever its score, shelters its whole group from omissions.
    """
    sheltered = np.zeros_like(plans.matched)
    if len(units.members):
        reached = np.maximum.reduceat(plans.matched[units.members], units.starts)
        sizes = np.diff(units.starts, append=len(units.members))
        sheltered[units.members] = np.repeat(reached, sizes, axis=0)
    omission = (case.score >= BENEFIT)[:, None] & ~(plans.matched | sheltered | gated)
    if profile.partial_omission_from is not None:
        omission |= (case.score >= profile.partial_omission_from)[:, None] & plans.partial & ~sheltered
    commission = (case.score <= HARM)[:, None] & plans.matched
    return omission, commission


def _unlisted_harms(plans: Plans) -> tuple[Ints, Ints]:
    harmful = ~plans.listed & (plans.best >= 1) & (plans.best <= HARM)
    return plans.reading[harmful], LEAST_HARMFUL - plans.best[harmful]


def _action_sums(plans: Plans, weights: Floats) -> tuple[Floats, ...]:
    """Actions; good ones; listed ones; weight of the listed; credited weight of the good and listed."""
    m = plans.matched.shape[1]
    good = plans.best >= BENEFIT
    weight = weights[plans.best] * plans.listed
    columns = (None, good, plans.listed, weight, weight * plans.credit * good)
    return tuple(np.bincount(plans.reading, column, minlength=m).astype(np.float64) for column in columns)


def _recall_sums(
    case: CaseRubric, profile: Profile, plans: Plans, units: Units, gated: Flags, weights: Floats
) -> tuple[Floats, ...]:
    """Units to be reached; units reached; their weight; the credited weight of those reached.

    A group weighs as much as its best member that is not gated, and is credited for the best of these chosen.
    """
    benefit = case.score >= BENEFIT
    due = units.any(benefit)[:, None] & ~units.all(gated)
    reached = due & units.any(plans.matched)
    live = np.where(benefit, weights[case.score], 0.0)[:, None] * ~gated
    best = np.asarray(units.most(live * plans.matched), dtype=np.float64)
    best_in_full = np.asarray(units.most(live * (plans.matched & ~plans.partial)), dtype=np.float64)
    credited = np.where(best_in_full == best, best, profile.partial_credit * best)
    full = np.asarray(units.most(live), dtype=np.float64)
    return _over(due), _over(reached), full.sum(axis=0), credited.sum(axis=0)


def _agreement_sums(case: CaseRubric, plans: Plans, units: Units, gated: Flags) -> tuple[Floats, ...]:
    """Units that are clearly right or wrong, by their first such member; those where the plan agrees."""
    decided = (case.score >= BENEFIT) | (case.score <= HARM)
    # The first decided member speaks for its unit: whatever comes earlier has the greater rank.
    rank = np.where(decided, len(decided) - np.arange(len(decided)), 0)
    speaks = np.asarray(units.most(rank), dtype=np.int64)
    expected = (case.score >= BENEFIT)[len(decided) - np.maximum(speaks, 1)]
    counted = (speaks > 0)[:, None] & ~units.all(gated)
    return _over(counted), _over(counted & (units.any(plans.matched) == expected[:, None]))


def _option_sums(case: CaseRubric, profile: Profile, plans: Plans, weights: Floats) -> tuple[Floats, ...]:
    """Options as they stand alone: chosen by direction, missed, strongly indicated, flagged as escalation."""
    benefit, harmful = case.score >= BENEFIT, case.score <= HARM
    strong = case.score >= profile.complete_from
    columns = (benefit, ~benefit & ~harmful, harmful, benefit * weights[case.score], strong, case.escalation)
    chosen = np.array(columns, dtype=np.float64) @ plans.matched
    appropriate, uncertain, committed, weight, strong_chosen, escalations_chosen = chosen
    missed = benefit.sum() - appropriate
    of_case = np.ones(plans.matched.shape[1])
    return (
        *(appropriate, uncertain, committed, weight, missed),
        *(strong.sum() * of_case, strong_chosen, case.escalation.sum() * of_case, escalations_chosen),
    )


def _over(claims: Flags) -> Floats:
    """How many units hold the claim, per reading."""
    return np.ones(claims.shape[0]) @ claims
