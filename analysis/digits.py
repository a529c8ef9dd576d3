"""How numbers are written for other programs: 12 significant digits, and null for what is not defined."""

import csv
import io
import json
import math
from collections.abc import Iterable, Sequence

DIGITS = 12

Json = None | bool | int | float | str | Sequence["Json"] | dict[str, "Json"]
Cell = None | bool | int | float | str


def number(value: float | None) -> float | None:
    """The value at 12 significant digits; None for NaN and infinities, which JSON does not know."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{DIGITS}g}") + 0.0  # + 0.0: no negative zero


def json_bytes(document: Json) -> bytes:
    """One JSON document, keys in the order given, the same bytes for the same document."""
    return (json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False) + "\n").encode()


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A CSV table (RFC 4180 with line feeds). None and NaN are empty cells."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    for row in rows:
        writer.writerow(["" if cell is None else _cell(cell) for cell in row])
    return text.getvalue().encode()


def _cell(cell: bool | int | float | str) -> str | int | float:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        written = number(cell)
        return "" if written is None else written
    return cell
