"""Variance components from an analysis that was made before: of a pilot, or of an earlier study."""

import json
import math
from dataclasses import dataclass
from typing import Any

from analysis.inference.estimate import Components
from study.errors import Fault, Faulty

PARTS = ("case", "reader", "cell")


@dataclass(frozen=True, slots=True)
class Pilot:
    """What an earlier difference was made of. `components` are as they were written, a negative one included.

    `what` says which difference, for the sentences of a plan.
    """

    name: str
    what: str
    measure: str | None
    components: Components
    n_readers: int
    n_cases: int


def parse_pilot(data: bytes, name: str, difference: str | None = None) -> Pilot:
    """Read what `primum compare --json` printed, or the results.json of a report.

    Parameters
    ----------
    data : bytes
        The document.
    name : str
        Of the file, for faults.
    difference : str, optional
        The id of the difference in a results.json; its primary one, if not given.

    Raises
    ------
    Faulty
        Not JSON, neither of the two documents, no such difference, or one without components: it was refused, or made
        by a method that has none.
    """
    try:
        document: Any = json.loads(data)
    except json.JSONDecodeError as error:
        raise Faulty([Fault(f"{name}:{error.lineno}", f"not JSON: {error.msg}")]) from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise Faulty([Fault(f"{name}:1", "not JSON")]) from error
    if isinstance(document, dict) and "components" in document:
        if difference is not None:
            raise Faulty([Fault(name, "is one comparison, and has no differences to choose from")])
        return _of_comparison(document, name)
    if isinstance(document, dict) and isinstance(document.get("differences"), list):
        return _of_results(document, name, difference)
    raise Faulty([Fault(name, "is neither a comparison (`primum compare --json`) nor a results.json")])


def _of_comparison(document: dict[str, Any], name: str) -> Pilot:
    parts = document["components"]
    written = parts if isinstance(parts, dict) else {}
    return _pilot(document, name, "components", {part: written.get(part) for part in PARTS})


def _of_results(document: dict[str, Any], name: str, difference: str | None) -> Pilot:
    primary = document.get("primary")
    wanted = difference or (primary.get("difference") if isinstance(primary, dict) else None)
    if wanted is None:
        raise Faulty([Fault(f"{name}:primary", "names no difference: name one with --difference")])
    rows = [row for row in document["differences"] if isinstance(row, dict) and row.get("id") == wanted]
    if not rows:
        raise Faulty([Fault(f"{name}:differences", f"has no difference {wanted!r}")])
    where = f"differences.{wanted}"
    return _pilot(rows[0], name, where, {part: rows[0].get(f"variance_{part}") for part in PARTS})


def _pilot(row: dict[str, Any], name: str, where: str, written: dict[str, Any]) -> Pilot:
    faults = [
        Fault(f"{name}:{where}", f"the {part} variance is {'missing' if value is None else 'not a finite number'}")
        for part, value in written.items()
        if not _finite(value)
    ]
    counts = {key: row.get(key) for key in ("n_readers", "n_cases")}
    faults += [
        Fault(f"{name}:{key}", "is not a whole number from 2 on")
        for key, value in counts.items()
        if not isinstance(value, int) or isinstance(value, bool) or value < 2
    ]
    if faults:
        raise Faulty(faults)
    measure = row.get("measure")
    return Pilot(
        name=name,
        what=f"{row.get('test')} − {row.get('control')}",
        measure=measure if isinstance(measure, str) else None,
        components=Components(*(float(written[part]) for part in PARTS)),
        n_readers=int(row["n_readers"]),
        n_cases=int(row["n_cases"]),
    )


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
