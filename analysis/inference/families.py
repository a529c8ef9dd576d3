"""Many comparisons at once, and the best of many: what a family costs, and how the one chosen is tested honestly.

`best_of`, `split_cases` and `best_on_the_others` are for analyses of one's own: the report
has the bands that hold for the best too, and no choice on half of the cases.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from analysis.inference.estimate import NAN, Estimate, Floats, Ints, Mask, Weighting
from analysis.inference.exact import dot
from analysis.inference.layout import Layout, weights_of
from analysis.inference.simultaneous import Band, bands
from analysis.inference.twoway import twoway


def holm(p: Floats) -> Floats:
    """Holm's adjusted p values, in the order given.

    Parameters
    ----------
    p : (K,) array
        Two-sided or one-sided p values of one family. NaN: not tested; it does not count, and stays NaN.

    Returns
    -------
    (K,) array
        Each the smallest level at which the family's errors stay below it; at most 1. No assumption on how the tests
        depend on each other.

    Notes
    -----
    Holm, Scandinavian Journal of Statistics 1979.
    """
    adjusted = np.full(p.shape, NAN)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    steps = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(p[order] * steps), 1.0)
    return adjusted


def step_down_max_t(
    in_draws: Floats, estimates: Floats, errors: Floats | None = None, df: Floats | None = None
) -> Floats:
    """Adjusted p values of a family from its joint draws, by largest studentised deviations, stepping down.

    Parameters
    ----------
    in_draws : (B, K) array
        The K contrasts in the same B bootstrap draws. NaN: no value; such a draw is left out for all of them.
    estimates : (K,) array
        The contrasts in the study; tested against 0, two-sided.
    errors : (K,) array, optional
        Standard errors to studentise the estimates by, such as the default interval's; otherwise those of the draws.
    df : (K,) array, optional
        The degrees of freedom of those errors; otherwise the errors are taken as known.

    Returns
    -------
    (K,) array
        (1 + draws whose maximum over the contrasts not yet rejected is as large) / (1 + B), made monotone; never below
        the contrast's own p. NaN for all with fewer than two draws left, or where a contrast is the same in all of
        them.

    Notes
    -----
    Westfall & Young, *Resampling-Based Multiple Testing*, 1993, algorithm 2.8; Romano & Wolf, Econometrica 2005. The
    draws are centred on their own mean, which stands for the hypothesis of no difference. Their maxima are on the
    normal scale: an estimate over an estimated error is a t, and is held against them as the normal deviate that is as
    rare, as in `bands`, so that p and band are of one mind.
    """
    complete = in_draws[np.isfinite(in_draws).all(axis=1)]
    adjusted = np.full(estimates.shape, NAN)
    if len(complete) < 2 or (np.ptp(complete, axis=0) == 0).any():
        return adjusted
    spread = complete.std(axis=0, ddof=1)
    deviations = np.abs(complete - complete.mean(axis=0)) / spread
    seen, alone = _normal_scale(np.abs(estimates) / (spread if errors is None else errors), df)
    order = np.argsort(-seen, kind="stable")
    largest_left = np.maximum.accumulate(deviations[:, order[::-1]], axis=1)[:, ::-1]
    as_large = (1 + (largest_left >= seen[order]).sum(axis=0)) / (1 + len(complete))
    adjusted[order] = np.maximum.accumulate(np.maximum(as_large, alone[order]))
    return adjusted


def _normal_scale(t: Floats, df: Floats | None) -> tuple[Floats, Floats]:
    """Each |t| as the normal deviate that is as rare, and its own two-sided p (0 where that is left to the draws)."""
    if df is None:
        return t, np.zeros_like(t)
    tail = special.stdtr(df, -t)
    return np.asarray(-special.ndtri(tail), dtype=np.float64), np.asarray(2 * tail, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Best:
    """The contrast chosen for being the best of K, with a band and a p that know of the choice."""

    index: int
    estimate: Estimate
    band: Band | None
    p: float


def best_of(in_draws: Floats, estimates: Sequence[Estimate], *, level: float, higher_is_better: bool) -> Best:
    """The best of many, with a band that holds for all of them at once, so also for whichever was chosen.

    Parameters
    ----------
    in_draws : (B, K) array
        The K contrasts in the same B bootstrap draws.
    estimates : sequence of K estimates
        Each with its default interval, in the order of the columns.
    level : float
        Coverage of the whole family.
    higher_is_better : bool
        Which end of the estimates is the best.

    Returns
    -------
    Best
        The first of the best; its simultaneous band (None with one contrast, or without a critical value) and its
        step-down p.

    Raises
    ------
    ValueError
        Without a contrast, or with one that has no interval: a refused contrast is not in the running.
    """
    if not estimates or any(estimate.refused is not None for estimate in estimates):
        raise ValueError("the best of many is chosen among contrasts that have an interval")
    values, errors, df = (np.array([getattr(one, name) for one in estimates]) for name in ("value", "se", "df"))
    index = int(np.argmax(values if higher_is_better else -values))
    adjusted = step_down_max_t(in_draws, values, errors, df)
    return Best(index, estimates[index], bands(in_draws, estimates, level=level)[index], float(adjusted[index]))


def split_cases(n_cases: int, *, seed: int, strata: Sequence[Ints] | None = None) -> Mask:
    """A declared split: on which cases, shape (C,), the best is chosen; it is tested on the others.

    Half of each stratum's cases (of all cases, without strata), drawn by `numpy.random.default_rng(seed)`; of an odd
    number the larger part is left for the test.
    """
    rng = np.random.default_rng(seed)
    chosen_on = np.zeros(n_cases, dtype=bool)
    for members in strata if strata is not None else [np.arange(n_cases)]:
        chosen_on[rng.permutation(members)[: len(members) // 2]] = True
    return chosen_on


def best_on_the_others(
    values: Floats,
    layout: Layout,
    chosen_on: Mask,
    *,
    level: float,
    higher_is_better: bool,
    weighting: Weighting = Weighting.PAIR,
) -> Best:
    """Choose the best of many on some cases, and estimate that one on the other cases alone.

    Parameters
    ----------
    values : (K, N) array
        Finite differences of K contrasts a reading.
    layout : Layout
        Reader and case of each of the N readings.
    chosen_on : (C,) mask
        The cases on which the best is chosen, declared beforehand (see `split_cases`).
    level : float
        Coverage of the two-sided interval, such as 0.95.
    higher_is_better : bool
        Which end of the estimates is the best.
    weighting : Weighting
        What counts the same, in either part.

    Returns
    -------
    Best
        The chosen one with its default interval on the other cases, and the p of it: new readers and new cases. The
        choice owes nothing to those cases, so neither knows of a family; `band` is None. The same readers stand in
        both parts, and a reader who favours one system favours it in both.

    Raises
    ------
    ValueError
        Where no reading is left to choose on.

    Notes
    -----
    Cox, Biometrika 1975, on splitting data to choose a hypothesis.
    """
    to_choose = chosen_on[layout.case]
    if not to_choose.any():
        raise ValueError("no reading is of a case on which to choose")
    first, second = _part(layout, to_choose), _part(layout, ~to_choose)
    weights = weights_of(first, weighting)
    means = np.array([dot(weights, one[to_choose]) for one in values])
    index = int(np.argmax(means if higher_is_better else -means))
    estimate = twoway(values[index][~to_choose], second, level=level, weighting=weighting)
    return Best(index, estimate, None, estimate.p)


def _part(layout: Layout, kept: Mask) -> Layout:
    """The layout of some of the readings; who has none of them takes no code."""
    readers, reader = np.unique(layout.reader[kept], return_inverse=True)
    cases, case = np.unique(layout.case[kept], return_inverse=True)
    return Layout(reader.astype(np.int64), case.astype(np.int64), len(readers), len(cases))
