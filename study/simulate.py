"""A panel of physicians who do not exist, with every way in which a reading can end. Nothing here reads a clock.

For demonstrations, rehearsals and tests, never for a result. The readings are played through the study's real doors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from study.allocation import allocate
from study.answer import Response
from study.case import CaseId, Selection
from study.progress import Ending, Reading, State
from study.rubric import Rubric
from study.skill import GENERALIST, Floats, Skill, simulate_response
from study.timing import SECOND_US


@dataclass(frozen=True, slots=True)
class Saved:
    """What the form held `after_s` seconds after Begin."""

    after_s: int
    selected: Selection


@dataclass(frozen=True, slots=True)
class SimulatedReading:
    """One reading to be played through the real doors. `position` counts from 1 in the order of reading.

    `saves` in order; the last one is what was submitted, or the draft that was left when time ran out. `seconds` is
    the time used (the whole limit where it expired; 0 where it was never opened). `void`: why it does not count.
    """

    case_id: CaseId
    position: int
    ending: Ending
    opened_at_us: int | None = None
    seconds: int = 0
    saves: tuple[Saved, ...] = ()
    confidence: int | None = None
    void: str | None = None

    @property
    def selected(self) -> Selection:
        return self.saves[-1].selected if self.saves else frozenset()

    @property
    def nothing_to_recommend(self) -> bool:
        return self.ending is Ending.NOTHING_TO_RECOMMEND

    def as_reading(self, reader: str, arm: str) -> Reading:
        """The same reading as a locked study knows it."""
        opened = self.opened_at_us
        state = _STATES.get(self.ending, State.SUBMITTED)
        return Reading(
            reader=reader,
            case_id=self.case_id,
            arm=arm,
            position=self.position,
            state=state,
            response=Response(selected=self.selected) if self.saves else None,
            void=self.void,
            confidence=self.confidence,
            opened_at_us=opened,
            closed_at_us=None if opened is None else opened + self.seconds * SECOND_US,
        )


_STATES = {
    Ending.NEVER_OPENED: State.ASSIGNED,
    Ending.EXPIRED_WITH_DRAFT: State.EXPIRED,
    Ending.EXPIRED_NOTHING_SAVED: State.EXPIRED,
    Ending.VOID: State.EXPIRED,
}


@dataclass(frozen=True, slots=True)
class SimulatedReader:
    """An invented physician. `withdrew_at_us` None: stayed to the end."""

    reader: str
    readings: tuple[SimulatedReading, ...]
    withdrew_at_us: int | None = None


LIMIT_S = 600
MEDIAN_S, SPREAD_S = 270.0, 0.45
VOID_REASON = "The ward's network failed during the reading"
DAY_US = 24 * 3600 * SECOND_US


def simulate_readers(
    rubric: Rubric,
    cases: Sequence[CaseId],
    *,
    n_readers: int,
    cases_per_reader: int,
    seed: int,
    start_us: int,
    limit_s: int = LIMIT_S,
    skill: Skill = GENERALIST,
    assigned: Mapping[str, Sequence[CaseId]] | None = None,
    cases_seed: int = 0,
) -> tuple[SimulatedReader, ...]:
    """A panel of physicians with every kind of ending: most submit, some run out of time with a draft.

    One reading each is left empty until time runs out, submitted as *nothing to recommend*, and void; one reader
    withdraws half-way. They fall on the second reading of different readers, so a panel needs four readers.
    Readers are named `reader-01` and so on, and their cases are allocated as a study would; `assigned` gives other
    readers and their cases in order of reading instead (the two numbers are then not looked at). Everything follows
    from `seed`, but the options' temptations: those belong to the cases and follow from `cases_seed`, so that other
    seeds are other panels with the same cases.
    """
    invented = [f"reader-{number:02d}" for number in range(1, n_readers + 1)]
    given = assigned or _allocated(invented, cases, per_reader=cases_per_reader, seed=seed)
    names = list(given)
    if len(given) < 4 or min(map(len, given.values())) < 2:
        raise ValueError("A simulated panel has at least four readers with two cases each.")
    rng = np.random.default_rng(seed)
    appeal = temptations(rubric, skill, cases_seed)
    odd = dict(zip((names[int(at)] for at in rng.permutation(len(names))[:4]), _ODD_ENDINGS, strict=True))
    panel = []
    for number, name in enumerate(names):
        begins = start_us + number * DAY_US + int(rng.random() * 9 * 3600) * SECOND_US
        plans = _plans(rubric, given[name], skill, appeal, rng)
        ending = odd.get(name)
        readings = _readings(plans, ending, begins_us=begins, limit_s=limit_s, rng=rng)
        panel.append(_withdrawn(name, readings) if ending is _WITHDRAWS else SimulatedReader(name, readings))
    return tuple(panel)


def _plans(
    rubric: Rubric,
    cases: Sequence[CaseId],
    skill: Skill,
    appeal: Mapping[CaseId, Floats],
    rng: np.random.Generator,
) -> dict[CaseId, Response]:
    """What one physician would answer with all the time in the world."""
    ability = rng.normal(0.0, skill.between_readers)
    plans = {}
    for case in cases:
        edge = ability + rng.normal(0.0, skill.between_cases)
        plans[case] = simulate_response(rubric.cases[case], skill, rng, edge=edge, appeal=appeal[case])
    return plans


def _readings(
    plans: Mapping[CaseId, Response], odd: Ending | None, *, begins_us: int, limit_s: int, rng: np.random.Generator
) -> tuple[SimulatedReading, ...]:
    """One sitting, case after case. `odd`: how the second reading ends, whatever was planned."""
    readings = []
    for position, (case, plan) in enumerate(plans.items(), start=1):
        ending = odd if position == 2 else None
        reading = _reading(case, position, plan, ending=ending, began_us=begins_us, limit_s=limit_s, rng=rng)
        begins_us += (reading.seconds + 20 + int(rng.random() * 100)) * SECOND_US
        readings.append(reading)
    return tuple(readings)


def temptations(rubric: Rubric, skill: Skill, seed: int) -> dict[CaseId, Floats]:
    """For each case, how much more or less than its score says every physician is drawn to each option (log odds)."""
    rng = np.random.default_rng([seed, 7])
    return {case.case_id: rng.normal(0.0, skill.between_options, len(case.options)) for case in rubric.cases.values()}


_WITHDRAWS = Ending.NEVER_OPENED
_ODD_ENDINGS = (Ending.EXPIRED_NOTHING_SAVED, Ending.NOTHING_TO_RECOMMEND, Ending.VOID, _WITHDRAWS)


def _allocated(
    names: Sequence[str], cases: Sequence[CaseId], *, per_reader: int, seed: int
) -> dict[str, tuple[CaseId, ...]]:
    reads = dict.fromkeys(cases, 0)
    given = {}
    for name in names:
        given[name] = allocate(seed, name, cases, per_reader=per_reader, reads=reads)
        for case in given[name]:
            reads[case] += 1
    return given


def _reading(
    case: CaseId,
    position: int,
    response: Response,
    *,
    ending: Ending | None,
    began_us: int,
    limit_s: int,
    rng: np.random.Generator,
) -> SimulatedReading:
    wanted = int(MEDIAN_S * np.exp(rng.normal(0.0, SPREAD_S)))
    shuffled = [sorted(response.selected)[int(at)] for at in rng.permutation(len(response.selected))]
    confidence = int(np.clip(rng.normal(65.0, 15.0), 5, 100))
    match ending:
        case Ending.EXPIRED_NOTHING_SAVED:
            return SimulatedReading(case, position, ending, began_us, limit_s)
        case Ending.NOTHING_TO_RECOMMEND:
            empty = (Saved(min(wanted, limit_s), frozenset()),)
            return SimulatedReading(case, position, ending, began_us, min(wanted, limit_s), empty, confidence)
        case Ending.VOID:
            half = (Saved(limit_s // 3, frozenset(shuffled[: (len(shuffled) + 1) // 2])),)
            return SimulatedReading(case, position, ending, began_us, limit_s, half, None, VOID_REASON)
    # Ticks come evenly over the time that this physician would have liked; what lies past the limit is never made.
    after = [wanted * (tick + 1) // (len(shuffled) + 1) for tick in range(len(shuffled))]
    saves = tuple(Saved(at, frozenset(shuffled[: tick + 1])) for tick, at in enumerate(after) if at < limit_s)
    if wanted >= limit_s:
        how = Ending.EXPIRED_WITH_DRAFT if saves else Ending.EXPIRED_NOTHING_SAVED
        return SimulatedReading(case, position, how, began_us, limit_s, saves)
    last = (Saved(wanted, frozenset(shuffled)),)
    how = Ending.SUBMITTED if shuffled else Ending.NOTHING_TO_RECOMMEND
    return SimulatedReading(case, position, how, began_us, wanted, saves + last, confidence)


def _withdrawn(name: str, readings: Sequence[SimulatedReading]) -> SimulatedReader:
    """Half of the readings were made before; the others were never opened."""
    kept = tuple(readings[: len(readings) // 2])
    left = tuple(SimulatedReading(it.case_id, it.position, Ending.NEVER_OPENED) for it in readings[len(kept) :])
    last = kept[-1]
    opened = last.opened_at_us or 0
    return SimulatedReader(name, kept + left, withdrew_at_us=opened + (last.seconds + 3600) * SECOND_US)
