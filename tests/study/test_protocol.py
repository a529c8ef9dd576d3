"""When a study of a protocol may open, and what is said when it may not."""

from dataclasses import replace

import pytest
from builders import a_protocol

from study.protocol import Arm, Primary, Stage, StageMode, not_ready

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

    found = not_ready(replace(a_protocol(), arms=(Arm(id="physician", stages=stages),)))
    assert (found is None) if sentence is None else sentence in found


@pytest.mark.parametrize(
    ("primary", "sentence"),
    [
        (None, "must be named before a study opens"),
        (Primary(measure="f1_weighted", test="A", control="nurses"), "nurses as its control, which is no arm"),
        (Primary(measure="f1_weighted", test="A", control="physician"), None),
    ],
)
def test_what_is_compared_is_written_down_and_its_control_is_an_arm(primary, sentence):
    found = not_ready(replace(a_protocol(), primary=primary))
    assert (found is None) if sentence is None else sentence in found
