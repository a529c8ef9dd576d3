"""What the forest plot shows, in which order, and between which ends."""

import re
from dataclasses import replace

import pytest

from analysis.analyse import analyse
from analysis.estimate import NAN, Refusal, RefusalCode
from analysis.forest import Forest, drawable, forest_svg, limits, ordered, shorten


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
    a, b, c, d = rows
    a, b = moved(a, 0.1), moved(b, 0.3)
    c, d = moved(c, 0.9), nameless(d)
    assert ordered([d, c, a, b]) == (b, a, c, d)
    lower = [replace(row, contrast=replace(row.contrast, better="lower")) for row in (d, c, a, b)]
    assert [row.id for row in ordered(lower)] == [a.id, b.id, c.id, d.id]
    assert drawable([a, d]) == (a,)


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
