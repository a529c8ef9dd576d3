"""The two-way mixed model on the differences of one system: beside statsmodels' and lme4's, on the same 3,030 readings.

Processor time of one fit with one thread of linear algebra, each in its own process where it is not ours.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"  # threads that wait for each other would count as work

import csv
import shutil
import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np
from _clock import seconds
from _figures import figure
from _shape_study import shape_cut

from analysis.inference.layout import layout_of
from analysis.inference.reml import reml
from analysis.inference.twoway import twoway
from analysis.outcomes.frame import frame

MEASURE = "safety"

R_LME4 = """
suppressPackageStartupMessages(library(lme4))
d <- read.csv(commandArgs(TRUE)[1])
fit <- function() lmer(d ~ 1 + (1 | reader) + (1 | case), data = d, REML = TRUE)
invisible(fit())
used <- system.time(found <- fit())
cat(used[["user.self"]] + used[["sys.self"]], sqrt(vcov(found)[1, 1]))
"""


def main() -> None:
    cut = shape_cut()
    terms = frame(cut, cut.rubric, []).tables[MEASURE]
    readings, system = terms.arms["physician"].above, terms.systems.above[0]
    mask = np.isfinite(readings)
    layout, differences = layout_of(mask), (system - readings)[mask]
    fit, closed = seconds(
        lambda: reml(differences, layout, level=0.95), lambda: twoway(differences, layout, level=0.95), times=5
    )
    ours = reml(differences, layout, level=0.95)
    figure("mixed model: readings", layout.n_readings, "readings")
    figure("mixed model, ours: one fit", fit * 1e3, "ms")
    figure("mixed model, ours / the default interval", fit / closed, "×")
    beside_lme4(differences, layout.reader, layout.case, fit, ours.se)
    beside_statsmodels(differences, layout.reader, layout.case, fit, ours.se)


def beside_lme4(differences: np.ndarray, reader: np.ndarray, case: np.ndarray, ours: float, se: float) -> None:
    if shutil.which("Rscript") is None:
        print("lme4: absent on this machine, not measured")
        return
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "differences.csv"
        with data.open("w", encoding="utf-8", newline="") as file:
            rows = csv.writer(file)
            rows.writerow(("reader", "case", "d"))
            rows.writerows(
                (f"r{r}", f"c{c}", repr(d)) for r, c, d in zip(reader, case, differences.tolist(), strict=True)
            )
        ran = subprocess.run(["Rscript", "-e", R_LME4, data], capture_output=True, text=True)
    if ran.returncode:
        print("lme4: absent on this machine, not measured")
        return
    taken, its_se = map(float, ran.stdout.split())
    figure("lme4, one fit / ours", taken / ours, "×")
    figure("lme4: standard error / ours", its_se / se, "×")


def beside_statsmodels(differences: np.ndarray, reader: np.ndarray, case: np.ndarray, ours: float, se: float) -> None:
    """It comes with a library of ours; where it does not, that is said."""
    try:
        from statsmodels.regression.mixed_linear_model import MixedLM, VCSpec
    except ImportError:
        print("statsmodels: absent on this machine, not measured")
        return
    ones = np.ones((differences.size, 1))
    levels = [np.eye(int(codes.max()) + 1)[codes] for codes in (reader, case)]
    names = [[f"{what}{k}" for k in range(one.shape[1])] for what, one in zip("rc", levels, strict=True)]
    crossed = VCSpec(["reader", "case"], [[names[0]], [names[1]]], [[levels[0]], [levels[1]]])
    found = []
    model = MixedLM(differences, ones, groups=np.zeros(differences.size), exog_vc=crossed)
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # of a component at zero; what is told of the fit is its time and standard error
        (taken,) = seconds(lambda: found.append(model.fit(reml=True)), times=1)
    figure("statsmodels MixedLM, one fit / ours", taken / ours, "×")
    figure("statsmodels MixedLM: standard error / ours", float(found[0].bse_fe[0]) / se, "×")


if __name__ == "__main__":
    main()
