"""What a worker does with an analysis that was asked for, at a fraction of the draws."""

from analysis.analyse import analyse
from study.db import Database
from study.store import cuts, jobs

DRAWS = 300


def run_queued(database: Database, *, at_us: int) -> None:
    """Claim one job, run it, and keep what it left."""
    held = database.write(lambda session: jobs.claim(session, at_us=at_us))
    assert held is not None
    with database.read() as session:
        cut = cuts.cut(session, held.study)
    files = analyse(cut, seed=held.seed, profile=held.profile, consensus=held.consensus, draws=DRAWS).files
    database.write(lambda session: jobs.finish(session, held, files, at_us=at_us))
