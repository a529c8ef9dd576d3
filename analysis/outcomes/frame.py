"""The one bridge from a study to arrays: who read what, and what every measure is worth there.

Physicians and systems go through one call of the scorer, which does not know which is which.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.inference.estimate import Floats, Ints, Mask
from analysis.outcomes.places import Places
from study.answer import Answer, Kind, ResponseMode
from study.case import CaseId
from study.cut import Cut
from study.profile import Measure, MeasureKind
from study.progress import COMPLETED, SCORED, Ending, Reading
from study.rubric import Rubric
from study.scoring import HARM_KINDS, SEVERITIES, Scored, score_readings


@dataclass(frozen=True, slots=True)
class System:
    """A system or a reference policy: the fixed, named thing that physicians are compared with.

    `modes` are the response modes of its answers; `runs` the most runs on one case. `mappers` say who turned its free
    text into selections.
    """

    name: str
    kind: Kind
    modes: tuple[str, ...]
    runs: int
    n_answers: int
    versions: tuple[str, ...] = ()
    mappers: tuple[str, ...] = ()

    @property
    def policy(self) -> bool:
        return self.kind is Kind.POLICY


@dataclass(frozen=True, slots=True)
class PhysicianArm:
    """How one group of physicians answered.

    `read` (R, C): the readings that are scored. `positions` (R, C): at which place of the reader's order the case was
    assigned, read or not; 0: not assigned in this arm.
    """

    name: str
    modes: tuple[str, ...]
    read: Mask
    positions: Ints


@dataclass(frozen=True, slots=True)
class Terms:
    """What every place of an array adds above and below the line of a measure. NaN on both: no value there.

    Of a mean, the value stands above and 1 below.
    """

    above: Floats
    below: Floats


@dataclass(frozen=True, slots=True)
class MeasureTable:
    """One measure: by arm at (reader, case), and for the systems at (system, case), runs averaged.

    A composite has `parts` and no terms of its own. `undefined_runs` (K, C) counts the answers of each system to each
    case at which the measure, or a part of it, has no value: they are left out of the mean over runs.
    """

    measure: Measure
    arms: Mapping[str, Terms]
    systems: Terms
    undefined_runs: Ints
    parts: tuple["MeasureTable", ...] = ()


@dataclass(frozen=True, slots=True)
class Harms:
    """Harms of one reading, by kind and severity in the order of `HARM_ROWS`; the last axis has one place for each.

    By arm at (reader, case), and for the systems at (system, case), runs averaged. NaN: not read, not answered.
    """

    arms: Mapping[str, Floats]
    systems: Floats


HARM_ROWS = tuple((str(kind), str(severity)) for kind in HARM_KINDS for severity in SEVERITIES)


@dataclass(frozen=True, slots=True)
class Frame:
    """A study as arrays. Readers and cases are in sorted order; rows and columns of every array follow them.

    `bases` names the case that each case is a variant of; itself where it is of none.
    """

    readers: tuple[str, ...]
    cases: tuple[str, ...]
    bases: tuple[str, ...]
    systems: tuple[System, ...]
    arms: Mapping[str, PhysicianArm]
    answered: Mask
    tables: Mapping[str, MeasureTable]
    harms: Harms
    variant_answers: int


def frame(
    cut: Cut,
    rubric: Rubric,
    policies: Iterable[Answer] = (),
    *,
    endings: frozenset[Ending] = SCORED,
) -> Frame:
    """Score everything once, and lay it out.

    `endings` are those that enter: by default every ending that the kinds of nothing give a score; COMPLETED for the
    sensitivity analysis. Answers on variants of a case are counted and left out: no physician has read a variant.
    """
    readings = [reading for reading in cut.readings if reading.ending in endings & SCORED]
    answers = [*cut.answers, *_new(policies, cut.answers)]
    on_cases = [answer for answer in answers if answer.variant is None]
    responses = [
        *(response for reading in readings if (response := reading.scored_response) is not None),
        *(answer.response for answer in on_cases),
    ]
    case_ids = [*(reading.case_id for reading in readings), *(answer.case_id for answer in on_cases)]
    scores = score_readings(rubric, case_ids, responses)

    readers = tuple(sorted({reading.reader for reading in cut.readings}))
    cases = tuple(sorted(cut.cases))
    systems = _systems(on_cases)
    column = {case: j for j, case in enumerate(cases)}
    arms = _arms(cut, readings, readers, column)
    places = _places(readings, on_cases, arms=arms, readers=readers, systems=systems, column=column)
    answered = np.zeros(places.systems_shape, dtype=bool)
    answered.ravel()[places.answer] = True
    tables = _tables(rubric.profile.measures, scores.measures, places)
    harms = _harms(scores.harm_counts.reshape(len(responses), -1).astype(np.float64), places)
    bases = tuple(base_of(cut, case) for case in cases)
    return Frame(readers, cases, bases, systems, arms, answered, tables, harms, len(answers) - len(on_cases))


def completed_only(cut: Cut, rubric: Rubric, policies: Iterable[Answer] = ()) -> Frame:
    """The sensitivity frame: readings that were handed in, on purpose, before time."""
    return frame(cut, rubric, policies, endings=COMPLETED)


def base_of(cut: Cut, case: CaseId) -> CaseId:
    """The case at the root of a case's variants; of cases that are variants of each other in a circle, the first."""
    seen = [case]
    while True:
        known = cut.cases.get(seen[-1])
        parent = None if known is None else known.variant_of
        if parent is None:
            return seen[-1]
        if parent in seen:
            return min(seen[seen.index(parent) :])
        seen.append(parent)


def _new(policies: Iterable[Answer], answers: Sequence[Answer]) -> list[Answer]:
    """The policies that the study does not already hold answers of."""
    known = {answer.respondent for answer in answers}
    return [answer for answer in policies if answer.respondent not in known]


def _systems(answers: Sequence[Answer]) -> tuple[System, ...]:
    """One row a respondent; systems first, then policies, each by name."""
    by_name: dict[str, list[Answer]] = {}
    for answer in answers:
        by_name.setdefault(answer.respondent, []).append(answer)
    found = [_system(name, own) for name, own in by_name.items()]
    return tuple(sorted(found, key=lambda system: (system.kind is Kind.POLICY, system.name)))


def _system(name: str, answers: Sequence[Answer]) -> System:
    mappers = {answer.mapper for answer in answers if answer.mapper is not None}
    return System(
        name=name,
        kind=Kind.POLICY if any(answer.kind is Kind.POLICY for answer in answers) else Kind.SYSTEM,
        modes=tuple(sorted({str(answer.response_mode) for answer in answers})),
        runs=max(Counter(answer.case_id for answer in answers).values()),
        n_answers=len(answers),
        versions=tuple(sorted({answer.system_version for answer in answers if answer.system_version is not None})),
        mappers=tuple(sorted(f"{mapper.kind} {mapper.name} {mapper.version}" for mapper in mappers)),
    )


def _arms(
    cut: Cut, readings: Sequence[Reading], readers: Sequence[str], column: Mapping[CaseId, int]
) -> dict[str, PhysicianArm]:
    """Every arm of the protocol in its order, then any that only readings name."""
    modes = {arm.id: tuple(sorted({str(stage.mode) for stage in arm.stages})) for arm in cut.protocol.arms}
    for reading in cut.readings:
        modes.setdefault(reading.arm, (str(ResponseMode.TICK),))
    shape = (len(readers), len(column))
    read = {name: np.zeros(shape, dtype=bool) for name in modes}
    positions = {name: np.zeros(shape, dtype=np.int64) for name in modes}
    row = {reader: i for i, reader in enumerate(readers)}
    for reading in readings:
        read[reading.arm][row[reading.reader], column[reading.case_id]] = True
    for reading in cut.readings:
        positions[reading.arm][row[reading.reader], column[reading.case_id]] = reading.position
    return {name: PhysicianArm(name, modes[name], read[name], positions[name]) for name in modes}


def _places(
    readings: Sequence[Reading],
    answers: Sequence[Answer],
    *,
    arms: Iterable[str],
    readers: Sequence[str],
    systems: Sequence[System],
    column: Mapping[CaseId, int],
) -> Places:
    row = {reader: i for i, reader in enumerate(readers)}
    of_system = {system.name: i for i, system in enumerate(systems)}
    n_cases = len(column)
    return Places(
        n_readings=len(readings),
        of_arm={name: np.array([reading.arm == name for reading in readings], dtype=bool) for name in arms},
        reading=np.array([row[r.reader] * n_cases + column[r.case_id] for r in readings], dtype=np.int64),
        answer=np.array([of_system[a.respondent] * n_cases + column[a.case_id] for a in answers], dtype=np.int64),
        readings_shape=(len(readers), n_cases),
        systems_shape=(len(systems), n_cases),
    )


def _tables(measures: Sequence[Measure], scored: Mapping[str, Scored], places: Places) -> dict[str, MeasureTable]:
    """A table for each measure of the profile, composites after their parts, in the profile's order."""
    simple = {
        measure.name: _table(measure, *_terms(scored[measure.name]), places)
        for measure in measures
        if measure.kind is not MeasureKind.COMPOSITE
    }
    found = {}
    for measure in measures:
        if measure.kind is MeasureKind.COMPOSITE:
            parts = tuple(simple[name] for name in measure.parts)
            without = np.any([_without_value(scored[name]) for name in measure.parts], axis=0)
            undefined = places.runs_at_systems(without)
            found[measure.name] = MeasureTable(measure, parts[0].arms, parts[0].systems, undefined, parts)
        else:
            found[measure.name] = simple[measure.name]
    return found


def _terms(scored: Scored) -> tuple[Floats, Floats]:
    """What every response adds above and below the line."""
    if scored.numerator is not None and scored.denominator is not None:
        return scored.numerator.astype(np.float64), scored.denominator.astype(np.float64)
    return scored.value, np.where(np.isfinite(scored.value), 1.0, np.nan)


def _without_value(scored: Scored) -> Mask:
    """The responses at which a measure has nothing to stand above or below the line."""
    return np.isnan(_terms(scored)[1])


def _table(measure: Measure, above: Floats, below: Floats, places: Places) -> MeasureTable:
    by_arm = {name: Terms(places.at_readings(above, name), places.at_readings(below, name)) for name in places.of_arm}
    systems = Terms(places.at_systems(above), places.at_systems(below))
    return MeasureTable(measure, by_arm, systems, places.runs_at_systems(np.isnan(below)))


def _harms(counts: Floats, places: Places) -> Harms:
    """`counts`: (responses, kinds × severities)."""
    return Harms(
        {name: np.stack([places.at_readings(column, name) for column in counts.T], axis=-1) for name in places.of_arm},
        np.stack([places.at_systems(column) for column in counts.T], axis=-1),
    )
