"""The published kit's own aggregates of a study, under their own label: for comparing with its tables, nothing else.

Runs and variants of a case are one list there, and stay together. The intervals generalise over cases alone; those of
physicians are for these physicians.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np

from analysis.digits import csv_bytes
from analysis.inference.estimate import NAN, Floats, Ints
from analysis.inference.exact import total
from analysis.inference.published import LABEL, Published, Resampling, interval, resampling
from analysis.outcomes.frame import base_of
from study.answer import Answer, Kind, Response
from study.case import CaseId, OptionId
from study.consensus import NEUTRAL
from study.cut import Cut
from study.profile import NOHARM_2026_07
from study.progress import SCORED
from study.rubric import CaseRubric, Rubric, rebuild
from study.scoring import score_readings

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many parts are done, and how many there are."""

KITS = (NOHARM_2026_07.id,)
TABLE = "tables/reproduced.csv"
METRICS = {
    "F1_raw": "f1_raw",
    "F1_weighted": "f1_weighted",
    "Precision_raw": "precision_raw",
    "Precision_weighted": "precision_weighted",
    "Recall_raw": "recall_raw",
    "Recall_weighted": "recall_weighted",
    "Severe_rate": "severe",
}
"""The kit's names of what is averaged over the records of a case, and ours."""
FLOOR, RESILIENCE = "F1_floor", "Resilience"
SYSTEM, PHYSICIANS = "system", "physicians"
VARIANTS = 10
"""The kit reads the case itself and its variants 0 to 9."""
COLUMNS = ("respondent", "kind", "metric", "trials", "mean", "ci", "ci_lo", "ci_hi", "label")


@dataclass(frozen=True, slots=True)
class Reproduced:
    """One metric of one respondent, as the kit would tell it."""

    respondent: str
    kind: str
    metric: str
    found: Published


@dataclass(frozen=True, slots=True)
class _Records:
    """One respondent's responses and the cases they were given to, with the places of each base case's among them.

    `by_base` is in the study's order of cases.
    """

    respondent: str
    kind: str
    cases: tuple[CaseId, ...]
    responses: tuple[Response, ...]
    by_base: Mapping[CaseId, Ints]


def reproduce(cut: Cut, progress: Progress = lambda _what, _done, _of: None) -> tuple[Reproduced, ...]:
    """Every metric of the kit of July 2026 for every system, then for every arm of physicians.

    Parameters
    ----------
    cut : Cut
        Scored under the profile `noharm-2026-07`, whatever the protocol's is, with the protocol's consensus rule.

    progress : callable
        Told how many respondents are done, and of how many.

    Returns
    -------
    tuple of Reproduced
        A metric that no record has a value of is left out, as is `F1_floor` where most cases have one record. Neither
        it nor `Resilience` is told of physicians: their records of one case are different people.

    Notes
    -----
    Per case the mean of its records, those without a value dropped; then the mean over cases, each counting the same.
    Cases stand in the order of the study's bundle.
    """
    rubric = rebuild(cut.rubric, cut.ratings, profile=NOHARM_2026_07)
    drawn: dict[tuple[str, ...], Resampling] = {}
    found = []
    respondents = _records(cut)
    for done, records in enumerate(respondents):
        progress("published table", done, len(respondents))
        for metric, scalars in _scalars(rubric, records):
            cases = tuple(case for case, value in scalars.items() if np.isfinite(value))
            if not cases:
                continue
            if cases not in drawn:
                drawn[cases] = resampling(cases)
            told = interval(np.array([scalars[case] for case in cases]), drawn[cases])
            found.append(Reproduced(records.respondent, records.kind, metric, told))
    progress("published table", len(respondents), len(respondents))
    return tuple(found)


def reproduced_files(cut: Cut, progress: Progress = lambda _what, _done, _of: None) -> dict[str, bytes]:
    """The kit's table by its path under the output folder.

    The kit's columns with respondent and label, at its four decimals. `trials` is the number of base cases.
    """
    rows = (
        (one.respondent, one.kind, one.metric, one.found.n_cases, *one.found.rounded, LABEL)
        for one in reproduce(cut, progress)
    )
    return {TABLE: csv_bytes(COLUMNS, rows)}


def _records(cut: Cut) -> list[_Records]:
    """The systems by name, then the arms of physicians in the protocol's order."""
    systems: dict[str, list[tuple[CaseId, Response]]] = {}
    for answer in cut.answers:
        if answer.kind is not Kind.POLICY and _is_read(answer):
            systems.setdefault(answer.respondent, []).append((answer.case_id, answer.response))
    arms: dict[str, list[tuple[CaseId, Response]]] = {arm.id: [] for arm in cut.protocol.arms}
    for reading in cut.readings:
        if reading.ending in SCORED and (response := reading.scored_response) is not None:
            arms.setdefault(reading.arm, []).append((reading.case_id, response))
    return [
        *(_placed(cut, name, SYSTEM, systems[name]) for name in sorted(systems)),
        *(_placed(cut, name, PHYSICIANS, records) for name, records in arms.items()),
    ]


def _is_read(answer: Answer) -> bool:
    variant = answer.variant
    return variant is None or (variant.isdecimal() and int(variant) < VARIANTS)


def _placed(cut: Cut, name: str, kind: str, records: Sequence[tuple[CaseId, Response]]) -> _Records:
    places: dict[CaseId, list[int]] = {base: [] for base in cut.cases}
    for place, (case, _) in enumerate(records):
        places.setdefault(base_of(cut, case), []).append(place)
    return _Records(
        name,
        kind,
        tuple(case for case, _ in records),
        tuple(response for _, response in records),
        {base: np.array(own, dtype=np.int64) for base, own in places.items() if own},
    )


def _scalars(rubric: Rubric, records: _Records) -> Iterator[tuple[str, Mapping[CaseId, float]]]:
    """Each metric with one number a base case; NaN: no record of it has a value."""
    scores = score_readings(rubric, records.cases, records.responses)
    for metric, ours in METRICS.items():
        value = scores.measures[ours].value
        yield metric, {base: _mean(value[places]) for base, places in records.by_base.items()}
    if records.kind != SYSTEM:
        return
    if records.by_base and median(places.size for places in records.by_base.values()) >= 2:
        weighted = scores.measures[METRICS["F1_weighted"]].value
        yield FLOOR, {base: float(weighted[places].min()) for base, places in records.by_base.items()}
    yield RESILIENCE, _resiliences(rubric, records)


def _resiliences(rubric: Rubric, records: _Records) -> Mapping[CaseId, float]:
    return {
        base: _resilience(rubric.cases[base], records, places)
        for base, places in records.by_base.items()
        if base in rubric.cases
    }


def _mean(values: Floats) -> float:
    present = values[np.isfinite(values)]
    return total(present) / present.size if present.size else NAN


def _resilience(case: CaseRubric, records: _Records, places: Ints) -> float:
    """How alike the responses to one case are: 1 − the weighted mean entropy of what was matched, in bits.

    A unit is a named group of options, of whatever kind, or an option alone; it weighs 3, 2 or 1 by its strongest
    option, on either side. Responses to a variant that is a case of its own are left out: it has options of its own.
    NaN: fewer than two responses, or no unit with weight.
    """
    own = [records.responses[place] for place in places.tolist() if records.cases[place] == case.case_id]
    if len(own) < 2:
        return NAN
    unit_of = _units(case)
    weights: dict[int, int] = {}
    for option, score in zip(case.options, case.score.tolist(), strict=True):
        weights[unit_of[option]] = max(weights.get(unit_of[option], 0), abs(score - NEUTRAL) - 1)
    weight = sum(weights.values())
    if weight == 0:
        return NAN
    met = Counter(unit for response in own for unit in {unit_of[option] for option in response.selected})
    lost = math.fsum(weights[unit] * _entropy(times / len(own)) for unit, times in met.items())
    return 1 - lost / weight


def _units(case: CaseRubric) -> dict[OptionId, int]:
    """The number of each option's unit; groups take those from 0, options alone the negative ones."""
    return {
        option: group if group >= 0 else -1 - place
        for place, (option, group) in enumerate(zip(case.options, case.named_group.tolist(), strict=True))
    }


def _entropy(share: float) -> float:
    """Of yes or no, in bits."""
    return 0.0 if share in (0.0, 1.0) else -share * math.log2(share) - (1 - share) * math.log2(1 - share)
