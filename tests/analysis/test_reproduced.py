"""The published kit's table of a study: its own numbers where they are known, its rules in plain loops elsewhere."""

import csv
import io
from dataclasses import replace
from math import isnan

import numpy as np
import pytest
from plain_scoring import plain_case, plain_score
from rubric_builders import case_rubric, ticks

from analysis.inference.published import LABEL, bootstrap
from analysis.outcomes import reproduced
from analysis.outcomes.reproduced import FLOOR, METRICS, RESILIENCE, TABLE, reproduce, reproduced_files
from study.answer import Answer, Kind, Response
from study.bundle import parse_bundle, read_folder
from study.case import CaseId, OptionId
from study.cut import Cut
from study.formats.noharm import import_rubrics, parse_judged
from study.progress import SCORED


@pytest.fixture(scope="module")
def open_study(shared_data):
    """The thirty open cases, no physician, and no answers yet."""
    bundle = parse_bundle(import_rubrics(read_folder(shared_data / "noharm-open")).files)
    return Cut(bundle.protocol, bundle.cases, bundle.rubric(), bundle.ratings, (), (), bundle.digest)


def told(cut):
    return {(one.respondent, one.metric): one for one in reproduce(cut)}


def rows(cut):
    return list(csv.DictReader(io.StringIO(reproduced_files(cut)[TABLE].decode())))


def test_the_published_table_of_the_judged_example_comes_out(open_study, shared_data):
    examples = shared_data / "noharm-open" / "examples"
    judged = (examples / "gpt-5.5_judged.jsonl").read_bytes()
    answers = tuple(parse_judged(judged, "gpt-5.5_judged.jsonl", open_study.cases))
    found = {row["metric"]: row for row in rows(replace(open_study, answers=answers))}
    published = {row["metric"]: row for row in csv.DictReader(io.StringIO((examples / "gpt-5.5.csv").read_text()))}
    assert found.keys() == published.keys()
    # The table is of June: a length term and another precision stand in its weighted metrics, and in no other.
    for metric in ("F1_raw", "Precision_raw", "Recall_raw", "Severe_rate", "Resilience"):
        for column in ("trials", "mean", "ci", "ci_lo", "ci_hi"):
            assert float(found[metric][column]) == float(published[metric][column])
    assert {row["label"] for row in found.values()} == {LABEL}


def test_one_response_of_eleven_that_leaves_one_option_out_costs_what_is_published(open_study):
    case = CaseId("All001")
    responses = [ticks(25, 30)] * 10 + [ticks(25)]
    answers = tuple(
        Answer(case, "one", response, variant=None if k == 0 else str(k - 1), kind=Kind.SYSTEM)
        for k, response in enumerate(responses)
    )
    found = told(replace(open_study, answers=answers))
    assert found["one", RESILIENCE].found.mean == pytest.approx(0.951167, abs=5e-7)


def by_rules(cut, records):
    """Each metric with one number a case, in plain loops; records are (case, response)."""
    found = {metric: {} for metric in (*METRICS, FLOOR)}
    for case in cut.cases:
        scores = [plain_score(plain_case(cut.rubric.cases[case]), response) for at, response in records if at == case]
        if not scores:
            continue
        for metric, ours in METRICS.items():
            present = [score[ours] for score in scores if not isnan(score[ours])]
            if present:
                found[metric][case] = sum(present) / len(present)
        found[FLOOR][case] = min(score["f1_weighted"] for score in scores)
    return found


@pytest.mark.parametrize("respondent", ["Alder", "Birch", "physician"])
def test_every_metric_is_the_mean_over_cases_of_the_means_over_their_records(a_cut, respondent):
    cut = a_cut()
    records = [(a.case_id, a.response) for a in cut.answers if a.respondent == respondent]
    if respondent == "physician":
        records = [(r.case_id, r.scored_response) for r in cut.readings if r.ending in SCORED]
    found = told(cut)
    for metric, scalars in by_rules(cut, records).items():
        if (respondent, metric) == ("physician", FLOOR):
            continue
        expected = bootstrap(list(scalars), np.array(list(scalars.values())))
        one = found[respondent, metric].found
        assert one.n_cases == expected.n_cases
        assert (one.mean, one.low, one.high) == pytest.approx((expected.mean, expected.low, expected.high), rel=1e-12)


def test_variants_and_runs_of_a_case_are_one_list(a_cut):
    cut = a_cut()
    varied = tuple(
        replace(answer, variant=None if answer.run == 1 else str(answer.run), run=1) for answer in cut.answers
    )
    assert reproduce(replace(cut, answers=varied)) == reproduce(cut)


def test_a_variant_beyond_those_that_the_kit_reads_is_left_out(a_cut):
    cut = a_cut()
    more = tuple(replace(cut.answers[0], variant=variant, response=Response(frozenset())) for variant in ("10", "b"))
    assert reproduce(replace(cut, answers=cut.answers + more)) == reproduce(cut)
    within = (replace(more[0], variant="9"),)
    assert reproduce(replace(cut, answers=cut.answers + within)) != reproduce(cut)


def test_cases_that_are_variants_of_one_stay_together(a_cut):
    cut = a_cut()
    cases = dict(cut.cases)
    for case, base in (("case-1", "case-0"), ("case-2", "case-0"), ("case-5", "elsewhere")):
        cases[case] = replace(cases[case], variant_of=CaseId(base))
    one = told(replace(cut, cases=cases))["Alder", "F1_weighted"]
    assert one.found.n_cases == 4


def test_one_run_of_one_case_has_no_floor_and_no_resilience(a_cut):
    cut = a_cut()
    once = replace(cut, answers=tuple(answer for answer in cut.answers if answer.run == 1))
    assert ("Alder", FLOOR) in told(cut)
    assert {metric for name, metric in told(once) if name == "Alder"} == set(METRICS)


def test_physicians_are_never_told_a_floor_or_a_resilience(a_cut):
    assert {metric for name, metric in told(a_cut()) if name == "physician"} == set(METRICS)


def test_reference_policies_have_no_place_in_the_kits_table(a_cut):
    cut = a_cut()
    policy = Answer(CaseId("case-0"), "oracle", Response(frozenset({OptionId("o0")})), kind=Kind.POLICY)
    assert reproduce(replace(cut, answers=(*cut.answers, policy))) == reproduce(cut)


def test_another_profile_of_the_study_changes_nothing(a_cut):
    assert reproduce(a_cut(profile="noharm-2025-12", primary=None)) == reproduce(a_cut())


@pytest.mark.parametrize(
    ("scores", "named", "responses", "expected"),
    [
        ([9, 1], None, [ticks(1), ticks(1)], 1.0),  # always the same
        ([9, 1], None, [ticks(1), ticks(2)], 0.0),  # never
        ([9, 7], None, [ticks(1), ticks(1, 2)], 1 - 1 / 4),  # the weak option in one of two
        ([9, 5], None, [ticks(1), ticks(1, 2)], 1.0),  # an uncertain option weighs nothing
        ([9, 8], [0, 0], [ticks(1), ticks(2)], 1.0),  # one group: some member each time
        ([1, 2], [0, 0], [ticks(1), ticks(2)], 1.0),  # a group of dangers too
        ([9], None, [ticks(1), ticks(1, partial=[1])], 1.0),  # in part is matched
    ],
)
def test_resilience_is_how_little_the_matched_units_vary(scores, named, responses, expected):
    case = case_rubric(scores, named=named)
    records = reproduced._Records(
        "one", "system", (case.case_id,) * len(responses), tuple(responses), {case.case_id: np.arange(len(responses))}
    )
    assert reproduced._resilience(case, records, np.arange(len(responses))) == pytest.approx(expected)
