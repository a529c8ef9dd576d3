"""Strata of cases, from a file of two columns: which cases are drawn among themselves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from analysis.inference.estimate import Ints
from analysis.scores.csvfile import records
from study.errors import Fault, Faulty

HEADER = ["caseID", "stratum"]


@dataclass(frozen=True, slots=True)
class Strata:
    """The stratum of each case of one file."""

    name: str
    of_case: Mapping[str, str]

    def members(self, cases: Sequence[str]) -> tuple[Ints, ...]:
        """The positions of the cases in each stratum, strata sorted by name.

        Raises
        ------
        Faulty
            With every case that has no stratum.
        """
        missing = [Fault(self.name, f"case {case!r} has no stratum") for case in cases if case not in self.of_case]
        if missing:
            raise Faulty(missing)
        names = sorted({self.of_case[case] for case in cases})
        return tuple(
            np.array([j for j, case in enumerate(cases) if self.of_case[case] == stratum], dtype=np.int64)
            for stratum in names
        )


def parse_strata(data: bytes, name: str = "STRATA.csv") -> Strata:
    """Read `caseID,stratum`; every fault at once, with its line."""
    (_, header), *below = records(data, name)
    if header != HEADER:
        raise Faulty([Fault(f"{name}:1", f"the header must be {','.join(HEADER)}")])
    faults, of_case = [], {}
    for line, cells in below:
        if len(cells) != len(HEADER) or not all(cells):
            faults.append(Fault(f"{name}:{line}", "a row is a case and its stratum"))
        elif cells[0] in of_case:
            faults.append(Fault(f"{name}:{line}", f"case {cells[0]!r} occurs twice"))
        else:
            of_case[cells[0]] = cells[1]
    if faults:
        raise Faulty(faults)
    return Strata(name, of_case)
