"""How well the raters agree: the intraclass correlation of one rating, and of the average rating.

The only module that knows pingouin, which takes a second and a half to load: inside the function.
"""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.inference.estimate import NAN, Floats

FEWEST_TARGETS = 5


@dataclass(frozen=True, slots=True)
class Reliability:
    """Intraclass correlation, two-way random, absolute agreement: of one rater, and of the raters' mean.

    `reason` says why there is none (the numbers are NaN then). Intervals are at 95 %, and treat the options as
    independent: options of one case are not, so they are too narrow.
    """

    n_raters: int
    n_targets: int
    single: float = NAN
    single_low: float = NAN
    single_high: float = NAN
    average: float = NAN
    average_low: float = NAN
    average_high: float = NAN
    exact_agreement: float = NAN
    reason: str | None = None


def complete_table(ratings: Mapping[tuple[str, str], int]) -> tuple[tuple[str, ...], Floats]:
    """The raters, and the targets (T, K) that every one of them rated, from ratings by (target, rater).

    Raters who share no target with the others are kept, and then no target is complete: the caller sees T = 0.
    """
    raters = tuple(sorted({rater for _, rater in ratings}))
    targets = sorted({target for target, _ in ratings})
    rows = [[ratings.get((target, rater)) for rater in raters] for target in targets]
    complete = [row for row in rows if None not in row]
    return raters, np.array(complete, dtype=np.float64).reshape(len(complete), len(raters))


def reliability(table: Floats) -> Reliability:
    """ICC(A,1) and ICC(A,k) of a complete table of ratings.

    Parameters
    ----------
    table : (T, K) array
        T targets (options) by K raters, on the rating scale.

    Returns
    -------
    Reliability
        NaN with a reason where fewer than two raters or five targets are complete, or nothing varies.

    Notes
    -----
    McGraw & Wong 1996 (Shrout & Fleiss 1979: ICC2, ICC2k), by pingouin. Its interval is rounded to two decimals
    unless told otherwise; it is told.
    """
    n_targets, n_raters = table.shape
    if n_raters < 2:
        return Reliability(n_raters, n_targets, reason="One rater: agreement is not defined.")
    if n_targets < FEWEST_TARGETS:
        reason = f"{n_targets} options were rated by every rater; at least {FEWEST_TARGETS} are needed."
        return Reliability(n_raters, n_targets, reason=reason)
    if np.ptp(table) == 0:
        return Reliability(n_raters, n_targets, exact_agreement=1.0, reason="All ratings are the same.")
    if (table == table[:, :1]).all():
        return Reliability(
            n_raters, n_targets, single=1.0, average=1.0, exact_agreement=1.0, reason="No two raters ever differ."
        )
    one, many = _correlations(table, ("ICC(A,1)", "ICC(A,k)"))
    return Reliability(
        n_raters,
        n_targets,
        *one,
        *many,
        exact_agreement=float(np.mean((table == table[:, :1]).all(axis=1))),
    )


def _correlations(table: Floats, types: Sequence[str]) -> list[tuple[float, float, float]]:
    """Value and 95 % interval of each type, unrounded."""
    import pandas as pd
    import pingouin

    n_targets, n_raters = table.shape
    long = pd.DataFrame(
        {
            "target": np.repeat(np.arange(n_targets), n_raters),
            "rater": np.tile(np.arange(n_raters), n_targets),
            "rating": table.ravel(),
        }
    )
    with _unrounded(pingouin.options), warnings.catch_warnings():
        # pandas deprecates what pingouin still calls; the digits are checked against R.
        warnings.simplefilter("ignore", DeprecationWarning)
        found = pingouin.intraclass_corr(data=long, targets="target", raters="rater", ratings="rating")
    found = found.set_index("Type")
    return [
        (float(found.at[name, "ICC"]), float(found.at[name, "CI95"][0]), float(found.at[name, "CI95"][1]))
        for name in types
    ]


@contextmanager
def _unrounded(options: dict[str, Any]) -> Iterator[None]:
    name = "round.column.CI95"
    before = options[name]
    options[name] = None
    try:
        yield
    finally:
        options[name] = before
