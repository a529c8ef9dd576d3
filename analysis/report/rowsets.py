"""Every table of the findings by its name, each row with an id: for CSV, the document, and data frames alike."""

from collections.abc import Callable, Mapping

from analysis.digits import Cell
from analysis.inference.estimate import Estimand, Estimate
from analysis.outcomes.counts import count_rows
from analysis.outcomes.findings import Findings
from analysis.outcomes.harms import GROUPS, SINGLE, HarmRate
from analysis.outcomes.sensitivity import Sensitivity
from analysis.report.occurrence import cases_with_event, cases_with_harm
from analysis.report.sections import interval_by, needed_interval
from analysis.report.sentences import tipping_says
from analysis.report.tables import difference_row, refused, value_row

Rows = list[dict[str, Cell]]

HARM_COLUMNS = tuple(group.name for group in GROUPS[:SINGLE])
"""Harms of one kind and one severity."""


def differences(found: Findings) -> Rows:
    return [difference_row(row) for row in found.rows]


def values(found: Findings) -> Rows:
    """`cases_with`: in how many of `n_cases` that happened which a rate is of; empty of any other measure."""
    return [
        {**value_row(f"v{n}", value), "cases_with": cases_with_event(found, value)}
        for n, value in enumerate(found.values, start=1)
    ]


def harms(found: Findings) -> Rows:
    """One row a respondent, in harms per 100 cases by kind and severity."""
    by_respondent: dict[tuple[str, str, str], dict[str, Cell]] = {}
    for rate in found.harms:
        row = by_respondent.setdefault(_whose(rate), {})
        row[rate.group.name] = rate.value.estimate.value
    return [
        {"id": f"h{n}", "respondent": who, "kind": kind, "arm": arm, **{name: row[name] for name in HARM_COLUMNS}}
        for n, ((who, kind, arm), row) in enumerate(by_respondent.items(), start=1)
    ]


def harm_rates(found: Findings) -> Rows:
    """One row a respondent and group of harms, with its interval, per 100 cases; `cases_with` as in `values`."""
    return [
        {
            **value_row(f"g{n}", rate.value),
            "unit": "per 100 cases",
            "cases_with": cases_with_harm(found, rate),
        }
        for n, rate in enumerate(found.harms, start=1)
    ]


def _whose(rate: HarmRate) -> tuple[str, str, str]:
    return rate.value.respondent, rate.value.kind, rate.value.arm


def numbers_needed(found: Findings) -> Rows:
    """Cases to one severe harm, or to one more; an open end is empty, and `reads` says the interval in words."""
    return [
        {
            "id": f"n{n}",
            "respondent": one.respondent,
            "control": one.control,
            "arm": one.arm,
            "cases": one.number.value,
            "low": one.number.low,
            "high": one.number.high,
            "two_part": one.number.two_part,
            "reads": needed_interval(one.number),
            "random": "+".join(one.number.of.random),
            "method": str(one.number.of.method),
            "refused": None if one.number.refused is None else str(one.number.refused.code),
            "refused_reason": None if one.number.refused is None else one.number.refused.reason,
        }
        for n, one in enumerate(found.needed, start=1)
    ]


def sensitivities(found: Findings) -> Rows:
    """The primary comparison by every method."""
    primary = found.primary
    of = None if primary is None else primary.id
    return [{"id": f"s{n}", "of": of, **_look(one, "difference")} for n, one in enumerate(found.sensitivities, start=1)]


def tipping(found: Findings) -> Rows:
    """How far the missing scores must be moved before the primary interval says something else."""
    if found.tipping is None or found.primary is None:
        return []
    at = found.tipping
    turns = {"above": at.above, "below": at.below, "says": tipping_says(found)}
    return [{"id": "m1", "of": found.primary.id, "missing": at.missing, "beyond": at.beyond, **turns}]


def ahead(found: Findings) -> Rows:
    """How often the system is ahead, of how many physicians and of a random one; `interval_by`: how it was made."""
    test = None if found.cells is None else found.cells.test
    return [
        {"id": f"a{n}", "test": test, **_look(one, "share"), "interval_by": interval_by(one.estimate)}
        for n, one in enumerate(found.ahead, start=1)
    ]


def _look(one: Sensitivity, unit: str) -> dict[str, Cell]:
    return _estimated(one.what, unit, one.estimand, one.estimate)


def _estimated(what: str, unit: str, estimand: Estimand, estimate: Estimate) -> dict[str, Cell]:
    return {
        "what": what,
        "unit": unit,
        "estimand": str(estimand),
        "estimate": estimate.value,
        "se": estimate.se,
        "df": estimate.df,
        "low": estimate.low,
        "high": estimate.high,
        "level": estimate.level,
        "p": estimate.p,
        "method": str(estimate.method),
        "random": "+".join(estimate.random),
        "label": estimate.label,
        "n_readers": estimate.n_readers,
        "n_cases": estimate.n_cases,
        "n_readings": estimate.n_readings,
        **refused("refused", estimate),
    }


def arms(found: Findings) -> Rows:
    """Every two arms of physicians on every measure: both estimators, and what is descriptive."""
    rows = [
        {
            "measure": contrast.measure,
            "better": contrast.better,
            "test": contrast.test.arm,
            "control": contrast.control.arm,
            "crossing": str(contrast.estimates.crossing),
            "adjusted": "+".join(contrast.estimates.adjusted) or None,
            "test_value": contrast.test.value,
            "control_value": contrast.control.value,
            "mode_test": contrast.modes[0],
            "mode_control": contrast.modes[1],
            "mixed_modes": contrast.mixed_modes,
            **_estimated(what, "difference", Estimand.E9, estimate),
        }
        for contrast in found.arms
        for what, estimate in (
            ("least squares, two-way cluster-robust", contrast.estimates.robust),
            ("mixed model (REML)", contrast.estimates.mixed),
            ("carryover", contrast.estimates.carryover),
            ("first period alone", contrast.estimates.first_period),
        )
        if estimate is not None
    ]
    return [{"id": f"b{n}", **row} for n, row in enumerate(rows, start=1)]


def systems(found: Findings) -> Rows:
    """The primary comparison's system against every other one; only cases are random."""
    return [
        {
            "id": f"e{n}",
            "measure": pair.measure,
            "test": pair.test,
            "control": pair.control,
            "estimand": str(Estimand.E6),
            "estimate": pair.estimate.value,
            "se": pair.estimate.se,
            "df": pair.estimate.df,
            "low": pair.estimate.low,
            "high": pair.estimate.high,
            "level": pair.estimate.level,
            "p": pair.estimate.p,
            "p_sign_flip": pair.p_flip,
            "p_family": pair.p_family,
            "exact": pair.exact,
            "assignments": pair.assignments,
            "method": str(pair.estimate.method),
            "random": "+".join(pair.estimate.random),
            "label": pair.estimate.label,
            "n_cases": pair.estimate.n_cases,
            **refused("refused", pair.estimate),
        }
        for n, pair in enumerate(found.systems, start=1)
    ]


def specialties(found: Findings) -> Rows:
    """Each difference on the primary measure by specialty; no p, by design."""
    return [
        {
            "id": f"p{n}",
            "specialty": one.specialty,
            "measure": one.contrast.measure,
            "test": one.contrast.test,
            "kind": "policy" if one.contrast.policy else "system",
            "control": one.contrast.control,
            "estimand": str(Estimand.E1),
            "random": "+".join(one.contrast.default.random),
            "test_value": one.contrast.test_value,
            "control_value": one.contrast.control_value,
            "estimate": one.contrast.default.value,
            "se": one.contrast.default.se,
            "df": one.contrast.default.df,
            "low": one.contrast.default.low,
            "high": one.contrast.default.high,
            "level": one.contrast.default.level,
            "bootstrap_low": one.contrast.bootstrap.low,
            "bootstrap_high": one.contrast.bootstrap.high,
            "draws_without_value": one.contrast.bootstrap.draws_without_value,
            "n_readers": one.contrast.default.n_readers,
            "n_cases": one.n_cases,
            "n_readings": one.contrast.default.n_readings,
            **refused("refused", one.contrast.default),
            **refused("bootstrap_refused", one.contrast.bootstrap),
            "label": one.contrast.default.label,
            "bootstrap_label": one.contrast.bootstrap.label,
        }
        for n, one in enumerate(found.specialties, start=1)
    ]


def times(found: Findings) -> Rows:
    return [
        {
            "id": f"t{n}",
            "arm": time.arm,
            "case": time.case,
            "n": time.n,
            "timed_out": time.timed_out,
            "low_quartile_s": time.low_quartile,
            "median_s": time.median,
            "high_quartile_s": time.high_quartile,
        }
        for n, time in enumerate(found.times, start=1)
    ]


def counts(found: Findings) -> Rows:
    """From assigned to analysed."""
    return [
        {"id": f"c{n}", "arm": arm, "what": what, "n": number}
        for n, (arm, what, number) in enumerate(count_rows(found.counts), start=1)
    ]


def reliability(found: Findings) -> Rows:
    """The intraclass correlations of the ratings, one rater and the average rater."""
    agreement = found.agreement
    return [
        {
            "id": f"r{n}",
            "coefficient": name,
            "value": value,
            "low": low,
            "high": high,
            "raters": agreement.n_raters,
            "options": agreement.n_targets,
            "reason": agreement.reason,
        }
        for n, (name, value, low, high) in enumerate(
            (
                ("ICC(A,1)", agreement.single, agreement.single_low, agreement.single_high),
                ("ICC(A,k)", agreement.average, agreement.average_low, agreement.average_high),
                ("exact agreement", agreement.exact_agreement, None, None),
            ),
            start=1,
        )
    ]


ROWSETS: Mapping[str, Callable[[Findings], Rows]] = {
    "counts": counts,
    "differences": differences,
    "values": values,
    "harms": harms,
    "harm_rates": harm_rates,
    "numbers_needed": numbers_needed,
    "sensitivities": sensitivities,
    "tipping": tipping,
    "ahead": ahead,
    "arms": arms,
    "systems_compared": systems,
    "specialties": specialties,
    "times": times,
    "reliability": reliability,
}
"""Each is a file of that name under `tables/`."""
