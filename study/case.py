"""A case: everything that a respondent is shown, and nothing about what is right.

Ratings are kept elsewhere (`study.rubric`), so a page that is given a `Case` cannot leak them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NewType

CaseId = NewType("CaseId", str)
OptionId = NewType("OptionId", str)
Selection = frozenset[OptionId]


@dataclass(frozen=True, slots=True)
class Option:
    """One thing that could be done. Text and category are shown as written."""

    id: OptionId
    text: str
    category: str


@dataclass(frozen=True, slots=True)
class Case:
    """One consultation. Options stand in the bundle's order; a reader meets them in a presented order."""

    id: CaseId
    specialty: str
    presentation: str
    options: tuple[Option, ...]
    question: str | None = None
    variant_of: CaseId | None = None
    changed: str | None = None

    @property
    def option_ids(self) -> frozenset[OptionId]:
        return frozenset(option.id for option in self.options)

    def by_category(self) -> Mapping[str, tuple[Option, ...]]:
        """The options grouped by category, categories in order of first appearance."""
        grouped: dict[str, list[Option]] = {}
        for option in self.options:
            grouped.setdefault(option.category, []).append(option)
        return {category: tuple(options) for category, options in grouped.items()}
