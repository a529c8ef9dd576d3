"""Reference policies: what anybody could do without reading a case. They are scored beside everyone."""

from collections.abc import Callable

import numpy as np

from study.answer import DO_NOTHING, ORACLE, SELECT_ALL, Answer, Kind, Response
from study.consensus import BENEFIT
from study.rubric import CaseRubric, Flags, Rubric


def do_nothing(rubric: Rubric) -> list[Answer]:
    """Exactly the options flagged *do nothing*; an empty plan where a case has none."""
    return _answers(rubric, DO_NOTHING, lambda case: case.do_nothing)


def select_all(rubric: Rubric) -> list[Answer]:
    """Every option of every case."""
    return _answers(rubric, SELECT_ALL, lambda case: np.ones(len(case.options), dtype=np.bool_))


def oracle(rubric: Rubric) -> list[Answer]:
    """Every option of score 7 or more; of alternatives the best one, the first where two are equally good."""
    return _answers(rubric, ORACLE, _right)


def _right(case: CaseRubric) -> Flags:
    chosen = case.score >= BENEFIT
    for group in range(case.alternative.max(initial=-1) + 1):
        members = np.flatnonzero(case.alternative == group)
        best = members[np.argmax(case.score[members])]
        chosen[members] &= members == best
    return chosen


def _answers(rubric: Rubric, name: str, choose: Callable[[CaseRubric], Flags]) -> list[Answer]:
    return [
        Answer(
            case_id=case_id,
            respondent=name,
            response=Response(
                frozenset(option for option, kept in zip(case.options, choose(case), strict=True) if kept)
            ),
            kind=Kind.POLICY,
        )
        for case_id, case in rubric.cases.items()
    ]
