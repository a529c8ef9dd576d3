"""One system, or one arm, against one panel of readers, from a table of scores alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.digits import Json, number
from analysis.inference.bootstrap import MOST_DRAWS, Table, draw, mean_differences, percentile
from analysis.inference.estimate import NAN, Estimate, Floats, Mask, Method, Weighting
from analysis.inference.exact import dot
from analysis.inference.layout import layout_of, weights_of
from analysis.inference.margins import Conclusion, conclude, p_worse_by_margin
from analysis.inference.pairs import Pairs, Unmatched, panel_pairs, run_means, system_pairs
from analysis.inference.twoway import twoway
from analysis.outcomes.measures import known
from analysis.scores.scales import proportion_beside_per_cent
from analysis.scores.scoretable import Score, ScoreTable
from analysis.scores.strata import Strata
from analysis.versions import versions
from analysis.wording import counted
from study.errors import Fault, Faulty
from study.profile import Better, MeasureKind, not_one_score_a_reading

SYSTEM_ESTIMAND = {Weighting.PAIR: "E1", Weighting.CASE: "E2", Weighting.READER: "E3"}
"""What a system's difference from a panel estimates under each weighting; see `weights_of`."""
PANEL_ESTIMAND = "E9"
"""The mean difference of one panel under two arms, over the readings that the same reader made under both."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a table of scores. `better` None: from the measure's name, where it is one of ours."""

    test: str
    control: str
    method: Method = Method.TWO_WAY
    measure: str | None = None
    better: Better | None = None
    margin: float | None = None
    weights: Weighting = Weighting.PAIR
    level: float = 0.95
    seed: int = 0
    draws: int = 10_000
    common_cases: bool = False


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer: test − control, with its interval or the reason why there is none."""

    question: Question
    measure: str | None
    better: Better | None
    estimand: str
    estimate: Estimate
    unmatched: Unmatched
    conclusion: Conclusion | None
    p_margin: float


@dataclass(frozen=True, slots=True)
class _Sides:
    """Scores by (reader, case): NaN where there is none. A system is one row of `test`, the same for every reader."""

    readers: tuple[str, ...]
    cases: tuple[str, ...]
    test: Floats
    control: Floats
    pairs: Pairs
    estimand: str


def compare(table: ScoreTable, question: Question, strata: Strata | None = None) -> Comparison:
    """Compare test with control on the pairs that exist.

    Parameters
    ----------
    table : ScoreTable
        Scores by reader, case and modality, in the measure's own units.
    question : Question
        What is compared, how, and under which weighting.
    strata : Strata, optional
        Cases that are drawn among themselves, for the bootstrap.

    Returns
    -------
    Comparison
        Test − control. A system against a panel estimates E1, E2 or E3, as the weighting says (`weights_of`); two
        panels of the same readers estimate E9. NaN is what the method does not define, or what was refused: then
        `estimate.refused` says why.

    Raises
    ------
    Faulty
        With everything that makes the question or the table unanswerable: an unknown modality or measure, a margin
        without a direction, a system without an answer on a compared case (unless `common_cases`), two panels that
        share no reader × case.
    """
    measure = _measure(table, question)
    better = _better(question, measure)
    _check(table, question, measure, better, strata)
    _check_scale(table, question, measure)
    sides = _sides(table, question, measure)
    _check_one_scale(table, question, sides)
    estimate = METHODS[question.method](sides, question, strata)
    conclusion, p_margin = None, NAN
    if question.margin is not None:
        higher = better is Better.HIGHER
        conclusion = conclude(estimate, margin=question.margin, higher_is_better=higher)
        p_margin = p_worse_by_margin(estimate, margin=question.margin, higher_is_better=higher)
    return Comparison(
        question=question,
        measure=measure,
        better=better,
        estimand=sides.estimand,
        estimate=estimate,
        unmatched=sides.pairs.unmatched,
        conclusion=conclusion,
        p_margin=p_margin,
    )


def comparison_json(found: Comparison) -> dict[str, Json]:
    """The comparison as the contract has it: every key, always, in this order; null for what is not defined."""
    question, estimate = found.question, found.estimate
    components, shares = estimate.components, estimate.shares
    return {
        "schema": 1,
        "test": question.test,
        "control": question.control,
        "measure": found.measure,
        "better": found.better,
        "estimand": found.estimand,
        "weights": estimate.weighting,
        "estimate": number(estimate.value),
        "se": number(estimate.se),
        "df": number(estimate.df),
        "low": number(estimate.low),
        "high": number(estimate.high),
        "level": estimate.level,
        "p": number(estimate.p),
        "margin": number(question.margin),
        "p_margin": number(found.p_margin),
        "conclusion": found.conclusion,
        "method": estimate.method,
        "random": list(estimate.random),
        "runs": "averaged",
        "n_readers": estimate.n_readers,
        "n_cases": estimate.n_cases,
        "n_readings": estimate.n_readings,
        "unmatched": {"readings": found.unmatched.readings, "cases": found.unmatched.cases},
        "components": {
            "case": number(components.case),
            "reader": number(components.reader),
            "cell": number(components.cell),
        },
        "share_of_variance": {
            "case": number(shares.case),
            "reader": number(shares.reader),
            "cell": number(shares.cell),
        },
        "seed": estimate.seed,
        "draws": estimate.draws,
        "refused": None
        if estimate.refused is None
        else {"code": estimate.refused.code, "reason": estimate.refused.reason},
        "versions": dict(versions("numpy")),
    }


def _measure(table: ScoreTable, question: Question) -> str | None:
    """The measure compared: the one asked for, or the only one that the file has."""
    in_file = table.measures
    if question.measure is None:
        if len(in_file) > 1:
            raise Faulty([Fault(table.name, f"holds several measures ({', '.join(in_file)}): name one with --measure")])
        return in_file[0] if in_file else None
    if in_file and question.measure not in in_file:
        raise Faulty([Fault(table.name, f"has no measure {question.measure!r}; it has {', '.join(in_file)}")])
    return question.measure


def _better(question: Question, measure: str | None) -> Better | None:
    if question.better is not None:
        return question.better
    ours = known(measure)
    return None if ours is None else ours.better


def _check(
    table: ScoreTable, question: Question, measure: str | None, better: Better | None, strata: Strata | None
) -> None:
    """Every fault of the question at once."""
    modalities = sorted({row.modality for row in table.rows})
    faults = [
        Fault(table.name, f"has no modality {wanted!r}; it has {', '.join(modalities)}")
        for wanted in (question.test, question.control)
        if wanted not in modalities
    ]
    faults += [
        Fault(
            f"{table.name}:{row.line}", f"modality {row.modality!r} has readers and is a reader itself: name them apart"
        )
        for row in _mixed(table)
        if row.modality in (question.test, question.control)
    ]
    faults += [
        Fault(f"{table.name}:{row.line}", f"{row.reader!r} is a system: it is not one more reader of {row.modality!r}")
        for row in _systems_among_readers(table)
        if row.modality in (question.test, question.control)
    ]
    if question.test == question.control:
        faults.append(Fault("--test", "is the control itself"))
    if question.margin is not None and not (np.isfinite(question.margin) and question.margin > 0):
        faults.append(Fault("--margin", "must be a positive number, in the measure's units"))
    ours = known(measure)
    if question.margin is not None and question.margin >= 1 and ours is not None:
        faults.append(Fault("--margin", f"must be below 1: {measure} lies between 0 and 1"))
    if ours is not None and ours.kind is not MeasureKind.MEAN:
        faults.append(Fault(table.name, f"{measure} {not_one_score_a_reading(ours)}"))
    if question.margin is not None and better is None:
        faults.append(Fault("--better", "is needed with --margin: is a higher or a lower score better?"))
    if not 0 < question.level < 1:
        faults.append(Fault("--level", "must lie between 0 and 1"))
    if not 2 <= question.draws <= MOST_DRAWS:
        faults.append(Fault("--draws", f"must lie between 2 and {MOST_DRAWS:,}"))
    if question.seed < 0:
        faults.append(Fault("--seed", "must not be negative"))
    if question.method not in METHODS:
        faults.append(Fault("--method", f"{question.method} does not compare test with control"))
    if strata is not None and question.method is not Method.BOOTSTRAP:
        faults.append(Fault("--strata", "is used by --method bootstrap only"))
    if faults:
        raise Faulty(faults)


def _mixed(table: ScoreTable) -> list[Score]:
    """The first own-name row of each modality that has other readers too."""
    own = {row.modality: row for row in reversed(table.rows) if row.reader == row.modality}
    with_readers = {row.modality for row in table.rows if row.reader != row.modality}
    return [row for modality, row in sorted(own.items()) if modality in with_readers]


def _systems_among_readers(table: ScoreTable) -> list[Score]:
    """The first row of each system that is entered among the readers of another modality."""
    systems = {row.modality for row in table.rows if row.reader == row.modality}
    among = {(row.reader, row.modality): row for row in reversed(table.rows) if row.reader in systems - {row.modality}}
    return [row for _, row in sorted(among.items())]


def _check_scale(table: ScoreTable, question: Question, measure: str | None) -> None:
    """Our own measures are proportions: a score beyond 0…1 is a percentage, and would be compared with a proportion."""
    if known(measure) is None:
        return
    rows = sorted((*table.of(question.test, measure), *table.of(question.control, measure)), key=lambda row: row.line)
    faults = [
        Fault(f"{table.name}:{row.line}", f"{measure} lies between 0 and 1; {row.score:g} does not")
        for row in rows
        if not 0 <= row.score <= 1
    ]
    if faults:
        raise Faulty(faults)


def _check_one_scale(table: ScoreTable, question: Question, sides: _Sides) -> None:
    """A measure that is not ours shows by what is compared that one side is in per cent and the other is not."""
    mask = sides.pairs.mask
    test = np.broadcast_to(sides.test, mask.shape)[mask].tolist()
    control = np.broadcast_to(sides.control, mask.shape)[mask].tolist()
    if proportion_beside_per_cent(test, control):
        what = (
            f"{question.test!r} lies between {min(test):g} and {max(test):g}, {question.control!r} between "
            f"{min(control):g} and {max(control):g}: a proportion beside per cent; bring both to one scale"
        )
        raise Faulty([Fault(table.name, what)])


def _sides(table: ScoreTable, question: Question, measure: str | None) -> _Sides:
    test, control = table.of(question.test, measure), table.of(question.control, measure)
    faults = [
        Fault(table.name, f"{name!r} has no row for the measure {measure!r}")
        for name, rows in ((question.test, test), (question.control, control))
        if not rows
    ]
    if not faults and _is_system(control):
        what = f"{question.control!r} is a system: the control is a panel of readers"
        faults.append(Fault(table.name, what))
    if faults:
        raise Faulty(faults)
    cases = tuple(sorted({row.case for row in (*test, *control)}))
    if _is_system(test):
        return _system_sides(table, question, test, control, cases)
    readers = tuple(sorted({row.reader for row in (*test, *control)}))
    test_scores, control_scores = _matrix(test, readers, cases), _matrix(control, readers, cases)
    pairs = panel_pairs(np.isfinite(test_scores), np.isfinite(control_scores))
    if not pairs.mask.any():
        raise Faulty([Fault(table.name, "the arms share no reader × case")])
    return _Sides(readers, cases, test_scores, control_scores, pairs, PANEL_ESTIMAND)


def _system_sides(
    table: ScoreTable, question: Question, test: Sequence[Score], control: Sequence[Score], cases: tuple[str, ...]
) -> _Sides:
    readers = tuple(sorted({row.reader for row in control}))
    answers = _matrix(test, (question.test,), cases)
    readings = _matrix(control, readers, cases)
    pairs = system_pairs(np.isfinite(readings), np.isfinite(answers[0]))
    if pairs.unanswered and not question.common_cases:
        missing = ", ".join(cases[case] for case in pairs.unanswered)
        n = counted(len(pairs.unanswered), "compared case")
        what = f"{question.test!r} has no defined value on {n} ({missing})"
        raise Faulty([Fault(table.name, f"{what}; --common-cases leaves these cases out for both")])
    if not pairs.mask.any():
        raise Faulty([Fault(table.name, f"{question.test!r} and {question.control!r} share no case")])
    return _Sides(readers, cases, answers, readings, pairs, SYSTEM_ESTIMAND[question.weights])


def _is_system(rows: Sequence[Score]) -> bool:
    return all(row.reader == row.modality for row in rows)


def _matrix(rows: Sequence[Score], readers: Sequence[str], cases: Sequence[str]) -> Floats:
    """Scores by (reader, case), runs averaged; NaN where there is none."""
    row_of, column_of = {r: i for i, r in enumerate(readers)}, {c: j for j, c in enumerate(cases)}
    cell = np.array([row_of[row.reader] * len(cases) + column_of[row.case] for row in rows], dtype=np.int64)
    scores = np.array([row.score for row in rows])
    return run_means(scores, cell, len(readers) * len(cases)).reshape(len(readers), len(cases))


def _two_way(sides: _Sides, question: Question, _strata: Strata | None) -> Estimate:
    mask = sides.pairs.mask
    differences = (sides.test - sides.control)[mask]
    return twoway(differences, layout_of(mask), level=question.level, weighting=question.weights)


def _crossed_bootstrap(sides: _Sides, question: Question, strata: Strata | None) -> Estimate:
    """Only rows and columns with a pair are drawn from, so that nothing unread takes part in the sampling."""
    mask: Mask = sides.pairs.mask
    layout = layout_of(mask)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    kept = tuple(sides.cases[column] for column in columns)
    draws = draw(
        question.seed,
        question.draws,
        rows.size,
        columns.size,
        case_strata=None if strata is None else strata.members(kept),
    )
    readings = np.where(mask, -(sides.test - sides.control), np.nan)[np.ix_(rows, columns)]
    in_draws = mean_differences(Table(readings, np.zeros((1, len(kept)))), draws, question.weights)[:, 0]
    return percentile(
        in_draws,
        layout,
        value=dot(weights_of(layout, question.weights), (sides.test - sides.control)[mask]),
        level=question.level,
        weighting=question.weights,
        seed=question.seed,
    )


METHODS: dict[Method, Callable[[_Sides, Question, Strata | None], Estimate]] = {
    Method.TWO_WAY: _two_way,
    Method.BOOTSTRAP: _crossed_bootstrap,
}
"""The methods that compare test with control; the command line takes its words from the keys."""
