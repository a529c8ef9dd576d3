"""What is measured in a simulated study, and what is true there.

Readers, cases and readings are drawn; the system is one fixed thing whose answers differ by case. The truth is over
all readers and all cases, and is had in closed form or from a quadrature, never from the simulation itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr, ndtri

Floats = NDArray[np.float64]
Rng = np.random.Generator
Shape = tuple[int, int, int]
"""Data sets, readers, cases."""


@dataclass(frozen=True, slots=True)
class Side:
    """Sums above and below the line, (S, R, C) over all pairs; a mean has ones below. `sign` +1 test, −1 control."""

    above: Floats
    below: Floats
    sign: float = 1.0


@dataclass(frozen=True, slots=True)
class World:
    """`sides` draws S data sets of R × C. `bounded`: one proportion, whose interval is made on the logit scale."""

    name: str
    truth: float
    sides: Callable[[Rng, Shape], tuple[Side, ...]]
    bounded: bool = False


def _effects(rng: Rng, shape: Shape, reader: float, case: float) -> tuple[Floats, Floats]:
    n, readers, cases = shape
    return rng.normal(0, reader, (n, readers, 1)), rng.normal(0, case, (n, 1, cases))


def gauss(name: str, truth: float, reader: float, case: float, cell: float) -> World:
    """Differences in points: normal reader, case and cell."""

    def sides(rng: Rng, shape: Shape) -> tuple[Side, ...]:
        readers, cases = _effects(rng, shape, reader, case)
        values = truth + readers + cases + rng.normal(0, cell, shape)
        return (Side(values, np.ones_like(values)),)

    return World(name, truth, sides)


def _mean_expit(centre: float, sd: float) -> float:
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)
    return float(np.sum(weights * expit(centre + sd * nodes)) / np.sqrt(2 * np.pi))


def skew() -> World:
    """Scores from 0 to 100 that crowd below the ceiling; the system is better, and the ceiling squeezes it more."""
    reader, case, cell, own = 0.6, 0.9, 1.2, 0.5
    physicians, system = 1.5, 2.0

    def sides(rng: Rng, shape: Shape) -> tuple[Side, ...]:
        readers, cases = _effects(rng, shape, reader, case)
        scores = 100 * expit(physicians + readers + cases + rng.normal(0, cell, shape))
        answers = 100 * expit(system + cases + rng.normal(0, own, cases.shape))
        values = answers - scores
        return (Side(values, np.ones_like(values)),)

    truth = 100 * (
        _mean_expit(system, np.hypot(case, own)) - _mean_expit(physicians, np.hypot(np.hypot(reader, case), cell))
    )
    return World("skew", truth, sides)


RATE, SYSTEM_RATE, RUNS = 0.19, 0.12, 5


def _harms(rng: Rng, shape: Shape) -> tuple[Floats, Floats]:
    """Severe harm: readings (S, R, C) of 0 or 1, and the system's share over its runs (S, 1, C)."""
    reader, case, own = 0.4, 0.6, 0.6
    readers, cases = _effects(rng, shape, reader, case)
    total = np.sqrt(1 + reader**2 + case**2)
    harmed = readers + cases + rng.normal(size=shape) < ndtri(RATE) * total
    total = np.sqrt(1 + case**2 + own**2)
    chance = ndtr(ndtri(SYSTEM_RATE) * total - cases - rng.normal(0, own, cases.shape))
    return harmed.astype(np.float64), rng.binomial(RUNS, chance) / RUNS


def binary() -> World:
    """The difference in the rate of severe harm: physicians 19 %, the system 12 % in five runs."""

    def sides(rng: Rng, shape: Shape) -> tuple[Side, ...]:
        harmed, answers = _harms(rng, shape)
        values = answers - harmed
        return (Side(values, np.ones_like(values)),)

    return World("binary", SYSTEM_RATE - RATE, sides)


def rate() -> World:
    """The physicians' own rate of severe harm."""

    def sides(rng: Rng, shape: Shape) -> tuple[Side, ...]:
        harmed, _ = _harms(rng, shape)
        return (Side(harmed, np.ones_like(harmed)),)

    return World("rate", RATE, sides, bounded=True)


def _errors(rng: Rng, shape: Shape) -> tuple[Side, Side]:
    """Omissions beside all errors, of the system and of the readers: counts whose means readers and cases multiply."""
    reader, case = 0.3, 0.5

    def counts(mean: float, effects: Floats, runs: int = 1) -> Floats:
        return rng.poisson(runs * mean * np.exp(effects)) / runs

    (readers_o, cases_o), (readers_k, cases_k) = (_effects(rng, shape, reader, case) for _ in range(2))
    omitted, committed = counts(1.5, readers_o + cases_o), counts(0.8, readers_k + cases_k)
    own_omitted, own_committed = counts(0.9, cases_o, RUNS), counts(0.8, cases_k, RUNS)
    system = Side(*(np.broadcast_to(x, shape) for x in (own_omitted, own_omitted + own_committed)))
    return system, Side(omitted, omitted + committed, sign=-1.0)


def ratio() -> World:
    """The difference of two ratios of sums: the omission share of the system less that of the physicians."""

    def sides(rng: Rng, shape: Shape) -> tuple[Side, ...]:
        return _errors(rng, shape)

    return World("ratio", 0.9 / (0.9 + 0.8) - 1.5 / (1.5 + 0.8), sides)


def share() -> World:
    """The physicians' own omission share."""

    def sides(rng: Rng, shape: Shape) -> tuple[Side, ...]:
        physicians = _errors(rng, shape)[1]
        return (Side(physicians.above, physicians.below),)

    return World("share", 1.5 / (1.5 + 0.8), sides, bounded=True)


WORLDS = (
    gauss("gauss", 5.0, 8.0, 12.0, 16.0),
    gauss("lowcase", 5.0, 10.0, 5.0, 16.0),
    gauss("far from 0", 70.0, 8.0, 12.0, 16.0),
    skew(),
    binary(),
    ratio(),
    rate(),
    share(),
)
