"""Who read what: the incidence of readers and cases that every crossed estimator works on."""

from dataclasses import dataclass

import numpy as np

from analysis.inference.estimate import Floats, Ints, Mask, Weighting


@dataclass(frozen=True, slots=True)
class Layout:
    """N readings by their reader and case, as codes 0…R−1 and 0…C−1. Every code has at least one reading."""

    reader: Ints
    case: Ints
    n_readers: int
    n_cases: int

    @property
    def n_readings(self) -> int:
        return int(self.reader.size)

    @property
    def per_reader(self) -> Floats:
        """Readings of each reader, shape (R,)."""
        return np.bincount(self.reader, minlength=self.n_readers).astype(np.float64)

    @property
    def per_case(self) -> Floats:
        """Readings of each case, shape (C,)."""
        return np.bincount(self.case, minlength=self.n_cases).astype(np.float64)

    def by_reader(self, values: Floats) -> Floats:
        """Sums of `values` (N,) within each reader, shape (R,)."""
        return np.asarray(np.bincount(self.reader, weights=values, minlength=self.n_readers), dtype=np.float64)

    def by_case(self, values: Floats) -> Floats:
        """Sums of `values` (N,) within each case, shape (C,)."""
        return np.asarray(np.bincount(self.case, weights=values, minlength=self.n_cases), dtype=np.float64)


def layout_of(mask: Mask) -> Layout:
    """The layout of a (readers, cases) mask of the readings that exist, in row-major order.

    Readers and cases without a reading take no code, so R and C count rows and columns with a reading.
    """
    rows, columns = np.nonzero(mask)
    reader = np.unique(rows, return_inverse=True)[1].astype(np.int64)
    case = np.unique(columns, return_inverse=True)[1].astype(np.int64)
    return Layout(
        reader=reader,
        case=case,
        n_readers=int(reader.max(initial=-1)) + 1,
        n_cases=int(case.max(initial=-1)) + 1,
    )


def weights_of(layout: Layout, weighting: Weighting) -> Floats:
    """The weight of every reading, adding up to 1: it decides which mean difference is estimated.

    Parameters
    ----------
    layout : Layout
        Reader and case of each of the N readings.
    weighting : Weighting
        `pair` for E1, `case` for E2, `reader` for E3.

    Returns
    -------
    (N,) array
        Positive, adding up to 1; empty where there is no reading.

    Notes
    -----
    All three are mean differences system − physician for new physicians and new cases, the system a fixed, named thing.
    E1: the mean over the pairs of reader and case that were read; a case counts as often as it was read, a reader for
    as many cases as they read. E2: the mean over cases of the difference from the mean of the case's readers; every
    case counts the same. E3: the mean over readers of each one's own mean difference; every reader counts the same. In
    a full table the three are one.
    """
    match weighting:
        case Weighting.PAIR:
            return np.full(layout.n_readings, 1 / layout.n_readings)
        case Weighting.CASE:
            return 1 / (layout.n_cases * layout.per_case[layout.case])
        case Weighting.READER:
            return 1 / (layout.n_readers * layout.per_reader[layout.reader])
