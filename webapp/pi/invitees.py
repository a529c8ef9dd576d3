"""A list of people to invite, as a CSV file that a spreadsheet wrote. All of its faults at once, or all of its people.

Columns `email` and `name`; every further column is a stratum. Commas or semicolons, with or without a byte order mark.
"""

import csv
import io
from collections.abc import Iterator

from study.errors import Fault, Faulty
from study.store import accounts
from study.store.enrolment import Invitee

REQUIRED = ("email", "name")
MOST_PEOPLE = 2_000
MOST_CHARACTERS = 200


def parse_invitees(data: bytes, name: str) -> list[tuple[int, Invitee]]:
    """(line, person) for each row. Raises Faulty with every fault, `file:line` each."""
    text = _text(data, name)
    rows = list(_rows(text, name))
    if not rows:
        raise Faulty([Fault(f"{name}:1", "the file is empty; its first line must name the columns email and name")])
    header = [cell.strip().lower() for cell in rows[0][1]]
    faults = [Fault(f"{name}:1", what) for what in _header_faults(header)]
    if len(rows) == 1:
        faults.append(Fault(f"{name}:2", "there is nobody on the list"))
    if len(rows) > MOST_PEOPLE + 1:
        faults.append(Fault(f"{name}:{rows[MOST_PEOPLE + 1][0]}", f"a list may have {MOST_PEOPLE} people at most"))
    if faults:
        raise Faulty(faults)
    return _people(header, rows[1:], name)


def _people(header: list[str], rows: list[tuple[int, list[str]]], name: str) -> list[tuple[int, Invitee]]:
    people: list[tuple[int, Invitee]] = []
    faults: list[Fault] = []
    first_seen: dict[str, int] = {}
    for line, row in rows:
        found = _row_faults(header, row)
        if not found:
            cells = {column: cell.strip() for column, cell in zip(header, row, strict=True)}
            email = accounts.normal(cells.pop("email"))
            if email in first_seen:
                found = [f"{email} stands on line {first_seen[email]} already"]
            first_seen.setdefault(email, line)
            person = Invitee(email, cells.pop("name"), {stratum: cell for stratum, cell in cells.items() if cell})
            people.append((line, person))
        faults += [Fault(f"{name}:{line}", what) for what in found]
    if faults:
        raise Faulty(faults)
    return people


def _header_faults(header: list[str]) -> list[str]:
    faults = [f"the column {column!r} is missing" for column in REQUIRED if column not in header]
    if "" in header:
        faults.append("a column has no name")
    named = sorted(set(header) - {""})
    faults += [f"the column {column!r} is there twice" for column in named if header.count(column) > 1]
    return faults


def _row_faults(header: list[str], row: list[str]) -> list[str]:
    if len(row) != len(header):
        return [f"{len(row)} {'cell' if len(row) == 1 else 'cells'} where the first line names {len(header)} columns"]
    faults = [
        f"{column} is longer than {MOST_CHARACTERS} characters"
        for column, cell in zip(header, row, strict=True)
        if len(cell) > MOST_CHARACTERS
    ]
    if any(ord(character) < 32 for cell in row for character in cell):
        faults.append("a cell holds a line break or another character that cannot be stored")
    try:
        accounts.normal(row[header.index("email")])
    except accounts.Refused as refused:
        faults.append(str(refused).rstrip("."))
    return faults


def _text(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise Faulty([Fault(f"{name}:{line}", "not UTF-8; save the list as “CSV UTF-8”")]) from None


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """(line on which it begins, cells) of every row that is not blank."""
    first = text.partition("\n")[0]
    delimiter = ";" if first.count(";") > first.count(",") else ","
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    begins = 1
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                yield begins, row
            begins = reader.line_num + 1
    except csv.Error as error:
        raise Faulty([Fault(f"{name}:{begins}", f"not a CSV row: {error}")]) from None
