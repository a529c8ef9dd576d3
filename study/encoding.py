"""Responses as arrays: options × readings, and one flat list of actions.

A ticked option is one action that is matched to itself; a plan that carries actions is taken at its word. From
here on nothing tells one from the other, nor whose plan it was. The arrays do not depend on scores: the same ones
are judged again under another consensus rule or profile.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain, pairwise
from operator import attrgetter
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from study.answer import Action, Response
from study.case import CaseId, OptionId
from study.errors import StudyError
from study.rubric import CaseRubric, Flags, Ints

Floats = NDArray[np.float64]

_selected = attrgetter("selected")
_partial = attrgetter("partial")
_actions = attrgetter("actions")


class Block(NamedTuple):
    """The readings of one case: columns `start` to `stop` of the arrays."""

    case_id: CaseId
    start: int
    stop: int


@dataclass(frozen=True, slots=True, eq=False)
class Actions:
    """Every action of N readings.

    Attributes
    ----------
    reading : int array, shape (k,)
        Whose action it is, 0 … N − 1 in the order given.
    own : int array, shape (k,)
        Its own score, which counts when it is off the list.
    size : int array, shape (k,)
        How many options of the list it was matched to; 0: off the list.
    option : int array, shape (sum of sizes,)
        These options, action by action, numbered through all cases of the rubric.
    partial : bool array, same shape
        The option was met only in part.
    """

    reading: Ints
    own: Ints
    size: Ints
    option: Ints
    partial: Flags


@dataclass(frozen=True, slots=True, eq=False)
class Plans:
    """N responses to cases of at most n options.

    Attributes
    ----------
    order : int array, shape (N,)
        The reading in each column: readings stand case by case.
    blocks : list of Block
    matched, partial : bool array, shape (n, N)
        Chosen; chosen, but met only in part. Rows past a case's options are empty.
    actions : Actions
    """

    order: Ints
    blocks: Sequence[Block]
    matched: Flags
    partial: Flags
    actions: Actions


def encode(cases: Mapping[CaseId, CaseRubric], case_ids: Sequence[CaseId], responses: Sequence[Response]) -> Plans:
    """Encode N responses, the i-th to the case `case_ids[i]`.

    Raises `StudyError` where a case or an option is not the rubric's.
    """
    numbers = _case_numbers(cases, case_ids)
    order = np.argsort(numbers, kind="stable")
    n = len(order)
    options = _Options(cases)
    # Cell (option, reading) of the flattened arrays is `option · n + base[reading]`, options numbered through.
    base = np.empty_like(order)
    base[order] = np.arange(n)
    base -= options.first[numbers] * n

    reading, option = _members(options, numbers, list(map(_selected, responses)))
    cells = option * n + base[reading]
    matched, partial = np.zeros(options.most * n, dtype=np.bool_), np.zeros(options.most * n, dtype=np.bool_)
    matched[cells] = True
    in_part = list(map(_partial, responses))
    if any(in_part):
        whose, part = _members(options, numbers, in_part)
        partial[part * n + base[whose]] = True
        partial &= matched
    one = np.ones(len(option), dtype=np.int64)
    actions = Actions(reading, own=one, size=one, option=option, partial=partial[cells])
    given = list(map(_actions, responses))
    if given.count(None) < n:
        actions = _with_written(actions, _written(given, options, numbers, partial, base), given)
    shape = options.most, n
    return Plans(order, _blocks(cases, numbers[order]), matched.reshape(shape), partial.reshape(shape), actions)


def _case_numbers(cases: Mapping[CaseId, CaseRubric], case_ids: Sequence[CaseId]) -> Ints:
    number = {case_id: at for at, case_id in enumerate(cases)}
    try:
        return np.fromiter(map(number.__getitem__, case_ids), dtype=np.int64, count=len(case_ids))
    except KeyError as unknown:
        raise StudyError(f"the rubric has no case {unknown.args[0]!r}") from None


def _blocks(cases: Mapping[CaseId, CaseRubric], numbers: Ints) -> list[Block]:
    """`numbers` sorted: the run of every case that occurs."""
    known = list(cases)
    starts = np.flatnonzero(np.diff(numbers, prepend=-1)).tolist()
    return [Block(known[numbers[start]], start, stop) for start, stop in pairwise([*starts, len(numbers)])]


class _Options:
    """The options of all cases, numbered through; names may return from case to case.

    `first[case]` is the number of a case's first option. A name has a code; `number[case, code]` is the option's
    number, −1 where the case has no option of that name.
    """

    def __init__(self, cases: Mapping[CaseId, CaseRubric]) -> None:
        sizes = [len(case.options) for case in cases.values()]
        self.cases = list(cases)
        self.most = max(sizes, default=0)
        self.first = np.concatenate(([0], np.cumsum(sizes, dtype=np.int64)))[:-1]
        names = dict.fromkeys(chain.from_iterable(case.options for case in cases.values()))
        self.code = {name: at for at, name in enumerate(names)}
        self.number = np.full((len(sizes), len(self.code)), -1, dtype=np.int64)
        for row, case in enumerate(cases.values()):
            self.number[row, [self.code[name] for name in case.options]] = self.first[row] + np.arange(sizes[row])

    def numbers(self, case: Ints, names: Iterable[OptionId], count: int) -> Ints:
        """The number of each name in its case."""
        try:
            codes = np.fromiter(map(self.code.__getitem__, names), dtype=np.int64, count=count)
        except KeyError as unknown:
            raise StudyError(f"no case of the rubric has an option {unknown.args[0]!r}") from None
        found = self.number.take(case * len(self.code) + codes)
        if found.min(initial=0) < 0:
            at = int(np.argmin(found))
            raise StudyError(f"case {self.cases[case[at]]} has no option {list(self.code)[codes[at]]!r}")
        return found


def _members(options: _Options, case: Ints, sets: Sequence[Set[OptionId]]) -> tuple[Ints, Ints]:
    """Reading and option of every member of every set."""
    sizes = np.fromiter(map(len, sets), dtype=np.int64, count=len(sets))
    reading = np.repeat(np.arange(len(sets)), sizes)
    return reading, options.numbers(case[reading], chain.from_iterable(sets), len(reading))


def _written(
    given: Sequence[tuple[Action, ...] | None], options: _Options, case: Ints, partial: Flags, base: Ints
) -> Actions:
    """The actions that plans carry."""
    flat = [(at, action) for at, actions in enumerate(given) for action in actions or ()]
    reading = np.array([at for at, _ in flat], dtype=np.int64)
    size = np.array([len(action.options) for _, action in flat], dtype=np.int64)
    whose = np.repeat(reading, size)
    option = options.numbers(case[whose], chain.from_iterable(action.options for _, action in flat), len(whose))
    own = np.array([action.score for _, action in flat], dtype=np.int64)
    return Actions(reading, own, size, option, partial[option * len(base) + base[whose]])


def _with_written(ticks: Actions, written: Actions, given: Sequence[object]) -> Actions:
    """Actions that a plan carries take the place of its ticks."""
    kept = np.array([plan is None for plan in given], dtype=np.bool_)[ticks.reading]
    return Actions(
        reading=np.concatenate((ticks.reading[kept], written.reading)),
        own=np.concatenate((ticks.own[kept], written.own)),
        size=np.concatenate((ticks.size[kept], written.size)),
        option=np.concatenate((ticks.option[kept], written.option)),
        partial=np.concatenate((ticks.partial[kept], written.partial)),
    )
