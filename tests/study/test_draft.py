"""What a reader has put down so far: what the form could have produced, and nothing else."""

import json

import pytest
from builders import a_case, a_draft
from hypothesis import example, given
from hypothesis import strategies as st

from study.chain import canonical
from study.draft import (
    RATIONALE_CHARACTERS,
    RESOURCES,
    Draft,
    Unacceptable,
    adjusted,
    changes,
    parse_draft,
    parse_offsets,
)
from study.text import storable

CASE = a_case(options=5)
STORABLE = st.characters(exclude_categories=["Cs"], exclude_characters="\x00")
OPTIONS = st.frozensets(st.sampled_from(sorted(CASE.option_ids)))


@st.composite
def drafts(draw) -> Draft:
    selected = draw(OPTIONS)
    return Draft(
        selected=selected,
        confidence=draw(st.none() | st.integers(0, 100)),
        rationale=draw(st.text(STORABLE, max_size=40)),
        resources=draw(st.frozensets(st.sampled_from(sorted(RESOURCES)))),
        nothing_to_recommend=False if selected else draw(st.booleans()),
    )


@given(drafts())
def test_what_was_saved_reads_back_as_it_was(draft):
    assert parse_draft(json.loads(json.dumps(draft.as_json())), CASE) == draft


WORDS = st.text(st.characters()) | st.sampled_from(["a", "b", "none", "\ud800", "\x00", "zz"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | WORDS | st.just(10**4000),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=12,
)
FIELDS = st.sampled_from(["selected", "confidence", "rationale", "resources", "nothing_to_recommend", "more", "\udfff"])


@given(JSON | st.dictionaries(FIELDS, JSON, max_size=5))
@example({"rationale": "half of a pair: \ud83d"})
@example({"\ud83d": 1})
@example({"selected": ["\ud83d"]})
@example({"resources": ["\ud83d"]})
@example({"confidence": 10**4000})
@example({"confidence": -1})
@example({"confidence": 50.0})
@example({"confidence": True})
@example({"confidence": float("nan")})
@example({"rationale": "\x00"})
@example({"selected": [["a"]]})
@example({"selected": {"a": 1}})
@example({"nothing_to_recommend": 1})
@example({"nothing_to_recommend": True, "selected": ["a"]})
def test_any_json_is_a_draft_that_can_be_stored_or_is_refused_with_a_sentence(found):
    try:
        draft = parse_draft(found, CASE)
    except Unacceptable as refusal:
        sentence = str(refusal)
        assert sentence.encode("utf-8")
        assert sentence.endswith(".")
        assert len(sentence) < 200
    else:
        assert canonical(draft.as_json())
        assert "\x00" not in draft.rationale


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ([], "one JSON object"),
        ({"score": 9}, "a field that this form does not have: 'score'"),
        ({"selected": "a"}, "list of words"),
        ({"selected": ["a", "zz"]}, "'zz' does not belong to this case"),
        ({"resources": ["library"]}, "not on the list"),
        ({"confidence": 101}, "from 0 to 100"),
        ({"confidence": "50"}, "from 0 to 100"),
        ({"rationale": None}, "must be text"),
        ({"nothing_to_recommend": "yes"}, "yes or no"),
        ({"nothing_to_recommend": True, "selected": ["b"]}, "exclude each other"),
    ],
)
def test_each_refusal_names_what_does_not_fit(found, said):
    with pytest.raises(Unacceptable, match=said):
        parse_draft(found, CASE)


@pytest.mark.parametrize("length", [RATIONALE_CHARACTERS - 1, RATIONALE_CHARACTERS])
def test_a_rationale_may_have_as_many_characters_as_it_may(length):
    found = {"rationale": "é" * length}
    draft = parse_draft(found, CASE)
    assert draft.rationale == found["rationale"]
    assert adjusted(found, draft) == []


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("half of a pair: \ud83d", "half of a pair: \ufffd"),
        ("\udfff\ud800 and NUL\x00", "\ufffd\ufffd and NUL\ufffd"),
        ("x" * RATIONALE_CHARACTERS + "yz", "x" * RATIONALE_CHARACTERS),
        ("\ud800" * (RATIONALE_CHARACTERS + 1), "\ufffd" * RATIONALE_CHARACTERS),
    ],
)
def test_no_rationale_takes_the_plan_with_it_and_what_became_of_it_is_said(sent, kept):
    found = {"selected": ["b", "a"], "confidence": 40, "rationale": sent, "resources": ["ai"]}
    draft = parse_draft(found, CASE)
    assert draft == Draft(frozenset("ab"), 40, kept, frozenset(["ai"]))
    assert adjusted(found, draft) == ["rationale"]


@given(st.text(st.characters()))
@example("a whole pair: \U0001f600\n")
def test_a_text_that_can_be_stored_is_kept_to_the_letter(text):
    found = {"rationale": text}
    draft = parse_draft(found, CASE)
    assert len(draft.rationale) == len(text)
    assert [*zip(text, draft.rationale, strict=True)] == [(sent, sent if storable(sent) else "\ufffd") for sent in text]
    assert (adjusted(found, draft) == []) is storable(text)


@given(drafts(), drafts())
def test_changes_are_exactly_what_differs(old, new):
    listed = changes(old, new, {})
    options = {change["option"] for change in listed if "option" in change}
    assert options == old.selected ^ new.selected
    assert all(change["old"] is not change["new"] for change in listed if "option" in change)
    before, after = old.as_json(), new.as_json()
    fields = {change["field"]: (change["old"], change["new"]) for change in listed if "field" in change}
    assert fields == {
        name: (before[name], after[name]) for name in before if name != "selected" and before[name] != after[name]
    }
    assert len(listed) == len(options) + len(fields)


@given(drafts(), drafts())
def test_changes_applied_to_the_old_give_the_new(old, new):
    selected, rest = set(old.selected), old.as_json()
    for change in changes(old, new, {}):
        if "option" in change:
            (selected.add if change["new"] else selected.discard)(change["option"])
        else:
            rest[change["field"]] = change["new"]
    assert parse_draft(rest | {"selected": sorted(selected)}, CASE) == new


def test_a_change_carries_the_clients_own_offset():
    listed = changes(a_draft("a"), a_draft("b", confidence=3), {"a": 10, "confidence": 30, "zz": 1})
    assert [(change.get("option") or change["field"], change["offset_ms"]) for change in listed] == [
        ("a", 10),
        ("b", None),
        ("confidence", 30),
    ]


ODD = {"a": True, "b": -1, "c": 2**53, "d": 5, "e": 5.0, "confidence": "7"}


@given(JSON | st.dictionaries(WORDS | st.sampled_from(sorted(CASE.option_ids)), JSON, max_size=5))
@example(ODD)
@example(dict.fromkeys(map(str, range(1000)), 1))
def test_offsets_are_hints_and_what_is_odd_or_of_no_field_here_is_dropped(found):
    offsets = parse_offsets(found, CASE)
    assert offsets.keys() <= CASE.option_ids | {"confidence", "rationale", "resources", "nothing_to_recommend"}
    assert all(type(offset) is int and 0 <= offset < 2**53 for offset in offsets.values())
    assert found != ODD or offsets == {"d": 5}


def test_every_option_and_every_other_field_may_have_an_offset():
    names = [*CASE.option_ids, "confidence", "rationale", "resources", "nothing_to_recommend"]
    sent = {name: number for number, name in enumerate(names)}
    assert parse_offsets(sent, CASE) == sent
