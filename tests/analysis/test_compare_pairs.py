"""Newcombe, Tango and McNemar's mid-p from a table of scores: where one answer stands beside one, and nowhere else."""

import numpy as np
import pytest

from analysis.compare import Estimand, Question, compare, comparison_json
from analysis.inference.estimate import Method
from analysis.inference.proportions import PairedTable, mcnemar_mid_p, newcombe, tango
from analysis.scores.scoretable import parse_scores
from study.errors import Faulty
from study.profile import Better

METHODS = pytest.mark.parametrize(("method", "interval"), [(Method.NEWCOMBE, newcombe), (Method.TANGO, tango)])
HARMED = PairedTable(both=2, test_only=1, control_only=6, neither=9)
OUTCOMES = [(1, 1)] * 2 + [(1, 0)] + [(0, 1)] * 6 + [(0, 0)] * 9


def table(rows):
    lines = ["readerID,caseID,modalityID,run,score", *(",".join(map(str, row)) for row in rows)]
    return parse_scores("\n".join(lines).encode() + b"\n")


def one_beside_one(reader=lambda _place: "ada", modality="physician"):
    """`A` and a reader on eighteen cases, one answer each."""
    return [
        row
        for place, (test, control) in enumerate(OUTCOMES)
        for row in (("A", f"c{place}", "A", 1, test), (reader(place), f"c{place}", modality, 1, control))
    ]


def answer(rows, method, test="A", control="physician", **keywords):
    return compare(table(rows), Question(test, control, method, **keywords))


@METHODS
def test_one_reader_beside_one_run_is_for_this_reader_and_new_cases(method, interval):
    found = answer(one_beside_one(), method)
    estimate = found.estimate
    assert (estimate.low, estimate.high) == pytest.approx(interval(HARMED, 0.95))
    assert (estimate.value, estimate.p) == (HARMED.difference, mcnemar_mid_p(HARMED))
    assert (found.estimand, estimate.random) == (Estimand.E4, ("case",))
    assert estimate.label == "this physician and this run, new cases"
    assert comparison_json(found)["method"] == method


@METHODS
def test_readers_of_one_case_each_are_for_new_readers_too(method, interval):
    found = answer(one_beside_one(reader=lambda place: f"r{place}"), method)
    assert (found.estimate.low, found.estimate.high) == pytest.approx(interval(HARMED, 0.95))
    assert (found.estimand, found.estimate.random) == (Estimand.E1, ("reader", "case"))


@METHODS
def test_one_run_beside_another_has_no_reader(method, interval):
    rows = one_beside_one(reader=lambda _place: "B", modality="B")
    found = answer(rows, method, control="B")
    assert (found.estimate.low, found.estimate.high) == pytest.approx(interval(HARMED, 0.95))
    assert (found.estimand, found.estimate.n_readers, found.estimate.label) == (
        Estimand.E6,
        0,
        "these systems, new cases",
    )


@METHODS
def test_pooled_pairs_of_several_readers_are_refused_by_name(method, interval):
    rows = [
        *one_beside_one(),
        *((f"r{r}", f"c{place}", "physician", 1, (r + place) % 2) for r in range(3) for place in range(18)),
    ]
    found = comparison_json(answer(rows, method, margin=0.1, better=Better.LOWER))
    assert found["refused"]["code"] == "dependent_pairs"
    assert found["estimate"] is not None
    assert found["low"] is found["high"] is found["p"] is found["conclusion"] is None


@METHODS
def test_runs_that_differ_are_no_outcome(method, interval):
    rows = [*one_beside_one(), *(("A", f"c{place}", "A", 2, place % 2) for place in range(18))]
    refused = answer(rows, method).estimate.refused
    assert refused is not None
    assert refused.code == "dependent_pairs"


@METHODS
def test_a_margin_is_read_beside_the_interval_and_its_p_is_of_another_method(method, interval):
    found = answer(one_beside_one(), method, margin=0.6, better=Better.HIGHER)
    assert found.conclusion == ("non-inferior" if interval(HARMED, 0.95)[0] > -0.6 else "inconclusive")
    assert np.isnan(found.p_margin)


@METHODS
def test_how_often_a_system_beats_readers_is_not_asked_of_them(method, interval):
    with pytest.raises(Faulty, match="has no --estimand E8"):
        answer(one_beside_one(), method, estimand=Estimand.E8, better=Better.LOWER)
