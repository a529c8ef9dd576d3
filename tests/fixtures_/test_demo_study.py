"""The demonstration bundle: readable, synthetic, honest about what is right only in the rubric, and reproducible."""

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from fixtures.authored import CATEGORIES, WrittenCase, written_case, written_cases
from fixtures.demo_study import DEMO, NOTICE, SEED, TRUTH, bundle_files, demo_files, demo_rubric, main, ratings
from fixtures.demo_systems import SYSTEMS, system_answers
from fixtures.demo_truth import truth
from study.bundle import parse_bundle, read_folder

CASES = written_cases()
EACH_CASE = pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
SPECIALTIES = {
    "Allergy and immunology",
    "Cardiology",
    "Dermatology",
    "Endocrinology",
    "Gastroenterology",
    "Hematology",
    "Infectious diseases",
    "Nephrology",
    "Neurology",
    "Pulmonology",
}


def test_twelve_cases_cover_the_ten_specialties() -> None:
    assert len(CASES) == 12
    assert {case.specialty for case in CASES} == SPECIALTIES


@EACH_CASE
def test_a_presentation_has_150_to_250_words_and_ends_in_the_question(case: WrittenCase) -> None:
    assert 150 <= len(case.presentation.split()) <= 250
    assert case.question.endswith("?")
    assert case.presentation.endswith(case.question)


@EACH_CASE
def test_a_case_offers_20_to_28_options_of_every_category(case: WrittenCase) -> None:
    assert 20 <= len(case.options) <= 28
    assert {option.category for option in case.options} == set(CATEGORIES)
    assert len({option.text for option in case.options}) == len(case.options)


@EACH_CASE
def test_exactly_one_option_is_to_do_nothing_and_something_is_right(case: WrittenCase) -> None:
    assert sum(option.do_nothing for option in case.options) == 1
    assert max(option.score for option in case.options) >= 7


def test_in_two_cases_almost_nothing_but_doing_nothing_is_right() -> None:
    idle = [case for case in CASES if any(option.do_nothing and option.score >= 7 for option in case.options)]
    assert len(idle) == 2
    for case in idle:
        scores = [option.score for option in case.options]
        assert sum(score >= 7 for score in scores) <= 2
        assert np.mean(np.array(scores) <= 3) > 0.6


def test_in_at_least_two_cases_an_omission_is_severe() -> None:
    assert sum(any(option.score == 9 for option in case.options) for case in CASES) >= 2


def test_the_structure_has_alternatives_dependencies_harm_groups_and_escalations() -> None:
    options = [option for case in CASES for option in case.options]
    kinds = Counter(option.group_kind for option in options)
    assert kinds["alternative"] >= 10
    assert kinds["harm"] >= 30
    assert sum(bool(option.after) for option in options) >= 8
    assert sum(option.escalation for option in options) >= 12


def test_what_a_reader_is_shown_does_not_change_when_the_scores_do() -> None:
    turned = [
        replace(case, options=tuple(replace(option, score=10 - option.score) for option in case.options))
        for case in CASES
    ]
    files, others = bundle_files(CASES), bundle_files(turned)
    assert {path for path in files if files[path] != others[path]} == {"rubric/ratings.csv"}


def test_options_are_numbered_by_category_and_alphabet() -> None:
    for case in CASES:
        told = [(CATEGORIES.index(option.category), option.text) for option in case.options]
        assert told == sorted(told)
        assert [option.id for option in case.options] == [str(place) for place in range(1, len(told) + 1)]


def test_everything_that_is_read_is_marked_synthetic() -> None:
    files = demo_files()
    for path in ["study.toml", "consent.md", *(path for path in files if path.startswith("cases/"))]:
        assert NOTICE in files[path].decode(), path
    assert "synthetic" in files["study.toml"].decode().splitlines()[3]


def test_the_median_rating_is_the_intended_score() -> None:
    found = ratings(CASES)
    for case in CASES:
        for option in case.options:
            assert sorted(found[case.id, option.id].values())[1] == option.score


def test_the_raters_agree_as_experts_do() -> None:
    rated = np.array([list(scores.values()) for scores in ratings(CASES).values()], dtype=float)
    assert 0.80 <= single_rater_agreement(rated) <= 0.92
    assert (np.ptp(rated, axis=1) == 0).mean() < 0.5


def single_rater_agreement(rated: np.ndarray) -> float:
    """ICC(A,1), McGraw and Wong 1996: two-way, absolute agreement, one rater. `rated`: options × raters."""
    n, k = rated.shape
    rows = k * rated.mean(axis=1).var(ddof=1)
    columns = n * rated.mean(axis=0).var(ddof=1)
    rest = ((n * k - 1) * rated.var(ddof=1) - (n - 1) * rows - (k - 1) * columns) / ((n - 1) * (k - 1))
    return float((rows - rest) / (rows + (k - 1) * rest + k / n * (columns - rest)))


def test_the_committed_bundle_is_what_the_seed_gives_and_nothing_else() -> None:
    committed = {path.relative_to(DEMO).as_posix(): path.read_bytes() for path in DEMO.rglob("*") if path.is_file()}
    assert committed == demo_files()


def test_the_committed_bundle_is_valid_without_a_warning() -> None:
    bundle = parse_bundle(read_folder(DEMO))
    assert bundle.warnings == ()
    assert (len(bundle.cases), len(bundle.answers)) == (12, 144)
    assert bundle.files == demo_files()


def test_four_systems_answer_every_case_three_times() -> None:
    answers = list(system_answers(demo_rubric(CASES), SEED))
    assert Counter(answer.respondent for answer in answers) == dict.fromkeys(SYSTEMS, 36)
    assert len({answer.key for answer in answers}) == 144


def test_the_stored_truth_is_found_again_with_fewer_panels() -> None:
    stored = json.loads(TRUTH.read_text("utf-8"))
    again = truth(demo_rubric(CASES), SEED, panels=60)
    for name, difference in again["differences"].items():
        known = stored["differences"][name]
        assert abs(difference["mean"] - known["mean"]) < 4 * known["sd_of_one_panel"] / 60**0.5


def test_the_good_system_is_truly_better_and_the_cautious_one_hardly_different() -> None:
    differences = json.loads(TRUTH.read_text("utf-8"))["differences"]
    assert differences["Dune-guarded"]["mean"] > 0.08
    assert abs(differences["Aster-1"]["mean"]) < 0.05


def test_an_unknown_mark_is_refused() -> None:
    text = (
        'id = "x"\nspecialty = "x"\npresentation = "x"\nquestion = "x?"\noptions = "[Diagnostic]\\n5 Do it {maybe}"\n'
    )
    with pytest.raises(ValueError, match="maybe"):
        written_case(text)


def test_the_check_finds_nothing_to_write(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0
    assert capsys.readouterr().out == "up to date\n"
