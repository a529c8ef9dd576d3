"""Everything between scores and pages: five measures × 31 systems × the whole and ten specialties, on one set of draws.

Each contrast with its default interval, its bootstrap interval and, over the whole, its band: 1,705 of them. As a
multiple of the matrix products alone, with the memory it takes, and the cost at 1, 4 and 16 times the readings.
"""

import resource

import numpy as np
from _clock import seconds
from _figures import figure
from _products import bare_products
from _shape_study import DRAWS, SEED, shape_cut

from analysis.inference.bootstrap import Table, draw, mean_differences
from analysis.inference.layout import layout_of
from analysis.inference.twoway import twoway
from analysis.outcomes.contrasts import contrasts
from analysis.outcomes.frame import MeasureTable, PhysicianArm
from analysis.outcomes.laid import Laid, lay_out
from analysis.outcomes.specialties import by_specialty

MEASURES = ("severe", "safety", "completeness", "restraint", "f1")


def peak_mb() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def every_contrast(laid: Laid) -> int:
    """All contrasts, as a report has them; how many have both intervals."""
    found, arm = 0, laid.arms[0]
    asked = {"level": 0.95, "mixed_modes": True}
    for name in MEASURES:
        table = laid.study.tables[name]
        whole = contrasts(laid.study, table, arm, laid.draws, **asked)
        parts = by_specialty(laid.study, table, arm, laid.within_specialties, laid.specialty_of, **asked)
        made = [*whole, *(part.contrast for part in parts)]
        found += sum(one.default.refused is None and one.bootstrap.refused is None for one in made)
    return found


def products_of(laid: Laid) -> list:
    """The bare products of the same: of each measure, or each part of a composite, over the whole and by specialty."""
    own = np.array([laid.specialty_of[case] for case in laid.study.cases])
    groups = [(own == name, laid.within_specialties) for name in sorted(set(own.tolist()))]
    groups.insert(0, (np.ones(own.size, dtype=bool), laid.draws))
    tables = [laid.study.tables[name] for name in MEASURES]
    parts = [part for table in tables for part in (table.parts or (table,))]
    return [
        bare_products(*_tables(part, laid.arms[0], group), draws=draws) for part in parts for group, draws in groups
    ]


def _tables(part: MeasureTable, arm: PhysicianArm, group: np.ndarray) -> tuple[Table, list[Table]]:
    readings, read = part.arms[arm.name], arm.read & group
    above = Table(np.where(read, readings.above, np.nan), part.systems.above)
    below = Table(np.where(read, readings.below, np.nan), part.systems.below)
    return above, [] if part.measure.kind == "mean" else [below]


def at_more_readings(times: int) -> float:
    """Default and crossed bootstrap of 31 systems with so many times the 101 physicians, in seconds."""
    rng = np.random.default_rng(SEED)
    n_readers, n_cases = 101 * times, 100
    readings = np.full((n_readers, n_cases), np.nan)
    for row in readings:
        row[rng.choice(n_cases, 30, replace=False)] = rng.random(30)
    systems = rng.random((31, n_cases))
    mask = np.isfinite(readings)
    draws = draw(SEED, DRAWS, n_readers, n_cases)

    def intervals() -> None:
        layout = layout_of(mask)
        for system in systems:
            twoway((system - readings)[mask], layout, level=0.95)
        mean_differences(Table(readings, systems), draws)

    return seconds(intervals, times=3)[0]


def main() -> None:
    cut = shape_cut()
    laid = lay_out(cut, cut.rubric, [], seed=SEED, draws=DRAWS)
    before = peak_mb()
    made = every_contrast(laid)
    after = peak_mb()
    (whole,) = seconds(lambda: every_contrast(laid), times=2)
    products = products_of(laid)
    (bare,) = seconds(lambda: [one() for one in products], times=3)
    figure("whole study: contrasts with both intervals", made, "contrasts")
    figure("whole study: every contrast", whole, "s")
    figure("whole study / its bare matrix products", whole / bare, "×")
    figure("whole study: peak memory before", before, "MiB")
    figure("whole study: peak memory", after, "MiB")
    once = at_more_readings(1)
    for times in (4, 16):
        figure(
            f"default and bootstrap of 31 systems: {times} × the readings / once", at_more_readings(times) / once, "×"
        )


if __name__ == "__main__":
    main()
