"""Precision's side: every action at its best option, summed over the actions of each reading."""

from typing import NamedTuple

import numpy as np

from study.consensus import BENEFIT, HARM
from study.encoding import Actions, Floats
from study.profile import Profile
from study.rubric import Flags, Ints


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
    listed, good = actions.size > 0, best >= BENEFIT
    weight = np.array(profile.weights)[best]
    weight[~listed] = 0.0
    credited = np.where(good, weight, 0.0)
    credited[in_part] *= profile.partial_credit
    columns = (None, good, weight, credited)
    return ActionSums(*(np.bincount(actions.reading, column, minlength=n).astype(np.float64) for column in columns))


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
    harmful = (actions.size == 0) & (actions.own >= 1) & (actions.own <= HARM)
    return UnlistedHarms(actions.reading[harmful], HARM - actions.own[harmful])
