"""The matrix products that a crossed bootstrap cannot do without, and nothing else."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from analysis.inference.bootstrap import MULTIPLICATIONS, Draws, Table

Floats = NDArray[np.float64]


def bare_products(table: Table, others: Sequence[Table] = (), *, draws: Draws) -> Callable[[], None]:
    """Readers' weights by who read, and by each table's readings; cases' weights by each table's systems.

    Everything that is no product is done before: weights as floating-point numbers, holes filled, places in memory. Of
    a mean there is one table, of a ratio two (above and below the line). What is read by nobody is left out.
    """
    there = np.isfinite(table.readings)
    readers, cases = there.any(axis=1), there.any(axis=0)
    drawn = draws.among(readers, cases)
    of_readers, of_cases = drawn.readers.astype(float), drawn.cases.astype(float)
    within = np.ix_(readers, cases)
    count = there[within].astype(float)
    scores = [np.nan_to_num(one.readings[within]) for one in (table, *others)]
    systems = [np.ascontiguousarray(np.nan_to_num(one.systems[:, cases]).T) for one in (table, *others)]
    some = max(MULTIPLICATIONS // count.size, 1)

    def products() -> None:
        for start in range(0, draws.n, some):
            weights = of_readers[start : start + some]
            _ = weights @ count
            for score in scores:
                _ = weights @ score
            for system in systems:
                _ = of_cases[start : start + some] @ system

    return products
