"""The official judged records: what becomes of matches, reviews, variants and gaps."""

import json
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rubric_builders import bundle_files

from study.answer import Action, Mapper
from study.bundle import parse_bundle
from study.case import OptionId
from study.errors import Faulty
from study.formats.answers import parse_any
from study.formats.canonical import parse_answers, write_answers
from study.formats.noharm import detect_format, parse_judged
from study.scoring import score_readings

BUNDLE = parse_bundle(bundle_files())
CASES = BUNDLE.cases


def record(matched=(1,), partial=(), actions=(("1", 0),), **changes):
    options = [{"id": at, "matched": at in matched, "partial": at in partial, "evidence": ""} for at in range(1, 5)]
    written = [{"number": 1, "action": "x", "match": match, "score": score} for match, score in actions]
    return {"id": "A", "trial": 1, "judge": "j", "options": options, "responseActions": written} | changes


def parse(*records, name="sys_judged.jsonl", **more):
    return parse_judged("".join(f"{json.dumps(it)}\n" for it in records).encode(), name, CASES, **more)


def faults(*records, **more):
    with pytest.raises(Faulty) as refused:
        parse(*records, **more)
    return [str(fault) for fault in refused.value.faults]


def act(*names, score=0):
    return Action(frozenset(OptionId(name) for name in names), score)


def test_matches_become_a_selection_and_actions_keep_their_options():
    answer = parse(record(matched=(1, 3), partial=(3, 4), actions=(("1, 3", 0), ("", 5), ("3", 0))))[0]
    assert answer.response.selected == {"1", "3"}
    assert answer.response.partial == {"3"}
    assert answer.response.actions == (act("1", "3"), act(score=5), act("3"))
    assert (answer.respondent, answer.run, answer.variant, answer.kind) == ("sys", 1, None, "system")
    assert answer.mapper == Mapper("judge", "j", "not stated")
    assert answer.response_mode == "free_text_mapped"


def test_an_overturned_match_leaves_its_action_as_the_official_rescoring_does():
    answer = parse(record(matched=(1,), actions=(("1,4", 0), ("4", 0))))[0]
    assert answer.response.actions == (act("1"), act(score=0))
    scores = score_readings(BUNDLE.rubric(), [answer.case_id], [answer.response])
    assert scores.measures["precision_weighted"].value[0] == 1.0
    assert scores.measures["precision_raw"].value[0] == 0.5
    assert scores.measures["mild"].value[0] == 1.0  # option 2 of score 7 was left out; its parent was chosen


def test_a_promoted_option_without_an_action_reaches_recall_alone_and_survives_our_own_format():
    answer = parse(record(matched=(1, 2), actions=(("", 5),)))[0]
    assert answer.response.selected == {"1", "2"}
    scores = score_readings(BUNDLE.rubric(), [answer.case_id], [answer.response])
    assert scores.measures["recall_weighted"].value[0] == 1.0
    assert np.isnan(scores.measures["precision_weighted"].value[0])
    assert scores.measures["f1_weighted"].value[0] == 0.0
    assert parse_answers(write_answers([answer]), "a.jsonl", CASES) == [answer]


def test_a_missing_score_off_the_list_is_five():
    one = record()
    del one["responseActions"][0]["score"]
    one["responseActions"][0]["match"] = None
    one["options"][0]["matched"] = False
    assert parse(one)[0].response.actions == (act(score=5),)


def test_variants_and_trials_are_told_apart_and_a_name_may_be_given():
    found = parse(record(id="A-0"), record(id="A-10", trial=3), record(id="B"), respondent="gpt")
    assert [(it.case_id, it.variant, it.run) for it in found] == [("A", "0", 1), ("A", "10", 3), ("B", None, 1)]
    assert {it.respondent for it in found} == {"gpt"}


def test_the_reviewer_is_recorded_beside_the_judge():
    assert parse(record(global_match_reviewer="r2"))[0].mapper.version == "reviewed by r2"


def test_the_official_files_may_hold_nan_and_fields_that_are_not_ours():
    assert len(parse(record(metrics={"Precision_weighted": float("nan")}, runtime=None))) == 1


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (record(id="C-1"), "sys_judged.jsonl:1: there is no case 'C'"),
        (record(id=None), "sys_judged.jsonl:1: id must be text"),
        (record(trial=0), "sys_judged.jsonl:1: trial must be from 1 to 1000000"),
        (record(judge=None), "sys_judged.jsonl:1: judge must be text"),
        (record(actions=(("9", 0),)), "sys_judged.jsonl:1: responseActions[0].match: case A has no option '9'"),
        (record(actions=((True, 0),)),
         "sys_judged.jsonl:1: responseActions[0].match must be option ids joined by commas"),
        (record(responseActions=None), "sys_judged.jsonl:1: responseActions are missing"),
        (record(options=record()["options"][:3]), "sys_judged.jsonl:1: option 4 is not judged"),
        (record(options=None), "sys_judged.jsonl:1: option 1 is not judged"),
        (record(options=[*record()["options"], {"id": 4, "matched": True}]),
         "sys_judged.jsonl:1: options[4].option 4 is judged more than once"),
        (record(options=[*record()["options"], {"id": 5.5, "matched": True}]),
         "sys_judged.jsonl:1: options[4].id: case A has no such option"),
        (record(options=[*record()["options"][:3], {"id": 4}]),
         "sys_judged.jsonl:1: options[3].matched is missing"),
    ],
)  # fmt: skip
def test_a_fault_of_a_record_is_told_with_its_line(given, fault):
    assert fault in faults(given)


def test_a_record_twice_is_a_fault_and_a_name_that_is_no_id_too():
    assert faults(record(), record(judge="k")) == ["sys_judged.jsonl:2: A, run 1 of sys was answered in line 1 already"]
    assert faults(record(), name="my system.jsonl")[0].startswith("my system.jsonl:1: respondent 'my system' is not")


LEAVES = st.none() | st.booleans() | st.integers(-9, 10**30) | st.floats() | st.text(max_size=3)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=2), inner))


@given(data=st.data())
@settings(max_examples=400)
def test_whatever_stands_in_a_record_it_is_read_or_refused(data):
    altered = record()
    holder = data.draw(st.sampled_from([altered, altered["options"][0], altered["responseActions"][0]]))
    holder[data.draw(st.sampled_from(sorted(holder)))] = data.draw(VALUES)
    with suppress(Faulty):
        answers = parse(altered)
        assert parse_answers(write_answers(answers), "a.jsonl", CASES) == answers


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (json.dumps(record()).encode(), "noharm-judged"),
        (b'{"case_id":"A"}\n', "canonical"),
        (b"", "canonical"),
        (b"[1]", "canonical"),
        (b"{" * 5, "canonical"),
        (b"[" * 100_000, "canonical"),
    ],
)
def test_the_first_line_tells_the_format(data, expected):
    assert detect_format(data) == expected


def test_a_bundle_may_hold_official_records_of_its_systems():
    files = bundle_files() | {"systems/sys_judged.jsonl": f"{json.dumps(record())}\n".encode()}
    assert [it.respondent for it in parse_bundle(files).answers] == ["one", "sys"]
    assert parse_any(files["systems/one.jsonl"], "one.jsonl", CASES)[0].respondent == "one"
