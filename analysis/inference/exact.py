"""Sums that do not depend on the order of adding, so that every processor and number of threads gives the same digits.

A sum of floating-point numbers is rounded at every step, and a linear algebra library adds in an order that depends on
the processor. Twelve written digits do not always hide that. Here single sums are rounded once, and what goes into
matrix products is put on a grid so coarse that no step needs rounding.
"""

import math

import numpy as np

from analysis.inference.estimate import Floats

EXACT_BITS = 51  # of the 53 that a double holds: one is left for a difference of two sums, one for rounding to the grid

LEAST_POWER = -1022  # of two, that a double holds with all its digits


def total(values: Floats) -> float:
    """The sum of the values (N,), rounded once (Shewchuk 1997)."""
    return math.fsum(values.tolist())


def total_by_halves(values: Floats) -> float:
    """The sum of the values (N,), halves added to each other until one number is left.

    Rounded at every step, yet the same everywhere: each step adds pairs that the length alone decides. For thousands of
    values, where `total` takes a hundred times as long.
    """
    while values.size > 1:
        half = values.size // 2
        folded = values[:half] + values[half : 2 * half]
        if values.size > 2 * half:
            folded[0] += values[-1]
        values = folded
    return float(values[0]) if values.size else 0.0


def dot(left: Floats, right: Floats) -> float:
    """The sum of the products (N,), each rounded once and their sum once."""
    return total(left * right)


def grid(largest: float, weight: float) -> float:
    """The step of a grid on which sums are exact, a power of two.

    `largest` bounds the absolute values that are summed, `weight` the sum of their whole-number weights.
    """
    bound = largest * weight
    return 2.0 ** max(math.ceil(math.log2(bound)) - EXACT_BITS, LEAST_POWER) if bound > 0 else 1.0


def magnitude(values: Floats) -> float:
    """The power of two just below the largest absolute value; 1 where there is none.

    Values divided by it keep every digit, and their squares can be had: they are neither too large nor too small.
    """
    largest = float(np.abs(values).max(initial=0.0))
    return 2.0 ** (math.frexp(largest)[1] - 1) if largest > 0 else 1.0


def on_grid(values: Floats, step: float) -> Floats:
    """The values at the nearest multiples of the step; NaN stays NaN."""
    return np.rint(values / step) * step
