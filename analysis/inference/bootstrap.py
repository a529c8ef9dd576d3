"""The crossed bootstrap: readers and cases both drawn with replacement, everything estimated on the same draws."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.inference.estimate import NAN, Estimate, Floats, Ints, Mask, Method, Weighting
from analysis.inference.exact import grid, on_grid
from analysis.inference.layout import Layout
from analysis.inference.percentiles import from_draws
from analysis.inference.refusals import refuse_design

MOST_DRAWS = 1_000_000
MULTIPLICATIONS = 800_000  # in one matrix product: it stays in cache, and below what is handed to several threads
CONSERVATIVE = "conservative in incomplete designs"
WITHIN_STRATA = "cases drawn within strata"


@dataclass(frozen=True, slots=True)
class Draws:
    """How often each reader, shape (B, R), and each case, shape (B, C), is in each of B draws."""

    readers: NDArray[np.int16]
    cases: NDArray[np.int16]
    seed: int | None = None

    @property
    def n(self) -> int:
        return int(self.readers.shape[0])

    @property
    def digest(self) -> str:
        """sha256 of the counts, readers then cases, as little-endian 16-bit integers."""
        digest = hashlib.sha256()
        for counts in (self.readers, self.cases):
            digest.update(np.ascontiguousarray(counts, dtype="<i2").tobytes())
        return digest.hexdigest()

    def chunks(self) -> Iterator[tuple[slice, Floats, Floats]]:
        """The draws some at a time, as weights for matrix products.

        Memory stays bounded. On a machine that others use too, several threads that wait for each other cost ten times
        what the products do.
        """
        some = max(MULTIPLICATIONS // max(self.readers.shape[1] * self.cases.shape[1], 1), 1)
        for start in range(0, self.n, some):
            rows = slice(start, min(start + some, self.n))
            yield rows, self.readers[rows].astype(np.float64), self.cases[rows].astype(np.float64)

    def among(self, readers: Mask, cases: Mask) -> "Draws":
        """The same draws, of some readers (R,) and some cases (C,) only: the others, read by nobody, add nothing."""
        if readers.all() and cases.all():
            return self
        return Draws(np.compress(readers, self.readers, axis=1), np.compress(cases, self.cases, axis=1), self.seed)


def draw(
    seed: int,
    n_draws: int,
    n_readers: int,
    n_cases: int,
    *,
    reader_strata: Sequence[Ints] | None = None,
    case_strata: Sequence[Ints] | None = None,
) -> Draws:
    """Draws of readers and of cases with replacement, the same for every system, measure and group.

    Parameters
    ----------
    seed : int
        Of `numpy.random.default_rng`; the only randomness there is.
    n_draws : int
        B.
    n_readers, n_cases : int
        R and C.
    reader_strata, case_strata : sequences of arrays of row or column numbers, optional
        Drawn within each stratum, so that every draw has as many of each as the study; who is in none is never drawn.
        Default: one stratum of all.

    Notes
    -----
    Two-way ("pigeonhole") bootstrap: Owen, Annals of Applied Statistics 2007.
    """
    rng = np.random.default_rng(seed)
    readers = _within(rng, n_draws, n_readers, reader_strata)
    return Draws(readers, _within(rng, n_draws, n_cases, case_strata), seed)


def _within(rng: np.random.Generator, n_draws: int, n: int, strata: Sequence[Ints] | None) -> NDArray[np.int16]:
    if strata is None:
        return _counts(rng, n_draws, n)
    counts = np.zeros((n_draws, n), dtype=np.int16)
    for members in strata:
        counts[:, members] = _counts(rng, n_draws, len(members))
    return counts


def _counts(rng: np.random.Generator, n_draws: int, n: int) -> NDArray[np.int16]:
    drawn = rng.integers(0, n, size=(n_draws, n), dtype=np.int32)
    drawn += (np.arange(n_draws, dtype=np.int32) * n)[:, None]
    return np.bincount(drawn.ravel(), minlength=n_draws * n).reshape(n_draws, n).astype(np.int16)


@dataclass(frozen=True, slots=True)
class Table:
    """Readings (R, C) beside K systems' values a case (K, C). NaN: not read, not answered, or no value.

    A pair exists where both are defined. The quantity compared is system − reader.
    """

    readings: Floats
    systems: Floats

    def among(self, readers: Mask, cases: Mask) -> "Table":
        """Some readers (R,) and some cases (C,) of it."""
        if readers.all() and cases.all():
            return self
        return Table(self.readings[np.ix_(readers, cases)], self.systems[:, cases])


def mean_differences(table: Table, draws: Draws, weighting: Weighting = Weighting.PAIR) -> Floats:
    """The mean of system − reader over the pairs, in every draw; shape (B, K). NaN: the draw has no pair.

    `pair` weighs each pair by u·v, how often its reader and its case were drawn. `case` averages the drawn readers
    within a case first, `reader` the drawn cases within a reader first; what has none is left out of that draw.
    """
    match weighting:
        case Weighting.PAIR | Weighting.CASE:
            return _by_case(table, draws, weighting)
        case Weighting.READER:
            return _by_reader(table, draws)


def _by_case(table: Table, draws: Draws, weighting: Weighting) -> Floats:
    """Systems need no reader dimension: one product gives each case's drawn readings, one more every system's mean."""
    step = _step(table)
    readers, cases = _read(table)
    draws, table = draws.among(readers, cases), table.among(readers, cases)
    count, score = np.isfinite(table.readings).astype(np.float64), _zero_filled(table.readings, step)
    answered, value = _Answered.of(table.systems), _turned(table.systems, step)
    found = np.empty((draws.n, table.systems.shape[0]))
    for rows, of_readers, of_cases in draws.chunks():
        times_read, sum_read = of_readers @ count, of_readers @ score
        if weighting is Weighting.CASE:
            own_mean = np.divide(sum_read, times_read, out=np.zeros_like(sum_read), where=times_read > 0)
            times_read, sum_read = (times_read > 0).astype(np.float64), on_grid(own_mean, step)
        weight = np.multiply(of_cases, times_read, out=times_read)
        above = weight @ value
        above -= answered.sums(of_cases, sum_read)
        found[rows] = _quotient(above, answered.totals(weight))
    return found


def _by_reader(table: Table, draws: Draws) -> Floats:
    step = _step(table)
    found = np.empty((draws.n, table.systems.shape[0]))
    for k, system in enumerate(table.systems):
        difference = system - table.readings
        count, score = np.isfinite(difference).astype(np.float64).T, _zero_filled(difference, step).T
        for rows, of_readers, of_cases in draws.chunks():
            times_read = of_cases @ count
            own_mean = on_grid(np.nan_to_num(_quotient(of_cases @ score, times_read)), step)
            weight = of_readers * (times_read > 0)
            found[rows, k] = _quotient(np.sum(weight * own_mean, axis=1), weight.sum(axis=1))
    return found


def ratio_sides(numerator: Table, denominator: Table, draws: Draws) -> tuple[Floats, Floats]:
    """The systems' ratios of sums and the readers', over the same pairs, in every draw; each of shape (B, K).

    Every pair counts the same. The two tables are NaN at the same places. NaN: the draw has no pair, or nothing below
    the line. Readings left out (NaN) cost nothing: a group of cases takes its part of the time, on the same draws.
    """
    step_above, step_below = _step(numerator), _step(denominator)
    readers, cases = _read(numerator)
    draws = draws.among(readers, cases)
    numerator, denominator = numerator.among(readers, cases), denominator.among(readers, cases)
    count, answered = np.isfinite(numerator.readings).astype(np.float64), _Answered.of(numerator.systems)
    above, below = _zero_filled(numerator.readings, step_above), _zero_filled(denominator.readings, step_below)
    system_above = _turned(numerator.systems, step_above)
    system_below = _turned(denominator.systems, step_below)
    # Of a mean, ones stand below: what was counted is what stands there, and need not be summed again.
    counts_readers = np.array_equal(below, count)
    counts_systems = np.array_equal(system_below, np.isfinite(denominator.systems).T)
    systems = np.empty((draws.n, numerator.systems.shape[0]))
    physicians = np.empty_like(systems)
    for rows, of_readers, of_cases in draws.chunks():
        times_read = of_readers @ count
        weight = of_cases * times_read
        n_pairs = answered.totals(weight)
        systems[rows] = _quotient(weight @ system_above, n_pairs if counts_systems else weight @ system_below)
        sums_below = n_pairs if counts_readers else answered.sums(of_cases, of_readers @ below)
        physicians[rows] = _quotient(answered.sums(of_cases, of_readers @ above), sums_below)
    return systems, physicians


@dataclass(frozen=True, slots=True)
class _Answered:
    """Which cases the systems answered: the patterns that occur, shape (C, P), and each system's, shape (K,).

    None: every system answered every case.
    """

    patterns: Floats | None
    of_system: Ints | None

    @classmethod
    def of(cls, systems: Floats) -> "_Answered":
        answered = np.isfinite(systems)
        if answered.all():
            return cls(None, None)
        patterns, of_system = np.unique(answered, axis=0, return_inverse=True)
        return cls(patterns.T.astype(np.float64), of_system.reshape(-1))

    def sums(self, weights: Floats, values: Floats) -> Floats:
        """Sums of weights·values (b, C) over each system's cases: shape (b, K), or (b, 1) where all have the same."""
        found: Floats
        if self.patterns is None:
            found = np.vecdot(weights, values)[:, None]
        else:
            found = ((weights * values) @ self.patterns)[:, self.of_system]
        return found

    def totals(self, weights: Floats) -> Floats:
        """Sums of the weights (b, C), likewise."""
        found: Floats
        found = weights.sum(axis=1)[:, None] if self.patterns is None else (weights @ self.patterns)[:, self.of_system]
        return found


def _read(table: Table) -> tuple[Mask, Mask]:
    """Readers (R,) and cases (C,) with a reading."""
    there = np.isfinite(table.readings)
    return np.asarray(there.any(axis=1)), np.asarray(there.any(axis=0))


def _step(table: Table) -> float:
    """The grid on which every sum over this table is exact: the weights of a draw add up to at most R·C."""
    largest = [
        float(np.abs(values[np.isfinite(values)]).max(initial=0.0)) for values in (table.readings, table.systems)
    ]
    return grid(sum(largest), float(table.readings.size))


def _zero_filled(values: Floats, step: float) -> Floats:
    """The values on the grid, 0 where there is none: what has no value adds nothing to a sum."""
    return np.where(np.isfinite(values), on_grid(values, step), 0.0)


def _turned(systems: Floats, step: float) -> Floats:
    """The systems' values on the grid by case, (C, K), as products want them in memory."""
    return np.ascontiguousarray(_zero_filled(systems, step).T)


def _quotient(above: Floats, below: Floats) -> Floats:
    return np.asarray(above / np.where(below > 0, below, NAN), dtype=np.float64)


def percentile(
    values: Floats,
    layout: Layout,
    *,
    value: float,
    level: float,
    weighting: Weighting = Weighting.PAIR,
    seed: int | None = None,
    within_strata: bool = False,
) -> Estimate:
    """A percentile interval from the draws of one quantity.

    Parameters
    ----------
    values : (B,) array
        The quantity in every draw; NaN: the draw had none. Such draws are counted, and refused above one in a thousand.
    layout : Layout
        The readings that the quantity was estimated from.
    value : float
        The quantity in the study itself.
    seed : int, optional
        Of the draws, to be told beside the interval.
    within_strata : bool
        Whether cases were drawn within strata (`case_strata` of `draw`): another question, that of new cases in the
        same numbers of each stratum, and the label says so.

    Returns
    -------
    Estimate
        `se` is the standard deviation of the draws; `df`, `p` and the components are NaN. Refused where the
        default interval is, with more than one draw in a thousand without a value, and where all draws are alike.

    Notes
    -----
    Labelled *conservative in incomplete designs*: the draws' variance counts the noise within a cell three times. It
    uses no t quantile, so with few readers or cases it can be narrower than the default interval all the same.
    """
    estimate = Estimate(
        value=value,
        level=level,
        method=Method.BOOTSTRAP,
        weighting=weighting,
        n_readers=layout.n_readers,
        n_cases=layout.n_cases,
        n_readings=layout.n_readings,
        refused=refuse_design(layout),
        label=f"{WITHIN_STRATA}; {CONSERVATIVE}" if within_strata else CONSERVATIVE,
    )
    return from_draws(estimate, values, seed=seed)
