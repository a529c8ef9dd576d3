"""What a figure of the report is made of: the drawing, the table behind it, and what is said of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from analysis.digits import Cell, csv_bytes

SVG_PROLOG = '<?xml version="1.0" encoding="utf-8"?>\n'


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure and the rows that it was drawn from.

    `says` is one sentence of what is to be seen; `caption` says how to read the marks. `svg` is one element without
    prolog; `columns` name the cells of every row of the table.
    """

    name: str
    title: str
    says: str
    caption: str
    svg: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Cell], ...]

    @property
    def files(self) -> dict[str, bytes]:
        """The drawing and its table, by path under the output folder."""
        return {
            f"figures/{self.name}.svg": f"{SVG_PROLOG}{self.svg}\n".encode(),
            f"figures/{self.name}.csv": csv_bytes(
                self.columns, ([row[column] for column in self.columns] for row in self.rows)
            ),
        }


def columns_of(rows: Sequence[Mapping[str, Cell]], without: Sequence[str]) -> tuple[str, ...]:
    """The columns of the rows; `without` any row, these."""
    return tuple(rows[0]) if rows else tuple(without)
