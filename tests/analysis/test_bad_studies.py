"""Studies that nobody should have: everything that an analysis finds has a reason or a number, and no figure fails."""

import dataclasses
import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from analysis.analyse import analyse
from analysis.inference.estimate import Estimate, Method
from analysis.inference.numbers_needed import NumberNeeded
from analysis.outcomes.find import find
from study.answer import EMPTY, Response
from study.case import OptionId
from study.policies import do_nothing
from study.progress import State

BEST = Response(frozenset(OptionId(f"o{n}") for n in range(4)))
WORST = Response(frozenset(OptionId(f"o{n}") for n in (6, 7)))
DRAWS = 60


def only(cut, wanted):
    return replace(cut, readings=tuple(reading for reading in cut.readings if wanted(reading)))


def alike(cut, readings, answers):
    """Every reader gives one answer and every system another."""
    made = (replace(one, state=State.SUBMITTED, response=readings, void=None) for one in cut.readings)
    return replace(
        cut, readings=tuple(made), answers=tuple(replace(answer, response=answers) for answer in cut.answers)
    )


def place(reading) -> int:
    """How far the case stands from the reader's own number, round the six cases."""
    return (int(reading.case_id[-1]) - int(reading.reader[-1])) % 6


STUDIES = {
    "two readers": lambda cut: only(cut, lambda reading: reading.reader in ("reader-0", "reader-1")),
    "one case": lambda cut: only(cut, lambda reading: reading.case_id == "case-1"),
    "no two readers of one case": lambda cut: only(cut, lambda reading: place(reading) == 0),
    "a chain of blocks": lambda cut: only(cut, lambda reading: place(reading) < 2),
    "everybody right, so that nobody harms": lambda cut: alike(cut, BEST, BEST),
    "every physician harms and no system does": lambda cut: alike(cut, WORST, BEST),
    "nobody says anything": lambda cut: alike(cut, EMPTY, EMPTY),
    "no reading": lambda cut: replace(cut, readings=()),
    "no system": lambda cut: replace(cut, answers=()),
    "a system silent on one case": lambda cut: replace(
        cut, answers=tuple(one for one in cut.answers if (one.respondent, one.case_id) != ("Alder", "case-2"))
    ),
}


def inside(thing, kind) -> Iterator:
    """Everything of one kind inside a record, however deep."""
    if isinstance(thing, kind):
        yield thing
    if dataclasses.is_dataclass(thing):
        for field in dataclasses.fields(thing):
            yield from inside(getattr(thing, field.name), kind)
    elif isinstance(thing, Mapping):
        for value in thing.values():
            yield from inside(value, kind)
    elif isinstance(thing, tuple | list):
        for value in thing:
            yield from inside(value, kind)


def an_estimate(estimate: Estimate) -> None:
    if estimate.refused is not None:
        assert estimate.refused.reason.endswith(".")
        assert all(map(math.isnan, (estimate.se, estimate.low, estimate.high, estimate.p)))
        return
    assert math.isfinite(estimate.value)
    assert estimate.low <= estimate.high
    if estimate.method not in (Method.BOOTSTRAP, Method.CASE_BOOTSTRAP):
        assert estimate.low <= estimate.value <= estimate.high
    assert estimate.random == ("reader", "case") or estimate.label


@pytest.mark.parametrize("profile", ["noharm-2026-07", "noharm-2025-12"])
@pytest.mark.parametrize("study", STUDIES)
def test_everything_found_has_a_reason_or_a_number(a_cut, study, profile):
    cut = STUDIES[study](a_cut(profile=profile))
    found = find(cut, cut.rubric, do_nothing(cut.rubric), seed=3, draws=DRAWS)
    estimates = list(inside(found, Estimate))
    assert estimates
    for estimate in estimates:
        an_estimate(estimate)
    for needed in inside(found, NumberNeeded):
        assert needed.refused is not None or not math.isnan(needed.low + needed.high) or needed.two_part
        assert needed.two_part or needed.refused is not None or needed.low <= needed.value <= needed.high


@pytest.mark.parametrize("study", ["one case", "no reading", "everybody right, so that nobody harms"])
def test_a_report_of_it_is_written_without_a_nan(a_cut, study):
    report = analyse(STUDIES[study](a_cut()), seed=3, draws=DRAWS)
    json.loads(report.files["results.json"], parse_constant=pytest.fail)
    for path, body in report.files.items():
        assert not re.search(rb"(?<![a-z])nan(?![a-z])", body.lower()), path


def test_an_arm_that_nobody_read_in_is_named(a_cut):
    cut = only(a_cut(arms=("physician", "assisted")), lambda reading: reading.arm == "physician")
    found = find(cut, cut.rubric, (), seed=3, draws=DRAWS)
    assert found.arms
    for contrast in found.arms:
        for estimate in inside(contrast, Estimate):
            an_estimate(estimate)
            assert estimate.refused is not None
