"""The shape set as a locked study: what every benchmark of the analysis is measured on."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SEED = 20261121
DRAWS = 10_000
sys.path.insert(0, str(ROOT))

from fixtures.shape import shape_set  # noqa: E402  after the path that leads to it
from study.cut import Cut  # noqa: E402
from study.progress import Reading, State  # noqa: E402


def shape_cut() -> Cut:
    """100 cases, 31 systems in 20 runs, 101 physicians with 30 cases each: 65,030 readings."""
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
    return Cut(
        protocol=bundle.protocol,
        cases=bundle.cases,
        rubric=bundle.rubric(),
        ratings=bundle.ratings,
        readings=readings,
        answers=tuple(shape.system_answers()),
        bundle_digest=bundle.digest,
        locked_at_us=1_800_000_000_000_000,
    )
