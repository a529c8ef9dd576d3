"""What a figure of the report is made of: the drawing, the table behind it, and what is said of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from analysis.digits import Cell
from analysis.report.tables import as_csv

SVG_PROLOG = '<?xml version="1.0" encoding="utf-8"?>\n'


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure and the rows that it was drawn from.

    `says` is one sentence of what is to be seen; `caption` says how to read the marks. `svg` is one element without
    prolog; every row of the table has the same cells. `narrow`: it can be read whole on a phone; any other is scrolled.
    """

    name: str
    title: str
    says: str
    caption: str
    svg: str
    rows: Sequence[dict[str, Cell]]
    narrow: bool = False

    @property
    def files(self) -> dict[str, bytes]:
        """The drawing and its table, by path under the output folder."""
        return {
            f"figures/{self.name}.svg": f"{SVG_PROLOG}{self.svg}\n".encode(),
            f"figures/{self.name}.csv": as_csv(self.rows),
        }
