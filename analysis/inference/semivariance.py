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
    """How far two readings lie apart, by what the two share.

    Parameters
    ----------
    values : (N,) array
        One quantity a reading, in any unit.
    layout : Layout
        Reader and case of each of the N readings; a reader reads a case at most once.

    Returns
    -------
    Semivariances
        In squared units. Of two readings of one reader (of one case): the mean square within readers (cases), in which
        each counts by its number of readings less one. Of two that share neither: the mean over all such pairs. NaN
        where no two readings share what is asked for.

    Notes
    -----
    The kernel is (x − y)² / 2 (Hoeffding, Annals of Mathematical Statistics 1948). Over all pairs alike, a reader of
    all of a hundred cases would count a hundred times one of ten: pooled mean squares, as in Henderson's first method
    (Biometrics 1953), count it eleven times, and know the components far better. O(N). Where the values have their zero
    does not matter, so that it is put at their mean, which keeps digits when they are large beside their spread.
    """
    n = float(layout.n_readings)
    about = values - total(values) / n
    square, squares = dot(about, about), about**2
    of_case, of_reader = layout.per_case, layout.per_reader
    sum_case, sum_reader = layout.by_case(about), layout.by_reader(about)

    def within(sums: Floats, counts: Floats) -> float:
        """The mean square within groups of this many readings, which add up to these sums."""
        df = n - len(counts)
        return (square - total(sums**2 / counts)) / df if df else NAN

    partners = n + 1 - of_case[layout.case] - of_reader[layout.reader]
    products = total(about) ** 2 + square - dot(sum_case, sum_case) - dot(sum_reader, sum_reader)
    pairs = total(partners)
    return Semivariances(
        same_case=within(sum_case, of_case),
        same_reader=within(sum_reader, of_reader),
        neither=(dot(partners, squares) - products) / pairs if pairs else NAN,
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
