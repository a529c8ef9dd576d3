"""Whether one difference is the same in several groups of cases: Cochran's Q for estimates that share their readers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analysis.inference.estimate import NAN, Floats, Refusal, RefusalCode
from analysis.inference.exact import dot, total
from analysis.inference.refusals import refuse_draws

FEWEST_GROUPS = 2


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """How far the estimates of several groups lie apart, beside how far they would by sampling alone.

    `q` would be `df` on average if all groups had one true difference; `share` (I², 0 to 1) is the part of the spread
    that sampling does not explain. `common` is the estimate under one true difference, in the measure's units. NaN
    where it is refused.
    """

    groups: tuple[str, ...]
    q: float = NAN
    df: int = 0
    share: float = NAN
    common: float = NAN
    refused: Refusal | None = None


def heterogeneity(groups: Sequence[str], estimates: Floats, in_draws: Floats) -> Heterogeneity:
    """Cochran's Q and I² from estimates and their covariance over the same bootstrap draws.

    Parameters
    ----------
    groups : sequence of G names
        In the order of the columns.
    estimates : (G,) array
        Each group's difference in the study, in the measure's units.
    in_draws : (B, G) array
        The same differences in each of B draws; NaN: the draw has no value of that group. A draw is left out for all
        groups then, and more than one such draw in a thousand is refused.

    Returns
    -------
    Heterogeneity
        Without p: the draws' covariance is conservative in incomplete designs, so Q tends to be too small. Refused
        with fewer than two groups, or where the covariance cannot be inverted.

    Notes
    -----
    Q = min over μ of (d − μ1)ᵀ S⁻¹ (d − μ1), the generalised form for estimates that are not independent (Gleser &
    Olkin 2009), because the same physicians read several groups; Cochran, Biometrics 1954, where they are. I² after
    Higgins & Thompson, Statistics in Medicine 2002. Sums are exact, so every processor gives the same digits.
    """
    names = tuple(groups)
    if len(names) < FEWEST_GROUPS:
        return Heterogeneity(names, refused=_refusal("Fewer than two groups have an interval: nothing to set apart."))
    complete = in_draws[np.isfinite(in_draws).all(axis=1)]
    without = refuse_draws(len(in_draws), len(in_draws) - len(complete))
    if without is not None:
        return Heterogeneity(names, refused=without)
    root = _cholesky(_covariance(complete))
    if root is None:
        return Heterogeneity(names, refused=_refusal("The groups' draws depend on each other."))
    ones, apart = _forward(root, [1.0] * len(names)), _forward(root, estimates.tolist())
    common = _product(ones, apart) / _product(ones, ones)
    rest = [own - common * one for own, one in zip(apart, ones, strict=True)]
    q, df = _product(rest, rest), len(names) - 1
    return Heterogeneity(names, q=q, df=df, share=max(0.0, (q - df) / q) if q > 0 else 0.0, common=common)


def _refusal(reason: str) -> Refusal:
    return Refusal(RefusalCode.NOT_IDENTIFIED, reason)


def _covariance(draws: Floats) -> list[list[float]]:
    columns = [column - total(column) / len(column) for column in draws.T]
    return [[dot(left, right) / (len(draws) - 1) for right in columns] for left in columns]


def _cholesky(matrix: list[list[float]]) -> list[list[float]] | None:
    """The lower triangle whose product with its transpose is the matrix; None: it is not positive definite."""
    root: list[list[float]] = []
    for i, row in enumerate(matrix):
        own: list[float] = []
        for j in range(i):
            own.append((row[j] - _product(own, root[j][:j])) / root[j][j])
        rest = row[i] - _product(own, own)
        if not rest > 1e-12 * row[i]:
            return None
        root.append([*own, math.sqrt(rest)])
    return root


def _forward(root: list[list[float]], right: list[float]) -> list[float]:
    """What the triangle takes to `right`."""
    found: list[float] = []
    for row, wanted in zip(root, right, strict=True):
        found.append((wanted - _product(row[: len(found)], found)) / row[len(found)])
    return found


def _product(left: Sequence[float], right: Sequence[float]) -> float:
    return math.fsum(a * b for a, b in zip(left, right, strict=True))
