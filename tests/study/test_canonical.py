"""Our own answer lines: a golden file, a round trip, and every fault with its line."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rubric_builders import bundle_files

from study.answer import Action, Answer, Kind, Mapper, Response, ResponseMode
from study.bundle import parse_bundle
from study.case import OptionId
from study.errors import Faulty
from study.formats import detect_format
from study.formats.canonical import parse_answers, write_answers

CASES = parse_bundle(bundle_files()).cases
LINE = {"case_id": "A", "respondent": "one", "run": 1, "selected": ["1", "2"]}


def options(*names):
    return frozenset(OptionId(name) for name in names)


GOLDEN = [
    Answer("A", "one", Response(options())),
    Answer("A", "one", Response(options("1", "2"), options("2")), run=2),
    Answer(
        "A",
        "gpt-5.5",
        Response(options("1", "3"), actions=(Action(options("1", "3"), 0), Action(options(), 5))),
        variant="7",
        kind=Kind.SYSTEM,
        response_mode=ResponseMode.FREE_TEXT_MAPPED,
        system_version="2026-04-01",
        prompt_sha256="e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        created_at="2026-07-01T12:00:00Z",
        mapper=Mapper("judge", "gemini-3.5-flash", "prüfer"),
    ),
    Answer(
        "B",
        "P001",
        Response(options("2")),
        kind=Kind.PHYSICIAN,
        arm="physician",
        state="submitted",
        confidence=70,
        response_mode=ResponseMode.GRADE_ALL,
        graded={OptionId("1"): False, OptionId("2"): True, OptionId("3"): False, OptionId("4"): False},
    ),
    Answer("B", "do-nothing", Response(options("4")), kind=Kind.POLICY),
]


@pytest.fixture(scope="module")
def golden(repository) -> bytes:
    return (repository / "fixtures" / "expected" / "answers.jsonl").read_bytes()


def test_the_golden_lines_are_written_to_the_byte(golden):
    assert write_answers(GOLDEN) == golden


def test_the_golden_lines_are_read(golden):
    assert detect_format(golden) == "canonical"
    assert parse_answers(golden, "answers.jsonl", CASES) == GOLDEN


ids = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(
    lambda text: text.strip()
)
listed = st.frozensets(st.sampled_from([OptionId(str(at)) for at in range(1, 5)]))


@st.composite
def answers(draw):
    selected = draw(listed)
    members = st.frozensets(st.sampled_from(sorted(selected))) if selected else st.just(frozenset())
    mode = draw(st.sampled_from(ResponseMode))
    actions = None
    if draw(st.booleans()):
        actions = tuple(draw(st.lists(st.builds(Action, members, st.integers(0, 9)), max_size=4)))
        cited = frozenset().union(*(action.options for action in actions))
        if mode is not ResponseMode.FREE_TEXT_MAPPED and selected - cited:
            actions += (Action(selected - cited, 5),)
    every = CASES["A"].option_ids
    graded = mode is ResponseMode.GRADE_ALL or draw(st.booleans())
    return Answer(
        case_id=draw(st.sampled_from(sorted(CASES))),
        respondent=draw(ids),
        response=Response(selected, draw(members), actions),
        run=draw(st.integers(1, 1000)),
        variant=draw(st.none() | ids),
        kind=draw(st.none() | st.sampled_from(Kind)),
        arm=draw(st.none() | ids),
        state=draw(st.none() | texts),
        response_mode=mode,
        graded={option: option in selected for option in every} if graded else None,
        confidence=draw(st.none() | st.integers(0, 100)),
        system_version=draw(st.none() | texts),
        prompt_sha256=draw(st.none() | texts),
        created_at=draw(st.none() | texts),
        mapper=draw(st.none() | st.builds(Mapper, texts, texts, texts)),
    )


@given(given_answers=st.lists(answers(), max_size=4, unique_by=lambda answer: answer.key))
def test_what_is_written_is_read_as_it_was_and_written_the_same_again(given_answers):
    written = write_answers(given_answers)
    assert parse_answers(written, "a.jsonl", CASES) == given_answers
    assert write_answers(parse_answers(written, "a.jsonl", CASES)) == written


def faults(data, name="a.jsonl"):
    with pytest.raises(Faulty) as refused:
        parse_answers(data if isinstance(data, bytes) else json.dumps(data).encode(), name, CASES)
    return [str(fault).removeprefix("a.jsonl:1: ") for fault in refused.value.faults]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"case_id": "Z"}, "there is no case 'Z'"),
        ({"case_id": 1}, "case_id must be text"),
        ({"respondent": ""}, "respondent is blank or not writable as UTF-8"),
        ({"respondent": "a b"}, "respondent 'a b' is not an id: an id is 1–64 letters, digits, dots, underscores or "
         "hyphens, the first a letter or a digit"),
        ({"run": 0}, "run must be from 1 to 1000000"),
        ({"run": True}, "run must be a whole number"),
        ({"run": 1.0}, "run must be a whole number"),
        ({"run": None}, "run must be a whole number"),
        ({"selected": "1"}, "selected must be a list of option ids in quotes"),
        ({"selected": [1]}, "selected must be a list of option ids in quotes"),
        ({"selected": None}, "selected must be a list of option ids in quotes"),
        ({"selected": ["1", "1"]}, "selected names an option more than once"),
        ({"selected": ["9"]}, "selected: case A has no option '9'"),
        ({"partial": ["3"]}, "partial names '3', which is not selected"),
        ({"actions": {}}, "actions must be a list of objects"),
        ({"actions": ["1", "2"]}, "actions must be a list of objects"),
        ({"actions": [{"options": ["1"], "score": 0}]}, "selected names '2', which no action names"),
        ({"actions": [{"options": ["1", "2", "3"], "score": 0}]}, "actions name '3', which is not selected"),
        ({"actions": [{"options": ["1", "2"]}, {"options": ["8"]}]}, "actions[1].options: case A has no option '8'"),
        ({"actions": [{"options": ["1", "2"], "score": 10}]}, "actions[0].score must be from 0 to 9"),
        ({"actions": [{"options": ["1", "2"], "text": "x"}]}, "actions[0].'text' is unknown"),
        ({"actions": [{"score": 1}]}, "actions[0].options is missing"),
        ({"response_mode": "grade_all"}, "graded is missing"),
        ({"response_mode": "voice"}, "response_mode 'voice' is unknown; there are tick, grade_all, free_text_mapped"),
        ({"graded": {"1": True, "2": True, "3": False}}, "graded lacks option '4'"),
        ({"graded": {"1": True, "2": False, "3": False, "4": False}},
         "graded says false of '2', selected says otherwise"),
        ({"graded": {"1": True, "2": True, "3": True, "4": False}},
         "graded says true of '3', selected says otherwise"),
        ({"graded": {"1": 1}}, "graded must hold true or false for each option"),
        ({"graded": {"7": False}}, "graded: case A has no option '7'"),
        ({"graded": []}, "graded must be an object"),
        ({"kind": "robot"}, "kind 'robot' is unknown; there are physician, system, policy"),
        ({"variant": 1}, "variant must be text"),
        ({"confidence": 101}, "confidence must be from 0 to 100"),
        ({"mapper": "me"}, "mapper must be an object"),
        ({"mapper": {"kind": "judge", "name": "x"}}, "mapper.version is missing"),
        ({"mapper": {"kind": "judge", "name": "x", "version": "1", "id": 1}}, "mapper.'id' is unknown"),
        ({"state": "\ud800"}, "state is blank or not writable as UTF-8"),
        ({"score": 1}, "'score' is unknown"),
    ],
)  # fmt: skip
def test_a_fault_of_an_answer_is_told(change, fault):
    assert fault in faults(LINE | change)


@pytest.mark.parametrize("key", ["case_id", "respondent", "run", "selected"])
def test_what_is_required_is_missing(key):
    assert f"{key} is missing" in faults({name: value for name, value in LINE.items() if name != key})


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        (b"{", "is not JSON: Expecting property name enclosed in double quotes (column 2)"),
        (b"[1]", "is not a JSON object"),
        (b'{"run":NaN}', "is not JSON that can be read: NaN is no number"),
        (b'{"run":1,"run":2}', "is not JSON that can be read: 'run' stands there more than once"),
        (b'{"a":"\xff"}', "is not UTF-8"),
        (b"  \n{}", "is blank"),
        (b'{"run":' + b"9" * 5000 + b"}", "is not JSON that can be read: Exceeds the limit (4300 digits) for integer "
         "string conversion: value has 5000 digits; use sys.set_int_max_str_digits() to increase the limit"),
    ],
)  # fmt: skip
def test_a_line_that_is_no_object_is_told(line, fault):
    assert faults(line)[0] == fault


def test_deep_nesting_is_refused_and_not_followed():
    with pytest.raises(Faulty):
        parse_answers(b'{"a":' * 100_000, "a.jsonl", CASES)


def test_every_fault_of_every_line_is_told_with_its_line():
    lines = [LINE, LINE, LINE | {"run": 0, "selected": ["9"]}, LINE | {"variant": "1"}, LINE | {"variant": "1"}]
    assert faults("\n".join(map(json.dumps, lines)).encode()) == [
        "a.jsonl:2: A, run 1 of one was answered in line 1 already",
        "a.jsonl:3: selected: case A has no option '9'",
        "a.jsonl:3: run must be from 1 to 1000000",
        "a.jsonl:5: A, variant 1, run 1 of one was answered in line 4 already",
    ]


def test_null_means_not_given_where_a_field_may_be_left_out():
    optional = ["partial", "actions", "graded", "kind", "arm", "variant", "state", "confidence", "mapper"]
    line = json.dumps(LINE | dict.fromkeys(optional)).encode()
    assert parse_answers(line, "a.jsonl", CASES) == [Answer("A", "one", Response(options("1", "2")))]


def test_no_lines_are_no_answers():
    assert parse_answers(b"", "a.jsonl", CASES) == []
    assert write_answers([]) == b""


@given(data=st.binary(max_size=60))
@settings(max_examples=300)
def test_any_bytes_are_read_or_refused(data):
    with suppress(Faulty):
        parse_answers(data, "a.jsonl", CASES)
