"""How often each interval holds the truth, in simulated studies of many designs and outcomes.

    python benchmarks/coverage/simulate.py [--sets N] [--out FILE] [--page FILE]

Writes every cell to var/coverage.json and the tables of docs/coverage.md. One seed; the same numbers on every run.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # two processes on two cores: threads that wait for each other cost more

import argparse
import json
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import product
from pathlib import Path

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from _cells import Size, run  # noqa: E402  after the path that leads to the package
from _designs import DESIGNS  # noqa: E402
from _page import page  # noqa: E402
from _worlds import WORLDS  # noqa: E402

SIZE = Size(seed=20261122, sets=8000, with_draws=500, with_reml=120)
PROCESSES = 2


def simulate(size: Size, *, show: bool = True) -> dict[str, object]:
    """Every design in every world, longest first, in the order of the tables."""
    cells = list(product(WORLDS, DESIGNS))
    found: dict[tuple[str, str], dict[str, object]] = {}
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with ProcessPoolExecutor(PROCESSES) as pool, Progress(*columns, disable=not show) as progress:
        bar = progress.add_task("cells of the study", total=len(cells))
        waiting = {pool.submit(_run, which, size): which for which in product(range(len(WORLDS)), range(len(DESIGNS)))}
        for done in as_completed(waiting):
            world, design = waiting[done]
            found[WORLDS[world].name, DESIGNS[design].name] = done.result()
            progress.advance(bar)
    return {
        "seed": size.seed,
        "sets": size.sets,
        "with_draws": size.with_draws,
        "with_reml": size.with_reml,
        "draws": size.draws,
        "cells": [found[world.name, design.name] for world, design in cells],
    }


def _run(which: tuple[int, int], size: Size) -> dict[str, object]:
    """A cell by its numbers: worlds hold functions, which do not travel between processes."""
    world, design = which
    return run(DESIGNS[design], WORLDS[world], size)


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="Measure the coverage of every interval.")
    parser.add_argument("--sets", type=int, default=SIZE.sets, help="data sets a cell; draws and models in proportion")
    parser.add_argument("--out", type=Path, default=ROOT / "var" / "coverage.json")
    parser.add_argument("--page", type=Path, default=ROOT / "docs" / "coverage.md")
    parser.add_argument("--page-only", action="store_true", help="write the page from the figures that are there")
    asked = parser.parse_args(arguments)
    part = asked.sets / SIZE.sets
    size = Size(SIZE.seed, asked.sets, round(SIZE.with_draws * part), round(SIZE.with_reml * part), SIZE.draws)
    began = time.monotonic()
    if asked.page_only:
        found = json.loads(asked.out.read_text(encoding="utf-8"))
    else:
        found = simulate(size)
        asked.out.parent.mkdir(exist_ok=True)
        asked.out.write_text(json.dumps(found, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    text, missed = page(found)
    asked.page.write_text(text, encoding="utf-8")
    print(f"{len(found['cells'])} cells in {time.monotonic() - began:.0f} s: {asked.out}, {asked.page}")
    print("outside the aims: " + ("; ".join(missed) or "none"))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
