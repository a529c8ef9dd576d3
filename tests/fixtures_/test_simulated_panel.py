"""Simulated physicians end their readings in every way a study knows, and choose as their skill says."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from fixtures.authored import written_cases
from fixtures.demo_study import demo_rubric
from study.case import CaseId
from study.progress import Ending
from study.rubric import Rubric
from study.simulate import SimulatedReader, simulate_readers
from study.skill import GENERALIST, Skill, simulate_response
from study.timing import SECOND_US

START_US = 1_800_000_000 * SECOND_US


@pytest.fixture(scope="module")
def rubric() -> Rubric:
    return demo_rubric(written_cases())


def panel(rubric: Rubric, *, seed: int = 1, readers: int = 24, limit_s: int = 600) -> tuple[SimulatedReader, ...]:
    return simulate_readers(
        rubric,
        tuple(rubric.cases),
        n_readers=readers,
        cases_per_reader=6,
        seed=seed,
        start_us=START_US,
        limit_s=limit_s,
    )


def test_a_panel_shows_every_kind_of_ending(rubric: Rubric) -> None:
    found = [reading for reader in panel(rubric) for reading in reader.readings]
    endings = Counter(reading.ending for reading in found)
    assert len(found) == 144
    assert set(endings) == set(Ending) - {Ending.STILL_OPEN}
    assert endings[Ending.VOID] == 1
    assert endings[Ending.SUBMITTED] > 120


@pytest.mark.parametrize("seed", range(8))
def test_a_reading_says_of_itself_what_a_locked_study_would(rubric: Rubric, seed: int) -> None:
    for reader in panel(rubric, seed=seed):
        for reading in reader.readings:
            kept = reading.as_reading(reader.reader, "physician")
            assert kept.ending is reading.ending
            assert reading.nothing_to_recommend == (kept.ending is Ending.NOTHING_TO_RECOMMEND)
            if kept.scored_response is not None:
                assert kept.scored_response.selected == reading.selected


def test_nothing_is_saved_outside_the_time_allowed(rubric: Rubric) -> None:
    for reader in panel(rubric, limit_s=200):
        for reading in reader.readings:
            assert 0 <= reading.seconds <= 200
            assert all(0 <= one.after_s < two.after_s for one, two in pairwise(reading.saves))
            assert all(saved.after_s <= reading.seconds for saved in reading.saves)


def test_a_reader_opens_one_case_after_another(rubric: Rubric) -> None:
    for reader in panel(rubric):
        opened = [reading for reading in reader.readings if reading.opened_at_us is not None]
        assert [reading.position for reading in reader.readings] == [1, 2, 3, 4, 5, 6]
        for one, two in pairwise(opened):
            assert (one.opened_at_us or 0) + one.seconds * SECOND_US < (two.opened_at_us or 0)


def test_one_reader_withdraws_and_opens_nothing_more(rubric: Rubric) -> None:
    withdrawn = [reader for reader in panel(rubric) if reader.withdrew_at_us is not None]
    assert len(withdrawn) == 1
    unread = [reading.ending is Ending.NEVER_OPENED for reading in withdrawn[0].readings]
    assert unread == [False] * 3 + [True] * 3
    assert all((reading.opened_at_us or 0) < (withdrawn[0].withdrew_at_us or 0) for reading in withdrawn[0].readings)


def test_the_cases_are_read_equally_often(rubric: Rubric) -> None:
    reads = Counter(reading.case_id for reader in panel(rubric) for reading in reader.readings)
    assert set(reads.values()) == {12}


def test_the_seed_decides_and_another_seed_is_another_panel(rubric: Rubric) -> None:
    assert panel(rubric, seed=3) == panel(rubric, seed=3)
    assert panel(rubric, seed=3) != panel(rubric, seed=4)


def test_given_cases_are_read_in_the_order_given(rubric: Rubric) -> None:
    cases = tuple(rubric.cases)
    assigned = {f"P-{number:02d}": cases[number : number + 2] for number in range(1, 6)}
    found = simulate_readers(rubric, cases, n_readers=4, cases_per_reader=2, seed=1, start_us=0, assigned=assigned)
    assert {reader.reader: tuple(it.case_id for it in reader.readings) for reader in found} == assigned


def test_a_panel_too_small_for_every_ending_is_refused(rubric: Rubric) -> None:
    with pytest.raises(ValueError, match="four readers"):
        panel(rubric, readers=3)


def test_plans_are_coherent(rubric: Rubric) -> None:
    eager = Skill(chances=(0.7,) * 9, leaves_alone=0.3)
    rng = np.random.default_rng(1)
    for _ in range(200):
        for case in rubric.cases.values():
            selected = simulate_response(case, eager, rng).selected
            chosen = np.array([option in selected for option in case.options])
            groups = case.alternative[chosen & (case.alternative >= 0)]
            assert len(groups) == len(set(groups.tolist()))
            assert not (chosen & case.do_nothing).any() or chosen.sum() == 1
            dependent = chosen & case.parents.any(axis=1)
            assert (case.parents[dependent] & chosen).any(axis=1).all()


def test_a_better_respondent_chooses_more_of_what_is_right_and_less_of_what_harms(rubric: Rubric) -> None:
    case = rubric.cases[CaseId("demo-01")]
    rng = np.random.default_rng(1)
    right, wrong = [], []
    for edge in (-1.0, 0.0, 1.0):
        plans = [simulate_response(case, GENERALIST, rng, edge=edge).selected for _ in range(300)]
        score = dict(zip(case.options, case.score.tolist(), strict=True))
        right.append(sum(score[option] >= 7 for plan in plans for option in plan))
        wrong.append(sum(score[option] <= 3 for plan in plans for option in plan))
    assert right == sorted(right)
    assert wrong == sorted(wrong, reverse=True)


@pytest.mark.parametrize("chances", [(0.5,) * 8, (0.5,) * 8 + (1.0,), (0.5,) * 8 + (float("nan"),)])
def test_a_skill_has_nine_chances_between_0_and_1(chances: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="nine chances"):
        Skill(chances=chances, leaves_alone=0.5)
