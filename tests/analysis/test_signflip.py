"""Sign flips against complete enumeration by hand, R, and the laws of an inverted test."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.inference.conditional import between_systems
from analysis.inference.estimate import Method, RefusalCode
from analysis.inference.signflip import MOST_EXACT_CASES, by_case, sign_flip

whole = st.lists(st.integers(-9, 9), min_size=3, max_size=9)


def enumerated(differences):
    sums = [abs(np.dot(signs, differences)) for signs in itertools.product((-1, 1), repeat=len(differences))]
    return np.mean([s >= abs(np.sum(differences)) - 1e-9 for s in sums])


def flipped(differences, level=0.95, **keywords):
    values = np.array(differences, dtype=float)
    return sign_flip(values, between_systems(values, level=level), **{"seed": 1} | keywords)


def test_darwins_maize_gives_what_r_gives(reference):
    case = reference["exact_signflip_darwin"]
    differences = np.array(case["inputs"]["differences"], dtype=float)
    found = by_case(differences[:, None], seed=0)
    assert found.p[0] == case["expected"]["p_two_sided_exact"]["value"]
    assert found.assignments == case["expected"]["n_assignments"]["value"]
    assert (found.exact, found.seed) == (True, None)


def test_the_sleep_data_give_what_r_gives(reference):
    case = reference["paired_sleep"]
    differences = np.subtract(case["inputs"]["x"], case["inputs"]["y"])
    assert by_case(differences[:, None], seed=0).p[0] == case["expected"]["signflip_exact_p"]["value"]


@given(whole)
def test_p_is_the_share_of_assignments_at_least_as_extreme(differences):
    found = by_case(np.array(differences, dtype=float)[:, None], seed=0)
    assert found.p[0] == enumerated(differences)
    assert found.p[0] == found.single_step[0] == found.step_down[0]


@given(st.integers(0, 10_000))
def test_a_family_costs_something_and_stepping_down_gives_some_of_it_back(seed):
    differences = np.random.default_rng(seed).normal(0.5, 1, (7, 4))
    found = by_case(differences, seed=0)
    for k in range(4):
        assert found.p[k] == by_case(differences[:, [k]], seed=0).p[0]
    assert (found.p <= found.step_down).all()
    assert (found.step_down <= found.single_step).all()
    order = np.argsort(-np.abs(differences.sum(0)) / np.sqrt((differences**2).sum(0)))
    assert (np.diff(found.step_down[order]) >= 0).all()
    assert found.step_down[order[0]] == found.single_step[order[0]]


@given(whole, st.sampled_from([0.001, 1.0, 1e6, 2.0**-1000, 2.0**900]), st.booleans())
def test_units_and_sign_do_not_matter(differences, factor, negative):
    values = np.array(differences, dtype=float)[:, None]
    assert by_case(values * (-factor if negative else factor), seed=0).p[0] == by_case(values, seed=0).p[0]


@settings(max_examples=40)
@given(st.lists(st.integers(-9, 9), min_size=6, max_size=9).filter(lambda values: len(set(values)) > 1))
def test_the_interval_holds_the_shifts_that_the_test_does_not_reject(differences):
    values = np.array(differences, dtype=float)
    found = flipped(values)
    assert found.low <= found.value <= found.high
    slack = 1e-6
    for inside in (found.low + slack, found.high - slack):
        if found.low < inside < found.high:
            assert enumerated(values - inside) > 0.05
    for outside in (found.low - slack, found.high + slack):
        assert enumerated(values - outside) <= 0.05
    assert (found.p <= 0.05) == (enumerated(values) <= 0.05)


def test_many_cases_are_drawn_with_a_seed_and_come_close_to_students_t():
    values = np.random.default_rng(3).normal(0.4, 1, 60)
    here, again, other = flipped(values, draws=4000), flipped(values, draws=4000), flipped(values, draws=4000, seed=2)
    assert (here.p, here.low, here.high) == (again.p, again.low, again.high)
    assert (here.low, here.high) != (other.low, other.high)
    assert (here.seed, here.draws, here.method) == (1, 4000, Method.SIGN_FLIP)
    student = between_systems(values, level=0.95)
    assert [here.low, here.high] == pytest.approx([student.low, student.high], abs=0.2 * student.se)
    assert here.p == pytest.approx(student.p, rel=0.5)
    assert np.isnan([here.se, here.df]).all()


def test_a_drawn_p_is_never_zero():
    found = by_case(np.ones((MOST_EXACT_CASES + 1, 1)), seed=0, draws=99)
    assert found.p[0] == 0.01
    assert not found.exact


def test_enumeration_and_draws_agree_where_they_meet():
    rng = np.random.default_rng(5)
    few = rng.normal(0.3, 1, (MOST_EXACT_CASES, 1))
    exact, drawn = by_case(few, seed=0).p[0], by_case(np.vstack([few, [[0.0]]]), seed=0, draws=20_000).p[0]
    assert drawn == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 20_000) ** 0.5)


def test_contrasts_of_zeros_are_never_rare():
    found = by_case(np.zeros((5, 2)), seed=0)
    assert found.p.tolist() == found.single_step.tolist() == found.step_down.tolist() == [1, 1]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ([1.0, 2.0], RefusalCode.FEW_CASES),
        ([1.0, 2.0, 3.0, 4.0, 5.0], RefusalCode.FEW_CASES),
        ([2.0] * 8, RefusalCode.ZERO_VARIANCE),
    ],
)
def test_what_carries_no_interval_is_refused_by_name(values, code):
    found = flipped(values)
    assert found.refused.code is code
    assert np.isnan([found.se, found.low, found.high, found.p]).all()


def test_six_cases_are_the_fewest_for_five_per_cent():
    assert flipped([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).p == 2 / 2**6
    assert "no p is below 0.0625" in flipped([1.0, 2.0, 3.0, 4.0, 5.0]).refused.reason
