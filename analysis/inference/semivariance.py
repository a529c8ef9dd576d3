"""Variance components from differences of readings: the same wherever the scale has its zero."""

from dataclasses import dataclass

from analysis.inference.estimate import NAN, Components, Floats
from analysis.inference.exact import dot, total
from analysis.inference.layout import Layout


@dataclass(frozen=True, slots=True)
class Semivariances:
    """Half the mean squared difference of two readings' values, by what the two readings share."""

    same_case: float
    same_reader: float
    neither: float


def semivariances(values: Floats, layout: Layout) -> Semivariances:
    """How far two readings lie apart, over all pairs of readings, by what the two share.

    Parameters
    ----------
    values : (N,) array
        One quantity a reading, in any unit.
    layout : Layout
        Reader and case of each of the N readings; a reader reads a case at most once.

    Returns
    -------
    Semivariances
        In squared units. NaN where no two readings share what is asked for.

    Notes
    -----
    U-statistics with the kernel (x − y)² / 2 (Hoeffding, Annals of Mathematical Statistics 1948), from margins alone:
    O(N) instead of O(N²). Where the values have their zero does not matter, so that it may be put at their mean, which
    keeps digits when they are large beside their spread.
    """
    n = float(layout.n_readings)
    about = values - total(values) / n
    square, squares = dot(about, about), about**2
    sum_case, sum_reader = layout.by_case(about), layout.by_reader(about)
    of_case, of_reader = layout.per_case[layout.case] - 1, layout.per_reader[layout.reader] - 1

    def half_mean_square(partners: Floats, products: float) -> float:
        """From how many partners each reading has, and the sum of all products with them."""
        pairs = total(partners)
        return (dot(partners, squares) - products) / pairs if pairs else NAN

    products_case, products_reader = dot(sum_case, sum_case) - square, dot(sum_reader, sum_reader) - square
    products_neither = total(about) ** 2 - square - products_case - products_reader
    return Semivariances(
        same_case=half_mean_square(of_case, products_case),
        same_reader=half_mean_square(of_reader, products_reader),
        neither=half_mean_square(n - 1 - of_case - of_reader, products_neither),
    )


def components(values: Floats, layout: Layout) -> Components:
    """The variance components of one reading's value, the same wherever the values have their zero.

    As unbiased as those of mean products, and as cheap; in a full table the same numbers. NaN where the layout cannot
    tell (see `semivariances`).

    Notes
    -----
    Two readings of one case differ by reader and cell, two of one reader by case and cell, two that share neither by
    all three.
    """
    found = semivariances(values, layout)
    return Components(
        case=found.neither - found.same_case,
        reader=found.neither - found.same_reader,
        cell=found.same_case + found.same_reader - found.neither,
    )
