"""Who reads what in a simulated study: full tables, balanced blocks, and tables that nobody balanced."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.bool_]
Rng = np.random.Generator


@dataclass(frozen=True, slots=True)
class Design:
    """A kind of table of readers × cases; `reads` draws one. `group` is where its rows stand in the page."""

    name: str
    group: str
    reads: Callable[[Rng], Mask]


def balanced(n_readers: int, n_cases: int, per_reader: int) -> Callable[[Rng], Mask]:
    """Each reader reads the cases that were read least so far, ties drawn."""

    def reads(rng: Rng) -> Mask:
        mask = np.zeros((n_readers, n_cases), dtype=bool)
        for row in mask:
            row[np.argsort(mask.sum(axis=0) + rng.random(n_cases))[:per_reader]] = True
        return mask

    return reads


def by_popularity(per_reader: list[int], popularity: list[float]) -> Callable[[Rng], Mask]:
    """Each reader as many cases as they please, the popular ones sooner."""

    def reads(rng: Rng) -> Mask:
        weights = np.array(popularity) / np.sum(popularity)
        mask = np.zeros((len(per_reader), len(weights)), dtype=bool)
        for row, n in zip(mask, per_reader, strict=True):
            row[rng.choice(len(weights), n, replace=False, p=weights)] = True
        return mask

    return reads


def with_core(n_readers: int, n_cases: int, n_core: int, others: int) -> Callable[[Rng], Mask]:
    """Everybody reads the core; the other cases are shared out."""
    rest = balanced(n_readers, n_cases - n_core, others)

    def reads(rng: Rng) -> Mask:
        return np.hstack([np.ones((n_readers, n_core), dtype=bool), rest(rng)])

    return reads


def _plain(group: str, n_readers: int, n_cases: int, per_reader: int) -> Design:
    return Design(f"{n_readers}·{n_cases}·{per_reader}", group, balanced(n_readers, n_cases, per_reader))


STANDARD, BLOCKS, BETWEEN, UNBALANCED = "standard", "blocks", "between", "unbalanced"

DESIGNS = (
    _plain(STANDARD, 10, 30, 30),
    _plain(STANDARD, 10, 100, 30),
    _plain(STANDARD, 10, 100, 100),
    _plain(STANDARD, 30, 100, 30),
    _plain(STANDARD, 101, 100, 30),
    _plain(STANDARD, 5, 30, 30),
    _plain(BLOCKS, 12, 100, 10),
    _plain(BLOCKS, 24, 100, 8),
    _plain(BLOCKS, 50, 100, 6),
    _plain(BLOCKS, 101, 100, 10),
    Design("20·100, one reads all, others 50", BETWEEN, by_popularity([100] + [50] * 19, [1.0] * 100)),
    Design("20·100, one reads all, others 25", BETWEEN, by_popularity([100] + [25] * 19, [1.0] * 100)),
    Design("10·100, two read all, others 20", BETWEEN, by_popularity([100] * 2 + [20] * 8, [1.0] * 100)),
    Design("20·100, two read all, others 10", UNBALANCED, by_popularity([100] * 2 + [10] * 18, [1.0] * 100)),
    Design("30·100, 10 cases read by all, others by 3", UNBALANCED, with_core(30, 100, 10, 9)),
    Design(
        "40·100, four read 60, others 8, cases by taste",
        UNBALANCED,
        by_popularity([60] * 4 + [8] * 36, [1.0] * 80 + [8.0] * 20),
    ),
)
