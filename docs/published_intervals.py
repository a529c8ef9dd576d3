"""The page on the published study's intervals, its figures made here: `python docs/published_intervals.py`.

Three things are had again: what a published interval implies (arithmetic), how often intervals from runs hold for new
cases (simulation), and the same study on the shape set, which has the published rates and none of its answers.
"""

import sys
from pathlib import Path
from string import Template

import numpy as np
from numpy.typing import NDArray
from scipy import special

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from analysis.inference.conditional import new_cases, runs  # noqa: E402  after the path that leads to it
from analysis.inference.estimate import Estimate, Weighting  # noqa: E402
from analysis.inference.layout import layout_of, weights_of  # noqa: E402
from analysis.inference.twoway import twoway  # noqa: E402
from fixtures.shape import CASES, RUNS, shape_set  # noqa: E402
from study.scoring import score_readings  # noqa: E402

Floats = NDArray[np.float64]

SEED = 20261121
SETS = 20_000
Z = float(special.ndtri(0.975))
CASE_SD, RUN_SD = 12.0, 9.0
PAGE = ROOT / "docs" / "published-intervals.md"
TEMPLATE = ROOT / "docs" / "published-intervals.template"

PUBLISHED = {"severe": (0.222, 0.006), "omitted": (0.766, 0.002)}
"""Rates and half-widths as the first version of the paper prints them: arXiv 2512.01241v1."""


def implied_trials(rate: float, half_width: float) -> float:
    """Independent yes-or-no trials that such an interval needs."""
    return rate * (1 - rate) * (Z / half_width) ** 2


def coverage_from_runs(n_runs: int) -> dict[str, float]:
    """How often three intervals hold a system's mean over all cases: 100 cases, some runs of each."""
    rng = np.random.default_rng([SEED, n_runs])
    held = np.zeros(3)
    for _ in range(SETS // 500):
        cases = rng.normal(0, CASE_SD, (500, CASES, 1))
        values = cases + rng.normal(0, RUN_SD, (500, CASES, n_runs))
        mean = values.mean((1, 2))
        clusters = {
            "every answer independent": values.reshape(500, -1),
            "the runs' means": values.mean(1),
            "by case": values.mean(2),
        }
        for place, parts in enumerate(clusters.values()):
            n = parts.shape[1]
            half = special.stdtrit(n - 1.0, 0.975) * parts.std(1, ddof=1) / np.sqrt(n)
            held[place] += (np.abs(mean) <= half).sum()
    return dict(zip(clusters, (held / SETS).tolist(), strict=True))


def shape_scores(*measures: str) -> dict[str, tuple[Floats, Floats]]:
    """The shape set by measure: systems (K, runs, C), and readings (R, C), NaN where not read."""
    shape = shape_set(SEED)
    scores = score_readings(shape.bundle().rubric(), *shape.readings()).measures
    of_systems = (len(shape.names), RUNS, CASES)
    n, found = int(np.prod(of_systems)), {}
    for measure in measures:
        readings = np.full(shape.reads.shape, np.nan)
        readings[shape.reads] = scores[measure].value[n:]
        found[measure] = scores[measure].value[:n].reshape(of_systems), readings
    return found


def three_intervals(system: Floats, readings: Floats) -> tuple[Estimate, Estimate, Estimate]:
    """System − physicians with runs random, then cases, then cases and physicians."""
    mask = np.isfinite(readings)
    layout = layout_of(mask)
    differences = (system.mean(0) - readings)[mask]
    both = twoway(differences, layout, level=0.95)
    weights = layout.by_case(weights_of(layout, Weighting.PAIR))
    return runs(system, weights, both), new_cases(differences, layout, level=0.95), both


def half(estimate: Estimate) -> float:
    """In percentage points."""
    return 50 * (estimate.high - estimate.low)


def excludes_zero(estimate: Estimate) -> bool:
    return estimate.low > 0 or estimate.high < 0


def told(estimate: Estimate) -> str:
    return f"{100 * estimate.value:+.1f} ± {half(estimate):.1f}"


def figures() -> dict[str, str]:
    """Everything that the page says in numbers."""
    found = {"case_sd": f"{CASE_SD:.0f}", "run_sd": f"{RUN_SD:.0f}", "sets": f"{SETS:,}"}
    for name, (rate, half_width) in PUBLISHED.items():
        found |= {
            f"{name}_rate": f"{100 * rate:.1f}",
            f"{name}_half": f"{100 * half_width:.1f}",
            f"{name}_trials": f"{implied_trials(rate, half_width):,.0f}",
        }
    rate, half_width = PUBLISHED["severe"]
    found["severe_at_most"] = f"{100 * Z * (rate * (1 - rate) / CASES) ** 0.5:.1f}"
    found["severe_spread"] = f"{100 * half_width * CASES**0.5 / special.stdtrit(CASES - 1.0, 0.975):.1f}"
    for n_runs in (5, 11):
        for place, held in enumerate(coverage_from_runs(n_runs).values()):
            found[f"runs{n_runs}_{place}"] = f"{held:.3f}"
    for measure, (systems, readings) in shape_scores("severe", "safety").items():
        found |= _shape_figures(measure, systems, readings)
    return found


def _shape_figures(measure: str, systems: Floats, readings: Floats) -> dict[str, str]:
    contrasts = [three_intervals(system, readings) for system in systems]
    alone = systems.mean(1)
    of_runs = [_one_way(runs_means) for runs_means in systems.mean(2)]
    of_cases = [_one_way(case_means) for case_means in alone]
    rows = [
        f"| system-{k + 1:02d} | {100 * alone[k].mean():.1f} ± {100 * of_runs[k]:.1f} | ± {100 * of_cases[k]:.1f} "
        f"| {told(one[0])} | ± {half(one[1]):.1f} | ± {half(one[2]):.1f} |"
        for k, one in enumerate(contrasts)
    ]
    halves = np.array([[half(estimate) for estimate in one] for one in contrasts])
    medians = np.median(halves, axis=0)
    return {
        f"{measure}_rows": "\n".join(rows),
        f"{measure}_n": str(len(rows)),
        f"{measure}_physicians": f"{100 * np.nanmean(readings):.1f}",
        f"{measure}_alone_runs": f"{100 * np.median(of_runs):.1f}",
        f"{measure}_alone_cases": f"{100 * np.median(of_cases):.1f}",
        f"{measure}_runs": f"{medians[0]:.1f}",
        f"{measure}_cases": f"{medians[1]:.1f}",
        f"{measure}_both": f"{medians[2]:.1f}",
        f"{measure}_times": f"{medians[2] / medians[0]:.1f}",
        f"{measure}_sd": f"{100 * np.median(alone.std(axis=1, ddof=1)):.0f}",
        f"{measure}_clear_runs": str(sum(excludes_zero(one[0]) for one in contrasts)),
        f"{measure}_clear_both": str(sum(excludes_zero(one[2]) for one in contrasts)),
    }


def _one_way(values: Floats) -> float:
    """Half of Student's t interval from independent values."""
    return float(special.stdtrit(values.size - 1.0, 0.975) * values.std(ddof=1) / values.size**0.5)


def page() -> str:
    return Template(TEMPLATE.read_text(encoding="utf-8")).substitute(figures())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"{PAGE} written")
