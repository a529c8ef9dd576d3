"""How often a system beats physicians: a random physician on a random case, and the share of physicians it beats."""

from dataclasses import replace

import numpy as np

from analysis.inference.bootstrap import Draws
from analysis.inference.estimate import NAN, Estimate, Floats, Method, Refusal, RefusalCode, Weighting
from analysis.inference.exact import magnitude
from analysis.inference.layout import layout_of
from analysis.inference.percentiles import ROUNDING, from_draws
from analysis.inference.rates import on_logit_scale
from analysis.inference.refusals import refuse_design, withheld

EVEN = 0.5
OUTSIDE = Refusal(RefusalCode.NOT_IDENTIFIED, "This method's mean lies beyond what a probability can be.")


def beats(by_run: Floats, readings: Floats, *, higher_is_better: bool) -> Floats:
    """E8 a pair: in which share of its runs the system is better than the reader on the case, a tie counting half.

    Parameters
    ----------
    by_run : (K, C) array
        The system's value in each run on each case; NaN: no answer.
    readings : (R, C) array
        The readers' values; NaN: not read.
    higher_is_better : bool
        Which of two different values is the better one.

    Returns
    -------
    (R, C) array
        Between 0 and 1; NaN where the case was not read, or not answered in any run. Its mean over the pairs is the
        probability that the system beats a random physician on a random case. Runs are compared one by one: the mean
        of runs has no ties, and beats other readers than a run does.

    Notes
    -----
    Mann & Whitney, Annals of Mathematical Statistics 1947; with ties, Vargha & Delaney, Journal of Educational and
    Behavioral Statistics 2000.
    """
    ahead = by_run[:, None, :] - readings[None, :, :]
    won = np.where(np.isnan(ahead), 0.0, (1 + np.sign(ahead if higher_is_better else -ahead)) / 2)
    compared = np.isfinite(ahead).sum(axis=0)
    return np.asarray(won.sum(axis=0) / np.where(compared > 0, compared, NAN), dtype=np.float64)


def chance_ahead(about_even: Estimate) -> Estimate:
    """E8, the probability of being ahead, from an estimate of `beats` − `EVEN`.

    Parameters
    ----------
    about_even : Estimate
        By any method, of the pairs' values less `EVEN`: turned around, each value changes its sign and nothing else,
        so that the probabilities of either side to be ahead have the same error and add up to 1.

    Returns
    -------
    Estimate
        Between 0 and 1. An interval by Student's t is made on the logit scale (see `on_logit_scale`); percentiles stay
        what they are. `p` is NaN: a probability is not compared with 0. Refused as the estimate was, and where
        generalised least squares lands beyond 0 or 1.
    """
    moved = replace(
        about_even, value=about_even.value + EVEN, low=about_even.low + EVEN, high=about_even.high + EVEN, p=NAN
    )
    if moved.refused is not None or not moved.df > 0:
        return moved
    return on_logit_scale(moved) if 0 < moved.value < 1 else withheld(moved, OUTSIDE)


def share_beaten(differences: Floats) -> float:
    """E7: the share of readers whose mean difference (R, C) is above 0; NaN where nobody has one.

    `differences` are system − reader, turned so that above 0 is better; NaN: no pair.
    """
    one = Draws(
        np.ones((1, differences.shape[0]), dtype=np.int16),
        np.ones((1, differences.shape[1]), dtype=np.int16),
    )
    return float(shares_in_draws(differences, one)[0])


def shares_in_draws(differences: Floats, draws: Draws) -> Floats:
    """The share of drawn readers whose mean over the drawn cases is above 0, shape (B,).

    A reader of none of a draw's cases is left out of it; NaN: all are. A mean that is 0 but for rounding is 0.
    """
    there = np.isfinite(differences)
    value = np.where(there, differences, 0.0).T
    count, value = there.T.astype(np.float64), value / magnitude(value)
    found = np.empty(draws.n)
    for rows, of_readers, of_cases in draws.chunks():
        times_read = of_cases @ count
        weight = of_readers * (times_read > 0)
        ahead = np.sum(weight * (of_cases @ value > ROUNDING * times_read), axis=1)
        everyone = weight.sum(axis=1)
        found[rows] = ahead / np.where(everyone > 0, everyone, NAN)
    return found


def physicians_beaten(differences: Floats, draws: Draws, *, level: float) -> Estimate:
    """E7 with a percentile interval from the crossed bootstrap.

    Parameters
    ----------
    differences : (R, C) array
        System − reader, runs averaged, turned so that above 0 is better; NaN: no pair. Every row and every column has
        a pair.
    draws : Draws
        Of the R readers and C cases.
    level : float
        Coverage of the two-sided interval, such as 0.95.

    Returns
    -------
    Estimate
        A share between 0 and 1, readers and cases random, every reader counting the same. `df`, `p` and the components
        are NaN. Refused where the default interval is, and where every draw has the same share.

    Notes
    -----
    The share of readers that the system is *seen* to beat: with few cases a reader, chance draws it towards a half.
    """
    layout = layout_of(np.isfinite(differences))
    bare = Estimate(
        value=share_beaten(differences),
        level=level,
        method=Method.BOOTSTRAP,
        weighting=Weighting.READER,
        n_readers=layout.n_readers,
        n_cases=layout.n_cases,
        n_readings=layout.n_readings,
        label="share of physicians, each over their own cases",
    )
    bare = replace(bare, refused=refuse_design(layout))
    return from_draws(bare, shares_in_draws(differences, draws), seed=draws.seed)
