"""Precision's side: every action at its best option, summed over the actions of each reading."""

from typing import NamedTuple

import numpy as np

from study.consensus import BENEFIT, HARM
from study.encoding import Actions, Floats
from study.profile import Profile
from study.rubric import Flags, Ints

SCORES, UNLISTED = 10, 2
"""Scores run from 0 to 9; an action is matched in full (kind 0), only in part (1), or to nothing on the list (2)."""


class ActionSums(NamedTuple):
    """Sums per reading, float arrays of shape (N,). *Listed*: matched to an option; *good*: its best score ≥ 7."""

    actions: Floats
    good: Floats
    listed_weight: Floats
    good_listed_weight: Floats


class UnlistedHarms(NamedTuple):
    """Actions off the list that are harmful in themselves: reading and severity (0 mild, 1 moderate, 2 severe)."""

    reading: Ints
    tier: Ints


def sum_actions(actions: Actions, scores: Ints, profile: Profile, n: int) -> ActionSums:
    """Sum the actions of n readings. `scores`: of every option, numbered through all cases of the rubric.

    An action counts once, at its best option. Its credit is partial where every option that attains the best score
    was met only in part. Off the list it counts among actions, and as good by its own score, and has no weight.
    """
    best, in_part = _best(actions, scores)
    # Actions of one kind and one best score are alike: they are counted by reading first, and weighed once a kind.
    kind = np.where(actions.size > 0, in_part, UNLISTED) if in_part.any() or not actions.size.all() else None
    kinds = 1 if kind is None else UNLISTED + 1
    place = best if kind is None else best + SCORES * kind
    width = SCORES * kinds
    counts = np.bincount(actions.reading * width + place, minlength=n * width).reshape(n, width)
    return ActionSums(*(counts @ _worth(profile)[:width]).T)


def _worth(profile: Profile) -> Floats:
    """What one action adds to each sum, by kind and best score: shape (3 × 10, 4)."""
    score = np.arange(SCORES)
    good, weight = (score >= BENEFIT).astype(np.float64), np.array(profile.weights, dtype=np.float64)
    every, none = np.ones(SCORES), np.zeros(SCORES)
    in_full = (every, good, weight, good * weight)
    in_part = (every, good, weight, profile.partial_credit * good * weight)
    return np.concatenate([np.column_stack(kind) for kind in (in_full, in_part, (every, good, none, none))])


def _best(actions: Actions, scores: Ints) -> tuple[Ints, Flags]:
    """Each action's best score, and whether it was attained only in part."""
    cell = scores[actions.option]
    listed = actions.size > 0
    if (actions.size == 1).all():
        return cell, actions.partial
    best, in_part = actions.own.copy(), np.zeros(len(listed), dtype=np.bool_)
    size = actions.size[listed]
    starts = np.cumsum(size) - size
    best[listed] = np.maximum.reduceat(cell, starts) if len(starts) else cell
    in_full = (cell == np.repeat(best[listed], size)) & ~actions.partial
    in_part[listed] = ~np.maximum.reduceat(in_full, starts) if len(starts) else in_full
    return best, in_part


def unlisted_harms(actions: Actions) -> UnlistedHarms:
    if actions.size.all():
        return UnlistedHarms(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))
    harmful = (actions.size == 0) & (actions.own >= 1) & (actions.own <= HARM)
    return UnlistedHarms(actions.reading[harmful], HARM - actions.own[harmful])
