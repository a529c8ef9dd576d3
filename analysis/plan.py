"""How large a study must be: precision and power over a grid of sizes, or for one assignment."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product

from analysis.inference.estimate import Components, Mask
from analysis.inference.layout import layout_of
from analysis.inference.planning import (
    Precision,
    Simulated,
    balanced,
    floor,
    power,
    power_for_margin,
    precision,
    simulate,
)
from analysis.scores.assignment import Assignment
from analysis.scores.pilot import PARTS, Pilot
from analysis.wording import counted
from study.errors import Fault, Faulty

LARGER = 1.5
"""How much larger the variances may be than assumed, for the column that says what then."""
LADDER = (LARGER, 2.0, 3.0)
"""Likewise of a pilot's, which knows them less well than whoever states them says."""
MOST_CELLS, MOST_ROWS, MOST_STUDIES = 1_000_000, 400, 100_000

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class PlanQuestion:
    """What is planned. `components` are variances of one reading's difference, in squared units of the measure.

    `per_reader` None: everybody reads every case. `effects` are true differences whose detection is asked for;
    `margin` is positive. `studies`: how many are invented for each size, 0 for none, from `seed`. `pilot`: where the
    components come from; None: stated.
    """

    components: Components
    readers: tuple[int, ...]
    cases: tuple[int, ...]
    per_reader: tuple[int, ...] | None = None
    effects: tuple[float, ...] = ()
    margin: float | None = None
    level: float = 0.95
    studies: int = 0
    seed: int = 0
    pilot: Pilot | None = None


@dataclass(frozen=True, slots=True)
class Rung:
    """The same size where all three variances are so many `times` as large. NaN: refused."""

    times: float
    half_width: float
    power: tuple[float, ...]
    power_margin: float | None


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One size of study. `per_reader` None: not the same for everybody.

    `ladder` says what if the variances are larger than assumed, the smallest step first. `unread` counts cases for
    which the readings do not suffice. NaN: refused.
    """

    per_reader: int | None
    planned: Precision
    ladder: tuple[Rung, ...]
    power: tuple[float, ...]
    power_margin: float | None
    simulated: Simulated | None
    unread: int = 0

    @property
    def half_width_larger(self) -> float:
        """The half-width on the first step, where the variances are 1.5 times as large."""
        return self.ladder[0].half_width


@dataclass(frozen=True, slots=True)
class Plan:
    """The answer: a row for each size, and what no number of readers goes below, by number of cases."""

    question: PlanQuestion
    rows: tuple[PlanRow, ...]
    floors: tuple[tuple[int, float], ...]
    assignment: Assignment | None = None

    @property
    def zero_components(self) -> tuple[str, ...]:
        """What the pilot saw no variance of: so many times 0 is 0, on every step of the ladder. Stated: none."""
        pilot = self.question.pilot
        return () if pilot is None else tuple(part for part in PARTS if getattr(pilot.components, part) <= 0)


def plan(
    question: PlanQuestion,
    assignment: Assignment | None = None,
    progress: Progress = lambda _what, _done, _of: None,
) -> Plan:
    """Precision and power of the default interval over every combination of sizes.

    Parameters
    ----------
    question : PlanQuestion
        Components, sizes, effects and margin.
    assignment : Assignment, optional
        The very table of who reads what; then it is the one row, and the question's sizes are not looked at.
    progress : callable
        Told what is being invented, and how much of it.

    Returns
    -------
    Plan
        System − physicians, for new readers and new cases, pairs counting the same. Sizes without an interval say why.

    Raises
    ------
    Faulty
        With every size, level, margin, effect, variance or number of studies that cannot be, by the option's name; more
        cases for each reader than there are.
    """
    _check(question, assignment)
    masks: list[tuple[int | None, Mask]] = []
    if assignment is not None:
        masks = [(_alike(assignment.mask), assignment.mask)]
    else:
        for n_cases, n_readers in product(question.cases, question.readers):
            each = (n_cases,) if question.per_reader is None else question.per_reader
            masks += [(per_reader, balanced(n_readers, n_cases, per_reader)) for per_reader in each]
    rows = tuple(_row(question, each, mask, progress) for each, mask in masks)
    sizes = dict.fromkeys(row.planned.n_cases + row.unread for row in rows)
    floors = tuple((n, floor(question.components, n, level=question.level)) for n in sizes)
    return Plan(question, rows, floors, assignment)


def _check(question: PlanQuestion, assignment: Assignment | None) -> None:
    """Every fault of the question at once, by the option that asked for it."""
    faults = [*_variances(question), *([] if assignment is not None else _sizes(question))]
    if not 0 < question.level < 1:
        faults.append(Fault("--level", "must lie between 0 and 1"))
    if question.margin is not None and not (math.isfinite(question.margin) and question.margin > 0):
        faults.append(Fault("--margin", "must be a positive number, in the measure's units"))
    if not all(math.isfinite(effect) for effect in question.effects):
        faults.append(Fault("--effect", "must be a number"))
    if not 0 <= question.studies <= MOST_STUDIES:
        faults.append(Fault("--simulate", f"must lie between 0 and {MOST_STUDIES:,}"))
    if question.seed < 0:
        faults.append(Fault("--seed", "must not be negative"))
    if faults:
        raise Faulty(faults)


def _variances(question: PlanQuestion) -> list[Fault]:
    kept = question.components.truncated()
    parts = {"--reader-sd": kept.reader, "--case-sd": kept.case, "--cell-sd": kept.cell}
    faults = [Fault(name, "its square must be a number") for name, part in parts.items() if not math.isfinite(part)]
    if faults or sum(parts.values()) > 0:
        return faults
    if question.pilot is not None:
        return [Fault("--from", "has no positive variance: at least one must be, or nothing would differ")]
    return [Fault(", ".join(parts), "at least one must be positive, or nothing would differ")]


def _sizes(question: PlanQuestion) -> list[Fault]:
    readers, cases, each = question.readers, question.cases, question.per_reader or ()
    asked = {"--readers": readers, "--cases": cases}
    if question.per_reader is not None:
        asked["--cases-per-reader"] = each
    faults = [
        Fault(name, "needs sizes, whole numbers from 1 on")
        for name, sizes in asked.items()
        if not sizes or min(sizes) < 1
    ]
    if faults:
        return faults
    few = [(n, of) for n, of in product(each, cases) if n > of]
    if few:
        what = f"{few[0][0]} cases for each reader were asked for, but there are {few[0][1]}"
        faults.append(Fault("--cases-per-reader", what))
    if max(readers) * max(cases) > MOST_CELLS:
        faults.append(Fault("--readers", f"at most {MOST_CELLS:,} pairs of reader and case can be planned for"))
    if len(readers) * len(cases) * max(len(each), 1) > MOST_ROWS:
        faults.append(Fault("--readers", f"at most {MOST_ROWS} sizes can be planned at once"))
    return faults


def _alike(mask: Mask) -> int | None:
    counts = mask.sum(axis=1)
    return int(counts[0]) if (counts == counts[0]).all() else None


def _row(question: PlanQuestion, per_reader: int | None, mask: Mask, progress: Progress) -> PlanRow:
    planned = precision(question.components, layout_of(mask), level=question.level)
    what = f"{counted(planned.n_readers, 'reader')}, {counted(planned.n_cases, 'case')}"
    simulated = None
    if question.studies and planned.refused is None:
        simulated = simulate(
            question.components,
            mask,
            level=question.level,
            n=question.studies,
            seed=question.seed,
            effects=question.effects,
            margin=question.margin,
            told=lambda done, of: progress(what, done, of),
        )
    return PlanRow(
        per_reader=per_reader,
        planned=planned,
        ladder=tuple(_rung(question, planned, times) for times in (LADDER if question.pilot else (LARGER,))),
        power=tuple(power(planned, effect) for effect in question.effects),
        power_margin=None if question.margin is None else power_for_margin(planned, question.margin),
        simulated=simulated,
        unread=mask.shape[1] - planned.n_cases,
    )


def _rung(question: PlanQuestion, planned: Precision, times: float) -> Rung:
    """All three variances larger alike: the degrees of freedom stay as they are."""
    wider = replace(planned, se=planned.se * times**0.5, half_width=planned.half_width * times**0.5)
    return Rung(
        times=times,
        half_width=wider.half_width,
        power=tuple(power(wider, effect) for effect in question.effects),
        power_margin=None if question.margin is None else power_for_margin(wider, question.margin),
    )
