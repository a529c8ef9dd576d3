"""Everything that one analysis of one study finds: scored and drawn once, estimated on the same draws throughout."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from analysis.inference.estimate import Estimate
from analysis.inference.families import holm
from analysis.inference.heterogeneity import Heterogeneity
from analysis.inference.margins import conclude
from analysis.inference.refusals import refuse_variants
from analysis.outcomes.agreement import complete_table, reliability
from analysis.outcomes.ahead import how_often_ahead
from analysis.outcomes.arms import ArmContrast, arm_contrasts
from analysis.outcomes.cells import Cells, cells
from analysis.outcomes.contrasts import Contrast
from analysis.outcomes.counts import count
from analysis.outcomes.findings import COMPLETED_ONLY, HARMS, MAIN, PER_HUNDRED, Findings, Row
from analysis.outcomes.harms import HarmRate, harm_differences, harm_rates, share_contrasts, share_values
from analysis.outcomes.laid import LEVEL, Laid, lay_out
from analysis.outcomes.missing import Missing, TippingPoint, missing_of, tipping_point
from analysis.outcomes.numbers import numbers_needed
from analysis.outcomes.sensitivity import Sensitivity, sensitivities
from analysis.outcomes.specialties import OfSpecialty, apart, by_specialty
from analysis.outcomes.systems import SystemPair, against_others
from analysis.outcomes.times import case_times, limits
from analysis.outcomes.values import Value, values
from study.answer import Answer
from study.cut import Cut
from study.profile import Better
from study.rubric import Rubric
from study.scoring import score_readings

Progress = Callable[[str, int, int], None]
"""Called with what is being done, how many parts are done, and how many there are."""


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
    laid = lay_out(cut, rubric, policies, seed=seed, draws=draws)
    progress("scoring", 1, 1)
    rows, alone = _differences(laid, progress)
    harms = _harms(laid, progress)
    rows += harms.rows
    alone += harms.shares
    numbered = tuple(replace(row, id=f"d{n}") for n, row in enumerate(_beyond_primary(laid, rows), start=1))
    specialties = _specialties(laid, progress)
    shown = _shown(laid, numbered)
    progress("reliability", 0, 1)
    ratings = {(f"{r.case_id}/{r.option_id}", r.rater): r.score for r in cut.ratings}
    agreement = reliability(complete_table(ratings)[1])
    progress("reliability", 1, 1)
    return Findings(
        cut=cut,
        rubric=rubric,
        study=laid.study,
        measures=laid.measures,
        control=laid.arms[0].name,
        counts=count(cut),
        rows=numbered,
        values=tuple(alone),
        harms=harms.rates,
        needed=numbers_needed(alone, [row.contrast for row in numbered if row.analysis == MAIN]),
        arms=_between_arms(laid),
        sensitivities=_sensitivities(laid, numbered, shown),
        tipping=_tipping(laid, numbered, shown),
        ahead=() if shown is None else _ahead(laid, rubric, shown),
        systems=() if shown is None else _against_others(laid, shown.test),
        specialties=specialties,
        apart=None if shown is None else _apart(laid, specialties, shown.test),
        times=case_times(cut),
        limits=limits(cut),
        cells=shown,
        agreement=agreement,
        seed=seed,
        draws=draws,
        draws_digest=laid.draws.digest,
        within_specialties_digest=laid.within_specialties.digest,
    )


def _differences(laid: Laid, progress: Progress) -> tuple[list[Row], list[Value]]:
    """Every system against every arm on every measure, and everybody alone; then the completed readings only."""
    rows: list[Row] = []
    alone: list[Value] = []
    parts = [(measure, arm) for measure in laid.measures for arm in laid.arms]
    for done, (measure, arm) in enumerate(parts):
        progress("differences", done, len(parts))
        table = laid.study.tables[measure.name]
        rows += [Row("", MAIN, contrast) for contrast in laid.contrasts(table, arm)]
        alone += values(laid.study, table, arm, level=LEVEL)
    progress("differences", len(parts), len(parts))
    for arm in laid.arms:
        table = laid.completed.tables[laid.measures[0].name]
        made = laid.contrasts(table, laid.completed.arms[arm.name], laid.completed)
        rows += [Row("", COMPLETED_ONLY, contrast) for contrast in made]
    return rows, alone


def _between_arms(laid: Laid) -> tuple[ArmContrast, ...]:
    """Every two arms of physicians, the primary measure first."""
    found = arm_contrasts(laid.study, control=laid.arms[0].name, level=LEVEL, mixed_modes=laid.mixed_modes)
    place = {measure.name: n for n, measure in enumerate(laid.measures)}
    return tuple(sorted(found, key=lambda one: place[one.measure]))


@dataclass(frozen=True, slots=True)
class _Harms:
    """Harms per 100 cases by respondent, system − physicians in the same, and shares of harms."""

    rates: tuple[HarmRate, ...]
    rows: tuple[Row, ...]
    shares: tuple[Value, ...]


def _harms(laid: Laid, progress: Progress) -> _Harms:
    """Of every arm that read anything. A share that is a measure of the profile already is left to it."""
    own = {measure.name for measure in laid.measures}
    rates: list[HarmRate] = []
    rows: list[Row] = []
    shares: list[Value] = []
    arms = [arm for arm in laid.arms if arm.read.any()]
    for done, arm in enumerate(arms):
        progress("harms", done, len(arms))
        rates += harm_rates(laid.study, arm, level=LEVEL)
        shares += [value for value in share_values(laid.study, arm, level=LEVEL) if value.measure not in own]
        counted = harm_differences(laid.study, arm, laid.draws, level=LEVEL, mixed_modes=laid.mixed_modes)
        rows += [Row("", HARMS, one.contrast, PER_HUNDRED) for one in counted]
        of_all = share_contrasts(laid.study, arm, laid.draws, level=LEVEL, mixed_modes=laid.mixed_modes)
        rows += [Row("", HARMS, contrast) for contrast in of_all if contrast.measure not in own]
    progress("harms", len(arms), len(arms))
    return _Harms(tuple(rates), tuple(rows), tuple(shares))


def _specialties(laid: Laid, progress: Progress) -> tuple[OfSpecialty, ...]:
    """The primary measure against the control arm."""
    progress("specialties", 0, 1)
    found = by_specialty(
        laid.study,
        laid.table,
        laid.arms[0],
        laid.within_specialties,
        laid.specialty_of,
        level=LEVEL,
        mixed_modes=laid.mixed_modes,
    )
    progress("specialties", 1, 1)
    return found


def _apart(laid: Laid, rows: Sequence[OfSpecialty], test: str) -> Heterogeneity:
    return apart(laid.study, laid.table, laid.arms[0], laid.within_specialties, laid.specialty_of, rows, test)


def _beyond_primary(laid: Laid, rows: Sequence[Row]) -> list[Row]:
    """Holm over the measures beyond the primary one, for the two sides that the protocol names."""
    wanted = laid.cut.protocol.primary
    if wanted is None:
        return list(rows)
    family = [
        n
        for n, row in enumerate(rows)
        if row.analysis == MAIN
        and (row.contrast.test, row.contrast.control) == (wanted.test, wanted.control)
        and row.contrast.measure != wanted.measure
    ]
    adjusted = holm(np.array([rows[n].contrast.default.p for n in family]))
    changed = list(rows)
    for n, p in zip(family, adjusted.tolist(), strict=True):
        changed[n] = replace(rows[n], p_holm=p)
    return changed


def _against_others(laid: Laid, test: str) -> tuple[SystemPair, ...]:
    """On the primary measure and the control's cases."""
    place = laid.place_of(test)
    return against_others(
        laid.study, laid.table, laid.arms[0], place, level=LEVEL, seed=laid.draws.seed or 0, draws=laid.draws.n
    )


def _ahead(laid: Laid, rubric: Rubric, shown: Cells) -> tuple[Sensitivity, ...]:
    """Of the system whose readings are shown, run by run."""
    measure, study = laid.measures[0], laid.study
    if shown.influences:
        return ()
    answers = [answer for answer in laid.cut.answers if answer.respondent == shown.test and answer.variant is None]
    scored = score_readings(rubric, [one.case_id for one in answers], [one.response for one in answers])
    runs = {run: n for n, run in enumerate(sorted({one.run for one in answers}))}
    column = {case: n for n, case in enumerate(study.cases)}
    by_run = np.full((len(runs), len(study.cases)), np.nan)
    for answer, value in zip(answers, scored.measures[measure.name].value.tolist(), strict=True):
        by_run[runs[answer.run], column[answer.case_id]] = value
    return how_often_ahead(
        study,
        shown,
        by_run,
        laid.table.arms[laid.arms[0].name].above,
        laid.draws,
        level=LEVEL,
        higher_is_better=measure.better is Better.HIGHER,
    )


def _of_control(laid: Laid, rows: Sequence[Row], analysis: str) -> list[Contrast]:
    """The systems on the primary measure against the control arm that have a value, from the best."""
    asked = (analysis, laid.measures[0].name, laid.arms[0].name)
    of_measure = [row.contrast for row in rows if (row.analysis, row.contrast.measure, row.contrast.control) == asked]
    return [contrast for contrast in of_measure if not contrast.policy and np.isfinite(contrast.default.value)]


def _shown(laid: Laid, rows: Sequence[Row]) -> Cells | None:
    """Of the primary comparison; of the best system, where the protocol's has no value. None: no system has one."""
    wanted = None if laid.cut.protocol.primary is None else laid.cut.protocol.primary.test
    systems = _of_control(laid, rows, MAIN)
    shown = next((contrast for contrast in systems if contrast.test == wanted), None) or next(iter(systems), None)
    if shown is None:
        return None
    place = laid.place_of(shown.test)
    return cells(laid.study, laid.table, laid.arms[0], place)


def _primary(laid: Laid, rows: Sequence[Row], shown: Cells | None) -> Contrast | None:
    """The protocol's comparison; None where it names none, or one that has no value here."""
    wanted = laid.cut.protocol.primary
    if wanted is None or shown is None:
        return None
    if (shown.test, laid.measures[0].name, laid.arms[0].name) != (wanted.test, wanted.measure, wanted.control):
        return None
    (primary,) = [one for one in _of_control(laid, rows, MAIN) if one.test == wanted.test]
    return primary


def _sensitivities(laid: Laid, rows: Sequence[Row], shown: Cells | None) -> tuple[Sensitivity, ...]:
    primary = _primary(laid, rows, shown)
    if primary is None or shown is None:
        return ()
    completed = next((one for one in _of_control(laid, rows, COMPLETED_ONLY) if one.test == primary.test), None)
    return sensitivities(laid.study, primary, shown, completed, _missing(laid, primary))


def _missing(laid: Laid, primary: Contrast) -> Missing | None:
    return missing_of(laid.table, laid.arms[0], laid.place_of(primary.test))


def _tipping(laid: Laid, rows: Sequence[Row], shown: Cells | None) -> TippingPoint | None:
    """Of what the primary interval says: beside the protocol's margin, or on which side of no difference it lies."""
    primary, wanted = _primary(laid, rows, shown), laid.cut.protocol.primary
    missing = None if primary is None else _missing(laid, primary)
    if primary is None or wanted is None or missing is None or primary.default.refused is not None:
        return None
    if refuse_variants(laid.study.cases, laid.study.bases, laid.arms[0].read | missing.absent) is not None:
        return None

    def says(estimate: Estimate) -> object:
        if wanted.margin is None:
            return estimate.low > 0, estimate.high < 0
        return conclude(estimate, margin=wanted.margin, higher_is_better=laid.measures[0].better is Better.HIGHER)

    return tipping_point(missing, primary.default, says)
