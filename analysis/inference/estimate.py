"""An estimate: a number, what was estimated, what was taken as random, and how sure it is, in one frozen record."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

NAN = float("nan")


class Method(StrEnum):
    """How an interval was made."""

    TWO_WAY = "two-way"
    SEMIVARIANCE = "semivariance"
    BOOTSTRAP = "bootstrap"
    REML = "reml"
    ORH = "orh"
    ROBUST = "two-way-robust"
    LEAST_SQUARES = "least-squares-robust"
    CASES = "cases"
    READERS = "readers"
    RUNS = "runs"
    CASE_BOOTSTRAP = "case-bootstrap"
    SIGN_FLIP = "sign-flip"
    WILSON = "wilson"
    CLOPPER_PEARSON = "clopper-pearson"
    NEWCOMBE = "newcombe"
    TANGO = "tango"


class Weighting(StrEnum):
    """What counts the same: every pair of reader and case, every case, or every reader."""

    PAIR = "pair"
    CASE = "case"
    READER = "reader"


class Estimand(StrEnum):
    """What a comparison estimates; E1 to E6 and E9 follow from what is compared and how, E7 and E8 are asked for."""

    E1 = "E1"
    E2 = "E2"
    E3 = "E3"
    E4 = "E4"
    E5 = "E5"
    E6 = "E6"
    E7 = "E7"
    E8 = "E8"
    E9 = "E9"


BY_WEIGHTS = {Weighting.PAIR: Estimand.E1, Weighting.CASE: Estimand.E2, Weighting.READER: Estimand.E3}
"""What a system's difference from a panel estimates under each weighting (see `weights_of`).

A method with weights of its own (`weighting` None, such as REML's by generalised least squares) has the word E1 too:
in its model the mean is the same under any weights.
"""


class RefusalCode(StrEnum):
    """Why there is no interval."""

    NO_PAIRS = "no_pairs"
    NO_VALUE = "no_value"
    FEW_READERS = "few_readers"
    FEW_CASES = "few_cases"
    FEW_SHARED_CASES = "few_shared_cases"
    FEW_SHARED_READERS = "few_shared_readers"
    ZERO_VARIANCE = "zero_variance"
    CASE_VARIANTS = "case_variants"
    DRAWS_WITHOUT_VALUE = "draws_without_value"
    MISSING_ANSWERS = "missing_answers"
    MIXED_RESPONSE_MODES = "mixed_response_modes"
    INCOMPLETE_TABLE = "incomplete_table"
    NOT_CONVERGED = "not_converged"
    NOT_IDENTIFIED = "not_identified"
    DEPENDENT_PAIRS = "dependent_pairs"
    CROSSES_ZERO = "crosses_zero"
    EMPTY_ARM = "empty_arm"
    FEW_RUNS = "few_runs"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refused interval: a word for programs and a sentence for people."""

    code: RefusalCode
    reason: str


@dataclass(frozen=True, slots=True)
class Components:
    """The three variance components of one reading's difference, untruncated (a negative one is sampling noise)."""

    case: float
    reader: float
    cell: float

    def truncated(self) -> "Components":
        """Negative components as 0: what an interval is made of."""
        return Components(max(self.case, 0.0), max(self.reader, 0.0), max(self.cell, 0.0))


@dataclass(frozen=True, slots=True)
class Shares:
    """How much of the estimate's variance each source brings, after truncation; they add up to 1."""

    case: float
    reader: float
    cell: float


UNKNOWN_COMPONENTS = Components(NAN, NAN, NAN)
UNKNOWN_SHARES = Shares(NAN, NAN, NAN)


@dataclass(frozen=True, slots=True)
class Estimate:
    """One number with its uncertainty. NaN: not defined for this method, or refused (then `refused` says why).

    `value` is in the measure's own units. `components` are variances of a single reading's quantity (squared units);
    `shares` are parts of the variance of `value`. `random` names what the interval generalises over. `p` is
    two-sided for 0. `draws_without_value` counts bootstrap draws that had none.
    """

    value: float
    level: float
    method: Method
    weighting: Weighting | None
    n_readers: int
    n_cases: int
    n_readings: int
    se: float = NAN
    df: float = NAN
    low: float = NAN
    high: float = NAN
    p: float = NAN
    random: tuple[str, ...] = ("reader", "case")
    components: Components = UNKNOWN_COMPONENTS
    shares: Shares = UNKNOWN_SHARES
    seed: int | None = None
    draws: int | None = None
    draws_without_value: int | None = None
    refused: Refusal | None = None
    label: str | None = None
