"""Official rubric files into a bundle: placements, faults, and what the real files never hold."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.bundle import parse_bundle
from study.errors import Faulty
from study.formats.noharm import import_rubrics

OPTION = {"id": 1, "text": "Do it", "category": "Diagnostic", "score": 8, "isHarmOfInaction": False}


def case(*options, **changes):
    return {"id": "Card007", "case": {"presentation": "A man."}, "options": list(options or [OPTION])} | changes


def source(*cases):
    return {f"rubrics/{number}.json": json.dumps(it).encode() for number, it in enumerate(cases)}


def faults(files, **more):
    with pytest.raises(Faulty) as refused:
        import_rubrics(files, **more)
    return [str(fault) for fault in refused.value.faults]


def score_of(option):
    return parse_bundle(import_rubrics(source(case(option))).files).ratings[0].score


@pytest.mark.parametrize(
    ("given", "score"),
    [
        ({"placement": 9}, 9),
        ({"placement": 0}, 8),
        ({"placement": None, "score": 3}, 3),
        ({"score": 0, "grade": 2}, 2),
    ],
)
def test_a_reviewers_placement_goes_before_the_score_and_that_before_the_grade(given, score):
    assert score_of(OPTION | given) == score


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (case(OPTION | {"score": 10}), "rubrics/0.json:options[0].score: must be a whole number from 1 to 9, is 10"),
        (case(OPTION | {"score": None}),
         "rubrics/0.json:options[0].score: must be a whole number from 1 to 9, is None"),
        (case(OPTION | {"id": 1.5}), "rubrics/0.json:options[0].id: must be an option's number or id, is 1.5"),
        (case(OPTION | {"text": None}), "rubrics/0.json:options[0].text: must be text"),
        (case(OPTION | {"dependsOn": 2}), "rubrics/0.json:options[0].dependsOn: must be a list"),
        (case(7), "rubrics/0.json:options[0]: must be an object"),
        (case(options=None), "rubrics/0.json:options: must be a list"),
        (case(case=None), "rubrics/0.json:case: must be an object"),
        (case(id="a b"), "rubrics/0.json:id: 'a b' is not an id: an id is 1–64 letters, digits, dots, underscores or "
         "hyphens, the first a letter or a digit"),
        (case(specialistConsult={"consults": 1}), "rubrics/0.json:specialistConsult.consults: must be a list"),
        ([], "rubrics/0.json: must be an object"),
        (case(specialistConsult={"consults": [{"optionId": True}]}),
         "rubrics/0.json:specialistConsult.consults[0].optionId: must be an option's number or id, is True"),
    ],
)  # fmt: skip
def test_a_fault_of_a_source_file_is_told_by_its_key(given, fault):
    assert fault in faults(source(given))


def test_what_is_not_json_and_what_is_not_there_is_told():
    assert faults({"rubrics/x.json": b"{"})[0].startswith("rubrics/x.json: is not JSON")
    assert faults({"rubrics/x.json": b"\xff"})[0].startswith("rubrics/x.json: is not JSON")
    assert faults({"other.json": b"{}"}) == ["rubrics/: there is no file rubrics/*.json"]
    assert faults(source(case()), id="a b")[0].startswith("id: 'a b' is not an id")


def test_what_makes_no_valid_bundle_is_refused():
    circle = case(OPTION | {"dependsOn": [2]}, OPTION | {"id": 2, "dependsOn": [1]})
    assert faults(source(circle)) == [
        "rubric/structure.csv:2: Card007 1: depends_on leads in a circle",
        "rubric/structure.csv:3: Card007 2: depends_on leads in a circle",
    ]


def test_consults_become_escalations_and_their_other_fields_are_listed():
    consults = {"consults": [{"optionId": 1, "urgency": "Urgent"}, {"optionId": None}], "note": "x"}
    imported = import_rubrics(source(case(specialistConsult=consults)))
    assert [row.escalation for row in parse_bundle(imported.files).structure] == [True]
    assert imported.dropped == ("specialistConsult.consults[].urgency", "specialistConsult.note")


def test_a_consult_block_may_be_empty_or_absent():
    for block in ({}, None, {"consults": []}):
        assert import_rubrics(source(case(specialistConsult=block))).dropped == ()


WHOLE = case(OPTION | {"dependsOn": [1]}, specialistConsult={"consults": [{"optionId": 1}]})
LEAVES = st.none() | st.booleans() | st.integers(-9, 10**30) | st.floats() | st.text(max_size=3)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner))


@given(data=st.data())
@settings(max_examples=400)
def test_whatever_stands_in_a_source_file_it_is_read_or_refused(data):
    altered = json.loads(json.dumps(WHOLE))
    holder = data.draw(
        st.sampled_from([altered, altered["case"], altered["options"][0], altered["specialistConsult"]["consults"][0]])
    )
    holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(VALUES)
    with suppress(Faulty):
        parse_bundle(import_rubrics(source(altered)).files)


def test_an_abstraction_without_a_type_is_kept_and_a_type_without_one_is_not():
    files = import_rubrics(
        source(case(OPTION | {"abstraction": "g"}, OPTION | {"id": 2, "abstraction": None, "abstractionType": "harm"}))
    ).files
    assert files["rubric/structure.csv"].decode().splitlines()[1:] == ["Card007,1,g,,,,"]


def test_an_unknown_prefix_stands_for_itself():
    files = import_rubrics(source(case(id="Psych001"), case(id="42")), id="mine", title="Mine").files
    bundle = parse_bundle(files)
    assert [it.specialty for it in bundle.cases.values()] == ["42", "Psych"]
    assert (bundle.protocol.id, bundle.protocol.title) == ("mine", "Mine")
    assert "To be replaced" in bundle.consent
