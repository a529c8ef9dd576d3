"""The intervals that are compared, for many simulated studies at once.

Each is written here for S data sets on one table, as sums over arrays; `simulate.py` gives the first data sets of every
cell to the package's own functions and ends where the two differ.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from _designs import Mask
from _worlds import Floats, Side
from scipy import special

from analysis.inference.bootstrap import Draws
from analysis.inference.layout import layout_of
from analysis.inference.twoway import is_uneven

LEVEL = 0.95
TAILS = ((1 - LEVEL) / 2, (1 + LEVEL) / 2)
NORMAL = float(special.ndtri(TAILS[1]))
Interval = tuple[Floats, Floats]
"""Lower and upper bounds, (S,) each. NaN: no interval."""


@dataclass(frozen=True)
class Batch:
    """S data sets on one table: `mask` (R, C), and the sides of the contrast, 0 where nobody read."""

    mask: Mask
    sides: tuple[Side, ...]

    @classmethod
    def of(cls, mask: Mask, sides: Sequence[Side]) -> "Batch":
        return cls(mask, tuple(Side(side.above * mask, side.below * mask, side.sign) for side in sides))

    @cached_property
    def plain(self) -> bool:
        """Whether the contrast is a mean of one value a pair."""
        return len(self.sides) == 1 and bool((self.sides[0].below == self.mask).all())

    @cached_property
    def value(self) -> Floats:
        return sum(side.sign * side.above.sum((1, 2)) / side.below.sum((1, 2)) for side in self.sides)

    @cached_property
    def influence(self) -> Floats:
        """(S, R, C), of the difference of ratios; for a mean, its distance from the mean."""
        n, found = self.mask.sum(), 0.0
        for side in self.sides:
            above, below = side.above.sum((1, 2), keepdims=True), side.below.sum((1, 2), keepdims=True)
            found = found + side.sign * n * (side.above - above / below * side.below) / below
        return found

    @cached_property
    def pair_values(self) -> Floats:
        """What the default interval is given: the differences themselves of a mean, the influences otherwise."""
        return self.sides[0].above if self.plain else self.influence


@dataclass(frozen=True)
class Margins:
    """Sums of values (S, R, C) by what they share, on a table."""

    mask: Mask
    values: Floats

    @cached_property
    def by_case(self) -> Floats:
        return self.values.sum(1)

    @cached_property
    def by_reader(self) -> Floats:
        return self.values.sum(2)

    @cached_property
    def moments(self) -> tuple[Floats, Floats, Floats, Floats]:
        """Mean products of pairs of readings: the same one, of one case, of one reader, of neither."""
        n, per_case, per_reader = _counts(self.mask)
        case, reader = (self.by_case**2).sum(1), (self.by_reader**2).sum(1)
        square, total = np.einsum("src,src->s", self.values, self.values), self.by_case.sum(1)
        pairs_case, pairs_reader = (per_case**2).sum() - n, (per_reader**2).sum() - n
        return (
            square / n,
            (case - square) / pairs_case,
            (reader - square) / pairs_reader,
            (total**2 - case - reader + square) / (n * n - n - pairs_case - pairs_reader),
        )


def _counts(mask: Mask) -> tuple[float, Floats, Floats]:
    return float(mask.sum()), mask.sum(0).astype(float), mask.sum(1).astype(float)


def semivariance_components(values: Floats, mask: Mask) -> Floats:
    """(3, S): case, reader, cell; from mean squares within readers and within cases, and pairs that share neither."""
    n, per_case, per_reader = _counts(mask)
    about = _about_mean(values, mask)
    squares, found = (about**2).sum((1, 2)), Margins(mask, about)
    case = (squares - (found.by_case**2 / per_case).sum(1)) / (n - per_case.size)
    reader = (squares - (found.by_reader**2 / per_reader).sum(1)) / (n - per_reader.size)
    return _from_differences(case, reader, _half_squared_difference(about, found, mask)["neither"])


def every_pair_components(values: Floats, mask: Mask) -> Floats:
    """The same from half the squared differences over all pairs of readings alike."""
    about = _about_mean(values, mask)
    return _from_differences(**_half_squared_difference(about, Margins(mask, about), mask))


def _half_squared_difference(about: Floats, found: Margins, mask: Mask) -> dict[str, Floats]:
    n, per_case, per_reader = _counts(mask)
    of_case, of_reader = mask * (per_case - 1.0), mask * (per_reader[:, None] - 1.0)
    partners = {"case": of_case, "reader": of_reader, "neither": mask * (n - 1.0) - of_case - of_reader}
    return {
        shared: (about**2 * counts).sum((1, 2)) / counts.sum() - product
        for (shared, counts), product in zip(partners.items(), found.moments[1:], strict=True)
    }


def _from_differences(case: Floats, reader: Floats, neither: Floats) -> Floats:
    return np.stack([neither - case, neither - reader, case + reader - neither])


def product_components(values: Floats, mask: Mask) -> Floats:
    """The same from mean products of the values as they are: Gallas' one-shot moments."""
    same, case, reader, neither = Margins(mask, values).moments
    return np.stack([case - neither, reader - neither, same - case - reader + neither])


def centred_components(values: Floats, mask: Mask) -> Floats:
    """The same of the values about their mean: slightly biased in uneven tables, for the mean is not the truth."""
    return product_components(_about_mean(values, mask), mask)


def default_components(values: Floats, mask: Mask) -> Floats:
    """Of the package's default: mean products, and differences where reads are very uneven."""
    found = semivariance_components if is_uneven(layout_of(mask)) else product_components
    return found(values, mask)


def _about_mean(values: Floats, mask: Mask) -> Floats:
    return (values - values.sum((1, 2), keepdims=True) / mask.sum()) * mask


@dataclass(frozen=True, slots=True)
class TwoWay:
    """The default interval in its parts, (S,) each: half-width, standard error, degrees of freedom."""

    half: Floats
    se: Floats
    df: Floats


def two_way(components: Floats, weights: Floats, mask: Mask) -> TwoWay:
    """From components (3, S) and weights (R, C)."""
    n, of_readers, of_cases = int(mask.sum()), (weights.sum(1) ** 2).sum(), (weights.sum(0) ** 2).sum()
    readers, cases = (int(mask.any(axis).sum()) for axis in (1, 0))
    case, reader, cell = np.maximum(components, 0.0) * [[of_cases], [of_readers], [(weights**2).sum()]]
    variance = case + reader + cell
    with np.errstate(invalid="ignore", divide="ignore"):
        spread = (reader + cell) ** 2 / (readers - 1) + (case + cell) ** 2 / (cases - 1)
        spread = spread + cell**2 / max(n - readers - cases + 1, 1)
        df = np.maximum(variance**2 / spread, min(readers, cases) - 1)
    se = np.where(variance > 0, np.sqrt(variance), np.nan)
    return TwoWay(special.stdtrit(df, TAILS[1]) * se, se, df)


def around(value: Floats, half: Floats) -> Interval:
    return value - half, value + half


def on_logit(value: Floats, half: Floats) -> Interval:
    """The half-width carried over to the logit scale and back: bounds between 0 and 1."""
    with np.errstate(divide="ignore", invalid="ignore"):
        centre, half = special.logit(value), half / (value * (1 - value))
        return special.expit(centre - half), special.expit(centre + half)


def wilson(value: Floats, n: Floats, z: float | Floats = NORMAL) -> Interval:
    """Wilson's score interval for `value` among n trials taken as independent."""
    centre = (value + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(value * (1 - value) / n + z**2 / (4 * n * n))
    return centre - half, centre + half


def weights_by(mask: Mask) -> dict[str, Floats]:
    """Weights (R, C) that add up to 1: every pair, every case or every reader counts the same."""
    _, per_case, per_reader = _counts(mask)
    case = mask / np.where(per_case > 0, per_case, 1)
    reader = mask / np.where(per_reader > 0, per_reader, 1)[:, None]
    return {"pair": mask / mask.sum(), "case": case / case.sum(), "reader": reader / reader.sum()}


def robust(batch: Batch) -> Interval:
    """Two-way cluster-robust on influences, each part with G/(G − 1); the larger part where their sum is less."""
    n = batch.mask.sum()
    found = Margins(batch.mask, batch.influence / n)
    readers, cases = (int(batch.mask.any(axis).sum()) for axis in (1, 0))
    reader = (found.by_reader**2).sum(1) * readers / (readers - 1)
    case = (found.by_case**2).sum(1) * cases / (cases - 1)
    cell = (found.values**2).sum((1, 2)) * n / (n - 1)
    variance = reader + case - cell
    variance = np.where(variance > 0, variance, np.maximum(reader, case))
    return around(batch.value, special.stdtrit(min(readers, cases) - 1.0, TAILS[1]) * np.sqrt(variance))


def orh(batch: Batch) -> Interval:
    """Obuchowski, Rockette and Hillis for one arm: readers' figures of merit, cases through their covariance."""
    values = batch.pair_values
    readers, cases = batch.mask.shape
    own = values.mean(2)
    between = own.var(1, ddof=1)
    case = values.mean(1).var(1, ddof=1)  # of case means: Cov2 and a part of each reader's own variance
    within = (values - own[:, :, None]).var(2, ddof=1).mean(1)
    covariance = (readers**2 * case - readers * within) / (readers * (readers - 1) * cases)
    numerator = between + np.maximum(readers * covariance, 0)
    df = (readers - 1) * (numerator / between) ** 2
    return around(batch.value, special.stdtrit(df, TAILS[1]) * np.sqrt(numerator / readers))


def observation_t(batch: Batch) -> Interval:
    """Every reading as if it were independent of the others."""
    n = batch.mask.sum()
    se = np.sqrt((batch.influence**2).sum((1, 2)) / (n - 1) / n)
    return around(batch.value, special.stdtrit(n - 1.0, TAILS[1]) * se)


def bootstraps(batch: Batch, draws: Draws, n_sets: int) -> Iterator[tuple[str, Interval]]:
    """Percentile intervals of the first `n_sets` data sets: readers and cases drawn, cases alone, readers alone."""
    of_readers, of_cases = draws.readers.astype(float), draws.cases.astype(float)
    both = np.zeros((n_sets, draws.n))
    cases, readers = np.zeros((draws.n, n_sets)), np.zeros((draws.n, n_sets))
    for side in batch.sides:
        above, below = side.above[:n_sets], side.below[:n_sets]
        for k in range(n_sets):
            drawn = (np.einsum("bc,bc->b", of_cases, of_readers @ x[k]) for x in (above, below))
            both[k] += side.sign * np.divide(*drawn)
        cases += side.sign * (of_cases @ above.sum(1).T) / (of_cases @ below.sum(1).T)
        readers += side.sign * (of_readers @ above.sum(2).T) / (of_readers @ below.sum(2).T)
    for name, found in (("crossed", both), ("cases", cases.T), ("readers", readers.T)):
        low, high = np.quantile(found, TAILS, axis=1)
        yield name, (low, high)
