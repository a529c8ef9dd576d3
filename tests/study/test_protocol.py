"""What of a protocol the pages can play; the rest is said before a study opens."""

from dataclasses import replace

import pytest
from builders import a_protocol

from study.protocol import Arm, Stage, StageMode, not_played

TICKED, GRADED = Stage(id="answer"), Stage(id="grade", mode=StageMode.GRADE_ALL)


@pytest.mark.parametrize(
    ("stages", "sentence"),
    [
        ((TICKED,), None),
        ((), "0 stages"),
        ((TICKED, Stage(id="revise")), "2 stages"),
        ((GRADED,), "grade_all"),
    ],
)
def test_one_stage_of_ticks_is_played_and_whatever_else_is_said(stages, sentence):

    found = not_played(replace(a_protocol(), arms=(Arm(id="physician", stages=stages),)))
    assert (found is None) if sentence is None else sentence in found
