"""An analysis as its page shows it, read from the `results.json` that it left: chosen and rounded, not computed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.stats.numbers import interval, p_value, plain, signed

MAIN, COMPLETED_ONLY = "main", "completed only"


@dataclass(frozen=True, slots=True)
class Difference:
    """One system against the physicians of one arm. `primary`: the comparison that the protocol names.

    `refused`: why there is no interval; None: there is one.
    """

    test: str
    policy: bool
    primary: bool
    test_value: str
    control_value: str
    estimate: str
    interval: str
    p: str
    bootstrap: str
    counts: str
    refused: str | None


@dataclass(frozen=True, slots=True)
class Table:
    """The differences on one measure against one arm, in the order of the analysis."""

    id: str
    title: str
    control: str
    better: str
    note: str | None
    rows: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Count:
    """One arm: how many readings were assigned, what became of them, and how many are scored."""

    arm: str
    readers: int
    assigned: int
    endings: tuple[tuple[str, int], ...]
    scored: int


@dataclass(frozen=True, slots=True)
class Results:
    """`primary`: the tables of the primary measure; `others`: of every other one."""

    key_finding: tuple[str, ...]
    notes: tuple[str, ...]
    primary: tuple[Table, ...]
    completed_only: tuple[Table, ...]
    others: tuple[Table, ...]
    counts: tuple[Count, ...]
    provenance: tuple[tuple[str, str], ...]


def read_results(body: bytes) -> Results:
    """The document of one analysis. Measures come in its order, the primary one first."""
    found = json.loads(body)
    measures = {measure["name"]: measure for measure in found["measures"]}
    first = next(iter(measures), None)
    named = (found["primary"] or {}).get("difference")
    main = _tables(found["differences"], measures, MAIN, named)
    completed = _tables(found["differences"], measures, COMPLETED_ONLY, named)
    return Results(
        key_finding=tuple(found["key_finding"]),
        notes=tuple(found["notes"]),
        primary=tuple(table for name, table in main if name == first),
        completed_only=tuple(table for _name, table in completed),
        others=tuple(table for name, table in main if name != first),
        counts=tuple(_count(arm) for arm in found["counts"]),
        provenance=_provenance(found["provenance"]),
    )


def _tables(
    rows: Sequence[Mapping[str, Any]], measures: Mapping[str, Mapping[str, Any]], analysis: str, primary: str | None
) -> list[tuple[str, Table]]:
    """(measure, table) for each measure and arm that the analysis has rows of."""
    of_analysis = [row for row in rows if row["analysis"] == analysis]
    made = []
    for name, measure in measures.items():
        for control in dict.fromkeys(row["control"] for row in of_analysis if row["measure"] == name):
            shown = [
                _difference(row, primary) for row in of_analysis if (row["measure"], row["control"]) == (name, control)
            ]
            identity = f"{analysis.split()[0]}-{name}-{control}"
            made.append(
                (name, Table(identity, measure["label"], control, measure["better"], measure["note"], tuple(shown)))
            )
    return made


def _difference(row: Mapping[str, Any], primary: str | None) -> Difference:
    refused = row["refused"] is not None and row["low"] is None
    return Difference(
        test=row["test"],
        policy=row["kind"] == "policy",
        primary=row["id"] == primary,
        test_value=plain(row["test_value"]),
        control_value=plain(row["control_value"]),
        estimate=signed(row["estimate"]),
        interval=interval(row["low"], row["high"]),
        p=p_value(row["p"]),
        bootstrap=interval(row["bootstrap_low"], row["bootstrap_high"]),
        counts=f"{row['n_readings']} ({row['n_readers']} × {row['n_cases']})",
        refused=row["refused_reason"] if refused else None,
    )


def _count(arm: Mapping[str, Any]) -> Count:
    return Count(arm["arm"], arm["readers"], arm["assigned"], tuple(arm["endings"].items()), arm["scored"])


def _provenance(found: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What fixes every number, in words and digests."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    return (
        ("Scoring profile", found["profile"]),
        ("Consensus rule", found["consensus"]),
        ("Seed and bootstrap draws", f"{found['seed']}, {found['draws']}"),
        ("Bundle", found["bundle_digest"]),
        ("Rubric", found["rubric_digest"]),
        ("Versions", versions),
    )
