"""Who reads what, in which order."""

from collections import Counter
from itertools import groupby

import pytest
from builders import a_case
from hypothesis import given
from hypothesis import strategies as st

from study.allocation import allocate, presented_order, rank
from study.errors import StudyError

NAMES = st.lists(st.text("abcdefghij0123456789", min_size=1, max_size=4), min_size=1, max_size=12, unique=True)


@st.composite
def designs(draw):
    cases = draw(NAMES)
    per_reader = draw(st.integers(1, len(cases)))
    anchors = draw(st.lists(st.sampled_from(cases), unique=True, max_size=per_reader))
    return draw(st.integers(0, 2**63)), cases, per_reader, anchors, draw(st.integers(1, 25))


@given(designs())
def test_readers_who_join_one_after_another_spread_evenly_over_the_cases(design):
    seed, cases, per_reader, anchors, readers = design
    reads = Counter(dict.fromkeys(cases, 0))
    for reader in range(readers):
        chosen = allocate(seed, f"reader-{reader}", cases, per_reader=per_reader, anchors=anchors, reads=reads)
        assert len(set(chosen)) == len(chosen) == per_reader
        assert set(anchors) <= set(chosen) <= set(cases)
        reads.update(chosen)
    others = [reads[case] for case in cases if case not in anchors]
    assert not others or max(others) - min(others) <= 1
    assert all(reads[anchor] == readers for anchor in anchors)


@given(designs())
def test_an_assignment_depends_on_seed_reader_and_counts_alone(design):
    seed, cases, per_reader, anchors, _ = design
    one = allocate(seed, "reader", cases, per_reader=per_reader, anchors=anchors)
    other = allocate(seed, "reader", cases[::-1], per_reader=per_reader, anchors=anchors[::-1])
    assert one == other


@given(designs())
def test_cases_that_are_read_under_two_designs_stand_in_the_same_order(design):
    """A reader's order is a rank of each case by itself, so that a smaller design is a part of the larger one's."""
    seed, cases, per_reader, anchors, _ = design
    part = allocate(seed, "reader", cases, per_reader=per_reader, anchors=anchors)
    whole = allocate(seed, "reader", cases)
    assert [case for case in whole if case in part] == list(part)


def test_readers_meet_the_cases_in_different_orders():
    cases = [f"case-{number}" for number in range(6)]
    assert len({allocate(1, f"reader-{reader}", cases) for reader in range(20)}) > 15


def test_ranks_do_not_depend_on_the_machine():
    assert rank(20261121, "choose", "reader", "case")[:16] == "735fdf324d8202a3"


def test_parts_cannot_run_into_one_another():
    assert rank(1, "ab", "c") != rank(1, "a", "bc")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"per_reader": 4}, "4 cases for each reader were asked for, but the study has 3"),
        ({"per_reader": 1, "anchors": ["a", "b"]}, "There are 2 anchors, but only 1 cases"),
        ({"anchors": ["z"]}, "Anchor 'z' is not a case of the study"),
    ],
)
def test_a_design_that_does_not_fit_is_refused(asked, said):
    with pytest.raises(StudyError, match=said):
        allocate(1, "reader", ["a", "b", "c"], **asked)


@given(seed=st.integers(0, 2**63), reader=st.text(max_size=8), options=st.integers(1, 12), categories=NAMES)
def test_the_presented_order_is_a_permutation_grouped_by_category(seed, reader, options, categories):
    case = a_case(options=options, categories=categories)
    category = {option.id: option.category for option in case.options}
    order = presented_order(seed, reader, case)
    assert sorted(order) == sorted(case.option_ids)
    groups = [name for name, _ in groupby(order, key=category.__getitem__)]
    assert len(groups) == len(set(groups))


def test_do_nothing_is_not_always_first_and_every_option_comes_first_for_somebody():
    case = a_case(options=6)
    first = Counter(presented_order(7, f"reader-{reader}", case)[0] for reader in range(300))
    assert set(first) == case.option_ids
    assert first["a"] < 100
