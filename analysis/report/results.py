"""results.json: everything that was found, with what is needed to find it again."""

import platform
from collections.abc import Mapping

from analysis.digits import Json, json_bytes, number
from analysis.outcomes.counts import MISSING
from analysis.outcomes.findings import Findings
from analysis.report.figure import Figure
from analysis.report.legend import legend
from analysis.report.methods import methods
from analysis.report.remarks import remarks
from analysis.report.rowsets import ROWSETS
from analysis.report.sentences import key_finding, mixed_notes
from analysis.report.tables import as_json
from analysis.versions import versions
from analysis.wording import counted

OWN_SHAPE = ("counts", "reliability")
"""Tables that the document holds as one record an arm, or one in all, rather than row by row."""


def provenance(found: Findings) -> dict[str, Json]:
    """Digests, seed and versions: what fixes every number."""
    return {
        "bundle_digest": found.cut.bundle_digest,
        "rubric_digest": found.rubric.digest,
        "profile": found.rubric.profile.id,
        "consensus": found.rubric.consensus,
        "seed": found.seed,
        "draws": found.draws,
        "draws_digest": found.draws_digest,
        "draws_within_specialties_digest": found.within_specialties_digest,
        "level": found.level,
        "locked_at_us": found.cut.locked_at_us,
        "lock_reason": found.cut.lock_reason,
        "versions": {**versions("numpy", "scipy", "pingouin", "matplotlib"), "python": platform.python_version()},
    }


def results_json(found: Findings, figures: Mapping[str, Figure]) -> bytes:
    """One document, the same bytes for the same study, seed and versions."""
    return json_bytes(
        {
            "schema": 1,
            "study": _study(found),
            "primary": _primary(found),
            "sensitivity": found.sensitivity,
            "key_finding": list(key_finding(found)),
            "notes": list(_notes(found)),
            "legend": [{"term": term, "meaning": meaning} for term, meaning in legend(found)],
            "remarks": [
                {"analysis": one.analysis, "measure": one.measure, "control": one.control, "text": one.text}
                for one in remarks(found)
            ],
            "counts": _counts(found),
            "systems": _systems(found),
            "measures": [
                {
                    "name": measure.name,
                    "label": measure.label,
                    "kind": str(measure.kind),
                    "better": str(measure.better),
                    "note": measure.note,
                }
                for measure in found.measures
            ],
            **{name: [as_json(row) for row in rows(found)] for name, rows in ROWSETS.items() if name not in OWN_SHAPE},
            "heterogeneity": _heterogeneity(found),
            "reliability": _reliability(found),
            "figures": [
                {
                    "name": name,
                    "title": figure.title,
                    "says": figure.says,
                    "caption": figure.caption,
                    "narrow": figure.narrow,
                }
                for name, figure in figures.items()
            ],
            "methods": list(methods(found)),
            "provenance": provenance(found),
        }
    )


def _study(found: Findings) -> dict[str, Json]:
    protocol = found.cut.protocol
    return {
        "id": protocol.id,
        "title": protocol.title,
        "version": protocol.version,
        "rehearsal": found.cut.locked_at_us is None,
        "n_cases": len(found.cut.cases),
        "n_readers": len(found.study.readers),
    }


def _primary(found: Findings) -> Json:
    wanted, row = found.cut.protocol.primary, found.primary
    if wanted is None:
        return None
    return {
        "measure": wanted.measure,
        "test": wanted.test,
        "control": wanted.control,
        "margin": number(wanted.margin),
        "mixed_modes": wanted.mixed_modes,
        "difference": None if row is None else row.id,
        "conclusion": None if found.conclusion is None else str(found.conclusion),
        "p_margin": number(found.p_margin),
    }


def _notes(found: Findings) -> list[str]:
    notes = mixed_notes(found.rows)
    if found.study.variant_answers:
        notes.append(
            f"{counted(found.study.variant_answers, 'answer')} on variants of a case left out: no physician read one."
        )
    return notes


def _counts(found: Findings) -> list[Json]:
    return [
        {
            "arm": arm.arm,
            "readers": arm.readers,
            "readers_scored": arm.readers_scored,
            "withdrawn": arm.withdrawn,
            "withdrawn_scored": arm.withdrawn_scored,
            "assigned": arm.assigned,
            "endings": {str(ending): n for ending, n in arm.endings},
            "scored": arm.scored,
            "completed": arm.completed,
            "missing": {str(ending): n for ending, n in arm.endings if ending in MISSING},
        }
        for arm in found.counts
    ]


def _systems(found: Findings) -> list[Json]:
    return [
        {
            "name": system.name,
            "kind": str(system.kind),
            "response_modes": list(system.modes),
            "answers": system.n_answers,
            "runs": system.runs,
            "versions": list(system.versions),
            "mappers": list(system.mappers),
        }
        for system in found.study.systems
    ]


def _heterogeneity(found: Findings) -> Json:
    """How far the differences of one system lie apart between specialties; null: no system has a value."""
    apart, shown = found.apart, found.cells
    if apart is None or shown is None:
        return None
    return {
        "id": "q1",
        "test": shown.test,
        "specialties": list(apart.groups),
        "q": number(apart.q),
        "df": apart.df,
        "i_squared": number(apart.share),
        "common": number(apart.common),
        "refused": None if apart.refused is None else str(apart.refused.code),
        "refused_reason": None if apart.refused is None else apart.refused.reason,
    }


def _reliability(found: Findings) -> dict[str, Json]:
    agreement = found.agreement
    return {
        "raters": agreement.n_raters,
        "options": agreement.n_targets,
        "icc_single": number(agreement.single),
        "icc_single_low": number(agreement.single_low),
        "icc_single_high": number(agreement.single_high),
        "icc_average": number(agreement.average),
        "icc_average_low": number(agreement.average_low),
        "icc_average_high": number(agreement.average_high),
        "exact_agreement": number(agreement.exact_agreement),
        "reason": agreement.reason,
    }
