"""A CSV table from a file: its records, each with the line on which it begins."""

import csv
import io
from collections.abc import Iterator

from study.errors import Fault, Faulty

Record = tuple[int, list[str]]
"""The line on which a record begins, and its cells."""


def records(data: bytes, name: str) -> list[Record]:
    """Every record that is not a blank line; a cell may hold line breaks, and lines are counted as an editor does.

    Raises
    ------
    Faulty
        Not UTF-8, a byte order mark, not CSV, or nothing in it: with its line.
    """
    found = list(_records(_decoded(data, name), name))
    if not found:
        raise Faulty([Fault(f"{name}:1", "the file is empty")])
    return found


def _decoded(data: bytes, name: str) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Faulty([Fault(f"{name}:{line}", "not UTF-8")]) from error
    if text.startswith("\ufeff"):
        raise Faulty([Fault(f"{name}:1", "begins with a byte order mark; save as plain UTF-8")])
    return text


def _records(text: str, name: str) -> Iterator[Record]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Faulty([Fault(f"{name}:{line}", f"not CSV: {error}")]) from error
        if cells:
            yield line, cells
        line = reader.line_num + 1
