"""Consensus rules: a golden table derived by hand, and what must hold of any panel."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.consensus import ConsensusRule, NoConsensus, consensus, direction, mid, panel_fault

scores = st.integers(1, 9)
panels = st.lists(scores, min_size=2, max_size=7)
panel_rules = st.sampled_from([rule for rule in ConsensusRule if rule != ConsensusRule.SINGLE])


@pytest.fixture(scope="module")
def golden(repository):
    with (repository / "fixtures" / "expected" / "consensus.csv").open(newline="") as table:
        return list(csv.DictReader(table))


@pytest.mark.parametrize("rule", ConsensusRule)
def test_every_rule_gives_the_golden_scores(golden, rule):
    for row in golden:
        panel = [int(score) for score in row["scores"].split(";")]
        if row[rule]:
            assert (row["scores"], consensus(rule, panel)) == (row["scores"], int(row[rule]))
        else:
            with pytest.raises(NoConsensus):
                consensus(rule, panel)


def test_the_golden_table_holds_every_rule_and_no_other(golden):
    assert set(golden[0]) == {"scores", *ConsensusRule}


@given(rule=panel_rules, panel=panels, data=st.data())
def test_the_order_of_raters_does_not_matter(rule, panel, data):
    assert consensus(rule, data.draw(st.permutations(panel))) == consensus(rule, panel)


@given(rule=panel_rules, panel=panels)
def test_a_consensus_lies_among_the_scores_or_is_five(rule, panel):
    found = consensus(rule, panel)
    assert min(panel) <= found <= max(panel) or found == 5


@given(rule=panel_rules, panel=panels)
def test_the_scale_may_be_turned_around(rule, panel):
    assert consensus(rule, [10 - score for score in panel]) == 10 - consensus(rule, panel)


@given(rule=panel_rules, score=scores, raters=st.integers(2, 7))
def test_raters_who_agree_are_believed(rule, score, raters):
    assert consensus(rule, [score] * raters) == score


@given(panel=panels)
def test_unanimous_never_takes_a_side_that_one_rater_does_not_share(panel):
    if len({direction(score) for score in panel}) > 1:
        assert consensus("unanimous", panel) == 5


@given(panel=panels)
def test_severe_needs_every_rater(panel):
    found = consensus("severe_only_if_unanimous", panel)
    assert found not in (1, 9) or set(panel) == {found}


@given(panel=st.lists(scores, min_size=1, max_size=9).filter(lambda panel: len(panel) % 2 == 1))
def test_with_an_odd_count_the_middle_is_the_median(panel):
    assert mid(panel) == sorted(panel)[len(panel) // 2]


@pytest.mark.parametrize(
    ("rule", "raters", "fault"),
    [
        ("single", 1, None),
        ("single", 2, "consensus 'single' needs exactly one rating, found 2"),
        ("median", 1, "consensus 'median' needs at least two ratings, found 1"),
        ("median", 2, None),
        (
            "loudest",
            3,
            "no consensus rule is called 'loudest'; there are single, median, majority, unanimous, "
            "severe_only_if_unanimous",
        ),
    ],
)
def test_a_panel_that_does_not_suit_the_rule_is_told_why(rule, raters, fault):
    assert panel_fault(rule, raters) == fault
