"""The tables of the findings as data frames, for whoever goes on in Python.

The only module beside the one of agreement that knows pandas, which takes a second to load: inside the function.
"""

from typing import TYPE_CHECKING

from analysis.outcomes.findings import Findings
from analysis.report.results import provenance
from analysis.report.rowsets import ROWSETS
from study.errors import StudyError

if TYPE_CHECKING:
    from pandas import DataFrame as DataFrame


def to_frame(found: Findings, kind: str) -> "DataFrame":
    """One table of the findings.

    Parameters
    ----------
    found : Findings
    kind : str
        A name in `ROWSETS`, such as `differences` or `values`: the table of that name among the files.

    Returns
    -------
    pandas.DataFrame
        One row for each number, under its id as index, unrounded. NaN or None: not defined, and then `refused` says
        why. `attrs["provenance"]` has the digests of the inputs, the seed and the versions.

    Raises
    ------
    StudyError
        A table that there is not.
    """
    import pandas as pd

    if kind not in ROWSETS:
        raise StudyError(f"there is no table {kind!r}; there are {', '.join(ROWSETS)}")
    rows = ROWSETS[kind](found)
    frame = pd.DataFrame(rows, columns=list(rows[0]) if rows else ["id"]).set_index("id")
    frame.attrs["provenance"] = provenance(found)
    return frame
