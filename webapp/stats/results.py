"""An analysis as its page shows it, read from the `results.json` that it left: chosen and rounded, not computed."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from study.progress import TOLD, Ending
from webapp.stats.numbers import interval, p_value, plain, signed
from webapp.stats.sheets import SEVERE, Sheet, severe_in, sheets

MAIN, COMPLETED_ONLY = "main", "completed only"
OLD_FIGURES = (
    {
        "name": "forest",
        "title": "Forest plot",
        "says": "The differences in the table above, one line a system, with its interval.",
        "caption": "",
        "narrow": True,
    },
)
"""What an analysis had before its document named its figures."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One system against the physicians of one arm. `primary`: the comparison that the protocol names.

    `refused`: why there is no interval; None: there is one. `bootstrap_refused` likewise. `note`: what must be said
    of the comparison. `band` holds for all systems at once; None: there is none.
    `p_holm`: of the primary comparison's two sides on another measure; None: another row. `test_cases`,
    `control_cases`: of severe harm, in how many cases there was any; None: another measure.
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
    band: str | None
    counts: str
    refused: str | None
    bootstrap_refused: str | None
    note: str | None
    test_cases: str | None = None
    control_cases: str | None = None
    p_holm: str | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """The differences on one measure against one arm, in the order of the analysis.

    `side`: what the value of one side is, a mean or another value. `notes` stand below.
    """

    id: str
    title: str
    control: str
    better: str
    side: str
    notes: tuple[str, ...]
    rows: tuple[Difference, ...]

    @property
    def bands(self) -> bool:
        return any(row.band is not None for row in self.rows)

    @property
    def holm(self) -> bool:
        return any(row.p_holm is not None for row in self.rows)

    @property
    def counts(self) -> str | None:
        """What every row is estimated from; None: the rows differ."""
        found = {row.counts for row in self.rows}
        return found.pop() if len(found) == 1 else None


@dataclass(frozen=True, slots=True)
class Count:
    """One arm: how many readings were assigned, what became of them, and how many are scored."""

    arm: str
    readers: int
    assigned: int
    endings: tuple[tuple[str, int], ...]
    scored: int


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing among the files, and what is said of it: `says` what is to be seen, `caption` how to read it.

    `narrow`: it can be read whole on a phone; any other is scrolled.
    """

    name: str
    title: str
    says: str
    caption: str
    narrow: bool

    @property
    def drawing(self) -> str:
        return f"figures/{self.name}.svg"

    @property
    def table(self) -> str:
        return f"figures/{self.name}.csv"


@dataclass(frozen=True, slots=True)
class Results:
    """`primary`: the tables of the primary measure; `others`: of every other one.

    `measure`: what the first tables are of; `as_named`: whether that is the protocol's primary measure. `legend` says
    what the columns mean.
    """

    title: str
    measure: str
    as_named: bool
    legend: tuple[tuple[str, str], ...]
    key_finding: tuple[str, ...]
    notes: tuple[str, ...]
    primary: tuple[Table, ...]
    completed_only: tuple[Table, ...]
    others: tuple[Table, ...]
    counts: tuple[Count, ...]
    sheets: tuple[Sheet, ...]
    figures: tuple[Figure, ...]
    provenance: tuple[tuple[str, str], ...]


def read_results(body: bytes) -> Results:
    """The document of one analysis. Measures come in its order, the primary one first."""
    found = json.loads(body)
    measures = {measure["name"]: measure for measure in found["measures"]}
    first = next(iter(measures), None)
    wanted = found["primary"] or {}
    main, completed = _tables(found, measures, MAIN), _tables(found, measures, COMPLETED_ONLY)
    return Results(
        title=f"{found['study']['title']}, version {found['study']['version']}"
        + (": a sensitivity analysis" if found.get("sensitivity") else ""),
        measure=measures[first]["label"] if first else "",
        as_named=wanted.get("measure") == first,
        legend=tuple((one["term"], one["meaning"]) for one in found.get("legend", ())),
        key_finding=tuple(found["key_finding"]),
        notes=tuple(found["notes"]),
        primary=tuple(table for name, table in main if name == first),
        completed_only=tuple(table for _name, table in completed),
        others=tuple(table for name, table in main if name != first),
        counts=tuple(_count(arm) for arm in found["counts"]),
        sheets=sheets(found),
        figures=tuple(
            Figure(one["name"], one["title"], one["says"], one["caption"], one.get("narrow", False))
            for one in found.get("figures", OLD_FIGURES)
        ),
        provenance=_provenance(found["provenance"]),
    )


def _tables(
    found: Mapping[str, Any], measures: Mapping[str, Mapping[str, Any]], analysis: str
) -> list[tuple[str, Table]]:
    """(measure, table) for each measure and arm that the analysis has rows of."""
    primary = (found["primary"] or {}).get("difference")
    of_analysis = [row for row in found["differences"] if row["analysis"] == analysis]
    remarks = [one for one in found.get("remarks", ()) if one.get("analysis", MAIN) == analysis]
    occurred = severe_in(found) if analysis == MAIN else {}
    made = []
    for name, measure in measures.items():
        for control in dict.fromkeys(row["control"] for row in of_analysis if row["measure"] == name):
            shown = [
                _difference(row, primary, occurred)
                for row in of_analysis
                if (row["measure"], row["control"]) == (name, control)
            ]
            table = Table(
                id=f"{analysis.split()[0]}-{name}-{control}",
                title=measure["label"],
                control=control,
                better=measure["better"],
                side="mean" if measure["kind"] == "mean" else "value",
                notes=_notes(measure, [one["text"] for one in remarks if _is_of(one, name, control)], shown),
                rows=tuple(shown),
            )
            made.append((name, table))
    return made


def _is_of(remark: Mapping[str, str], measure: str, control: str) -> bool:
    return (remark["measure"], remark["control"]) == (measure, control)


def _notes(measure: Mapping[str, Any], remarks: Sequence[str], rows: Sequence[Difference]) -> tuple[str, ...]:
    """What must be said of the measure here and of its intervals, and why a dash stands for a bootstrap interval."""
    dashes = [
        f"No bootstrap interval for {row.test}. {row.bootstrap_refused}"
        for row in rows
        if row.bootstrap_refused is not None and row.bootstrap_refused != row.refused
    ]
    said = dict.fromkeys(row.note for row in rows if row.note)  # of few physicians, of mixed modes
    return (*([measure["note"]] if measure["note"] else []), *remarks, *said, *dashes)


def _difference(row: Mapping[str, Any], primary: str | None, occurred: Mapping[tuple[str, str], str]) -> Difference:
    severe = row["measure"] == SEVERE
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
        band=None if row["simultaneous_low"] is None else interval(row["simultaneous_low"], row["simultaneous_high"]),
        counts=f"{row['n_readings']} readings, {row['n_readers']} physicians × {row['n_cases']} cases",
        refused=row["refused_reason"] if refused else None,
        bootstrap_refused=row["bootstrap_refused_reason"] if row["bootstrap_low"] is None else None,
        note=row.get("note"),
        test_cases=occurred.get((row["test"], row["control"])) if severe else None,
        control_cases=occurred.get((row["control"], row["control"])) if severe else None,
        p_holm=None if row.get("p_holm") is None else f"Holm {p_value(row['p_holm'])}",
    )


def _count(arm: Mapping[str, Any]) -> Count:
    endings = tuple((TOLD[Ending(ending)], n) for ending, n in arm["endings"].items())
    return Count(arm["arm"], arm["readers"], arm["assigned"], endings, arm["scored"])


def _provenance(found: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What fixes every number, in words and digests."""
    versions = ", ".join(f"{name} {version}" for name, version in found["versions"].items())
    reason = found.get("lock_reason")
    return (
        ("Locked, and so unblinded, because", reason or "no reason is on record"),
        ("Scoring profile", found["profile"]),
        ("Consensus rule", found["consensus"]),
        ("Seed and bootstrap draws", f"{found['seed']}, {found['draws']}"),
        ("Bundle", found["bundle_digest"]),
        ("Rubric", found["rubric_digest"]),
        ("Versions", versions),
    )
