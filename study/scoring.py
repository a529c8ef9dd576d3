"""Scoring: one rubric for everyone. Nothing here knows whether a physician or a system gave a response."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from study.answer import Response
from study.case import CaseId, OptionId
from study.encoding import Floats, encode
from study.errors import StudyError
from study.measures import FOLDS, Sums, composite
from study.profile import Measure
from study.rubric import Ints, Rubric
from study.verdicts import Totals, Verdicts, judge


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
    _options: Sequence[tuple[OptionId, ...]]
    _verdicts: Sequence[Verdicts]
    _block: Ints
    _column: Ints

    def __len__(self) -> int:
        return len(self._block)

    def harms(self, reading: int) -> tuple[Harm, ...]:
        """The harms of one reading: options in the rubric's order, then actions off the list."""
        block, column = int(self._block[reading]), int(self._column[reading])
        options, verdicts = self._options[block], self._verdicts[block]
        found = [
            Harm(options[at], kind, SEVERITIES[verdicts.tier[at]])
            for at in np.flatnonzero(verdicts.omission[:, column] | verdicts.commission[:, column]).tolist()
            for kind in [HarmKind.OMISSION if verdicts.omission[at, column] else HarmKind.COMMISSION]
        ]
        readings, tiers = verdicts.unlisted
        found += [Harm(None, HarmKind.COMMISSION, SEVERITIES[tier]) for tier in tiers[readings == column].tolist()]
        return tuple(found)


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
    n = len(responses)
    if len(case_ids) != n:
        raise StudyError(f"{len(case_ids)} cases were given for {n} responses")
    totals, counts = np.zeros((len(Totals._fields), n)), np.zeros((2, 3, n), dtype=np.int64)
    block, column = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    options: list[tuple[OptionId, ...]] = []
    verdicts: list[Verdicts] = []
    for case_id, rows in _by_case(rubric, case_ids):
        case = rubric.cases[case_id]
        plans = encode(case, [responses[row] for row in rows.tolist()], partial_credit=rubric.profile.partial_credit)
        judged = judge(case, rubric.profile, plans)
        totals[:, rows], counts[:, :, rows] = np.array(judged.totals), judged.harm_counts
        block[rows], column[rows] = len(verdicts), np.arange(len(rows))
        options.append(case.options)
        verdicts.append(judged)
    measures = _fold(Sums(Totals(*totals), counts, rubric.profile))
    return Scores(measures, counts.transpose(2, 0, 1), options, verdicts, block, column)


def _by_case(rubric: Rubric, case_ids: Sequence[CaseId]) -> list[tuple[CaseId, Ints]]:
    """Each case that occurs, and the positions at which it does."""
    known = list(rubric.cases)
    number = {case_id: at for at, case_id in enumerate(known)}
    try:
        numbers = np.fromiter(map(number.__getitem__, case_ids), dtype=np.int64, count=len(case_ids))
    except KeyError as unknown:
        raise StudyError(f"the rubric has no case {unknown.args[0]!r}") from None
    order = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[order], prepend=-1))
    return [(known[numbers[rows[0]]], rows) for rows in np.split(order, starts[1:]) if len(rows)]


def _fold(sums: Sums) -> dict[str, Scored]:
    return {measure.name: _scored(measure, sums) for measure in sums.profile.measures}


def _scored(measure: Measure, sums: Sums) -> Scored:
    folded = FOLDS.get(measure.name, composite)(sums)
    undefined = np.flatnonzero(np.isnan(folded.value)).tolist()
    reason = dict.fromkeys(undefined, measure.undefined or "undefined")
    return Scored(measure, folded.value, folded.numerator, folded.denominator, reason)
