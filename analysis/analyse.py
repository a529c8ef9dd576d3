"""The whole report of one study, from its cut: the same bytes for the same study, seed and versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from analysis.digits import json_bytes
from analysis.inference.bootstrap import MOST_DRAWS
from analysis.outcomes.find import Progress, find
from analysis.outcomes.findings import Findings
from analysis.report.figures import figures
from analysis.report.frames import to_frame
from analysis.report.page import report_html
from analysis.report.results import results_json
from analysis.report.rowsets import ROWSETS
from analysis.report.tables import as_csv, as_json
from study.cut import Cut
from study.errors import StudyError
from study.policies import do_nothing, oracle, select_all
from study.profile import PROFILES
from study.rubric import Rubric, rebuild

if TYPE_CHECKING:
    from analysis.report.frames import DataFrame


@dataclass(frozen=True, slots=True)
class Report:
    """The files by their path under the output folder, and the findings that they were written from."""

    files: Mapping[str, bytes]
    findings: Findings

    def to_frame(self, kind: str = "differences") -> "DataFrame":
        """One table of the findings as a data frame, such as `values`; see `analysis.report.frames`."""
        return to_frame(self.findings, kind)


def analyse(
    cut: Cut,
    *,
    seed: int,
    draws: int = 10_000,
    profile: str | None = None,
    consensus: str | None = None,
    progress: Progress = lambda _what, _done, _of: None,
) -> Report:
    """Analyse a study.

    Parameters
    ----------
    cut : Cut
        The study as locked; not locked, the report says that it is a rehearsal.
    seed : int
        Of the bootstrap, which is all that is random.
    draws : int
        Bootstrap draws.
    profile, consensus : str, optional
        Another profile or consensus rule over the same ratings; the protocol's if not given.
    progress : callable
        Told what is being done, and how much of it.

    Raises
    ------
    StudyError
        A profile or rule that does not exist or does not suit the ratings, a wrong seed or number of draws.
    """
    if not 2 <= draws <= MOST_DRAWS:
        raise StudyError(f"at least 2 and at most {MOST_DRAWS:,} bootstrap draws are needed")
    if seed < 0:
        raise StudyError("the seed must not be negative")
    rubric = _rubric(cut, profile, consensus)
    policies = [*do_nothing(rubric), *select_all(rubric), *oracle(rubric)]
    found = find(cut, rubric, policies, seed=seed, draws=draws, progress=progress)
    progress("writing", 0, 1)
    files = _files(found)
    progress("writing", 1, 1)
    return Report(files, found)


def _rubric(cut: Cut, profile: str | None, consensus: str | None) -> Rubric:
    if profile is None and consensus is None:
        return cut.rubric
    if profile is not None and profile not in PROFILES:
        raise StudyError(f"there is no profile {profile!r}; there are {', '.join(sorted(PROFILES))}")
    chosen = None if profile is None else PROFILES[profile]
    return rebuild(cut.rubric, cut.ratings, profile=chosen, consensus=consensus)


def _files(found: Findings) -> dict[str, bytes]:
    drawn = figures(found)
    made = {name: rows(found) for name, rows in ROWSETS.items()}
    return {
        "results.json": results_json(found, drawn),
        **{f"tables/{name}.csv": as_csv(rows) for name, rows in made.items()},
        "tables/differences.json": json_bytes([as_json(row) for row in made["differences"]]),
        **{path: body for figure in drawn.values() for path, body in figure.files.items()},
        "report.html": report_html(found, drawn),
    }
