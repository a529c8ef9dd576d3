"""What the forest plot shows, in which order, and between which ends."""

import re
from dataclasses import replace

import pytest

from analysis.analyse import analyse
from analysis.inference.estimate import NAN, Refusal, RefusalCode
from analysis.outcomes.contrasts import ordered
from analysis.report.forest import BEYOND, Forest, beyond, drawable, forest_svg, limits, shorten


@pytest.fixture
def rows(a_cut):
    return analyse(a_cut(), seed=1, draws=200).findings.of("main", measure="f1_weighted")


def moved(row, value, half=0.1, **changes):
    """The row with another estimate."""
    estimates = {
        name: replace(getattr(row.contrast, name), value=value, low=value - half, high=value + half, refused=None)
        for name in ("default", "bootstrap")
    }
    return replace(row, contrast=replace(row.contrast, **estimates, **changes))


def nameless(row):
    refused = Refusal(RefusalCode.NO_PAIRS, "No reading can be paired.")
    default = replace(row.contrast.default, value=NAN, refused=refused)
    return replace(row, contrast=replace(row.contrast, default=default))


def test_the_best_system_is_on_top_then_policies_then_what_has_no_estimate(rows):
    first, second, policy, other = rows[:4]
    a, b = (moved(row, at, policy=False).contrast for row, at in ((first, 0.1), (second, 0.3)))
    c, d = moved(policy, 0.9, policy=True).contrast, nameless(other).contrast
    assert ordered([d, c, a, b]) == (b, a, c, d)
    lower = [replace(contrast, better="lower") for contrast in (d, c, b, a)]
    assert [contrast.test for contrast in ordered(lower)] == [a.test, b.test, c.test, d.test]
    assert drawable([first, nameless(other)]) == (first,)


def test_the_axis_holds_the_systems_zero_and_the_margin(rows):
    system = moved(rows[0], 0.5, policy=False)
    low, high = limits([system], None, higher_is_better=True)
    assert low < 0 < 0.6 < high
    assert limits([system], 0.3, higher_is_better=True)[0] < -0.3
    assert limits([moved(rows[0], -0.5)], 0.3, higher_is_better=False)[1] > 0.3
    assert limits([], None, higher_is_better=True) == (-0.5, 0.5)


def test_a_policy_far_out_is_an_arrow_and_a_near_one_a_mark(rows):
    system, policy = moved(rows[0], 0.2, policy=False), moved(rows[2], -3.0, policy=True)
    near, far = moved(rows[2], -0.1, policy=True), (moved(rows[2], 3.0, policy=True), policy)
    assert limits([system, near], None, higher_is_better=True)[0] < -0.2
    low, high = limits([system, *far], None, higher_is_better=True)
    assert -1 < low < high < 1
    drawn = forest_svg(Forest((system, *far), "F1", "the physicians", True))
    assert "3.000" in drawn
    assert "−3.000" in drawn
    assert BEYOND in drawn
    assert BEYOND not in forest_svg(Forest((system, near), "F1", "the physicians", True))


def test_every_interval_of_a_system_is_whole_and_a_policys_that_is_cut_says_so(rows):
    wide, narrow = moved(rows[0], 0.2, half=5.0, policy=False), moved(rows[1], 0.1, half=0.01, policy=False)
    assert not any(beyond(row, limits([wide, narrow], None, higher_is_better=True)) for row in (wide, narrow))
    near_but_wide = moved(rows[2], -0.05, half=4.0, policy=True)
    ends = limits([narrow, near_but_wide], None, higher_is_better=True)
    assert ends[0] < -0.05 or beyond(near_but_wide, ends)
    drawn = forest_svg(Forest((narrow, near_but_wide), "F1", "the physicians", True))
    assert BEYOND in drawn


def test_the_figure_has_no_date_and_no_random_name(rows):
    forest = Forest(rows, "F1", "the physicians", True, margin=0.05)
    drawn = forest_svg(forest)
    assert drawn == forest_svg(forest)
    assert not re.search(r"dc:date|20\d\d-\d\d-\d\d", drawn)
    assert drawn.startswith('<svg role="img" aria-label="Forest plot. F1: each system&#x27;s difference')
    assert "<style" not in drawn


def test_a_figure_without_rows_is_drawn_empty():
    assert "<svg" in forest_svg(Forest((), "F1", "the physicians", True))


def test_long_names_are_shortened_beside_the_axis_only():
    assert shorten("a" * 24) == "a" * 24
    assert shorten("a" * 64) == "a" * 23 + "…"
