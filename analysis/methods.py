"""The methods that compare test with control, by their names."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from analysis.inference import conditional
from analysis.inference.beats import EVEN, beats, chance_ahead, physicians_beaten
from analysis.inference.bootstrap import Draws, Table, draw, mean_differences, percentile
from analysis.inference.estimate import Estimate, Floats, Ints, Method
from analysis.inference.exact import dot
from analysis.inference.layout import weights_of
from analysis.inference.orh import orh
from analysis.inference.proportions import paired
from analysis.inference.reml import reml
from analysis.inference.robust import robust
from analysis.inference.signflip import sign_flip
from analysis.inference.twoway import semivariance, twoway
from analysis.scores.question import Question
from analysis.scores.sides import Compared, Sides
from analysis.scores.strata import Strata


def _two_way(sides: Sides, question: Question, _strata: Strata | None) -> Estimate:
    return twoway(sides.values, sides.layout, level=question.level, weighting=question.weighting)


def _semivariance(sides: Sides, question: Question, _strata: Strata | None) -> Estimate:
    return semivariance(sides.values, sides.layout, level=question.level, weighting=question.weighting)


def _crossed_bootstrap(sides: Sides, question: Question, strata: Strata | None) -> Estimate:
    rows, columns = _read(sides)
    draws = _draws(sides, question, strata)
    readings = -sides.differences[np.ix_(rows, columns)]
    in_draws = mean_differences(Table(readings, np.zeros((1, columns.size))), draws, question.weighting)[:, 0]
    return percentile(
        in_draws,
        sides.layout,
        value=dot(weights_of(sides.layout, question.weighting), sides.values),
        level=question.level,
        weighting=question.weighting,
        seed=question.seed,
        within_strata=strata is not None,
    )


def _read(sides: Sides) -> tuple[Ints, Ints]:
    """Rows and columns with a pair: only these are drawn from, so that nothing unread takes part in the sampling."""
    return np.flatnonzero(sides.mask.any(axis=1)), np.flatnonzero(sides.mask.any(axis=0))


def _draws(sides: Sides, question: Question, strata: Strata | None) -> Draws:
    rows, columns = _read(sides)
    kept = tuple(sides.cases[column] for column in columns)
    within = None if strata is None else strata.members(kept)
    return draw(question.seed, question.draws, rows.size, columns.size, case_strata=within)


def _reml(sides: Sides, question: Question, _strata: Strata | None) -> Estimate:
    return reml(sides.values, sides.layout, level=question.level)


def _orh(sides: Sides, question: Question, _strata: Strata | None) -> Estimate:
    return orh(sides.values, sides.layout, level=question.level)


def _robust(sides: Sides, question: Question, _strata: Strata | None) -> Estimate:
    return robust(sides.values, sides.layout, level=question.level, weighting=question.weighting)


def _cases(sides: Sides, question: Question, _strata: Strata | None) -> Estimate:
    if sides.compared is Compared.SYSTEMS:
        return conditional.between_systems(sides.values, level=question.level)
    return conditional.new_cases(sides.values, sides.layout, level=question.level)


def _readers(sides: Sides, question: Question, _strata: Strata | None) -> Estimate:
    return conditional.new_readers(sides.values, sides.layout, level=question.level)


def _case_bootstrap(sides: Sides, question: Question, strata: Strata | None) -> Estimate:
    per_case = _per_case(sides)
    one_reader = replace(sides, differences=_spread(per_case, sides))
    return conditional.case_bootstrap(
        per_case,
        _draws(one_reader, question, strata),
        _cases(sides, question, None),
        within_strata=strata is not None,
    )


def _sign_flip(sides: Sides, question: Question, _strata: Strata | None) -> Estimate:
    by_case = _cases(sides, question, None)
    return sign_flip(_per_case(sides), by_case, seed=question.seed, draws=question.draws)


def _per_case(sides: Sides) -> Floats:
    """Each compared case's mean difference, every reader of it counting the same."""
    layout = sides.layout
    return layout.by_case(sides.values) / layout.per_case


def _spread(per_case: Floats, sides: Sides) -> Floats:
    """The compared cases' means as one row over all cases."""
    row = np.full((1, sides.differences.shape[1]), np.nan)
    row[0, _read(sides)[1]] = per_case
    return row


def _runs(sides: Sides, question: Question, _strata: Strata | None) -> Estimate:
    layout, weights = sides.layout, weights_of(sides.layout, question.weighting)
    by_run = sides.by_run[:, _read(sides)[1]]
    return conditional.runs(by_run, layout.by_case(weights), _two_way(sides, question, None))


METHODS: dict[Method, Callable[[Sides, Question, Strata | None], Estimate]] = {
    Method.TWO_WAY: _two_way,
    Method.SEMIVARIANCE: _semivariance,
    Method.BOOTSTRAP: _crossed_bootstrap,
    Method.REML: _reml,
    Method.ORH: _orh,
    Method.ROBUST: _robust,
    Method.CASES: _cases,
    Method.READERS: _readers,
    Method.CASE_BOOTSTRAP: _case_bootstrap,
    Method.SIGN_FLIP: _sign_flip,
    Method.RUNS: _runs,
}
"""The methods for any scores and any pairs."""


def _independent_pairs(sides: Sides, question: Question, _strata: Strata | None) -> Estimate:
    """What happened or not, one answer beside one answer; refused where pairs share a reader or a case."""
    control = sides.readings[sides.mask]
    method = question.method or Method.NEWCOMBE
    found = paired(control + sides.values, control, sides.layout, level=question.level, method=method)
    if sides.compared is not Compared.SYSTEMS:
        return found
    return replace(found, n_readers=0, n_readings=0, label=conditional.THESE_SYSTEMS)


OF_PAIRS: dict[Method, Callable[[Sides, Question, Strata | None], Estimate]] = {
    Method.NEWCOMBE: _independent_pairs,
    Method.TANGO: _independent_pairs,
}
"""The methods for outcomes of 0 and 1, where one reader meets one run, or one run another."""

EVERY_METHOD = {**METHODS, **OF_PAIRS}
"""The command line takes its words from the keys."""


def share_beaten(sides: Sides, question: Question, strata: Strata | None, *, higher: bool) -> Estimate:
    """E7: the share of physicians whose own mean the system beats."""
    rows, columns = _read(sides)
    turned = sides.differences[np.ix_(rows, columns)] * (1 if higher else -1)
    return physicians_beaten(turned, _draws(sides, question, strata), level=question.level)


def probability_of_beating(
    sides: Sides, question: Question, strata: Strata | None, *, higher: bool, method: Method
) -> Estimate:
    """E8: the probability that a run of the system beats a random physician on a random case, ties counting half.

    An interval by Student's t is made on the logit scale, where it stays between 0 and 1.
    """
    won = beats(sides.by_run, sides.readings, higher_is_better=higher)
    return chance_ahead(METHODS[method](replace(sides, differences=won - EVEN), question, strata))
