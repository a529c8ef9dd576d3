"""The shape set has the published counts and rates. Tolerances: rates ± 0.03, errors of a tier ± 10 %."""

from pathlib import Path

import numpy as np
import pytest

from fixtures.shape import ShapeSet, main, shape_set
from fixtures.shape_panel import Target, targets
from study.answer import Response
from study.bundle import Bundle, parse_bundle, read_folder
from study.case import CaseId, OptionId
from study.consensus import ConsensusRule
from study.profile import PROFILES
from study.rubric import Rubric
from study.scoring import Scores, score_readings

TARGETS = {target.respondent: target for target in targets()}
RATES = ("precision", "recall", "restraint", "severe_case_rate")
ERRORS = ("mild_errors", "moderate_errors", "severe_errors")


@pytest.fixture(scope="module")
def shape() -> ShapeSet:
    return shape_set()


@pytest.fixture(scope="module")
def bundle(shape: ShapeSet) -> Bundle:
    return shape.bundle()


@pytest.fixture(scope="module")
def rubric(bundle: Bundle) -> Rubric:
    return bundle.rubric()


@pytest.fixture(scope="module")
def measured(shape: ShapeSet, rubric: Rubric) -> dict[str, Target]:
    """What each respondent, and the panel of physicians together, scores."""
    cases, responses = shape.readings()
    scores = score_readings(rubric, cases, responses)
    bounds = [*range(0, shape.systems.shape[0] * 2_000 + 1, 2_000), len(cases)]
    found = {name: _measured(name, scores, slice(*bounds[at : at + 2])) for at, name in enumerate(shape.names)}
    return found | {"physician": _measured("physician", scores, slice(*bounds[-2:]))}


def _measured(name: str, scores: Scores, rows: slice) -> Target:
    ratio = {
        measure: float(np.sum(scored.numerator[rows]) / np.sum(scored.denominator[rows]))
        for measure, scored in scores.measures.items()
        if measure in RATES and scored.numerator is not None and scored.denominator is not None
    }
    mild, moderate, severe = (100.0 * scores.harm_counts[rows].sum(axis=1).mean(axis=0)).tolist()
    return Target(
        name,
        **ratio,
        severe_case_rate=float(scores.measures["severe"].value[rows].mean()),
        mild_errors=mild,
        moderate_errors=moderate,
        severe_errors=severe,
    )


def test_it_has_the_published_counts(shape: ShapeSet) -> None:
    rubric = shape.rubric
    assert (len(rubric.case_ids), len(rubric.score), rubric.ratings.size) == (100, 4_249, 12_747)
    assert shape.systems.shape == (31, 20, 4_249)
    assert shape.reads.shape == (101, 100)
    assert (shape.reads.sum(axis=1) == 30).all()
    assert shape.systems.shape[0] * 20 * 100 + shape.reads.sum() == 65_030


def test_every_case_has_one_do_nothing_and_between_twenty_and_seventy_options(shape: ShapeSet) -> None:
    sizes = np.bincount(shape.rubric.case)
    assert np.bincount(shape.rubric.case, shape.rubric.do_nothing).tolist() == [1.0] * 100
    assert 20 <= sizes.min() <= sizes.max() <= 70


def test_every_case_has_something_right(shape: ShapeSet) -> None:
    assert np.bincount(shape.rubric.case, shape.rubric.score >= 7).min() >= 1


def test_the_classes_under_unanimous_have_their_published_sizes(rubric: Rubric) -> None:
    scores = np.concatenate([case.score for case in rubric.cases.values()])
    per_case = [(scores >= 7).sum() / 100, ((scores >= 4) & (scores <= 6)).sum() / 100, (scores <= 3).sum() / 100]
    assert per_case == pytest.approx([6.2, 15.4, 20.6], abs=0.15)


def test_under_majority_two_more_options_a_case_are_appropriate(shape: ShapeSet) -> None:
    agreeing = (shape.rubric.ratings >= 7).sum(axis=1)
    assert (agreeing >= 2).sum() / 100 == pytest.approx(8.2, abs=0.15)


def test_the_consensus_of_the_ratings_is_the_score_they_were_made_for(shape: ShapeSet, rubric: Rubric) -> None:
    found = np.concatenate([case.score for case in rubric.cases.values()])
    assert np.where((found >= 4) & (found <= 6), 5, found).tolist() == shape.rubric.score.tolist()


@pytest.mark.parametrize(("measure", "rate"), [("severe", 0.29), ("moderate", 0.62), ("mild", 0.83)])
def test_doing_nothing_harms_as_often_as_published(shape: ShapeSet, rubric: Rubric, measure: str, rate: float) -> None:
    found = shape.rubric
    chosen = found.option_ids[found.do_nothing].tolist()
    plans = [Response(frozenset({OptionId(str(option))})) for option in chosen]
    scores = score_readings(rubric, [CaseId(case) for case in found.case_ids], plans)
    assert scores.measures[measure].value.mean() == pytest.approx(rate, abs=0.03)


@pytest.mark.parametrize("respondent", TARGETS)
def test_each_row_of_the_table_is_met(measured: dict[str, Target], respondent: str) -> None:
    found, target = measured[respondent], TARGETS[respondent]
    for rate in RATES:
        assert getattr(found, rate) == pytest.approx(getattr(target, rate), abs=0.03), rate
    for tier in ERRORS:
        assert getattr(found, tier) == pytest.approx(getattr(target, tier), rel=0.10), tier


@pytest.mark.parametrize("column", RATES + ERRORS)
def test_the_spread_of_the_systems_is_met(measured: dict[str, Target], column: str) -> None:
    names = [name for name in TARGETS if name != "physician"]
    found = np.array([getattr(measured[name], column) for name in names])
    wanted = np.array([getattr(TARGETS[name], column) for name in names])
    near = {"abs": 0.03} if column in RATES else {"rel": 0.10}
    for summary in (np.mean, np.std, np.min, np.max):
        assert summary(found) == pytest.approx(summary(wanted), **near), summary.__name__


def test_physicians_pick_about_eight_options_a_case(shape: ShapeSet) -> None:
    assert shape.physicians.sum() / shape.reads.sum() == pytest.approx(8.4, rel=0.05)


def test_whoever_does_nothing_does_nothing_else(shape: ShapeSet) -> None:
    rubric = shape.rubric
    for chosen in (*shape.systems.reshape(-1, len(rubric.case)), *shape.physicians):
        idle = np.bincount(rubric.case, chosen & rubric.do_nothing) > 0
        assert np.bincount(rubric.case, chosen)[idle].max(initial=1) == 1


def test_a_reader_chooses_only_in_cases_that_were_read(shape: ShapeSet) -> None:
    assert not (shape.physicians & ~shape.reads[:, shape.rubric.case]).any()


def test_the_seed_decides_everything(shape: ShapeSet) -> None:
    again, other = shape_set(), shape_set(1)
    assert again.files(systems=False) == shape.files(systems=False)
    assert (again.systems == shape.systems).all()
    assert (again.physicians == shape.physicians).all()
    assert not (again.rubric.score == other.rubric.score).all()


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("rule", [rule for rule in ConsensusRule if rule is not ConsensusRule.SINGLE])
def test_every_profile_and_rule_can_score_it(shape: ShapeSet, bundle: Bundle, profile: str, rule: str) -> None:
    cases, responses = zip(*((it.case_id, it.response) for it in shape.physician_answers()), strict=True)
    scores = score_readings(bundle.rubric(profile, rule), cases, responses)
    assert all(np.isfinite(scores.measures[name].value).all() for name in ("severe", "moderate", "mild"))


def test_it_is_written_where_it_is_asked_for(tmp_path: Path) -> None:
    assert main(["--out", str(tmp_path)]) == 0
    answers = [*(tmp_path / "bundle" / "systems").glob("*.jsonl"), tmp_path / "physicians.jsonl"]
    assert sum(path.read_bytes().count(b"\n") for path in answers) == 65_030
    assert (tmp_path / "bundle" / "rubric" / "ratings.csv").read_bytes().count(b"\n") == 12_748
    bundle = parse_bundle(read_folder(tmp_path / "bundle"))
    assert (len(bundle.cases), len(bundle.answers), bundle.warnings) == (100, 62_000, ())
