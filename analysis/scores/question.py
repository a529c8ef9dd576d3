"""What is asked of a table of scores, and every fault of the asking."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.inference.bootstrap import MOST_DRAWS
from analysis.inference.estimate import Estimand, Method, Weighting
from analysis.outcomes.measures import known
from analysis.scores.scoretable import Score, ScoreTable
from study.errors import Fault, Faulty
from study.profile import Better, MeasureKind, not_one_score_a_reading

SHARES = (Estimand.E7, Estimand.E8)
"""The share of physicians that a system beats, and the probability that it beats a random one: not differences."""
WEIGHTED = (Method.TWO_WAY, Method.SEMIVARIANCE, Method.BOOTSTRAP, Method.ROBUST, Method.RUNS)
"""The methods that take any weights; the others have their own."""
DRAWN_BY_STRATA = (Method.BOOTSTRAP, Method.CASE_BOOTSTRAP)
PAIRED_OUTCOMES = (Method.NEWCOMBE, Method.TANGO)
"""The methods for outcomes of 0 and 1 in pairs that share nothing."""
BETWEEN_SYSTEMS = (Method.CASES, Method.CASE_BOOTSTRAP, Method.SIGN_FLIP)
"""The methods in which no reader takes part."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a table of scores.

    `method` None: two-way, or by case where no reader takes part. `better` None: from the measure's name, where it is
    one of ours. `weights` None: every pair the same, or the method's own. `estimand` is E7 or E8 where a share is asked
    for. `equivalence`: the margin bounds both sides.
    """

    test: str
    control: str
    method: Method | None = None
    measure: str | None = None
    better: Better | None = None
    margin: float | None = None
    equivalence: bool = False
    estimand: Estimand | None = None
    weights: Weighting | None = None
    level: float = 0.95
    seed: int = 0
    draws: int = 10_000
    common_cases: bool = False

    @property
    def weighting(self) -> Weighting:
        return self.weights or Weighting.PAIR


def measure_of(table: ScoreTable, question: Question) -> str | None:
    """The measure compared: the one asked for, or the only one that the file has."""
    in_file = table.measures
    if question.measure is None:
        if len(in_file) > 1:
            raise Faulty([Fault(table.name, f"holds several measures ({', '.join(in_file)}): name one with --measure")])
        return in_file[0] if in_file else None
    if in_file and question.measure not in in_file:
        raise Faulty([Fault(table.name, f"has no measure {question.measure!r}; it has {', '.join(in_file)}")])
    return question.measure


def better_of(question: Question, measure: str | None) -> Better | None:
    """Which direction is better: as asked, or by the measure's name; None: not known."""
    if question.better is not None:
        return question.better
    ours = known(measure)
    return None if ours is None else ours.better


def check(table: ScoreTable, question: Question, measure: str | None, methods: Sequence[Method], strata: bool) -> None:
    """Every fault of the question at once.

    Raises
    ------
    Faulty
    """
    better = better_of(question, measure)
    faults = [
        *_modalities(table, question),
        *_direction(question, measure),
        *_margin(question, measure, better),
        *_shares(question, better),
        *_settings(question, methods, strata),
    ]
    ours = known(measure)
    if ours is not None and ours.kind is not MeasureKind.MEAN:
        faults.append(Fault(table.name, f"{measure} {not_one_score_a_reading(ours)}"))
    if faults:
        raise Faulty(faults)


def _modalities(table: ScoreTable, question: Question) -> list[Fault]:
    modalities = sorted({row.modality for row in table.rows})
    asked = (question.test, question.control)
    faults = [
        Fault(table.name, f"has no modality {wanted!r}; it has {', '.join(modalities)}")
        for wanted in asked
        if wanted not in modalities
    ]
    faults += [
        Fault(
            f"{table.name}:{row.line}", f"modality {row.modality!r} has readers and is a reader itself: name them apart"
        )
        for row in _mixed(table)
        if row.modality in asked
    ]
    faults += [
        Fault(f"{table.name}:{row.line}", f"{row.reader!r} is a system: it is not one more reader of {row.modality!r}")
        for row in _systems_among_readers(table)
        if row.modality in asked
    ]
    if question.test == question.control:
        faults.append(Fault("--test", "is the control itself"))
    return faults


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


def _direction(question: Question, measure: str | None) -> list[Fault]:
    """A measure of ours has its direction: turned around, superior would mean inferior."""
    ours = known(measure)
    if ours is None or question.better in (None, ours.better):
        return []
    return [
        Fault("--better", f"of {measure} is {ours.better}; give the measure another name if yours is turned around")
    ]


def _margin(question: Question, measure: str | None, better: Better | None) -> list[Fault]:
    margin, faults = question.margin, []
    if margin is None:
        return (
            [Fault("--equivalence", "needs --margin: how far apart is still the same?")] if question.equivalence else []
        )
    if not (np.isfinite(margin) and margin > 0):
        faults.append(Fault("--margin", "must be a positive number, in the measure's units"))
    if question.method is Method.RUNS:
        what = "has no conclusion with --method runs: how far runs differ says nothing about new cases or physicians"
        faults.append(Fault("--margin", what))
    if margin >= 1 and known(measure) is not None:
        faults.append(Fault("--margin", f"must be below 1: {measure} lies between 0 and 1"))
    if better is None and not question.equivalence:
        faults.append(Fault("--better", "is needed with --margin: is a higher or a lower score better?"))
    if question.equivalence and not question.level > 0.5:
        faults.append(
            Fault("--level", "must be above 0.5 with --equivalence: its tests read the interval at 2·level − 1")
        )
    return faults


def _shares(question: Question, better: Better | None) -> list[Fault]:
    if question.estimand is None:
        return []
    if question.estimand not in SHARES:
        return [Fault("--estimand", f"is {' or '.join(SHARES)}; the others follow from what is compared, and how")]
    faults = []
    if better is None:
        faults.append(Fault("--better", f"is needed with --estimand {question.estimand}: who beats whom?"))
    if question.margin is not None:
        faults.append(Fault("--margin", f"is in the measure's units, and {question.estimand} is a share"))
    if question.estimand is Estimand.E7 and question.method not in (None, Method.BOOTSTRAP):
        faults.append(Fault("--method", "must be bootstrap with --estimand E7"))
    if question.estimand is Estimand.E8 and question.method in PAIRED_OUTCOMES:
        faults.append(Fault("--method", f"{question.method} has no --estimand E8: a run beats a reader, or ties"))
    if question.estimand is Estimand.E8 and question.method is Method.RUNS:
        faults.append(Fault("--method", "runs has no --estimand E8: it compares run by run already"))
    if question.estimand is Estimand.E8 and question.method is Method.SIGN_FLIP:
        what = "sign-flip has no --estimand E8: a probability is not symmetric about one half, whatever it is"
        faults.append(Fault("--method", what))
    return faults


def _settings(question: Question, methods: Sequence[Method], strata: bool) -> list[Fault]:
    faults, method = [], question.method
    if not 0 < question.level < 1:
        faults.append(Fault("--level", "must lie between 0 and 1"))
    if not 2 <= question.draws <= MOST_DRAWS:
        faults.append(Fault("--draws", f"must lie between 2 and {MOST_DRAWS:,}"))
    if question.seed < 0:
        faults.append(Fault("--seed", "must not be negative"))
    if method is not None and method not in methods:
        faults.append(Fault("--method", f"{method} does not compare test with control"))
    if question.weights is not None and (question.estimand is Estimand.E7 or method not in (None, *WEIGHTED)):
        faults.append(Fault("--weights", f"is not used by {question.estimand or f'--method {method}'}: it has its own"))
    if strata and method not in (DRAWN_BY_STRATA if question.estimand is not Estimand.E7 else (None, *DRAWN_BY_STRATA)):
        faults.append(Fault("--strata", f"is used by --method {' and '.join(DRAWN_BY_STRATA)} only"))
    return faults


def check_scale(table: ScoreTable, question: Question, measure: str | None) -> None:
    """Our own measures are proportions: a score beyond 0…1 is a percentage, and would be compared with a proportion.

    Raises
    ------
    Faulty
    """
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
