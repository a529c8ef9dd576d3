"""Who is to read what, from a table of readers and cases: the assignment that a plan is made for."""

from dataclasses import dataclass

import numpy as np

from analysis.inference.estimate import Mask
from analysis.scores.csvfile import records
from study.errors import Fault, Faulty

COLUMNS = (("respondent", "case_id"), ("readerID", "caseID"), ("reader", "case"))
"""As an export has them, as tables of scores have them, and in plain words."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """Every pair of reader and case that is to be read; `mask` (R, C), names sorted."""

    name: str
    readers: tuple[str, ...]
    cases: tuple[str, ...]
    mask: Mask


def parse_assignment(data: bytes, name: str) -> Assignment:
    """Read a table with a reader and a case in each row; other columns are not looked at.

    Raises Faulty with every fault and its line: not a UTF-8 table, no such columns, an empty cell, a pair that occurs
    twice.
    """
    (_, header), *below = records(data, name)
    known = next((columns for columns in COLUMNS if all(header.count(column) == 1 for column in columns)), None)
    if known is None:
        wanted = "; ".join(",".join(columns) for columns in COLUMNS)
        raise Faulty([Fault(f"{name}:1", f"needs a column for the reader and one for the case ({wanted})")])
    at = [header.index(column) for column in known]
    faults: list[Fault] = []
    first_line: dict[tuple[str, str], int] = {}
    for line, cells in below:
        if len(cells) != len(header) or not all(cells[place] for place in at):
            faults.append(Fault(f"{name}:{line}", "a row is a reader and a case, with a cell for each column"))
            continue
        pair = cells[at[0]], cells[at[1]]
        if pair in first_line:
            faults.append(Fault(f"{name}:{line}", f"the same reader and case as line {first_line[pair]}"))
        first_line.setdefault(pair, line)
    if not faults and not first_line:
        faults = [Fault(f"{name}:2", "there is no row below the header")]
    if faults:
        raise Faulty(faults)
    return _assignment(name, list(first_line))


def _assignment(name: str, pairs: list[tuple[str, str]]) -> Assignment:
    readers, cases = (tuple(sorted({pair[side] for pair in pairs})) for side in (0, 1))
    row, column = {one: i for i, one in enumerate(readers)}, {one: j for j, one in enumerate(cases)}
    mask = np.zeros((len(readers), len(cases)), dtype=bool)
    mask[[row[pair[0]] for pair in pairs], [column[pair[1]] for pair in pairs]] = True
    return Assignment(name, readers, cases, mask)
