"""How often intervals of a contrast between arms of physicians hold the truth, in simulated studies.

    python benchmarks/coverage/arms.py [--sets N] [--models N] [--page FILE]

Writes every design to var/coverage-of-arms.json and the table of docs/arms.md. One seed; the same numbers on every run.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template

import numpy as np
from rich.progress import track
from scipy.special import ndtr, ndtri

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from analysis.inference.arms import ArmReadings, contrast_arms  # noqa: E402  after the path that leads to the package
from analysis.inference.estimate import Estimate  # noqa: E402
from analysis.inference.layout import Layout  # noqa: E402
from analysis.inference.regression import design_of, robust_coefficient  # noqa: E402
from analysis.inference.robust import two_way_variance  # noqa: E402
from analysis.inference.student import t_quantile  # noqa: E402

SEED, LEVEL = 20261121, 0.95
NAMES = ("test", "control")
TEMPLATE = Path(__file__).with_name("arms.md")
WAYS = ("corrected", "mixed", "plain", "readings")


@dataclass(frozen=True, slots=True)
class Design:
    """One kind of study. `n_control` 0: a crossover of `n_test` readers, who read `each` cases in either period.

    Standard deviations are in points; `arm_case` and `arm_reader` are of the arm's effect between cases and readers.
    `rate`: the outcome is 0 or 1, with that rate in the control arm. `baseline`: a covariate correlated 0.7 with
    ability.
    """

    name: str
    n_test: int
    n_control: int
    n_cases: int
    each: int
    arm_case: float = 0.0
    arm_reader: float = 0.0
    rate: float | None = None
    baseline: bool = False
    models: bool = True
    reader: float = 8.0
    case: float = 12.0
    cell: float = 16.0


DESIGNS = (
    Design("parallel, 3 + 3", 3, 3, 30, 30),
    Design("parallel, 5 + 5", 5, 5, 30, 30),
    Design("parallel, 3 + 12", 3, 12, 30, 30),
    Design("parallel, 10 + 10, 15 of 30", 10, 10, 30, 15),
    Design("parallel, 10 + 10, 10 of 100", 10, 10, 100, 10),
    Design("parallel, 8 + 8, 6 of 12", 8, 8, 12, 6),
    Design("parallel, 10 + 10, effect differs by case", 10, 10, 30, 30, arm_case=6),
    Design("parallel, 10 + 10, with a baseline", 10, 10, 30, 30, baseline=True),
    Design("parallel, 50 + 51, 30 of 100, effect differs by case", 50, 51, 100, 30, arm_case=6, models=False),
    Design("parallel, 10 + 10, severe harm 19 %", 10, 10, 30, 30, rate=0.19),
    Design("parallel, 3 + 12, severe harm 19 %", 3, 12, 30, 30, rate=0.19),
    Design("crossover, 6, 10 + 10 of 20", 6, 0, 20, 10, arm_case=5, arm_reader=4),
    Design("crossover, 20, 10 + 10 of 100", 20, 0, 100, 10, arm_case=5, arm_reader=4),
    Design("crossover, 101, 10 + 10 of 100", 101, 0, 100, 10, arm_case=5, arm_reader=4, models=False),
    Design("crossover, 20, 10 + 10 of 100, severe harm 19 %", 20, 0, 100, 10, rate=0.19),
)


def studies(design: Design, rng: np.random.Generator) -> Iterator[ArmReadings]:
    """Invented studies of one assignment without end; the true difference is 0."""
    reader, case, test, period = _assignment(design, rng)
    n_readers = int(reader.max()) + 1
    codes = np.unique(case, return_inverse=True)[1].astype(np.int64)
    layout = Layout(reader, codes, n_readers, int(codes.max()) + 1)
    while True:
        ability = rng.normal(0, design.reader, n_readers)
        values = ability[reader] + rng.normal(0, design.case, layout.n_cases)[codes]
        values = values + rng.normal(0, design.cell, reader.size)
        values = values + test * rng.normal(0, design.arm_case, layout.n_cases)[codes]
        values = values + test * rng.normal(0, design.arm_reader, n_readers)[reader]
        known = 0.7 * ability / design.reader + rng.normal(0, 0.51**0.5, n_readers)
        if design.rate is not None:
            spread = (design.reader**2 + design.case**2 + design.cell**2) ** 0.5
            values = (ndtr(values / spread) < design.rate).astype(float)
        yield ArmReadings(values, test, layout, period, known[reader] if design.baseline else None)


def _assignment(design: Design, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    if design.n_control:
        n = design.n_test + design.n_control
        case = np.concatenate([rng.permutation(design.n_cases)[: design.each] for _ in range(n)])
        reader = np.repeat(np.arange(n), design.each)
        return reader, case, reader < design.n_test, None
    case = np.concatenate([rng.permutation(design.n_cases)[: 2 * design.each] for _ in range(design.n_test)])
    reader = np.repeat(np.arange(design.n_test), 2 * design.each)
    period = np.tile(np.repeat([1, 2], design.each), design.n_test)
    return reader, case, (period == 1) == (reader % 2 == 0), period


def plain(given: ArmReadings) -> tuple[float, float]:
    """The usual two-way robust interval: G/(G − 1), t with min(R, C) − 1; its difference and half-width."""
    columns = [np.ones(given.values.size), given.test.astype(float)]
    if given.period is not None:
        columns.append(given.period - 1.0)
    if given.baseline is not None:
        columns.append(given.baseline)
    matrix = np.column_stack(columns)
    inverse = np.linalg.inv(matrix.T @ matrix)
    beta = inverse @ (matrix.T @ given.values)
    scores = (given.values - matrix @ beta) * (matrix @ inverse[1])
    found = two_way_variance(scores, given.layout, n_coefficients=matrix.shape[1])
    df = min(given.layout.n_readers, given.layout.n_cases) - 1
    return float(beta[1]), t_quantile((1 + LEVEL) / 2, df) * max(found.combined, found.reader) ** 0.5


def readings(given: ArmReadings) -> tuple[float, float]:
    """Welch's interval as if every reading were independent: what is never reported."""
    sides = [given.values[given.test], given.values[~given.test]]
    half = -ndtri((1 - LEVEL) / 2) * sum(side.var(ddof=1) / side.size for side in sides) ** 0.5
    return float(sides[0].mean() - sides[1].mean()), float(half)


def measured(design: Design, sets: int, models: int) -> dict[str, object]:
    """Coverage and relative width by way; None: not run, or no study had an interval."""
    at = DESIGNS.index(design)
    drawn = studies(design, np.random.default_rng([SEED, at]))
    ends: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for number, given in zip(range(sets), drawn, strict=False):
        if design.models and number < models:
            both = contrast_arms(given, names=NAMES, level=LEVEL)
            _add(ends["corrected"], both.robust)
            _add(ends["mixed"], both.mixed)
        else:
            _add(ends["corrected"], _corrected(given))
        ends["plain"].append(plain(given))
        ends["readings"].append(readings(given))
    error = np.std([value for value, _ in ends["plain"]])
    return {"design": asdict(design), **{way: _summary(found, error) for way, found in ends.items()}}


def _corrected(given: ArmReadings) -> Estimate:
    columns = [("arm", given.test.astype(float))]
    columns += [] if given.period is None else [("period", given.period - 1.0)]
    columns += [] if given.baseline is None else [("baseline", given.baseline)]
    return robust_coefficient(given.values, design_of(columns, asked="arm"), given.layout, level=LEVEL)


def _add(ends: list[tuple[float, float]], estimate: Estimate) -> None:
    if estimate.refused is None:
        ends.append((estimate.value, (estimate.high - estimate.low) / 2))


def _summary(ends: list[tuple[float, float]], error: float) -> dict[str, float | int] | None:
    if not ends:
        return None
    values, halves = np.array(ends).T
    width = float(halves.mean() / (1.959963984540054 * error))
    return {"n": len(ends), "coverage": float((np.abs(values) <= halves).mean()), "width": width}


def page(found: Sequence[dict[str, object]], sets: int, models: int) -> str:
    """The page, its figures from the run."""
    lines = ["| design | corrected | mixed model | plain robust | readings |", "|---|---|---|---|---|"]
    for row in found:
        lines.append(f"| {row['design']['name']} | " + " | ".join(_entry(row[way]) for way in WAYS) + " |")
    covered = {way: [row[way]["coverage"] for row in found if row[way] is not None] for way in WAYS}
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        seed=SEED,
        sets=f"{sets:,}",
        models=f"{models:,}",
        error=f"{(0.95 * 0.05 / sets) ** 0.5:.3f}",
        error_models=f"{(0.95 * 0.05 / models) ** 0.5:.3f}",
        table="\n".join(lines),
        **{way: f"{min(shares):.3f} to {max(shares):.3f}" for way, shares in covered.items()},
    )


def _entry(found: dict[str, float] | None) -> str:
    return "–" if found is None else f"{found['coverage']:.3f} / {found['width']:.2f}"


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Measure the coverage of contrasts between arms.")
    parser.add_argument("--sets", type=int, default=1000, help="studies of each design")
    parser.add_argument("--models", type=int, default=200, help="of these with the mixed model")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "arms.md")
    asked = parser.parse_args(arguments)
    found = [measured(design, asked.sets, asked.models) for design in track(DESIGNS, description="designs")]
    out = ROOT / "var" / "coverage-of-arms.json"
    out.parent.mkdir(exist_ok=True)
    out.write_text(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    asked.page.write_text(page(found, asked.sets, asked.models), encoding="utf-8")
    print(f"{len(found)} designs: {out}, {asked.page}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
