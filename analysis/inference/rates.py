"""Intervals of one rate: on the logit scale, by Wilson with an effective sample size, and exact where nothing varied.

Each carries an estimate with its standard error over to an interval that stays inside what a rate can be. None draws
random numbers. The estimate says what is random; only the exact interval changes that, and its label says so.
"""

from dataclasses import replace
from math import exp

from scipy import special

from analysis.inference.estimate import NAN, UNKNOWN_COMPONENTS, UNKNOWN_SHARES, Estimate, Method, RefusalCode
from analysis.inference.student import clopper_pearson, logit_interval, t_quantile

EFFECTIVE = "Wilson, effective sample size"
ROUNDING = 1e-12
EXACT = "exact binomial on cases: the estimated variance is zero"


def on_logit_scale(estimate: Estimate) -> Estimate:
    """The interval of a rate or share by Student's t on the logit scale, carried over by the delta method.

    Parameters
    ----------
    estimate : Estimate
        A value strictly between 0 and 1 with its `se` and `df`; or refused.

    Returns
    -------
    Estimate
        Between 0 and 1. `p` is NaN: a rate is not compared with 0. Refused as the estimate was.

    Notes
    -----
    Agresti, *Categorical Data Analysis*, 3rd ed. 2013, section 1.4; with t for the normal quantile, as in Korn &
    Graubard, Survey Methodology 1998.
    """
    if estimate.refused is not None:
        return estimate
    low, high = logit_interval(estimate.value, _half_width(estimate))
    return replace(estimate, low=low, high=high, p=NAN)


def on_log_scale(estimate: Estimate) -> Estimate:
    """The interval of a mean count by Student's t on the log scale, carried over by the delta method.

    Parameters
    ----------
    estimate : Estimate
        A positive value in counts with its `se` and `df`; or refused.

    Returns
    -------
    Estimate
        Above 0, and with no upper bound. `p` is NaN. Refused as the estimate was.

    Notes
    -----
    Agresti 2013, section 3.1, on functions of counts.
    """
    if estimate.refused is not None:
        return estimate
    factor = exp(min(_half_width(estimate) / estimate.value, LARGEST_EXPONENT))
    return replace(estimate, low=estimate.value / factor, high=estimate.value * factor, p=NAN)


LARGEST_EXPONENT = 500.0  # e to this power still leaves room in a double for a count to be multiplied by it


def effective_n(estimate: Estimate) -> float:
    """How many independent trials would give a rate this variance: p(1 − p)/V. NaN where there is none.

    Kish, *Survey Sampling*, 1965.
    """
    if not (estimate.se > 0 and 0 < estimate.value < 1):
        return NAN
    return estimate.value * (1 - estimate.value) / estimate.se**2


def wilson(rate: float, n: float, level: float) -> tuple[float, float]:
    """The score interval of a binomial rate.

    Parameters
    ----------
    rate : float
        Between 0 and 1.
    n : float
        Independent trials, more than 0; not necessarily a whole number.
    level : float
        Two-sided coverage.

    Notes
    -----
    Wilson 1927, without correction for continuity.
    """
    square = float(special.ndtri((1 + level) / 2)) ** 2
    centre = (rate + square / (2 * n)) / (1 + square / n)
    half = (square * (rate * (1 - rate) / n + square / (4 * n**2))) ** 0.5 / (1 + square / n)
    low = 0.0 if rate == 0 else max(centre - half, 0.0)
    high = 1.0 if rate == 1 else min(centre + half, 1.0)
    return low, high


def with_effective_n(estimate: Estimate) -> Estimate:
    """Wilson's interval with as many trials as the variance of the estimate, and what is known of it, are worth.

    Parameters
    ----------
    estimate : Estimate
        A rate of 0/1 outcomes with its `se` and `df`; or refused.

    Returns
    -------
    Estimate
        Method `wilson`, with the estimate's `value`, `se` and `df`; `p` is NaN. Where the variance is zero, the exact
        interval on cases (see `exact_on_cases`). Refused otherwise as the estimate was.

    Notes
    -----
    Wilson 1927 with the effective sample size of Korn & Graubard, Survey Methodology 1998, n = p(1 − p)/V, adjusted for
    the degrees of freedom of V as they do: n (z/t)². Without that the interval is too narrow with ten readers or fewer.
    """
    if estimate.refused is not None:
        return exact_on_cases(estimate)
    of_normal = float(special.ndtri((1 + estimate.level) / 2))
    adjusted = effective_n(estimate) * (of_normal / t_quantile((1 + estimate.level) / 2, estimate.df)) ** 2
    low, high = wilson(estimate.value, adjusted, estimate.level)
    return replace(estimate, method=Method.WILSON, low=low, high=high, p=NAN, label=_labelled(estimate))


def exact_on_cases(estimate: Estimate) -> Estimate:
    """The exact binomial interval on cases for a rate whose estimated variance is zero; anything else as it is.

    Parameters
    ----------
    estimate : Estimate
        A rate of 0/1 outcomes.

    Returns
    -------
    Estimate
        Method `clopper-pearson`: as many trials as there are cases, however often they were read; cases alone are
        random, and the label says so.

    Notes
    -----
    Clopper & Pearson 1934. A rate that is no whole number of cases enters as it is (Korn & Graubard 1998).
    """
    if estimate.refused is None or estimate.refused.code is not RefusalCode.ZERO_VARIANCE:
        return estimate
    low, high = clopper_pearson(_events(estimate), estimate.n_cases, estimate.level)
    return replace(
        estimate,
        method=Method.CLOPPER_PEARSON,
        random=("case",),
        se=NAN,
        df=NAN,
        low=low,
        high=high,
        p=NAN,
        components=UNKNOWN_COMPONENTS,
        shares=UNKNOWN_SHARES,
        refused=None,
        label=EXACT,
    )


def _events(estimate: Estimate) -> float:
    """A whole number where only rounding keeps it from one: a mean of ones may miss 1 by a digit."""
    events = estimate.value * estimate.n_cases
    nearest = round(events)
    return nearest if abs(events - nearest) <= ROUNDING * estimate.n_cases else events


def _half_width(estimate: Estimate) -> float:
    return t_quantile((1 + estimate.level) / 2, estimate.df) * estimate.se


def _labelled(estimate: Estimate) -> str:
    return EFFECTIVE if estimate.label is None else f"{estimate.label}; {EFFECTIVE}"
