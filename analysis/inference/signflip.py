"""Sign flips by case: were the two sides exchangeable on every case, each difference could as well have the other sign.

Exact for two systems on the same cases, and for a system against *these* physicians; how much physicians differ never
enters, so for new physicians its size is wrong.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from analysis.inference.estimate import NAN, Estimate, Floats, Ints, Method, Refusal, RefusalCode
from analysis.inference.exact import dot, grid, magnitude, on_grid
from analysis.inference.refusals import ZERO_VARIANCE
from analysis.inference.twoway import is_constant

MOST_EXACT_CASES = 20  # 2^20 assignments are enumerated; beyond, they are drawn
CHUNK = 1 << 14


@dataclass(frozen=True, slots=True)
class SignFlips:
    """Two-sided p values of K contrasts, shape (K,), all from the same assignments of signs.

    `p` is each one's own; `single_step` and `step_down` hold for the family: the largest standardised sum over all
    contrasts, or over those not yet rejected (Westfall & Young 1993). `exact`: all 2^C assignments, with `seed` None.
    """

    p: Floats
    single_step: Floats
    step_down: Floats
    exact: bool
    assignments: int
    seed: int | None


def by_case(differences: Floats, *, seed: int, draws: int = 10_000) -> SignFlips:
    """Test that each of K contrasts is symmetric about 0, one sign a case for all of them.

    Parameters
    ----------
    differences : (C, K) array
        Finite differences, one row a case; C ≥ 1.
    seed, draws : int
        Of the signs that are drawn where there are more than 20 cases: of `numpy.random.default_rng`, and how many.

    Returns
    -------
    SignFlips
        Where all assignments are enumerated, the share of them at least as extreme as the one observed; where they are
        drawn, (1 + the number as extreme) / (1 + draws), never 0. A contrast of zeros has p = 1.

    Notes
    -----
    Fisher, *The Design of Experiments*, 1935, §21; Phipson & Smyth, Statistical Applications in Genetics and Molecular
    Biology 2010, for the drawn p. A sum is compared on the scale of the root of its sum of squares, which puts sums of
    a family in the order of their t statistics. Sums are exact, so that ties are ties.
    """
    n_cases, n_contrasts = differences.shape
    values, size = _exact(differences)
    seen = np.abs(values.sum(axis=0)) / size
    order = np.argsort(-seen, kind="stable")
    own, single, down = (np.zeros(n_contrasts) for _ in range(3))
    n = 0
    for signs in _signs(n_cases, seed, draws):
        flipped = np.abs(signs @ values) / size
        n += len(signs)
        own += (flipped >= seen).sum(axis=0)
        single += (flipped.max(axis=1)[:, None] >= seen).sum(axis=0)
        largest_left = np.maximum.accumulate(flipped[:, order[::-1]], axis=1)[:, ::-1]
        down[order] += (largest_left >= seen[order]).sum(axis=0)
    exact = n_cases <= MOST_EXACT_CASES
    own, single, down = ((count + (not exact)) / (n + (not exact)) for count in (own, single, down))
    down[order] = np.maximum.accumulate(down[order])
    return SignFlips(own, single, down, exact, 2**n_cases if exact else n, None if exact else seed)


def _exact(differences: Floats) -> tuple[Floats, Floats]:
    """The differences, each column in units of its own, on a grid on which every sum is exact; and their sizes.

    A column's size is its root sum of squares, 1 for a column of zeros.
    """
    values, sizes = np.empty_like(differences), np.ones(differences.shape[1])
    step = grid(2.0, float(len(differences)))
    for k, column in enumerate(differences.T):
        own = on_grid(column / magnitude(column), step)
        values[:, k], sizes[k] = own, (dot(own, own) or 1.0) ** 0.5
    return values, sizes


def _signs(n_cases: int, seed: int, draws: int) -> Iterator[Floats]:
    """Assignments of −1 and 1 to the cases, some at a time.

    All of them where they are few: half, with one case's sign fixed, since the opposite assignment is as extreme.
    """
    if n_cases <= MOST_EXACT_CASES:
        for start in range(0, 2 ** (n_cases - 1), CHUNK):
            codes = np.arange(start, min(start + CHUNK, 2 ** (n_cases - 1)))
            yield _as_signs((codes[:, None] >> np.arange(n_cases)) & 1)
        return
    rng = np.random.default_rng(seed)
    for start in range(0, draws, CHUNK):
        yield _as_signs(rng.integers(0, 2, size=(min(CHUNK, draws - start), n_cases)))


def _as_signs(bits: Ints) -> Floats:
    return 1.0 - 2.0 * bits.astype(np.float64)


def sign_flip(differences: Floats, estimate: Estimate, *, seed: int, draws: int = 10_000) -> Estimate:
    """One contrast with the sign-flip p, and the interval of all shifts that the test does not reject.

    Parameters
    ----------
    differences : (C,) array
        Test − control a case.
    estimate : Estimate
        The same contrast with cases random and every case counting the same. Its value, counts, level and label stay.
    seed, draws : int
        As for `by_case`.

    Returns
    -------
    Estimate
        `se` and `df` are NaN: the test has none. Refused as the estimate was, where all differences are alike, and
        with so few cases that no assignment could be extreme enough for the level.

    Notes
    -----
    A shift δ above the mean is as extreme under an assignment as the one observed where the cases of one sign, or of
    the other, have a mean of at least δ; so the bounds are order statistics of such means (Hartigan, Journal of the
    American Statistical Association 1969), and the interval holds exactly the shifts with p > 1 − level.
    """
    bare = replace(estimate, method=Method.SIGN_FLIP, se=NAN, df=NAN, low=NAN, high=NAN, p=NAN)
    if bare.refused is not None:
        return bare
    if is_constant(differences):
        return replace(bare, refused=ZERO_VARIANCE)
    found = by_case(differences[:, None], seed=seed, draws=draws)
    scale = magnitude(differences)
    low, high = _not_rejected(differences / scale, found, level=estimate.level, draws=draws)
    if np.isinf(high):
        return replace(bare, refused=_too_few(differences.size, estimate.level))
    drawn = None if found.exact else found.assignments
    return replace(bare, p=float(found.p[0]), low=low * scale, high=high * scale, seed=found.seed, draws=drawn)


def _not_rejected(differences: Floats, found: SignFlips, *, level: float, draws: int) -> tuple[float, float]:
    """The least and the largest shift with p > 1 − level; infinite where every shift has."""
    values = _exact(differences[:, None])[0][:, 0]  # in units of their magnitude, as they came
    least, most = [], []
    for signs in _signs(values.size, found.seed or 0, draws):
        positive = signs > 0
        n = positive.sum(axis=1)
        sums = positive @ values
        sides = (_means(sums, n), _means(values.sum() - sums, values.size - n))
        least.append(np.minimum(*(np.where(np.isnan(side), -np.inf, side) for side in sides)))
        most.append(np.maximum(*(np.where(np.isnan(side), np.inf, side) for side in sides)))
    lows, highs = np.concatenate(least), np.concatenate(most)
    allowed = (1 - level) * (highs.size if found.exact else highs.size + 1)
    rank = math.floor(allowed + 1e-9) - (not found.exact)
    if not 0 <= rank < highs.size:
        return -np.inf, np.inf
    return float(np.partition(lows, rank)[rank]), float(
        np.partition(highs, highs.size - 1 - rank)[highs.size - 1 - rank]
    )


def _means(sums: Floats, counts: Ints) -> Floats:
    return np.asarray(sums / np.where(counts > 0, counts, NAN), dtype=np.float64)


def _too_few(n_cases: int, level: float) -> Refusal:
    smallest = f"{2 / 2**n_cases:.3g}"
    reason = f"With {n_cases} cases no p is below {smallest}: there is no sign-flip interval at {level:g}."
    return Refusal(RefusalCode.FEW_CASES, reason)
