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

from analysis.inference.bootstrap import Draws, Table, draw, mean_differences
from analysis.inference.layout import layout_of
from analysis.inference.twoway import twoway
from analysis.outcomes.contrasts import contrasts
from analysis.outcomes.frame import Frame, MeasureTable, PhysicianArm, frame
from analysis.outcomes.specialties import by_specialty

MEASURES = ("severe", "safety", "completeness", "restraint", "f1")


def peak_mb() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def every_contrast(study: Frame, arm: PhysicianArm, draws: Draws, specialty_of: dict[str, str]) -> int:
    """All contrasts; how many have both intervals."""
    found = 0
    for name in MEASURES:
        table = study.tables[name]
        whole = contrasts(study, table, arm, draws, level=0.95, mixed_modes=True)
        parts = by_specialty(study, table, arm, draws, specialty_of, level=0.95, mixed_modes=True)
        made = [*whole, *(part.contrast for part in parts)]
        found += sum(one.default.refused is None and one.bootstrap.refused is None for one in made)
    return found


def products_of(study: Frame, arm: PhysicianArm, draws: Draws, specialty_of: dict[str, str]) -> list:
    """The bare products of the same: of each measure, or each part of a composite, over the whole and by specialty."""
    own = np.array([specialty_of[case] for case in study.cases])
    groups = [np.ones(own.size, dtype=bool), *(own == name for name in sorted(set(own.tolist())))]
    parts = [part for name in MEASURES for part in (study.tables[name].parts or (study.tables[name],))]
    return [bare_products(*_tables(part, arm, group), draws=draws) for part in parts for group in groups]


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
    study = frame(cut, cut.rubric, [])
    arm = study.arms["physician"]
    specialty_of = {case: cut.cases[case].specialty for case in study.cases}
    draws = draw(SEED, DRAWS, len(study.readers), len(study.cases))
    before = peak_mb()
    made = every_contrast(study, arm, draws, specialty_of)
    after = peak_mb()
    (whole,) = seconds(lambda: every_contrast(study, arm, draws, specialty_of), times=2)
    products = products_of(study, arm, draws, specialty_of)
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
