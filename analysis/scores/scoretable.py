"""A table of scores from a file, as other reader-study tools write it: validated at the door, every fault at once."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from analysis.scores.csvfile import records
from study.errors import Fault, Faulty

REQUIRED = ("readerID", "caseID", "modalityID", "score")
OPTIONAL = ("run", "measure")
MOST = 1e100  # in absolute value: its square can still be had
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)
RUN = re.compile(r"[1-9]\d{0,8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Score:
    """One row. `measure` None: the file does not name one."""

    reader: str
    case: str
    modality: str
    score: float
    run: int
    measure: str | None
    line: int


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """The rows of one file. A modality is a system where its readers carry its own name."""

    name: str
    rows: tuple[Score, ...]

    @property
    def measures(self) -> tuple[str, ...]:
        return tuple(sorted({row.measure for row in self.rows if row.measure is not None}))

    def of(self, modality: str, measure: str | None) -> tuple[Score, ...]:
        """The rows of one modality; where the file names measures, that measure's."""
        return tuple(row for row in self.rows if row.modality == modality and row.measure in (None, measure))


def parse_scores(data: bytes, name: str = "SCORES.csv") -> ScoreTable:
    """Read a table of scores.

    Raises
    ------
    Faulty
        With every fault and its line: not UTF-8, empty, wrong header, wrong number of cells, an empty id, a score
        that is not a finite number, a run that is not 1, 2, …, a row that occurs twice.
    """
    (_, header), *below = records(data, name)
    _check_header(header, name)
    if not below:
        raise Faulty([Fault(f"{name}:2", "there is no row below the header")])

    faults: list[Fault] = []
    rows: list[Score] = []
    first_line: dict[tuple[str, str, str, int, str | None], int] = {}
    for line, cells in below:
        row = _row(header, cells, f"{name}:{line}", line, faults)
        if row is None:
            continue
        key = (row.reader, row.case, row.modality, row.run, row.measure)
        if key in first_line:
            faults.append(Fault(f"{name}:{line}", f"the same row as line {first_line[key]}"))
            continue
        first_line[key] = line
        rows.append(row)
    if faults:
        raise Faulty(faults)
    return ScoreTable(name, tuple(rows))


def _check_header(header: Sequence[str], name: str) -> None:
    faults = [Fault(f"{name}:1", f"column {wanted} is missing") for wanted in REQUIRED if wanted not in header]
    known = (*REQUIRED, *OPTIONAL)
    faults += [Fault(f"{name}:1", f"unknown column {column!r}") for column in header if column not in known]
    faults += [Fault(f"{name}:1", f"column {column} occurs twice") for column in known if header.count(column) > 1]
    if faults:
        raise Faulty(faults)


def _row(header: Sequence[str], cells: Sequence[str], where: str, line: int, faults: list[Fault]) -> Score | None:
    if len(cells) != len(header):
        faults.append(Fault(where, f"{len(cells)} cells where the header has {len(header)}"))
        return None
    row = dict(zip(header, cells, strict=True))
    found = [Fault(where, f"{column} is empty") for column in (*REQUIRED[:3], "measure") if row.get(column) == ""]
    score = float(row["score"]) if NUMBER.fullmatch(row["score"]) else math.nan
    if not math.isfinite(score):
        found.append(Fault(where, f"score {row['score']!r} is not a finite number"))
    elif abs(score) > MOST:
        found.append(Fault(where, f"score {row['score']} is beyond ±{MOST:g}"))
    run = row.get("run", "1")
    if not RUN.fullmatch(run):
        found.append(Fault(where, f"run {run!r} is not 1, 2, …"))
    if found:
        faults.extend(found)
        return None
    return Score(row["readerID"], row["caseID"], row["modalityID"], score, int(run), row.get("measure"), line)
