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


def main() -> None:
    """Run the measurement in a fresh process, so that nothing else counts as its memory."""
    subprocess.run([sys.executable, __file__, "--here"], cwd=ROOT, check=True)


if __name__ == "__main__":
    if sys.argv[1:] == ["--here"]:
        sys.path.insert(0, str(ROOT))
        measure()
    else:
        main()
