"""One system, or one arm, against another or against a panel of readers, from a table of scores alone."""

from dataclasses import dataclass, replace

from analysis.digits import Json, number
from analysis.inference.estimate import BY_WEIGHTS, NAN, Estimand, Estimate, Method, Weighting
from analysis.inference.margins import (
    Conclusion,
    conclude,
    equivalence,
    equivalence_level,
    p_beyond_margin,
    p_worse_by_margin,
)
from analysis.inference.pairs import Unmatched
from analysis.methods import EVERY_METHOD, METHODS, probability_of_beating, share_beaten
from analysis.scores.question import (
    BETWEEN_SYSTEMS,
    PAIRED_OUTCOMES,
    SHARES,
    Question,
    better_of,
    check,
    check_scale,
    measure_of,
)
from analysis.scores.scoretable import ScoreTable
from analysis.scores.sides import Compared, Sides, sides_of
from analysis.scores.strata import Strata
from analysis.versions import versions
from study.errors import Fault, Faulty
from study.profile import Better

__all__ = ["EVERY_METHOD", "METHODS", "Comparison", "Estimand", "Question", "compare", "comparison_json"]

OF_THESE = {
    Method.CASES: Estimand.E4,
    Method.CASE_BOOTSTRAP: Estimand.E4,
    Method.SIGN_FLIP: Estimand.E4,
    Method.READERS: Estimand.E5,
}
"""What a system's difference estimates where only one factor is random: these physicians, or these cases."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answer: test − control, or a share, with its interval or the reason why there is none.

    `estimand` is None for runs, which generalise over neither cases nor readers. `conclusion` is what the interval of
    `beside_margin` says beside the margin, and `p_margin` the one-sided p of *worse by the margin or more*; with
    `equivalence` that interval has the level 1 − 2α of two one-sided tests, and `p_margin` is the larger of the two,
    of *different by the margin or more*. Both hold for what `estimate.random` names, and for nothing beyond it: of
    cases alone, for these physicians; of readers alone, for these cases. None and NaN without a margin.
    """

    question: Question
    measure: str | None
    better: Better | None
    estimand: Estimand | None
    estimate: Estimate
    unmatched: Unmatched
    conclusion: Conclusion | None
    p_margin: float
    beside_margin: Estimate | None


def compare(table: ScoreTable, question: Question, strata: Strata | None = None) -> Comparison:
    """Compare test with control on the pairs that exist.

    Parameters
    ----------
    table : ScoreTable
        Scores by reader, case and modality, in the measure's own units.
    question : Question
        What is compared, how, and under which weighting.
    strata : Strata, optional
        Cases that are drawn among themselves, for the bootstraps.

    Returns
    -------
    Comparison
        Test − control. A system against a panel estimates E1, E2 or E3, as the weighting says (`weights_of`); with
        these physicians E4, on these cases E5; run to run none; two systems E6; two panels of the same readers E9.
        Asked for E7 or E8, the share of physicians that the system beats, or the probability that it beats a random
        one on a random case. NaN is what the method does not define, or what was refused: then `estimate.refused` says
        why.

    Raises
    ------
    Faulty
        With everything that makes the question or the table unanswerable: an unknown modality or measure, a margin
        without a direction, a system without an answer on a compared case (unless `common_cases`), two panels that
        share no reader × case, a method that needs readers where there are none.
    """
    measure = measure_of(table, question)
    better = better_of(question, measure)
    check(table, question, measure, tuple(EVERY_METHOD), strata is not None)
    check_scale(table, question, measure)
    sides = sides_of(table, question, measure)
    _check_applies(question, sides)
    estimate = _estimate(sides, question, strata, higher=better is Better.HIGHER)
    beside = _beside_margin(sides, question, strata, estimate, higher=better is Better.HIGHER)
    conclusion, p_margin = _concluded(question, estimate, beside, higher=better is Better.HIGHER)
    return Comparison(
        question=question,
        measure=measure,
        better=better,
        estimand=_estimand(sides, question, estimate),
        estimate=estimate,
        unmatched=sides.unmatched,
        conclusion=conclusion,
        p_margin=p_margin,
        beside_margin=beside,
    )


def _check_applies(question: Question, sides: Sides) -> None:
    """What can only be asked of a system and a panel, or needs readers, and there are none."""
    faults = []
    if sides.compared is Compared.SYSTEMS:
        if question.method not in (None, *BETWEEN_SYSTEMS, *PAIRED_OUTCOMES):
            what = f"{question.method} needs readers; two systems are compared by {', '.join(BETWEEN_SYSTEMS)}"
            faults.append(Fault("--method", what))
        if question.weights is not None:
            faults.append(Fault("--weights", "is not used between systems: every case counts the same"))
    if sides.compared is not Compared.SYSTEM_WITH_PANEL:
        if question.estimand in SHARES:
            faults.append(Fault("--estimand", f"{question.estimand} is of a system against a panel of readers"))
        if question.method is Method.RUNS and sides.compared is Compared.PANELS:
            faults.append(Fault("--method", "runs is of a system against a panel of readers"))
    if faults:
        raise Faulty(faults)


def _estimate(sides: Sides, question: Question, strata: Strata | None, *, higher: bool) -> Estimate:
    if question.estimand is Estimand.E7:
        return share_beaten(sides, question, strata, higher=higher)
    method = question.method or (Method.CASES if sides.compared is Compared.SYSTEMS else Method.TWO_WAY)
    if question.estimand is Estimand.E8:
        return probability_of_beating(sides, question, strata, higher=higher, method=method)
    return EVERY_METHOD[method](sides, question, strata)


def _beside_margin(
    sides: Sides, question: Question, strata: Strata | None, estimate: Estimate, *, higher: bool
) -> Estimate | None:
    """The interval that is held against the margin; of equivalence the narrower one of two one-sided tests."""
    if question.margin is None or not question.equivalence:
        return None if question.margin is None else estimate
    narrower = replace(question, level=equivalence_level(question.level))
    return _estimate(sides, narrower, strata, higher=higher)


def _concluded(
    question: Question, estimate: Estimate, beside: Estimate | None, *, higher: bool
) -> tuple[Conclusion | None, float]:
    if question.margin is None or beside is None:
        return None, NAN
    if not question.equivalence:
        conclusion = conclude(beside, margin=question.margin, higher_is_better=higher)
        return conclusion, p_worse_by_margin(estimate, margin=question.margin, higher_is_better=higher)
    return equivalence(beside, margin=question.margin), p_beyond_margin(estimate, margin=question.margin)


def _estimand(sides: Sides, question: Question, estimate: Estimate) -> Estimand | None:
    if question.estimand is not None:
        return question.estimand
    if estimate.method is Method.RUNS:
        return None
    if sides.compared is not Compared.SYSTEM_WITH_PANEL:
        return Estimand.E6 if sides.compared is Compared.SYSTEMS else Estimand.E9
    if estimate.method in PAIRED_OUTCOMES and estimate.random == ("case",):
        return Estimand.E4
    return OF_THESE.get(estimate.method) or BY_WEIGHTS[estimate.weighting or Weighting.PAIR]


def comparison_json(found: Comparison) -> dict[str, Json]:
    """The comparison as the contract has it: every key, always, in this order; null for what is not defined.

    After the contract's keys stands the interval that `conclusion` was read from: `margin_low`, `margin_high` and
    `margin_level`, null without a margin; and the `label` that must stand beside the interval, null where none must.
    """
    question, estimate, beside = found.question, found.estimate, found.beside_margin
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
        "runs": _runs(found),
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
        else {"code": str(estimate.refused.code), "reason": estimate.refused.reason},
        "versions": dict(versions("numpy")),
        "margin_low": None if beside is None else number(beside.low),
        "margin_high": None if beside is None else number(beside.high),
        "margin_level": None if beside is None else beside.level,
        "label": estimate.label,
    }


def _runs(found: Comparison) -> str:
    """What became of a system's runs: random only where they are what the interval generalises over."""
    if "run" in found.estimate.random:
        return "random"
    return "compared one by one" if found.estimand is Estimand.E8 else "averaged"
