"""The published kit's interval, to the last draw: cases drawn within strata, conditional on everything else.

It generalises over cases alone: over new cases like these, for these very physicians, runs and variants. It stands
under its own name and never in the column of an interval for new physicians.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analysis.inference.estimate import NAN, Floats, Ints
from analysis.inference.exact import grid, on_grid, total

LABEL = "published kit's interval: cases only, conditional on physicians"
DRAWS, SEED = 10_000, 0
FEWEST_IN_STRATUM = 3
POOL = "_other"
TAILS = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Published:
    """A mean over cases with the kit's interval, unrounded. `ci` is half its width. All NaN: there is no case."""

    n_cases: int
    mean: float
    ci: float
    low: float
    high: float

    @property
    def rounded(self) -> tuple[float, float, float, float]:
        """mean, ci, low and high at the kit's four decimals, each from its unrounded value."""
        mean, ci, low, high = (round(value, 4) + 0.0 for value in (self.mean, self.ci, self.low, self.high))
        return mean, ci, low, high


@dataclass(frozen=True, slots=True)
class Resampling:
    """Which cases are in each of the kit's draws, by their place in the order given; shape (B, C)."""

    places: NDArray[np.int32]


def strata(cases: Sequence[str]) -> list[Ints]:
    """The places of the cases by the letters that their ids begin with, in order of first appearance.

    Those without letters, and every stratum of fewer than three cases, are one stratum: the last, unless the cases
    without letters are three or more and keep their own place.
    """
    by_letters: dict[str, list[int]] = {}
    for place, case in enumerate(cases):
        letters = re.match("[A-Za-z]+", case)
        by_letters.setdefault(letters[0] if letters else POOL, []).append(place)
    kept = {name: places for name, places in by_letters.items() if len(places) >= FEWEST_IN_STRATUM}
    small = [place for name, places in by_letters.items() if name not in kept for place in places]
    if small:
        kept.setdefault(POOL, []).extend(small)
    return [np.array(places, dtype=np.int64) for places in kept.values()]


def resampling(cases: Sequence[str]) -> Resampling:
    """The kit's draws for these cases in this order, the same for every metric that has a value on all of them.

    Parameters
    ----------
    cases : sequence of str
        Ids, in the order of the published file: it decides which strata come first.

    Returns
    -------
    Resampling
        10,000 draws from `numpy.random.default_rng(0)`, stratum by stratum within each.
    """
    rng = np.random.default_rng(SEED)
    found = strata(cases)
    sizes = np.array([members.size for members in found], dtype=np.int64)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    # An array of upper ends takes the same numbers from the generator as one call a stratum, and draw by draw.
    within = rng.integers(0, np.repeat(sizes, sizes), size=(DRAWS, len(cases)))
    in_order = np.concatenate([np.zeros(0, dtype=np.int64), *found])
    return Resampling(in_order[starts + within].astype(np.int32))


def interval(scalars: Floats, drawn: Resampling) -> Published:
    """The mean of one scalar a case, with its percentiles over the draws.

    Parameters
    ----------
    scalars : (C,) array
        Finite, one a case, in the order that the draws were made for.
    drawn : Resampling

    Returns
    -------
    Published
        One case: an interval without width. None: NaN.

    Notes
    -----
    The stratified percentile bootstrap of the NOHARM kit of July 2026 (`score.py`): 2.5th and 97.5th percentiles by
    linear interpolation. Sums are exact, so that a value at the border of two roundings falls on the same side
    everywhere.
    """
    n = int(scalars.size)
    if n == 0:
        return Published(0, NAN, NAN, NAN, NAN)
    mean = total(scalars) / n
    if n == 1:
        return Published(1, mean, 0.0, mean, mean)
    exact = on_grid(scalars, grid(float(np.abs(scalars).max()), float(n)))
    replicates = exact[drawn.places].sum(axis=1) / n
    low, high = (float(bound) for bound in np.percentile(replicates, TAILS))
    return Published(n, mean, (high - low) / 2, low, high)


def bootstrap(cases: Sequence[str], scalars: Floats) -> Published:
    """The kit's mean and interval of one scalar a case, cases in the order of the published file.

    Parameters
    ----------
    cases : sequence of C str
        Base cases; variants and runs of each are in its scalar already.
    scalars : (C,) array
        NaN: the case has no value, and is left out.

    Returns
    -------
    Published
        Cases are random, and nothing else. See `interval`.
    """
    has_value = np.flatnonzero(np.isfinite(scalars))
    return interval(scalars[has_value], resampling([cases[place] for place in has_value.tolist()]))
