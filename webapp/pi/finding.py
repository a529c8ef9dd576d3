"""Finding readers on a long roster: a search, and pages of a hundred."""

from collections.abc import Sequence
from dataclasses import dataclass

from study.store.conduct import RosterLine

PAGE = 100
SEARCHED_FROM = 8  # below that, a roster is read faster than a search is typed


@dataclass(frozen=True, slots=True)
class Found:
    """One page of the readers that were looked for. Pages count from 1."""

    lines: tuple[RosterLine, ...]
    wanted: str
    number: int
    page: int
    pages: int
    of: int

    @property
    def searchable(self) -> bool:
        return self.of >= SEARCHED_FROM or bool(self.wanted)

    @property
    def first(self) -> int:
        return (self.page - 1) * PAGE + 1

    @property
    def last(self) -> int:
        return self.first + len(self.lines) - 1


def find(lines: Sequence[RosterLine], wanted: str, page: int) -> Found:
    """Readers in whose name, address, pseudonym, status or strata every word that was typed occurs."""
    words = wanted.casefold().split()
    hits = [line for line in lines if all(word in _written(line) for word in words)]
    pages = max(1, -(-len(hits) // PAGE))
    page = min(max(1, page), pages)
    shown = tuple(hits[(page - 1) * PAGE : page * PAGE])
    return Found(shown, " ".join(wanted.split()), len(hits), page, pages, len(lines))


def _written(line: RosterLine) -> str:
    return " ".join([line.label, line.full_name, line.email, line.status, *line.strata.values()]).casefold()
