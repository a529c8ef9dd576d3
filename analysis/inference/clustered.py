"""Least squares on readings in clusters, with residuals that are corrected for what the fit took from them.

A plain cluster-robust variance is too small where few clusters stand behind a coefficient: three readers in one arm,
say.
"""

from dataclasses import dataclass

import numpy as np

from analysis.inference.estimate import Floats, Ints
from analysis.inference.exact import dot, magnitude, total

SATURATED = 1e-5  # √(1 − leverage) of a cluster that has no residual of its own


@dataclass(frozen=True, slots=True)
class LeastSquares:
    """A fit of full rank: coefficients (p,), residuals (N,), (X'X)⁻¹ and a root of it.

    `own` (N,) is how much each reading moves the coefficient that is asked for.
    """

    matrix: Floats
    beta: Floats
    rest: Floats
    inverse: Floats
    root: Floats
    own: Floats


@dataclass(frozen=True, slots=True)
class Clustered:
    """The variance of one coefficient, clustered one way, and its degrees of freedom."""

    variance: float
    df: float


def least_squares(y: Floats, matrix: Floats, asked: int) -> LeastSquares:
    """Fit y (N,) = matrix (N, p) · β by the normal equations of scaled columns, their sums rounded once.

    `asked` is the number of the column whose coefficient is wanted; the columns do not depend on each other.
    """
    widths = np.array([magnitude(column) for column in matrix.T])
    columns = [np.ascontiguousarray(column) for column in (matrix / widths).T]
    normal = np.array([[dot(left, right) for right in columns] for left in columns])
    inverse = np.linalg.inv(normal) / np.outer(widths, widths)
    inverse = (inverse + inverse.T) / 2
    beta = np.linalg.solve(normal, np.array([dot(column, y) for column in columns])) / widths
    return LeastSquares(
        matrix=matrix,
        beta=beta,
        rest=y - _product(matrix, beta),
        inverse=inverse,
        root=np.asarray(np.linalg.cholesky(inverse), dtype=np.float64),
        own=_product(matrix, inverse[asked]),
    )


def clustered(least: LeastSquares, cluster: Ints, n_clusters: int) -> Clustered:
    """The variance of the asked coefficient where the readings of a cluster vary together.

    Parameters
    ----------
    least : LeastSquares
        Of N readings.
    cluster : (N,) array
        The cluster of each reading, 0…G−1, none empty.
    n_clusters : int
        G.

    Returns
    -------
    Clustered
        The variance in squared units of the coefficient; the degrees of freedom are 0 where every cluster is
        explained by the columns.

    Notes
    -----
    Bell & McCaffrey, Survey Methodology 2002: the residuals of cluster g are multiplied by (I − H_gg)^−½, and the
    variance is a sum of chi-squares whose weights depend on the design alone, if readings are independent. The inverse
    root leaves out directions in which a cluster has no residual of its own (Pustejovsky & Tipton, Journal of Business
    & Economic Statistics 2018).
    """
    adjusted, norms, sides = _adjusted(least, cluster, n_clusters)
    weights = np.diag(norms) - sides @ least.inverse @ sides.T
    spread = float((weights**2).sum())
    return Clustered(
        variance=total(_sums(adjusted * least.rest, cluster, n_clusters) ** 2),
        df=float(np.trace(weights)) ** 2 / spread if spread > 0 else 0.0,
    )


def by_cell(least: LeastSquares, cell: Ints, n_cells: int) -> float:
    """The variance clustered by reader and case together, which is by single readings where nobody read a case twice.

    `cell` (N,) is the cell of each reading, 0…n_cells−1.
    """
    if n_cells < cell.size:
        adjusted, _, _ = _adjusted(least, cell, n_cells)
        return total(_sums(adjusted * least.rest, cell, n_cells) ** 2)
    left = 1 - ((least.matrix @ least.root) ** 2).sum(axis=1)
    squares = (least.own * least.rest) ** 2
    return total(np.divide(squares, left, out=np.zeros_like(squares), where=left > SATURATED**2))


def _adjusted(least: LeastSquares, cluster: Ints, n_clusters: int) -> tuple[Floats, Floats, Floats]:
    """(I − H_gg)^−½ times `own` in every cluster (N,), its squared norms (G,) and products with the columns (G, p).

    With H_gg = LL', L (n_g, p), and L'L = VΣV', the inverse root is I + LVφV'L', φ = 1/(√(1−σ)(1 + √(1−σ))).
    """
    leverage = list((least.matrix @ least.root).T)
    of_leverage = np.array([[_sums(one * other, cluster, n_clusters) for one in leverage] for other in leverage])
    of_own = np.array([_sums(one * least.own, cluster, n_clusters) for one in leverage])
    taken, directions = np.linalg.eigh(of_leverage.transpose(2, 0, 1))
    left = np.sqrt(np.maximum(1 - taken, 0))
    factor = np.divide(1.0, left * (1 + left), out=np.full_like(left, -1.0), where=left > SATURATED)
    along = np.einsum("gij,ig->gj", directions, of_own)
    moved = np.einsum("gij,gj->ig", directions, factor * along)
    adjusted = least.own + np.sum([one * own[cluster] for one, own in zip(leverage, moved, strict=True)], axis=0)
    sides = np.column_stack([_sums(column * adjusted, cluster, n_clusters) for column in least.matrix.T])
    return adjusted, _sums(adjusted**2, cluster, n_clusters), sides


def _product(matrix: Floats, row: Floats) -> Floats:
    """matrix (N, p) times row (p,), added up in one order."""
    found = np.zeros(matrix.shape[0])
    for column, weight in zip(matrix.T, row.tolist(), strict=True):
        found += column * weight
    return found


def _sums(values: Floats, cluster: Ints, n_clusters: int) -> Floats:
    return np.asarray(np.bincount(cluster, weights=values, minlength=n_clusters), dtype=np.float64)
