"""From a table of scores to what is compared: test − control by reader and case, on the pairs that exist."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np

from analysis.inference.estimate import Floats, Mask
from analysis.inference.layout import Layout, layout_of
from analysis.inference.pairs import Pairs, Unmatched, panel_pairs, run_means, system_pairs
from analysis.scores.question import Question
from analysis.scores.scales import proportion_beside_per_cent
from analysis.scores.scoretable import Score, ScoreTable
from analysis.wording import counted
from study.errors import Fault, Faulty


class Compared(Enum):
    """Who is compared with whom."""

    SYSTEM_WITH_PANEL = "a system with a panel of readers"
    PANELS = "a panel of readers with itself, under two arms"
    SYSTEMS = "a system with a system"


@dataclass(frozen=True, slots=True)
class Sides:
    """Test − control.

    `differences` (R, C) over the named readers and cases, runs averaged, NaN where there is no pair; where both are
    systems it has one row, and no reader. `by_run` (K, C) are a system's scores in each run against a panel, and
    `readings` (R, C) the panel's; NaN: none.
    """

    compared: Compared
    cases: tuple[str, ...]
    differences: Floats
    unmatched: Unmatched
    by_run: Floats
    readings: Floats

    @property
    def mask(self) -> Mask:
        return np.isfinite(self.differences)

    @property
    def layout(self) -> Layout:
        return layout_of(self.mask)

    @property
    def values(self) -> Floats:
        """The differences (N,) of the pairs, in the order of the layout."""
        return self.differences[self.mask]


NOTHING = np.empty((0, 0))


def sides_of(table: ScoreTable, question: Question, measure: str | None) -> Sides:
    """Lay test and control side by side.

    Raises
    ------
    Faulty
        No row of the measure; a panel against a system; a system without an answer on a compared case, unless
        `common_cases`; nothing in common; a proportion beside per cent.
    """
    test, control = table.of(question.test, measure), table.of(question.control, measure)
    faults = [
        Fault(table.name, f"{name!r} has no row for the measure {measure!r}")
        for name, rows in ((question.test, test), (question.control, control))
        if not rows
    ]
    if not faults and _is_system(control) and not _is_system(test):
        what = f"{question.control!r} is a system: the control of a panel is a panel of readers"
        faults.append(Fault(table.name, what))
    if faults:
        raise Faulty(faults)
    cases = tuple(sorted({row.case for row in (*test, *control)}))
    if not _is_system(test):
        return _panels(table, question, test, control, cases)
    if _is_system(control):
        return _systems(table, question, test, control, cases)
    return _system_with_panel(table, question, test, control, cases)


def _is_system(rows: Sequence[Score]) -> bool:
    return all(row.reader == row.modality for row in rows)


def _panels(
    table: ScoreTable, question: Question, test: Sequence[Score], control: Sequence[Score], cases: tuple[str, ...]
) -> Sides:
    readers = tuple(sorted({row.reader for row in (*test, *control)}))
    scores, readings = _matrix(test, readers, cases), _matrix(control, readers, cases)
    pairs = panel_pairs(np.isfinite(scores), np.isfinite(readings))
    if not pairs.mask.any():
        raise Faulty([Fault(table.name, "the arms share no reader × case")])
    return _sides(table, question, Compared.PANELS, cases, scores, readings, pairs)


def _system_with_panel(
    table: ScoreTable, question: Question, test: Sequence[Score], control: Sequence[Score], cases: tuple[str, ...]
) -> Sides:
    readers = tuple(sorted({row.reader for row in control}))
    answers, readings = _matrix(test, (question.test,), cases), _matrix(control, readers, cases)
    pairs = system_pairs(np.isfinite(readings), np.isfinite(answers[0]))
    if pairs.unanswered and not question.common_cases:
        missing = ", ".join(cases[case] for case in pairs.unanswered)
        what = (
            f"{question.test!r} has no defined value on {counted(len(pairs.unanswered), 'compared case')} ({missing})"
        )
        raise Faulty([Fault(table.name, f"{what}; --common-cases leaves these cases out for both")])
    if not pairs.mask.any():
        raise Faulty([Fault(table.name, f"{question.test!r} and {question.control!r} share no case")])
    by_run = _by_run(test, cases)
    return _sides(table, question, Compared.SYSTEM_WITH_PANEL, cases, answers, readings, pairs, by_run)


def _systems(
    table: ScoreTable, question: Question, test: Sequence[Score], control: Sequence[Score], cases: tuple[str, ...]
) -> Sides:
    scores, others = _matrix(test, (question.test,), cases), _matrix(control, (question.control,), cases)
    both = np.isfinite(scores) & np.isfinite(others)
    alone = [case for case, answered in zip(cases, both[0].tolist(), strict=True) if not answered]
    if not both.any():
        raise Faulty([Fault(table.name, f"{question.test!r} and {question.control!r} share no case")])
    if alone and not question.common_cases:
        what = f"only one of {question.test!r} and {question.control!r} has a value on {counted(len(alone), 'case')}"
        raise Faulty(
            [Fault(table.name, f"{what} ({', '.join(alone)}); --common-cases leaves these cases out for both")]
        )
    pairs = Pairs(both, Unmatched(readings=0, cases=len(alone)))
    return _sides(table, question, Compared.SYSTEMS, cases, scores, others, pairs)


def _sides(
    table: ScoreTable,
    question: Question,
    compared: Compared,
    cases: tuple[str, ...],
    test: Floats,
    control: Floats,
    pairs: Pairs,
    by_run: Floats = NOTHING,
) -> Sides:
    """A system is one row of `test`, the same for every reader."""
    _check_one_scale(table, question, test, control, pairs.mask)
    return Sides(
        compared=compared,
        cases=cases,
        differences=np.where(pairs.mask, test - control, np.nan),
        unmatched=pairs.unmatched,
        by_run=by_run,
        readings=np.where(pairs.mask, control, np.nan),
    )


def _check_one_scale(table: ScoreTable, question: Question, test: Floats, control: Floats, mask: Mask) -> None:
    """A measure that is not ours shows by what is compared that one side is in per cent and the other is not."""
    tested, read = np.broadcast_to(test, mask.shape)[mask].tolist(), control[mask].tolist()
    if proportion_beside_per_cent(tested, read):
        what = (
            f"{question.test!r} lies between {min(tested):g} and {max(tested):g}, {question.control!r} between "
            f"{min(read):g} and {max(read):g}: a proportion beside per cent; bring both to one scale"
        )
        raise Faulty([Fault(table.name, what)])


def _matrix(rows: Sequence[Score], readers: Sequence[str], cases: Sequence[str]) -> Floats:
    """Scores by (reader, case), runs averaged; NaN where there is none."""
    row_of, column_of = {r: i for i, r in enumerate(readers)}, {c: j for j, c in enumerate(cases)}
    cell = np.array([row_of[row.reader] * len(cases) + column_of[row.case] for row in rows], dtype=np.int64)
    scores = np.array([row.score for row in rows])
    return run_means(scores, cell, len(readers) * len(cases)).reshape(len(readers), len(cases))


def _by_run(rows: Sequence[Score], cases: Sequence[str]) -> Floats:
    """One system's scores by (run, case); NaN where there is none."""
    row_of = {run: k for k, run in enumerate(sorted({row.run for row in rows}))}
    column_of = {case: j for j, case in enumerate(cases)}
    scores = np.full((len(row_of), len(cases)), np.nan)
    for row in rows:
        scores[row_of[row.run], column_of[row.case]] = row.score
    return scores
