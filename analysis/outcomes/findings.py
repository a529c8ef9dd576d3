"""Everything that one analysis of one study finds, unrounded, before anything is written."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.inference.bootstrap import Draws, draw
from analysis.inference.estimate import NAN, Floats, Ints
from analysis.inference.exact import dot, total
from analysis.inference.margins import Conclusion, conclude, p_worse_by_margin
from analysis.outcomes.agreement import Reliability, complete_table, reliability
from analysis.outcomes.cells import Cells, cells
from analysis.outcomes.contrasts import Contrast, contrasts, ordered
from analysis.outcomes.counts import ArmCounts, count
from analysis.outcomes.frame import HARM_ROWS, Frame, PhysicianArm, completed_only, frame
from analysis.outcomes.times import CaseTime, case_times, limits
from analysis.outcomes.values import Value, values
from study.answer import Answer
from study.cut import Cut
from study.profile import Better, Measure
from study.rubric import Rubric

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many parts are done, and how many there are."""

LEVEL = 0.95
MAIN, COMPLETED_ONLY = "main", "completed only"


@dataclass(frozen=True, slots=True)
class Row:
    """A contrast with the id under which every table, figure and sentence refers to it."""

    id: str
    analysis: str
    contrast: Contrast


@dataclass(frozen=True, slots=True)
class HarmRates:
    """Harms per 100 cases of one respondent, by kind and severity in the order of `HARM_ROWS`."""

    respondent: str
    kind: str
    arm: str
    per_hundred: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """One analysis: the rubric it was made under, what was counted, every contrast and value, and the draws."""

    cut: Cut
    rubric: Rubric
    study: Frame
    measures: tuple[Measure, ...]
    control: str
    counts: tuple[ArmCounts, ...]
    rows: tuple[Row, ...]
    values: tuple[Value, ...]
    harms: tuple[HarmRates, ...]
    times: tuple[CaseTime, ...]
    limits: Mapping[str, float]
    cells: Cells | None
    agreement: Reliability
    seed: int
    draws: int
    draws_digest: str
    level: float = LEVEL

    @property
    def measure(self) -> Measure:
        """The measure of the primary comparison; where the profile lacks it, or none is named, the profile's first."""
        return self.measures[0]

    @property
    def lacks_primary(self) -> bool:
        """Whether the protocol names a primary measure that this profile does not have."""
        wanted = self.cut.protocol.primary
        return wanted is not None and wanted.measure != self.measure.name

    @property
    def sensitivity(self) -> str | None:
        """How this scoring departs from the protocol's, as a sentence; None: it does not."""
        planned, rubric = self.cut.protocol.scoring, self.rubric
        if (rubric.profile.id, rubric.consensus) == (planned.profile, planned.consensus):
            return None
        return (
            f"A sensitivity analysis: scored under the profile {rubric.profile.id} and the consensus rule "
            f"{rubric.consensus}; the protocol names {planned.profile} and {planned.consensus}."
        )

    @property
    def primary(self) -> Row | None:
        """The protocol's primary comparison. None: it names none, or one that is not a system against an arm."""
        wanted = self.cut.protocol.primary
        if wanted is None:
            return None
        key = (wanted.test, wanted.control, wanted.measure)
        for row in self.of(MAIN):
            if (row.contrast.test, row.contrast.control, row.contrast.measure) == key:
                return row
        return None

    @property
    def conclusion(self) -> Conclusion | None:
        """What the primary interval says beside the protocol's margin; None: no margin, or no interval."""
        primary, wanted = self.primary, self.cut.protocol.primary
        if primary is None or wanted is None or wanted.margin is None:
            return None
        return conclude(primary.contrast.default, margin=wanted.margin, higher_is_better=self._higher)

    @property
    def p_margin(self) -> float:
        """One-sided p of *worse by the margin*; NaN where there is none."""
        primary, wanted = self.primary, self.cut.protocol.primary
        if primary is None or wanted is None or wanted.margin is None:
            return NAN
        return p_worse_by_margin(primary.contrast.default, margin=wanted.margin, higher_is_better=self._higher)

    def physicians(self, arm: str) -> str:
        """How the physicians of an arm are called: by their arm only where there are several."""
        return "the physicians" if len(self.counts) == 1 else f"the physicians ({arm})"

    @property
    def _higher(self) -> bool:
        return self.measure.better is Better.HIGHER

    def of(self, analysis: str, *, measure: str | None = None, control: str | None = None) -> tuple[Row, ...]:
        """The rows of one analysis, of one measure and one control where named."""
        return tuple(
            row
            for row in self.rows
            if row.analysis == analysis
            and measure in (None, row.contrast.measure)
            and control in (None, row.contrast.control)
        )


def find(
    cut: Cut,
    rubric: Rubric,
    policies: Sequence[Answer],
    *,
    seed: int,
    draws: int,
    progress: Progress = lambda _what, _done, _of: None,
) -> Findings:
    """Score, lay out, draw once, and estimate everything on the same draws."""
    progress("scoring", 0, 1)
    study = frame(cut, rubric, policies)
    completed = completed_only(cut, rubric, policies)
    progress("scoring", 1, 1)
    measures = _primary_first(cut, tuple(table.measure for table in study.tables.values()))
    arms = _control_first(cut, study)
    drawn = _draws(study, seed, draws)
    mixed_modes = cut.protocol.primary is not None and cut.protocol.primary.mixed_modes

    found: list[tuple[str, Contrast]] = []
    alone: list[Value] = []
    parts = [(measure, arm) for measure in measures for arm in arms]
    for done, (measure, arm) in enumerate(parts):
        progress("differences", done, len(parts))
        table = study.tables[measure.name]
        made = contrasts(study, table, arm, drawn, level=LEVEL, mixed_modes=mixed_modes)
        found += [(MAIN, contrast) for contrast in ordered(made)]
        alone += values(study, table, arm, level=LEVEL)
    progress("differences", len(parts), len(parts))
    for arm in arms:
        table = completed.tables[measures[0].name]
        made = contrasts(completed, table, completed.arms[arm.name], drawn, level=LEVEL, mixed_modes=mixed_modes)
        found += [(COMPLETED_ONLY, contrast) for contrast in ordered(made)]

    progress("reliability", 0, 1)
    ratings = {(f"{r.case_id}/{r.option_id}", r.rater): r.score for r in cut.ratings}
    agreement = reliability(complete_table(ratings)[1])
    progress("reliability", 1, 1)
    numbered = tuple(Row(f"d{n}", analysis, contrast) for n, (analysis, contrast) in enumerate(found, start=1))
    return Findings(
        cut=cut,
        rubric=rubric,
        study=study,
        measures=measures,
        control=arms[0].name,
        counts=count(cut),
        rows=numbered,
        values=tuple(alone),
        harms=tuple(rates for arm in arms for rates in _harm_rates(study, arm)),
        times=case_times(cut),
        limits=limits(cut),
        cells=_cells(cut, study, measures[0], arms[0], numbered),
        agreement=agreement,
        seed=seed,
        draws=draws,
        draws_digest=drawn.digest,
    )


def _cells(cut: Cut, study: Frame, measure: Measure, arm: PhysicianArm, rows: Sequence[Row]) -> Cells | None:
    """Of the primary comparison; of the best system, where the protocol's has no value. None: no system has one."""
    wanted = None if cut.protocol.primary is None else cut.protocol.primary.test
    of_measure = [
        row.contrast
        for row in rows
        if (row.analysis, row.contrast.measure, row.contrast.control) == (MAIN, measure.name, arm.name)
    ]
    systems = [contrast for contrast in of_measure if not contrast.policy and np.isfinite(contrast.default.value)]
    shown = next((contrast for contrast in systems if contrast.test == wanted), None) or next(iter(systems), None)
    if shown is None:
        return None
    place = [system.name for system in study.systems].index(shown.test)
    return cells(study, study.tables[measure.name], arm, place)


def _primary_first(cut: Cut, measures: tuple[Measure, ...]) -> tuple[Measure, ...]:
    wanted = None if cut.protocol.primary is None else cut.protocol.primary.measure
    return tuple(sorted(measures, key=lambda measure: measure.name != wanted))


def _control_first(cut: Cut, study: Frame) -> list[PhysicianArm]:
    wanted = None if cut.protocol.primary is None else cut.protocol.primary.control
    return sorted(study.arms.values(), key=lambda arm: arm.name != wanted)


def _draws(study: Frame, seed: int, n_draws: int) -> Draws:
    """Readers are drawn among those of the same arms, cases among those that somebody read."""
    read = np.stack([arm.read for arm in study.arms.values()])
    arms_of_reader = np.any(read, axis=2).T
    strata: dict[tuple[bool, ...], list[int]] = {}
    for reader, arms in enumerate(arms_of_reader.tolist()):
        if any(arms):
            strata.setdefault(tuple(arms), []).append(reader)
    was_read = np.flatnonzero(read.any(axis=(0, 1)))
    return draw(
        seed,
        n_draws,
        len(study.readers),
        len(study.cases),
        reader_strata=[_ints(strata[arms]) for arms in sorted(strata)],
        case_strata=[_ints(was_read)] if was_read.size else [],
    )


def _ints(members: "list[int] | Ints") -> Ints:
    return np.asarray(members, dtype=np.int64)


def _harm_rates(study: Frame, arm: PhysicianArm) -> list[HarmRates]:
    """Over the cases that the arm read, weighted as they were read; NaN where a system did not answer them all."""
    if not arm.read.any():
        return []
    times_read = arm.read.sum(axis=0).astype(np.float64)
    was_read = times_read > 0
    weights = times_read[was_read] / times_read.sum()

    def rates(per_case: Floats) -> tuple[float, ...]:
        return tuple(100 * dot(weights, column) for column in per_case[was_read].T)

    readings = study.harms.arms[arm.name][arm.read]
    of_arm = tuple(100 * total(column) / len(column) for column in readings.T)
    return [
        HarmRates(arm.name, "physicians", arm.name, of_arm),
        *(
            HarmRates(system.name, "policy" if system.policy else "system", arm.name, rates(study.harms.systems[k]))
            for k, system in enumerate(study.systems)
        ),
    ]


HARM_LABELS = tuple(f"{severity} {kind}" for kind, severity in HARM_ROWS)
