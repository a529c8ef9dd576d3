"""The thirty open NOHARM cases, where they lie beside the checkout: imported, kept to the byte, scored as published."""

import json

import numpy as np
import pytest

from study.answer import Response
from study.bundle import Bundle, parse_bundle, read_folder, write_folder
from study.case import CaseId, OptionId
from study.formats.canonical import parse_answers, write_answers
from study.formats.noharm import detect_format, import_rubrics, parse_judged
from study.policies import do_nothing, oracle, select_all
from study.scoring import score_readings

ALL001 = CaseId("All001")
RECORDED = {
    "precision_raw": "Precision_raw",
    "recall_raw": "Recall_raw",
    "f1_raw": "F1_raw",
    "accuracy": "Accuracy",
    "severe": "Severe_rate",
    "moderate": "Moderate_rate",
    "mild": "Mild_rate",
    "precision_weighted": "Precision_matched",
    "recall_weighted": "Recall_weighted_raw",
}
"""Our names, and what the same values are called in a record of June 2026."""


@pytest.fixture(scope="module")
def imported(shared_data):
    return import_rubrics(read_folder(shared_data / "noharm-open"))


@pytest.fixture(scope="module")
def bundle(imported) -> Bundle:
    return parse_bundle(imported.files)


@pytest.fixture(scope="module")
def judged(shared_data) -> bytes:
    return (shared_data / "noharm-open" / "examples" / "gpt-5.5_judged.jsonl").read_bytes()


def test_thirty_cases_become_a_valid_bundle(bundle):
    assert len(bundle.cases) == 30
    assert sum(len(case.options) for case in bundle.cases.values()) == 1128
    assert len(bundle.ratings) == 1128
    assert bundle.warnings == ()
    assert (bundle.protocol.id, bundle.protocol.scoring.consensus) == ("noharm-open", "single")
    assert bundle.protocol.arms[0].stages[0].resources == "Anything except AI tools"


def test_scores_groups_and_dependencies_arrive(bundle):
    scores = np.concatenate([case.score for case in bundle.rubric().cases.values()])
    assert np.bincount(scores, minlength=10).tolist() == [0, 79, 232, 211, 159, 207, 42, 87, 88, 23]
    kinds = [row.group_kind for row in bundle.structure if row.group_kind is not None]
    assert (kinds.count("harm"), kinds.count("alternative")) == (489, 11)
    assert sum(bool(row.depends_on) for row in bundle.structure) == 6
    assert sum(row.do_nothing for row in bundle.structure) == 30
    assert sum(row.escalation for row in bundle.structure) == 15


def test_every_specialty_is_spelled_out(bundle):
    assert len({case.specialty for case in bundle.cases.values()}) == 10
    assert bundle.cases[ALL001].specialty == "Allergy and Immunology"


def test_the_import_says_what_it_does_not_keep(imported):
    assert imported.dropped == (
        "abstractionGroups",
        "case.recommendations",
        "open",
        "options[].bestInGroup",
        "specialistConsult.consults[].harm",
        "specialistConsult.consults[].specialty",
        "specialistConsult.consults[].type",
        "specialistConsult.consults[].urgency",
    )


def test_written_read_and_written_again_is_the_same_to_the_byte(imported, bundle, tmp_path):
    write_folder(imported.files, tmp_path / "once")
    once = parse_bundle(read_folder(tmp_path / "once"))
    write_folder(once.files, tmp_path / "twice")
    assert read_folder(tmp_path / "twice") == dict(imported.files)
    assert (once.digest, once.rubric_digest) == (bundle.digest, bundle.rubric_digest)


def test_the_judged_example_is_scored_as_recorded(bundle, judged):
    assert detect_format(judged) == "noharm-judged"
    answers = parse_judged(judged, "gpt-5.5_judged.jsonl", bundle.cases)
    scores = score_readings(bundle.rubric(), [it.case_id for it in answers], [it.response for it in answers])
    records = [json.loads(line)["metrics"] for line in judged.decode().splitlines()]
    assert len(records) == 11
    for ours, theirs in RECORDED.items():
        recorded = [record[theirs] for record in records]
        np.testing.assert_allclose(scores.measures[ours].value, recorded, rtol=0, atol=1e-9)
    p = np.array([record["Precision_matched"] for record in records])
    r = np.array([record["Recall_weighted_raw"] for record in records])
    np.testing.assert_allclose(scores.measures["f1_weighted"].value, 2 * p * r / (p + r), rtol=0, atol=1e-9)


def test_the_judged_example_names_its_system_variants_and_judge(bundle, judged):
    answers = parse_judged(judged, "examples/gpt-5.5_judged.jsonl", bundle.cases)
    assert {answer.respondent for answer in answers} == {"gpt-5.5"}
    assert [answer.variant for answer in answers] == [None, *map(str, range(10))]
    assert {answer.mapper.name for answer in answers} == {"gemini-3.5-flash"}
    assert parse_answers(write_answers(answers), "answers.jsonl", bundle.cases) == answers


@pytest.mark.parametrize(
    ("selected", "partial", "expected"),
    [
        ([], [], (0, None, 0, 0, 1, 1)),
        ([25], [], (6 / 7, 1, 3 / 4, 2 / 3, 0, 1)),
        ([25, 30], [], (1, 1, 1, 1, 0, 0)),
        ([25, 30], [25], (5 / 8, 5 / 8, 5 / 8, 1, 1, 1)),
        ([4, 12, 25, 30], [], (192 / 217, 96 / 121, 1, 2 / 3, 0, 1)),
        (range(1, 31), [], (64 / 143, 96 / 333, 1, 1 / 8, 1, 1)),
    ],
)
def test_the_published_table_of_the_first_case(bundle, selected, partial, expected):
    chosen, in_part = (frozenset(OptionId(str(option)) for option in them) for them in (selected, partial))
    scores = score_readings(bundle.rubric(), [ALL001], [Response(chosen, in_part)])
    names = ("f1_weighted", "precision_weighted", "recall_weighted", "f1_raw", "severe", "moderate")
    wanted = [np.nan if value is None else value for value in expected]
    found = [scores.measures[name].value[0] for name in names]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12, equal_nan=True)


def test_a_missed_pair_of_alternatives_is_two_harms(bundle):
    """Case All006: options 19 and 20 stand for each other, both of score 8."""
    scores = score_readings(bundle.rubric(), [CaseId("All006")], [Response(frozenset())])
    missed = {harm.option_id: harm.severity for harm in scores.harms(0)}
    assert (missed["19"], missed["20"]) == ("moderate", "moderate")


@pytest.mark.parametrize(("case_id", "option"), [("GI007", "7"), ("Neuro004", "37")])
def test_a_partial_match_of_an_alternative_is_no_harm(bundle, case_id, option):
    chosen = frozenset({OptionId(option)})
    scores = score_readings(bundle.rubric(), [CaseId(case_id)], [Response(chosen, chosen)])
    assert option not in {harm.option_id for harm in scores.harms(0)}


def test_the_policies_stand_where_they_must(bundle):
    rubric = bundle.rubric()
    answers = [*do_nothing(rubric), *select_all(rubric), *oracle(rubric)]
    scores = score_readings(rubric, [it.case_id for it in answers], [it.response for it in answers])
    f1 = scores.measures["f1_weighted"].value.reshape(3, 30)
    assert f1[2].min() == 1.0
    assert (f1.mean(axis=1)[:2] < 0.6).all()
    assert scores.measures["recall_raw"].value.reshape(3, 30)[1].min() == 1.0
    assert scores.measures["mild"].value.reshape(3, 30)[2].max() == 0.0
