"""The restricted likelihood of a model with random readers and random cases, in dimension R + C.

Everything is in units of the cell's variance, which is profiled out: what is left are two ratios to it, of the
readers' variance and of the cases'. Either may be 0.
"""

from dataclasses import dataclass

import numpy as np

from analysis.inference.estimate import Floats
from analysis.inference.layout import Layout
from analysis.inference.twoway import components

LEAST_REST = 1e-24  # of the sum of squares: what is left beside the columns is rounding
LEAST_START, LARGEST_START = 0.01, 100.0


@dataclass(frozen=True, slots=True)
class Sums:
    """What the likelihood needs of the data: q = R + C sums, readers first, for p columns of the design.

    `rest` is what ordinary least squares leaves of the values: the likelihood depends on it alone, and sums over it
    keep more digits. `start` (2,) are ratios to begin a search at.
    """

    n: int
    n_readers: int
    counts: Floats  # Z'Z, (q, q)
    of_design: Floats  # Z'X, (q, p)
    of_rest: Floats  # Z'e, (q,)
    design: Floats  # X'X, (p, p)
    design_rest: Floats  # X'e, (p,): 0 but for rounding
    square: float  # e'e
    ordinary: Floats  # least-squares coefficients, (p,)
    start: Floats

    @property
    def p(self) -> int:
        return int(self.design.shape[0])

    @property
    def sides(self) -> tuple[slice, slice]:
        """Where the readers and the cases stand among the q."""
        return slice(0, self.n_readers), slice(self.n_readers, None)


def sums_of(y: Floats, design: Floats, layout: Layout) -> Sums | None:
    """From readings to sums. None: the columns explain every reading but for rounding."""
    ordinary: Floats = np.linalg.lstsq(design, y, rcond=None)[0].astype(np.float64)
    rest = y - design @ ordinary
    square = float(rest @ rest)
    if square <= LEAST_REST * float(y @ y):
        return None
    together = np.zeros((layout.n_readers, layout.n_cases))
    together[layout.reader, layout.case] = 1.0
    return Sums(
        n=layout.n_readings,
        n_readers=layout.n_readers,
        counts=np.block([[np.diag(layout.per_reader), together], [together.T, np.diag(layout.per_case)]]),
        of_design=np.column_stack([_within(np.ascontiguousarray(column), layout) for column in design.T]),
        of_rest=_within(rest, layout),
        design=design.T @ design,
        design_rest=design.T @ rest,
        square=square,
        ordinary=ordinary,
        start=_start(rest, layout),
    )


def _within(values: Floats, layout: Layout) -> Floats:
    return np.concatenate([layout.by_reader(values), layout.by_case(values)])


def _start(rest: Floats, layout: Layout) -> Floats:
    """The moments' components, where there are such, away from the border."""
    found = components(rest, layout)
    if not found.cell > 0:
        return np.ones(2)
    ratios = np.nan_to_num(np.array([found.reader, found.case]) / found.cell, nan=1.0)
    return np.asarray(np.clip(ratios, LEAST_START, LARGEST_START), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The criterion, −2 × the restricted log-likelihood, at two ratios, with its derivatives in them.

    H = I + ZΛZ' is the covariance in units of the cell's variance, P the matrix H⁻¹ − H⁻¹X(X'H⁻¹X)⁻¹X'H⁻¹. `hessian`
    is observed, `expected` its expectation (Fisher), both (2, 2). `pairs` are the squared norms of the blocks of Z'PZ,
    `traces` the traces of those on its diagonal, `squares` |Z_i'Pe|², `products` e'PZ_i Z_i'PZ_j Z_j'Pe, `quadratic`
    e'Pe.
    """

    criterion: float
    gradient: Floats
    hessian: Floats
    expected: Floats
    traces: Floats
    pairs: Floats
    squares: Floats
    products: Floats
    quadratic: float
    of_design: Floats  # Z'H⁻¹X, (q, p)
    precision: Floats  # X'H⁻¹X, (p, p)
    covariance: Floats  # its inverse
    correction: Floats  # of the ordinary coefficients, (p,)


def likelihood(ratios: Floats, data: Sums) -> Likelihood | None:
    """The criterion at ratios (2,) ≥ 0, reader's and case's; None: it cannot be had there."""
    q, p = data.of_design.shape
    weight = np.repeat(ratios, [data.n_readers, q - data.n_readers])
    inflated = np.eye(q) + data.counts * weight
    right = np.column_stack([data.counts, data.of_design, data.of_rest])
    solved: Floats = np.linalg.solve(inflated, right).astype(np.float64)
    between, of_design, of_rest = solved[:, :q], solved[:, q : q + p], solved[:, q + p]

    weighted = weight[:, None] * data.of_design
    precision = data.design - weighted.T @ of_design
    precision = (precision + precision.T) / 2
    sign, log_precision = np.linalg.slogdet(precision)
    if not sign > 0:
        return None
    covariance: Floats = np.linalg.inv(precision).astype(np.float64)
    left = data.design_rest - weighted.T @ of_rest
    correction = covariance @ left
    degrees = data.n - p
    quadratic = data.square - float((weight * data.of_rest) @ of_rest) - float(left @ correction)
    if not quadratic > 0:
        return None
    rest = of_rest - of_design @ correction
    projected = between - of_design @ covariance @ of_design.T

    a, b = data.sides
    blocks = ((projected[a, a], projected[a, b]), (projected[b, a], projected[b, b]))
    sides = (rest[a], rest[b])
    traces = np.array([np.trace(blocks[i][i]) for i in (0, 1)])
    pairs = np.array([[np.sum(block**2) for block in row] for row in blocks])
    squares = np.array([side @ side for side in sides])
    products = np.array([[sides[i] @ blocks[i][j] @ sides[j] for j in (0, 1)] for i in (0, 1)])
    products = (products + products.T) / 2
    return Likelihood(
        criterion=float(np.linalg.slogdet(inflated)[1])
        + float(log_precision)
        + degrees * (1 + float(np.log(2 * np.pi * quadratic / degrees))),
        gradient=traces - degrees * squares / quadratic,
        hessian=degrees * (2 * products / quadratic - np.outer(squares, squares) / quadratic**2) - pairs,
        expected=pairs - np.outer(traces, traces) / degrees,
        traces=traces,
        pairs=pairs,
        squares=squares,
        products=products,
        quadratic=quadratic,
        of_design=of_design,
        precision=precision,
        covariance=covariance,
        correction=correction,
    )


def information(ratios: Floats, found: Likelihood, degrees: int) -> Floats:
    """The observed information (3, 3) of the variances of reader, case and cell, in units of the cell's variance.

    −½ tr(PV_iPV_j) + y'PV_iPV_jPy. What involves the cell follows from PHP = P without another product.
    """
    cell = found.quadratic / degrees
    trace_with_cell = found.traces - found.pairs @ ratios
    trace_cell = degrees - float(ratios @ found.traces) - float(ratios @ trace_with_cell)
    product_with_cell = found.squares - found.products @ ratios
    product_cell = found.quadratic - float(ratios @ found.squares) - float(ratios @ product_with_cell)
    observed = np.empty((3, 3))
    observed[:2, :2] = found.products / cell - found.pairs / 2
    observed[:2, 2] = observed[2, :2] = product_with_cell / cell - trace_with_cell / 2
    observed[2, 2] = product_cell / cell - trace_cell / 2
    return observed


def slopes(ratios: Floats, found: Likelihood, data: Sums) -> Floats:
    """Derivatives (3, p, p) of the coefficients' covariance in the variances of reader, case and cell."""
    parts = [found.of_design[side].T @ found.of_design[side] for side in data.sides]
    parts.append(found.precision - ratios[0] * parts[0] - ratios[1] * parts[1])
    return np.array([found.covariance @ part @ found.covariance for part in parts])
