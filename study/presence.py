"""How long a case was before its reader's eyes: what a page tells of itself, bounded by what the server saw.

A page counts from when it was loaded, and tells the whole count with every beat: a beat that is lost is made good by
the next one, one that comes twice or late says nothing new. No count is longer than the server knows the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from study.timing import MILLISECOND_US, SECOND_US

BEAT_US = 15 * SECOND_US
"""How often a page that is visible tells its counts: so much of a count may lie outside the server's own span of it."""
MOST_PAGES = 200
"""How many loads of a page are kept for one reading. A later one still beats, and is not counted."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What one load of a page says of itself, from its beginning until now.

    `load_ms` from the start of the navigation until the page could be used; `visible_ms` as its window's front tab;
    `active_ms` visible, and a hand moved within the last half minute; `hidden_count`: how often it went out of sight.
    """

    load_ms: int
    visible_ms: int
    active_ms: int
    hidden_count: int

    def grown(self, later: "Counts") -> "Counts":
        """The counts after both were told, in whatever order: none of them ever goes back."""
        return Counts(
            max(self.load_ms, later.load_ms),
            max(self.visible_ms, later.visible_ms),
            max(self.active_ms, later.active_ms),
            max(self.hidden_count, later.hidden_count),
        )


@dataclass(frozen=True, slots=True)
class Beat:
    """What a page sends: its own name, its lease, and its counts."""

    page: str
    lease: str
    counts: Counts


@dataclass(frozen=True, slots=True)
class Page:
    """One load of a page: what it said last, and the server's first and last stamp of it."""

    first_at_us: int
    last_at_us: int
    counts: Counts

    @property
    def visible_us(self) -> int:
        """No longer than the server knows the page, and the one beat that it may have been on its way."""
        return min(self.counts.visible_ms * MILLISECOND_US, self.last_at_us - self.first_at_us + BEAT_US)

    @property
    def active_us(self) -> int:
        return min(self.counts.active_ms * MILLISECOND_US, self.visible_us)


@dataclass(frozen=True, slots=True)
class Presence:
    """All loads of one reading together. `load_us` is the first one's."""

    pages: int
    load_us: int
    visible_us: int
    active_us: int
    hidden_count: int


def presence(pages: Sequence[Page], *, opened_at_us: int | None, closed_at_us: int | None) -> Presence | None:
    """What the pages of a reading say together, in total no more than the reading lasted; None: none said anything.

    Two pages side by side can both be visible. A reading that never ended (a lock found it open) bounds nothing.
    """
    if not pages or opened_at_us is None:
        return None
    first = min(pages, key=lambda page: page.first_at_us)
    visible = sum(page.visible_us for page in pages)
    if closed_at_us is not None:
        visible = min(visible, closed_at_us - opened_at_us)
    return Presence(
        pages=len(pages),
        load_us=min(first.counts.load_ms * MILLISECOND_US, max(0, first.first_at_us - opened_at_us) + BEAT_US),
        visible_us=visible,
        active_us=min(sum(page.active_us for page in pages), visible),
        hidden_count=sum(page.counts.hidden_count for page in pages),
    )
