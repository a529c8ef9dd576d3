"""Responses to one case as arrays: options × readings, and one flat list of actions.

A ticked option is one action that is matched to itself; a plan that carries actions is taken at its word. From
here on nothing tells one from the other, nor whose plan it was.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from study.answer import Action, Response
from study.case import OptionId
from study.errors import StudyError
from study.rubric import CaseRubric, Flags, Ints

Floats = NDArray[np.float64]

_selected = attrgetter("selected")
_partial = attrgetter("partial")
_actions = attrgetter("actions")


@dataclass(frozen=True, slots=True, eq=False)
class Plans:
    """m responses to a case of n options, with k actions in all.

    Attributes
    ----------
    matched, partial : bool array, shape (n, m)
        Chosen; chosen, but met only in part.
    reading : int array, shape (k,)
        Whose action it is, 0 … m − 1.
    best : int array, shape (k,)
        The best score among its options; off the list, its own score.
    listed : bool array, shape (k,)
        Matched to an option of the list.
    credit : float array, shape (k,)
        1, or the partial credit where every option that attains the best score was met only in part.
    """

    matched: Flags
    partial: Flags
    reading: Ints
    best: Ints
    listed: Flags
    credit: Floats


def encode(case: CaseRubric, responses: Sequence[Response], *, partial_credit: float) -> Plans:
    """Encode m responses to one case. Raises `StudyError` where one chose what the case does not offer."""
    place = {option: at for at, option in enumerate(case.options)}
    shape = len(case.options), len(responses)
    matched, partial = np.zeros(shape, dtype=np.bool_), np.zeros(shape, dtype=np.bool_)
    try:
        option, reading = _cells(place, list(map(_selected, responses)))
        matched[option, reading] = True
        in_part = list(map(_partial, responses))
        if any(in_part):
            partial[_cells(place, in_part)] = True
            partial &= matched
        written = [(at, plan) for at, plan in enumerate(map(_actions, responses)) if plan is not None]
        credit = np.where(partial[option, reading], partial_credit, 1.0)
        plans = Plans(matched, partial, reading, case.score[option], np.ones(len(option), dtype=np.bool_), credit)
        return _with_written(plans, written, case, place, partial_credit) if written else plans
    except KeyError as unknown:
        raise StudyError(f"case {case.case_id} has no option {unknown.args[0]!r}") from None


def _cells(place: Mapping[OptionId, int], sets: Sequence[Set[OptionId]]) -> tuple[Ints, Ints]:
    """Row (option) and column (reading) of every member of every set."""
    sizes = np.fromiter(map(len, sets), dtype=np.int64, count=len(sets))
    rows = np.fromiter(map(place.__getitem__, chain.from_iterable(sets)), dtype=np.int64, count=int(sizes.sum()))
    return rows, np.repeat(np.arange(len(sets)), sizes)


def _with_written(
    plans: Plans,
    written: Sequence[tuple[int, Sequence[Action]]],
    case: CaseRubric,
    place: Mapping[OptionId, int],
    partial_credit: float,
) -> Plans:
    """Put the actions that plans carry in the place of their ticks."""
    ticked = np.ones(plans.matched.shape[1], dtype=np.bool_)
    ticked[[at for at, _ in written]] = False
    kept = ticked[plans.reading]
    readings, best, listed, credit = [], [], [], []
    for at, actions in written:
        for action in actions:
            rows = [place[option] for option in action.options]
            score = max((int(case.score[row]) for row in rows), default=action.score)
            in_part = rows and all(plans.partial[row, at] for row in rows if case.score[row] == score)
            readings.append(at)
            best.append(score)
            listed.append(bool(rows))
            credit.append(partial_credit if in_part else 1.0)
    return Plans(
        plans.matched,
        plans.partial,
        reading=np.concatenate((plans.reading[kept], np.array(readings, dtype=np.int64))),
        best=np.concatenate((plans.best[kept], np.array(best, dtype=np.int64))),
        listed=np.concatenate((plans.listed[kept], np.array(listed, dtype=np.bool_))),
        credit=np.concatenate((plans.credit[kept], np.array(credit, dtype=np.float64))),
    )
