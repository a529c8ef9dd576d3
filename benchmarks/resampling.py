"""The crossed bootstrap of all systems at once: beside its own matrix products, an index loop, and other software.

Shape set, f1-like scores of one measure: 100 cases, 31 systems, 101 physicians with 30 cases each, 10,000 draws.
Ratios are of processor time, taken in turn in one process; R's is its own.
"""

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from _clock import seconds
from _figures import figure
from _products import bare_products
from _shape_study import DRAWS, SEED, shape_cut
from scipy import stats

from analysis.inference.bootstrap import Draws, Table, draw, mean_differences
from analysis.outcomes.frame import frame

FEW = 100
MEASURE = "safety"

R_BOOT = """
suppressPackageStartupMessages(library(boot))
d <- scan(commandArgs(TRUE)[1], quiet = TRUE)
set.seed(1)
used <- system.time(invisible(boot(d, function(x, i) mean(x[i]), R = as.integer(commandArgs(TRUE)[2]))))
cat(used[["user.self"]] + used[["sys.self"]])
"""


def by_index(table: Table, draws: Draws) -> np.ndarray:
    """The same differences, a draw at a time, by picking rows and columns; all systems from one picking."""
    read, score = np.isfinite(table.readings).astype(float), np.nan_to_num(table.readings)
    found = []
    for of_readers, of_cases in zip(draws.readers, draws.cases, strict=True):
        rows, columns = np.repeat(np.arange(read.shape[0]), of_readers), np.repeat(np.arange(read.shape[1]), of_cases)
        picked = np.ix_(rows, columns)
        times_read = read[picked].sum(axis=0)
        found.append((table.systems[:, columns] @ times_read - score[picked].sum()) / times_read.sum())
    return np.array(found)


def end_to_end(table: Table) -> np.ndarray:
    """From the seed to the bounds."""
    found = mean_differences(table, draw(SEED, DRAWS, *table.readings.shape))
    return np.quantile(found, [0.025, 0.975], axis=0)


def case_means(table: Table) -> np.ndarray:
    """Differences by case, (K, C): all that a resampling of one axis can be given."""
    return table.systems - np.nanmean(table.readings, axis=0)


def main() -> None:
    cut = shape_cut()
    study = frame(cut, cut.rubric, [])
    terms = study.tables[MEASURE]
    table = Table(terms.arms["physician"].above, terms.systems.above)
    n_systems, n_readings = len(table.systems), int(np.isfinite(table.readings).sum())
    draws = draw(SEED, DRAWS, *table.readings.shape)
    alone = Table(table.readings, table.systems[:1])
    few = Draws(draws.readers[:FEW], draws.cases[:FEW])
    np.testing.assert_allclose(by_index(table, few), mean_differences(table, few), rtol=1e-9, atol=1e-12)

    (products,) = seconds(bare_products(table, draws=draws), times=15)
    (whole,) = seconds(lambda: mean_differences(table, draws), times=15)
    (every,) = seconds(lambda: end_to_end(table))
    (looped,) = seconds(lambda: by_index(table, few), times=3)
    (one_system,) = seconds(lambda: by_index(alone, few), times=3)
    figure("crossed bootstrap: readings", n_readings, "readings")
    figure("crossed bootstrap, 31 systems, 10,000 draws", whole * 1e3, "ms")
    ratio = whole / products
    figure("crossed bootstrap / its bare matrix products", ratio, "×", target=2, holds=ratio <= 2)
    figure("from the seed to the bounds / bare matrix products", every / products, "×")
    ratio = n_systems * one_system / FEW / (whole / DRAWS)
    figure("index loop, a system at a time / crossed bootstrap", ratio, "×", target=100, holds=ratio >= 100)
    ratio = looped / FEW / (whole / DRAWS)
    figure("index loop, all systems from one picking / crossed bootstrap", ratio, "×")

    of_cases = case_means(table)
    for name, options in {"in batches of 500": {"batch": 500}, "as it comes": {}}.items():
        (taken,) = seconds(
            lambda options=options: stats.bootstrap(
                (of_cases,), np.mean, axis=1, n_resamples=DRAWS, method="percentile", rng=SEED, **options
            ),
            times=1,
        )
        figure(f"scipy.stats.bootstrap (cases only), 31 systems, {name} / crossed", taken / every, "×")
    beside_r(of_cases[0], every / n_systems)


def beside_r(differences: np.ndarray, ours: float) -> None:
    """R's boot, cases only, one system; ours for one of the systems."""
    if shutil.which("Rscript") is None:
        print("R's boot: absent on this machine, not measured")
        return
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "differences.txt"
        data.write_text("\n".join(map(repr, differences.tolist())), encoding="utf-8")
        ran = subprocess.run(["Rscript", "-e", R_BOOT, data, str(DRAWS)], capture_output=True, text=True)
    if ran.returncode:
        print("R's boot: absent on this machine, not measured")
        return
    figure("R boot (cases only), one system / crossed, a system's part", float(ran.stdout) / ours, "×")


if __name__ == "__main__":
    main()
