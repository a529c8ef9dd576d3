"""How many cases there are to one harm: the inverse of a rate, and of a difference of rates.

Always one over the mean rate, never the mean of 1/rate, which the smallest denominators rule.
"""

from dataclasses import dataclass
from math import inf

from analysis.inference.estimate import NAN, Estimate, Refusal, RefusalCode
from analysis.wording import plain


@dataclass(frozen=True, slots=True)
class NumberNeeded:
    """A number of cases to one event, carried over from `of`, which keeps the method, and what is random.

    `low` and `high` are in cases. `high` infinite: no upper bound. With `two_part` the interval is all that is at most
    `low` (negative: cases to one event avoided) and all that is at least `high` (cases to one more event), through
    infinity, and `low` or `high` may be infinite themselves. With `refused`, `low` and `high` are NaN, and `value` too
    where it is not defined.
    """

    value: float
    of: Estimate
    low: float = NAN
    high: float = NAN
    two_part: bool = False
    refused: Refusal | None = None


def cases_per_severe(rate: Estimate) -> NumberNeeded:
    """In how many cases there is one with a severe harm: 1/rate.

    Parameters
    ----------
    rate : Estimate
        Of cases with a severe harm, a proportion between 0 and 1, with its interval; or refused.

    Returns
    -------
    NumberNeeded
        Its interval is the rate's, turned over. Not defined where the rate is 0: then `refused` says what the rate's
        interval leaves, if there is one.

    Raises
    ------
    ValueError
        The rate is not a proportion.
    """
    _proportion(rate.value, 0.0)
    if rate.value == 0:
        return NumberNeeded(NAN, rate, refused=Refusal(RefusalCode.NO_VALUE, _no_event(rate)))
    if rate.refused is not None:
        return NumberNeeded(1 / rate.value, rate, refused=rate.refused)
    return NumberNeeded(1 / rate.value, rate, low=1 / min(rate.high, 1.0), high=_inverse(max(rate.low, 0.0), inf))


def nnh_difference(difference: Estimate) -> NumberNeeded:
    """In how many cases the test does one severe harm more (or, negative, one less) than the control: 1/difference.

    Parameters
    ----------
    difference : Estimate
        Test − control of two rates, a proportion between −1 and 1, with its interval; or refused.

    Returns
    -------
    NumberNeeded
        Where the interval of the difference excludes 0, the same interval turned over. Where it does not, the interval
        in two parts, through infinity: the difference may be as small as you like. Refused where the difference has
        no interval or is 0.

    Raises
    ------
    ValueError
        The difference is not one of proportions.

    Notes
    -----
    Altman, BMJ 1998: a number needed to treat whose interval is in two parts. The turned-over interval of Bender,
    Controlled Clinical Trials 2001.
    """
    _proportion(difference.value, -1.0)
    value = _inverse(difference.value, NAN)
    if difference.refused is not None:
        return NumberNeeded(value, difference, refused=difference.refused)
    if difference.value == 0:
        reason = "The difference is zero: no number of cases makes one harm more or less."
        return NumberNeeded(NAN, difference, refused=Refusal(RefusalCode.CROSSES_ZERO, reason))
    low, high = max(difference.low, -1.0), min(difference.high, 1.0)
    if low <= 0 <= high:
        return NumberNeeded(value, difference, low=_inverse(low, -inf), high=_inverse(high, inf), two_part=True)
    return NumberNeeded(value, difference, low=1 / high, high=1 / low)


def _no_event(rate: Estimate) -> str:
    sentence = "No event was seen: the number of cases to one is not defined."
    if rate.refused is not None or not rate.high > 0:
        return sentence
    return f"{sentence} The interval of the rate reaches one in {plain(1 / rate.high, 1)} cases."


def _inverse(value: float, at_zero: float) -> float:
    return at_zero if value == 0 else 1 / value


def _proportion(value: float, least: float) -> None:
    if not (least <= value <= 1 or value != value):
        raise ValueError(f"{value} is no proportion: rates are counted from 0 to 1 here, not in per cent")
