"""Reference policies choose what they say, in every case."""

from rubric_builders import case_rubric, rubric_of

from study.answer import Kind
from study.policies import do_nothing, oracle, select_all

RUBRIC = rubric_of(
    case_rubric([9, 8, 8, 5, 2], groups=[-1, 0, 0, -1, -1], do_nothing=[5], case_id="A"),
    case_rubric([4, 7, 9], groups=[-1, 0, 0], case_id="B"),
)


def chosen(answers):
    return [(answer.case_id, sorted(answer.response.selected)) for answer in answers]


def test_do_nothing_selects_what_is_flagged_so_and_else_an_empty_plan():
    assert chosen(do_nothing(RUBRIC)) == [("A", ["5"]), ("B", [])]


def test_select_all_selects_everything():
    assert chosen(select_all(RUBRIC)) == [("A", ["1", "2", "3", "4", "5"]), ("B", ["1", "2", "3"])]


def test_the_oracle_takes_the_best_alternative_and_the_first_of_equals():
    assert chosen(oracle(RUBRIC)) == [("A", ["1", "2"]), ("B", ["3"])]


def test_policies_are_policies_and_say_their_names():
    answers = [*do_nothing(RUBRIC), *select_all(RUBRIC), *oracle(RUBRIC)]
    assert {answer.kind for answer in answers} == {Kind.POLICY}
    assert list(dict.fromkeys(answer.respondent for answer in answers)) == ["do-nothing", "select-all", "oracle"]
