"""Student's t, from scipy's special functions alone, so that an interval does not load a statistics library."""

from scipy import special


def t_quantile(probability: float, df: float) -> float:
    """The quantile of Student's t with `df` degrees of freedom (any positive number)."""
    return float(special.stdtrit(df, probability))


def t_two_sided(t: float, df: float) -> float:
    """P(|T| ≥ |t|)."""
    return float(2 * special.stdtr(df, -abs(t)))


def t_upper(t: float, df: float) -> float:
    """P(T ≥ t)."""
    return float(special.stdtr(df, -t))


def clopper_pearson(events: float, n: float, level: float) -> tuple[float, float]:
    """The exact binomial interval for `events` among `n` independent trials.

    Clopper & Pearson 1934. The bounds are quantiles of the beta distribution; 0 events give a lower bound of 0, and
    `n` events an upper bound of 1. Neither need be a whole number (Korn & Graubard 1998).
    """
    tail = (1 - level) / 2
    low = float(special.betaincinv(events, n - events + 1, tail)) if events > 0 else 0.0
    high = float(special.betaincinv(events + 1, n - events, 1 - tail)) if events < n else 1.0
    return low, high


def logit_interval(value: float, half_width: float) -> tuple[float, float]:
    """`value` ± `half_width` on the logit scale, carried back: an interval that stays between 0 and 1.

    `value` strictly between 0 and 1; `half_width` in its own units, carried over by the delta method.
    """
    centre, half = float(special.logit(value)), half_width / (value * (1 - value))
    return float(special.expit(centre - half)), float(special.expit(centre + half))
