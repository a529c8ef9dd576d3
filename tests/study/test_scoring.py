"""The rules of scoring, one by one, on cases small enough to follow by hand."""

import numpy as np
import pytest
from rubric_builders import CASE, case_rubric, rubric_of, score_one, ticks, values

from study.answer import Action, Response
from study.case import CaseId, OptionId
from study.errors import StudyError
from study.profile import PROFILES
from study.scoring import Harm, score_readings


def harms(case, response):
    return [tuple(map(str, (it.option_id, it.kind, it.severity))) for it in score_one(case, response).harms(0)]


def act(*options, score=5):
    return Action(frozenset(OptionId(str(option)) for option in options), score)


def plan(*actions, also=(), partial=()):
    """A plan of actions; `also` are options that were matched without one."""
    cited = frozenset().union(*(action.options for action in actions), (OptionId(str(it)) for it in also))
    return Response(cited, frozenset(OptionId(str(it)) for it in partial), tuple(actions))


@pytest.mark.parametrize(
    ("score", "chosen", "expected"),
    [
        (9, False, [("1", "omission", "severe")]),
        (8, False, [("1", "omission", "moderate")]),
        (7, False, [("1", "omission", "mild")]),
        (6, False, []),
        (4, True, []),
        (3, True, [("1", "commission", "mild")]),
        (2, True, [("1", "commission", "moderate")]),
        (1, True, [("1", "commission", "severe")]),
        (9, True, []),
        (1, False, []),
    ],
)
def test_a_harm_is_as_severe_as_the_score_is_far_from_five(score, chosen, expected):
    assert harms(case_rubric([score]), ticks(1) if chosen else ticks()) == expected


@pytest.mark.parametrize(("score", "expected"), [(9, "severe"), (8, "moderate"), (7, None), (5, None)])
def test_what_is_met_in_part_is_still_left_out_where_it_matters(score, expected):
    found = harms(case_rubric([score]), ticks(partial=[1]))
    assert found == ([("1", "omission", expected)] if expected else [])


def test_doing_harm_in_part_is_doing_harm():
    assert harms(case_rubric([1]), ticks(partial=[1])) == [("1", "commission", "severe")]


def test_a_matched_alternative_shelters_its_group_whatever_its_score():
    case = case_rubric([9, 8, 2], groups=[0, 0, 0])
    assert harms(case, ticks(3)) == [("3", "commission", "moderate")]
    assert harms(case, ticks(partial=[2])) == []


def test_a_missed_group_is_one_harm_for_each_good_member():
    case = case_rubric([8, 8, 5], groups=[0, 0, 0])
    assert harms(case, ticks()) == [("1", "omission", "moderate"), ("2", "omission", "moderate")]
    assert score_one(case, ticks()).harm_counts.tolist() == [[[0, 2, 0], [0, 0, 0]]]


def test_an_alternative_alone_in_its_group_shelters_itself():
    assert harms(case_rubric([9], groups=[0]), ticks(partial=[1])) == []


def test_an_option_whose_parents_were_not_chosen_is_not_missed():
    case = case_rubric([8, 1, 9], parents={1: [2, 3]})
    assert harms(case, ticks()) == [("3", "omission", "severe")]
    assert harms(case, ticks(2)) == [
        ("1", "omission", "moderate"),
        ("2", "commission", "severe"),
        ("3", "omission", "severe"),
    ]


def test_a_gate_does_not_shelter_what_was_done_in_part_or_what_does_harm():
    case = case_rubric([9, 1, 5], parents={1: [3], 2: [3]})
    assert harms(case, ticks(2, partial=[1])) == [("1", "omission", "severe"), ("2", "commission", "severe")]


def test_a_chosen_option_behind_a_gate_leaves_recall_but_not_precision():
    found = values(case_rubric([8, 5, 9], parents={1: [2]}), ticks(1))
    assert (found["recall_raw"], found["recall_weighted"]) == (0.0, 0.0)
    assert (found["precision_raw"], found["precision_weighted"]) == (1.0, 1.0)


def test_a_group_of_mixed_scores_weighs_as_its_best_and_is_credited_for_the_best_chosen():
    case = case_rubric([9, 7, 8], groups=[0, 0, -1])
    assert values(case, ticks(2, 3))["recall_weighted"] == (3 + 24) / (72 + 24)
    assert values(case, ticks(1, 2, 3))["recall_weighted"] == 1.0
    assert values(case, ticks(2))["recall_raw"] == 0.5


def test_the_best_member_met_in_part_halves_the_credit_though_a_lesser_one_was_met_in_full():
    case = case_rubric([9, 7], groups=[0, 0])
    assert values(case, ticks(2, partial=[1]))["recall_weighted"] == 0.5
    equal = case_rubric([9, 9], groups=[0, 0])
    assert values(equal, ticks(2, partial=[1]))["recall_weighted"] == 1.0


def test_a_gated_best_member_leaves_the_weight_to_the_next():
    case = case_rubric([9, 7, 5], groups=[0, 0, -1], parents={1: [3]})
    assert values(case, ticks(2))["recall_weighted"] == 1.0
    # Chosen all the same, it is worth nothing while its parent is not; its mate's partial match is all that counts.
    assert values(case, ticks(1, partial=[2]))["recall_weighted"] == 0.5


def test_a_group_is_gated_only_when_all_of_it_is():
    half = case_rubric([9, 2, 5], groups=[0, 0, -1], parents={1: [3]})
    assert (values(half, ticks())["recall_raw"], values(half, ticks(2))["recall_raw"]) == (0.0, 1.0)
    assert values(half, ticks(2))["recall_weighted"] == 0.0
    whole = case_rubric([9, 8, 5, 7], groups=[0, 0, -1, -1], parents={1: [3], 2: [3]})
    assert values(whole, ticks(4))["recall_raw"] == 1.0


def test_the_first_decided_member_says_what_is_expected_of_a_group():
    right_first = case_rubric([5, 8, 2], groups=[0, 0, 0])
    wrong_first = case_rubric([5, 2, 8], groups=[0, 0, 0])
    assert values(right_first, ticks(1))["accuracy"] == 1.0
    assert values(wrong_first, ticks(1))["accuracy"] == 0.0
    assert values(wrong_first, ticks())["accuracy"] == 1.0


def test_nothing_chosen_has_no_weighted_precision_and_a_weighted_f1_of_zero():
    scores = score_one(case_rubric([9, 5]), ticks())
    assert np.isnan(scores.measures["precision_weighted"].value[0])
    assert scores.measures["precision_weighted"].reason == {0: "no action was matched to an option"}
    assert scores.measures["f1_weighted"].value[0] == 0.0
    assert scores.measures["f1_weighted"].reason == {}


def test_a_case_without_anything_decided_has_no_accuracy():
    scores = score_one(case_rubric([5, 4]), ticks(1))
    assert list(scores.measures["accuracy"].reason) == [0]
    assert [scores.measures[name].value[0] for name in ("recall_raw", "recall_weighted", "f1_raw")] == [0, 0, 0]


def test_an_action_counts_once_at_its_best_option():
    case = case_rubric([9, 1, 5])
    found = values(case, plan(act(1, 2), act(3)))
    assert found["precision_weighted"] == 72 / 73
    assert found["severe"] == 1.0


def test_two_actions_on_one_option_count_twice():
    found = values(case_rubric([9, 5]), plan(act(1), act(1), act(2)))
    assert (found["precision_raw"], found["precision_weighted"]) == (2 / 3, 144 / 145)


def test_an_action_is_partial_when_every_option_of_its_best_score_is():
    case = case_rubric([9, 9, 7])
    assert values(case, plan(act(1, 3), partial=[1]))["precision_weighted"] == 0.5
    assert values(case, plan(act(1, 2), partial=[1]))["precision_weighted"] == 1.0


def test_an_action_off_the_list_counts_for_raw_precision_alone():
    case = case_rubric([9])
    found = values(case, plan(act(1), act(score=8), act(score=0), act(score=5)))
    assert (found["precision_raw"], found["precision_weighted"]) == (0.5, 1.0)


@pytest.mark.parametrize(("score", "expected"), [(1, "severe"), (2, "moderate"), (3, "mild"), (4, None), (0, None)])
def test_an_action_off_the_list_does_harm_by_its_own_score(score, expected):
    scores = score_one(case_rubric([9]), plan(act(1), act(score=score)))
    assert scores.harms(0) == ((Harm(None, "commission", expected),) if expected else ())
    assert scores.harm_counts.sum() == (expected is not None)
    assert scores.measures["mild"].value[0] == (expected is not None)


def test_an_option_matched_without_an_action_counts_for_recall_and_not_for_precision():
    found = values(case_rubric([9]), plan(also=[1]))
    assert found["recall_weighted"] == 1.0
    assert np.isnan(found["precision_weighted"])
    assert found["f1_weighted"] == 0.0


def test_rates_are_cumulative():
    case = case_rubric([7, 8, 9])
    assert [values(case, ticks(2, 3))[name] for name in ("severe", "moderate", "mild")] == [0, 0, 1]
    assert [values(case, ticks(1, 3))[name] for name in ("severe", "moderate", "mild")] == [0, 1, 1]
    assert [values(case, ticks(1, 2))[name] for name in ("severe", "moderate", "mild")] == [1, 1, 1]


def test_nothing_at_all_is_scored_as_nothing():
    scores = score_readings(rubric_of(case_rubric([9])), [], [])
    assert len(scores) == 0
    assert scores.harm_counts.shape == (0, 2, 3)
    assert scores.measures["f1_weighted"].value.shape == (0,)


@pytest.mark.parametrize(
    ("case_ids", "responses", "sentence"),
    [
        ([CaseId("Y")], [ticks()], "the rubric has no case 'Y'"),
        ([CASE], [ticks(7)], "no case of the rubric has an option '7'"),
        ([CASE], [plan(act(8))], "no case of the rubric has an option '8'"),
        ([CASE], [ticks(2)], "case X has no option '2'"),
        ([CASE, CASE], [ticks()], "2 cases were given for 1 responses"),
    ],
)
def test_what_the_rubric_does_not_know_is_refused(case_ids, responses, sentence):
    with pytest.raises(StudyError, match=sentence):
        score_readings(rubric_of(case_rubric([9]), case_rubric([9, 1], case_id="Z")), case_ids, responses)


@pytest.mark.parametrize("profile", list(PROFILES.values()), ids=list(PROFILES))
def test_weights_are_whole_numbers_so_that_single_precision_sums_are_exact(profile):
    assert all(weight == int(weight) and weight < 2**12 for weight in profile.weights)
