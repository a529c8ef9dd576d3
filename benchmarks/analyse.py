"""The whole report of the shape set: 65,030 readings, 33 systems and policies, 12 measures, 10,000 draws.

Time and peak memory in a process of its own, which first builds the cut in memory; the peak before `analyse` begins is
printed beside the peak of the whole, so that what the input weighs can be told from what the analysis adds.
"""

import resource
import time

from _figures import figure
from _shape_study import DRAWS, SEED, shape_cut

from analysis.analyse import analyse


def peak_mb() -> float:
    """The most memory that this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Build the cut, analyse it, print the figures."""
    cut = shape_cut()
    n = len(cut.readings) + len(cut.answers)
    before, began, stages = peak_mb(), time.perf_counter(), {}

    def note(what: str, done: int, of: int) -> None:
        if done in (0, of):
            stages.setdefault(what, []).append(time.perf_counter())

    used = time.process_time()
    report = analyse(cut, seed=SEED, draws=DRAWS, progress=note)
    used, took = time.process_time() - used, time.perf_counter() - began
    figure("analyse, shape set: readings", n, "readings")
    figure("analyse, shape set: differences", len(report.findings.rows), "contrasts")
    for what, (start, *_, end) in stages.items():
        figure(f"analyse, shape set: {what}", end - start, "s")
    figure("analyse, shape set: whole report", took, "s")
    figure("analyse, shape set: whole report, processor", used, "s")
    figure("analyse, shape set: peak before", before, "MiB")
    figure("analyse, shape set: peak memory", peak_mb(), "MiB")


if __name__ == "__main__":
    main()
