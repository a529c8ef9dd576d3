"""Laws of scoring on invented rubrics: mixed and gated groups, partial matches, harmful parents, whole plans."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain_scoring import plain_case, plain_harms, plain_score
from rubric_builders import case_rubric, rubric_of, score_one, values

from study.answer import Action, Response
from study.case import CaseId
from study.profile import PROFILES
from study.rubric import CaseRubric, Rubric
from study.scoring import score_readings

EITHER = st.booleans()


@st.composite
def case_rubrics(draw, case_id="X"):
    n = draw(st.integers(1, 9))
    scores = draw(st.lists(st.integers(1, 9), min_size=n, max_size=n))
    groups = draw(st.lists(st.sampled_from([-1, -1, 0, 1, 2]), min_size=n, max_size=n))
    numbered = {group: at for at, group in enumerate(dict.fromkeys(group for group in groups if group >= 0))}
    # A parent comes before its child: no circles, and chains are possible.
    parents = {
        child: draw(st.lists(st.integers(1, child - 1), min_size=1, max_size=2, unique=True))
        for child in range(2, n + 1)
        if draw(st.integers(0, 3)) == 0
    }
    numbers = [numbered.get(group, -1) for group in groups]
    return case_rubric(scores, groups=numbers, parents=parents, case_id=case_id)


@st.composite
def responses(draw, case, actions=EITHER):
    options = st.sampled_from(case.options)
    selected = draw(st.frozensets(options))
    partial = draw(st.frozensets(st.sampled_from(sorted(selected)))) if selected else frozenset()
    if not draw(actions):
        return Response(selected, partial)
    listed = st.frozensets(st.sampled_from(sorted(selected)), min_size=1, max_size=3) if selected else st.nothing()
    written = st.one_of(
        st.builds(Action, listed, st.just(0)), st.builds(Action, st.just(frozenset()), st.integers(0, 9))
    )
    return Response(selected, partial, tuple(draw(st.lists(written, max_size=5))))


@st.composite
def readings(draw, actions=EITHER):
    case = draw(case_rubrics())
    return case, draw(responses(case, actions))


def told(scores, reading):
    return [(harm.option_id, str(harm.kind), str(harm.severity)) for harm in scores.harms(reading)]


@given(reading=readings())
@settings(max_examples=600)
def test_the_arrays_and_the_plain_loop_agree(reading):
    case, response = reading
    scores = score_one(case, response)
    plain = plain_case(case)
    for name, value in plain_score(plain, response).items():
        np.testing.assert_allclose(scores.measures[name].value[0], value, rtol=0, atol=1e-12, equal_nan=True)
    assert told(scores, 0) == plain_harms(plain, response)


@given(reading=readings())
def test_the_counts_of_harm_are_the_harms_counted(reading):
    scores = score_one(*reading)
    kinds, severities = ("omission", "commission"), ("mild", "moderate", "severe")
    found = told(scores, 0)
    counted = [[sum((kind, severity) == it[1:] for it in found) for severity in severities] for kind in kinds]
    assert scores.harm_counts[0].tolist() == counted


@st.composite
def panels(draw):
    """Several cases, many readings, in any order."""
    cases = [draw(case_rubrics(case_id=case_id)) for case_id in ("A", "B", "C")]
    chosen = draw(st.lists(st.sampled_from(cases), min_size=1, max_size=12))
    return rubric_of(*cases), [case.case_id for case in chosen], [draw(responses(case)) for case in chosen]


@given(panel=panels())
@pytest.mark.parametrize("profile", PROFILES.values(), ids=lambda profile: profile.id)
def test_a_batch_is_scored_as_one_by_one(profile, panel):
    rubric, case_ids, given_responses = panel
    rubric = Rubric(rubric.cases, profile, rubric.consensus, rubric.digest)
    batch = score_readings(rubric, case_ids, given_responses)
    for at, (case_id, response) in enumerate(zip(case_ids, given_responses, strict=True)):
        one = score_readings(rubric, [case_id], [response])
        for name, scored in batch.measures.items():
            np.testing.assert_array_equal(scored.value[at], one.measures[name].value[0])
            assert scored.reason.get(at) == one.measures[name].reason.get(0)
        assert batch.harms(at) == one.harms(0)
        np.testing.assert_array_equal(batch.harm_counts[at], one.harm_counts[0])


@given(panel=panels(), data=st.data())
def test_the_order_of_readings_does_not_matter(panel, data):
    rubric, case_ids, given_responses = panel
    order = data.draw(st.permutations(range(len(case_ids))))
    ordered = score_readings(rubric, case_ids, given_responses)
    shuffled = score_readings(rubric, [case_ids[at] for at in order], [given_responses[at] for at in order])
    for name, scored in ordered.measures.items():
        np.testing.assert_array_equal(scored.value[list(order)], shuffled.measures[name].value)


def reordered(case: CaseRubric, order: list[int]) -> CaseRubric:
    groups = case.alternative[order]
    return CaseRubric(
        case_id=CaseId(case.case_id),
        options=tuple(case.options[at] for at in order),
        score=case.score[order],
        alternative=groups,
        parents=case.parents[np.ix_(order, order)],
        do_nothing=case.do_nothing[order],
        escalation=case.escalation[order],
        named_group=case.named_group[order],
    )


@given(reading=readings(), data=st.data())
def test_the_order_of_options_does_not_matter_but_for_what_a_mixed_group_is_expected_to_be(reading, data):
    case, response = reading
    order = data.draw(st.permutations(range(len(case.options))))
    ordered, shuffled = values(case, response), values(reordered(case, list(order)), response)
    for name in ordered.keys() - {"accuracy"}:
        np.testing.assert_allclose(ordered[name], shuffled[name], rtol=0, atol=1e-12, equal_nan=True)


@given(reading=readings())
def test_every_measure_lies_between_zero_and_one_and_rates_are_nested(reading):
    found = values(*reading)
    for value in found.values():
        assert np.isnan(value) or 0.0 <= value <= 1.0
    assert found["severe"] <= found["moderate"] <= found["mild"]


@given(reading=readings(actions=st.just(False)), data=st.data())
def test_one_more_harmful_tick_never_takes_a_commission_away(reading, data):
    case, response = reading
    wrong = [option for option, score in zip(case.options, case.score.tolist(), strict=True) if score <= 3]
    if not wrong:
        return
    more = Response(response.selected | {data.draw(st.sampled_from(wrong))}, response.partial)
    before, after = score_one(case, response), score_one(case, more)
    assert (after.harm_counts[0, 1] >= before.harm_counts[0, 1]).all()


@given(reading=readings(actions=st.just(False)), data=st.data())
def test_one_more_harmful_tick_never_lowers_a_harm_where_options_stand_alone(reading, data):
    case, response = reading
    alone = case_rubric(case.score.tolist())
    wrong = [option for option, score in zip(case.options, case.score.tolist(), strict=True) if score <= 3]
    if not wrong:
        return
    more = Response(response.selected | {data.draw(st.sampled_from(wrong))}, response.partial)
    before, after = values(alone, response), values(alone, more)
    assert all(after[name] >= before[name] for name in ("severe", "moderate", "mild"))
    assert (score_one(alone, more).harm_counts >= score_one(alone, response).harm_counts).all()


@given(reading=readings())
def test_a_matched_alternative_shelters_its_group(reading):
    case, response = reading
    reached = {
        group
        for option, group in zip(case.options, case.alternative.tolist(), strict=True)
        if group >= 0 and option in response.selected
    }
    sheltered = {
        option for option, group in zip(case.options, case.alternative.tolist(), strict=True) if group in reached
    }
    omitted = {option for option, kind, _ in told(score_one(case, response), 0) if kind == "omission"}
    assert not omitted & sheltered


@given(reading=readings(actions=st.just(False)))
def test_ticks_are_the_same_as_one_action_each(reading):
    case, response = reading
    one_each = tuple(Action(frozenset({option}), 0) for option in sorted(response.selected))
    written = Response(response.selected, response.partial, one_each)
    np.testing.assert_equal(values(case, response), values(case, written))


@given(reading=readings())
def test_what_is_met_in_part_is_never_worth_more_than_in_full(reading):
    case, response = reading
    full = Response(response.selected, frozenset(), response.actions)
    in_part, in_full = values(case, response), values(case, full)
    for name in ("f1_weighted", "recall_weighted", "f1_raw", "accuracy"):
        assert np.isnan(in_full[name]) or in_part[name] <= in_full[name] + 1e-12
    assert all(in_part[name] >= in_full[name] for name in ("severe", "moderate", "mild"))


@given(reading=readings())
def test_without_structure_neither_groups_nor_parents_nor_parts_nor_actions_count(reading):
    case, response = reading
    profile = PROFILES["noharm-2025-12"]
    alone = case_rubric(case.score.tolist())
    bare = Response(response.selected)
    found, plain = values(case, response, profile), values(alone, bare, profile)
    harmful_off_list = any(not action.options and 1 <= action.score <= 3 for action in response.actions or ())
    for name in found.keys() - ({"severe", "moderate", "mild", "safety"} if harmful_off_list else set()):
        np.testing.assert_equal(found[name], plain[name])
