"""The whole report of the shape set: 65,030 readings, 33 systems and policies, 12 measures, 10,000 draws.

Time and peak memory in a process of its own, which first builds the cut in memory; the peak before `analyse` begins is
printed beside the peak of the whole, so that what the input weighs can be told from what the analysis adds.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SEED = 20261121
DRAWS = 10_000


def peak_mb() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure() -> None:
    """In the fresh process: build the cut, analyse it, print the figures."""
    from _figures import figure

    from analysis.analyse import analyse
    from fixtures.shape import shape_set
    from study.cut import Cut
    from study.progress import Reading, State

    shape = shape_set(SEED)
    bundle = shape.bundle()
    readings = tuple(
        Reading(
            reader=answer.respondent,
            case_id=answer.case_id,
            arm="physician",
            position=1,
            state=State.SUBMITTED,
            response=answer.response,
        )
        for answer in shape.physician_answers()
    )
    cut = Cut(
        protocol=bundle.protocol,
        cases=bundle.cases,
        rubric=bundle.rubric(),
        ratings=bundle.ratings,
        readings=readings,
        answers=tuple(shape.system_answers()),
        bundle_digest=bundle.digest,
        locked_at_us=1_800_000_000_000_000,
    )
    n = len(cut.readings) + len(cut.answers)
    before, began, stages = peak_mb(), time.perf_counter(), {}

    def note(what: str, done: int, of: int) -> None:
        if done in (0, of):
            stages.setdefault(what, []).append(time.perf_counter())

    report = analyse(cut, seed=SEED, draws=DRAWS, progress=note)
    took = time.perf_counter() - began
    figure("analyse, shape set: readings", n, "readings")
    figure("analyse, shape set: differences", len(report.findings.rows), "contrasts")
    for what, (start, *_, end) in stages.items():
        figure(f"analyse, shape set: {what}", end - start, "s")
    figure("analyse, shape set: whole report", took, "s")
    figure("analyse, shape set: peak before", before, "MiB")
    figure("analyse, shape set: peak memory", peak_mb(), "MiB")


def beside_a_loop() -> None:
    """The crossed bootstrap of all systems at once, beside a loop over the same draws that picks rows and columns."""
    import numpy as np
    from _figures import figure

    from analysis.inference.bootstrap import Draws, Table, draw, mean_differences

    rng = np.random.default_rng(SEED)
    readings = rng.random((101, 100))
    readings[rng.random(readings.shape) < 0.7] = np.nan
    table = Table(readings, rng.random((31, 100)))
    draws, few = draw(SEED, DRAWS, 101, 100), 300

    def loop(some: Draws) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
        read, score = np.isfinite(readings).astype(float), np.nan_to_num(readings)
        found = []
        for of_readers, of_cases in zip(some.readers, some.cases, strict=True):
            rows, columns = np.repeat(np.arange(101), of_readers), np.repeat(np.arange(100), of_cases)
            picked = np.ix_(rows, columns)
            times_read = read[picked].sum(axis=0)
            system = table.systems[:, columns] @ times_read
            found.append((system - score[picked].sum()) / times_read.sum())
        return np.array(found)

    began = time.perf_counter()
    products = mean_differences(table, draws)
    by_products = (time.perf_counter() - began) / DRAWS
    began = time.perf_counter()
    looped = loop(Draws(draws.readers[:few], draws.cases[:few]))
    by_loop = (time.perf_counter() - began) / few
    np.testing.assert_allclose(products[:few], looped, rtol=1e-9, atol=1e-11)
    figure("crossed bootstrap, 31 systems: a draw", by_products * 1e6, "µs")
    ratio = by_loop / by_products
    figure("crossed bootstrap: index loop / matrix products", ratio, "×", target=10, holds=ratio >= 10)


def main() -> None:
    """Run the measurement in a fresh process, so that nothing else counts as its memory."""
    subprocess.run([sys.executable, __file__, "--here"], cwd=ROOT, check=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--here"]:
        sys.path.insert(0, str(ROOT))
        measure()
        beside_a_loop()
    else:
        main()
