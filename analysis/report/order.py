"""The one order in which respondents stand, in tables and in figures."""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from analysis.outcomes.findings import MAIN, Findings, Row


class OfRespondent(Protocol):
    """Whatever is said of one respondent over the cases of one arm of physicians."""

    @property
    def respondent(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def arm(self) -> str: ...


Of = TypeVar("Of", bound=OfRespondent)


def in_order(found: Findings, rows: Sequence[Of]) -> list[Of]:
    """Arm by arm, the control's first: its physicians, then everybody as in the table of the primary measure."""
    arms = list(dict.fromkeys(row.arm for row in rows))
    place = {row.contrast.test: n for n, row in enumerate(primary_rows(found))}

    def at(row: Of) -> tuple[int, bool, int]:
        return arms.index(row.arm), row.kind != "physicians", place.get(row.respondent, len(place))

    return sorted(rows, key=at)


def primary_rows(found: Findings) -> tuple[Row, ...]:
    """The primary measure against the control arm, from the best to the worst."""
    return found.of(MAIN, measure=found.measure.name, control=found.control)


def called(found: Findings, row: Of) -> str:
    """A respondent's name where several arms' cases are told apart."""
    several = len(found.counts) > 1 and row.kind != "physicians"
    return f"{row.respondent} on {row.arm}’s cases" if several else row.respondent
