"""Differences and values as rows for other programs: one definition of each row, for CSV and JSON alike."""

from collections.abc import Sequence

from analysis.digits import Cell, Json, csv_bytes, number
from analysis.inference.estimate import BY_WEIGHTS, Estimate, Weighting
from analysis.inference.refusals import few_readers
from analysis.outcomes.contrasts import Contrast
from analysis.outcomes.findings import Row
from analysis.outcomes.values import Value
from analysis.report.sentences import mixed_modes

BESIDE_A_RATE = "logit-t"
"""What stands beside a rate: its estimate's `method` says where the variance comes from, and not on which scale."""


def difference_row(row: Row) -> dict[str, Cell]:
    """One contrast, flat. Empty: not defined, and then `refused` says why. `label`: what must stand by the default."""
    contrast, default, beside = row.contrast, row.contrast.default, row.contrast.bootstrap
    band = contrast.band
    return {
        "id": row.id,
        "analysis": row.analysis,
        "measure": contrast.measure,
        "unit": row.unit,
        "better": contrast.better,
        "test": contrast.test,
        "kind": "policy" if contrast.policy else "system",
        "control": contrast.control,
        "estimand": str(BY_WEIGHTS[default.weighting or Weighting.PAIR]),
        "random": "+".join(default.random),
        "test_value": contrast.test_value,
        "control_value": contrast.control_value,
        "estimate": default.value,
        "se": default.se,
        "df": default.df,
        "low": default.low,
        "high": default.high,
        "level": default.level,
        "p": default.p,
        "p_family": contrast.p_family,
        "p_holm": row.p_holm,
        "method": str(default.method),
        "bootstrap_se": beside.se,
        "bootstrap_low": beside.low,
        "bootstrap_high": beside.high,
        "draws_without_value": beside.draws_without_value,
        "simultaneous_low": None if band is None else band.low,
        "simultaneous_high": None if band is None else band.high,
        "n_readers": default.n_readers,
        "n_cases": default.n_cases,
        "n_readings": default.n_readings,
        "unmatched_readings": contrast.unmatched.readings,
        "unmatched_cases": contrast.unmatched.cases,
        "undefined_readings": contrast.undefined,
        "undefined_runs": contrast.undefined_runs,
        "weights": str(default.weighting),
        "variance_case": default.components.case,
        "variance_reader": default.components.reader,
        "variance_cell": default.components.cell,
        "share_case": default.shares.case,
        "share_reader": default.shares.reader,
        "share_cell": default.shares.cell,
        "mode_test": contrast.modes[0],
        "mode_control": contrast.modes[1],
        "mixed_modes": contrast.mixed_modes,
        "note": " ".join(_notes(contrast)) or None,
        **refused("refused", default),
        **refused("bootstrap_refused", beside),
        "label": default.label,
    }


def _notes(contrast: Contrast) -> list[str]:
    """What must be said beside one contrast wherever it stands."""
    few = few_readers(contrast.default)
    return [*([mixed_modes(contrast)] if contrast.mixed_modes else []), *([few] if few else [])]


def value_row(id_: str, value: Value) -> dict[str, Cell]:
    """One respondent on one measure, flat.

    The own interval of a rate is Wilson's with an effective sample size; `beside` it stands Student's t on the logit
    scale. Other measures have no interval beside.
    """
    estimate, beside = value.estimate, value.beside
    return {
        "id": id_,
        "respondent": value.respondent,
        "kind": value.kind,
        "arm": value.arm,
        "measure": value.measure,
        "value": estimate.value,
        "se": estimate.se,
        "df": estimate.df,
        "low": estimate.low,
        "high": estimate.high,
        "level": estimate.level,
        "method": str(estimate.method),
        "random": "+".join(estimate.random),
        "label": estimate.label,
        "n_readers": estimate.n_readers,
        "n_cases": estimate.n_cases,
        "n_readings": estimate.n_readings,
        "undefined": value.undefined,
        "beside_method": None if beside is None else BESIDE_A_RATE,
        "beside_low": None if beside is None else beside.low,
        "beside_high": None if beside is None else beside.high,
        "note": few_readers(estimate),
        **refused("refused", estimate),
    }


def refused(name: str, estimate: Estimate) -> dict[str, Cell]:
    why = estimate.refused
    return {
        name: None if why is None else str(why.code),
        f"{name}_reason": None if why is None else why.reason,
    }


def as_json(row: dict[str, Cell]) -> dict[str, Json]:
    """The row with numbers at 12 digits and null where they are not defined."""
    return {key: number(cell) if isinstance(cell, float) else cell for key, cell in row.items()}


def as_csv(rows: Sequence[dict[str, Cell]]) -> bytes:
    """The rows under their header; of no rows, the one column that every table has."""
    columns = list(rows[0]) if rows else ["id"]
    return csv_bytes(columns, ([row[column] for column in columns] for row in rows))
