"""Scoring: one rubric for everyone. Nothing here knows whether a physician or a system gave a response."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter

import numpy as np

from study.actions import UnlistedHarms, sum_actions, unlisted_harms
from study.answer import Response
from study.case import CaseId, OptionId
from study.encoding import Floats, Plans, encode
from study.errors import StudyError
from study.measures import FOLDS, Sums, composite
from study.profile import Measure, MeasureKind
from study.rubric import Ints, Rubric
from study.verdicts import OptionSums, Verdicts, judge


class HarmKind(StrEnum):
    OMISSION = "omission"
    COMMISSION = "commission"


class Severity(StrEnum):
    MILD = "mild"
    MODERATE = "moderate"
    SEVERE = "severe"


HARM_KINDS = tuple(HarmKind)
SEVERITIES = tuple(Severity)
"""The order of the axes of `Scores.harm_counts`."""


@dataclass(frozen=True, slots=True)
class Harm:
    """One harm of one response. `option_id` None: an action off the list that is harmful in itself."""

    option_id: OptionId | None
    kind: HarmKind
    severity: Severity


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """One measure over N readings.

    Attributes
    ----------
    value : float array, shape (N,)
        NaN: undefined for this reading.
    numerator, denominator : float array, shape (N,), or None
        Of a ratio of sums; None for every other kind.
    reason : mapping of int to str
        Why it is undefined, for each reading where `value` is NaN.
    """

    measure: Measure
    value: Floats
    numerator: Floats | None
    denominator: Floats | None
    reason: Mapping[int, str]


@dataclass(frozen=True, slots=True, eq=False)
class Scores:
    """N readings scored under one rubric, in the order given.

    `harm_counts`: int array (N, 2, 3), by kind (`HARM_KINDS`) and severity (`SEVERITIES`).
    """

    measures: Mapping[str, Scored]
    harm_counts: Ints
    _cases: Sequence[tuple[int, tuple[OptionId, ...], Verdicts]]
    _unlisted: UnlistedHarms
    _column: Ints

    def __len__(self) -> int:
        return len(self.harm_counts)

    def harms(self, reading: int) -> tuple[Harm, ...]:
        """The harms of one reading: options in the rubric's order, then actions off the list."""
        column = int(self._column[reading])
        start, options, verdicts = self._cases[bisect_right(self._cases, column, key=itemgetter(0)) - 1]
        omitted, committed = verdicts.omission[:, column - start], verdicts.commission[:, column - start]
        listed = (
            Harm(
                options[at],
                HarmKind.OMISSION if omitted[at] else HarmKind.COMMISSION,
                SEVERITIES[verdicts.tier[at]],
            )
            for at in np.flatnonzero(omitted | committed).tolist()
        )
        tiers = self._unlisted.tier[self._unlisted.reading == reading].tolist()
        return (*listed, *(Harm(None, HarmKind.COMMISSION, SEVERITIES[tier]) for tier in tiers))


def score_readings(rubric: Rubric, case_ids: Sequence[CaseId], responses: Sequence[Response]) -> Scores:
    """Score N responses, the i-th to the case `case_ids[i]`, under every measure of the rubric's profile.

    Parameters
    ----------
    rubric : Rubric
    case_ids, responses : sequences of length N

    Returns
    -------
    Scores
        Deterministic, and the same for a reading whatever else is scored with it.

    Raises
    ------
    StudyError
        A case or an option that the rubric does not have, or sequences of different length.
    """
    if len(case_ids) != len(responses):
        raise StudyError(f"{len(case_ids)} cases were given for {len(responses)} responses")
    return score_plans(rubric, encode(rubric.cases, case_ids, responses))


def score_plans(rubric: Rubric, plans: Plans) -> Scores:
    """Score responses that are arrays already: once encoded, they serve every rubric of the same cases."""
    n = len(plans.order)
    options, counts = np.empty((len(OptionSums._fields), n)), np.empty((2, 3, n), dtype=np.int64)
    judged = []
    for case_id, start, stop in plans.blocks:
        case, run = rubric.cases[case_id], slice(start, stop)
        size = len(case.options)
        verdicts = judge(case, rubric.profile, plans.matched[:size, run], plans.partial[:size, run])
        options[:, run], counts[:, :, run] = verdicts.sums, verdicts.harm_counts
        judged.append((start, case.options, verdicts))
    column = np.empty_like(plans.order)
    column[plans.order] = np.arange(n)
    unlisted = unlisted_harms(plans.actions)
    harm_counts = counts.take(column, axis=2)
    np.add.at(harm_counts[1], (unlisted.tier, unlisted.reading), 1)
    scores = np.concatenate([np.empty(0, dtype=np.int64), *(case.score for case in rubric.cases.values())])
    actions = sum_actions(plans.actions, scores, rubric.profile, n)
    measures = _fold(Sums(actions, OptionSums(*options.take(column, axis=1)), harm_counts, rubric.profile))
    return Scores(measures, harm_counts.transpose(2, 0, 1), judged, unlisted, column)


def _fold(sums: Sums) -> dict[str, Scored]:
    return {measure.name: _scored(measure, sums) for measure in sums.profile.measures}


def _scored(measure: Measure, sums: Sums) -> Scored:
    fold = composite if measure.kind is MeasureKind.COMPOSITE else FOLDS[measure.name]
    folded = fold(sums)
    undefined = np.flatnonzero(np.isnan(folded.value)).tolist()
    reason = dict.fromkeys(undefined, measure.undefined or "undefined")
    return Scored(measure, folded.value, folded.numerator, folded.denominator, reason)
