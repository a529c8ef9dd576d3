"""Where every scored response stands in the arrays of a study."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from analysis.inference.estimate import Floats, Ints, Mask
from analysis.inference.pairs import run_means


@dataclass(frozen=True, slots=True)
class Places:
    """Of the scored responses the first `n_readings` are physicians', the others answers of systems.

    `of_arm` says by name which readings are an arm's. `reading` and `answer` are flat places in (reader, case) and in
    (system, case); the runs of one system on one case share one.
    """

    n_readings: int
    of_arm: Mapping[str, Mask]
    reading: Ints
    answer: Ints
    readings_shape: tuple[int, int]
    systems_shape: tuple[int, int]

    def at_readings(self, values: Floats, arm: str) -> Floats:
        """One arm's values at (reader, case); NaN: not read."""
        of_arm = self.of_arm[arm]
        laid_out = np.full(self.readings_shape, np.nan)
        laid_out.ravel()[self.reading[of_arm]] = values[: self.n_readings][of_arm]
        return laid_out

    def at_systems(self, values: Floats) -> Floats:
        """The systems' values at (system, case), runs averaged; NaN: not answered, or no value."""
        rows, columns = self.systems_shape
        return run_means(values[self.n_readings :], self.answer, rows * columns).reshape(rows, columns)

    def runs_at_systems(self, counted: Mask) -> Ints:
        """How many of each system's answers to each case are counted, shape (K, C)."""
        rows, columns = self.systems_shape
        at = self.answer[counted[self.n_readings :]]
        return np.bincount(at, minlength=rows * columns).reshape(rows, columns).astype(np.int64)
