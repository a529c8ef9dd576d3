"""Shapes of a figure: the same text for the same numbers, round marks on its axes, and names that are text."""

import pytest

from analysis.report import svg


@pytest.mark.parametrize(("at", "written"), [(1.0, "1"), (1.25, "1.25"), (1.004, "1"), (-0.001, "0"), (1000.0, "1000")])
def test_coordinates_have_two_decimals_at_most_and_no_negative_zero(at, written):
    assert svg.place(at) == written


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 10, ["0", "2", "4", "6", "8", "10"]),
        (0, 12.2, ["0.0", "2.5", "5.0", "7.5", "10.0"]),
        (-0.31, 0.22, ["−0.3", "−0.2", "−0.1", "0.0", "0.1", "0.2"]),
        (0.551, 0.623, ["0.56", "0.58", "0.60", "0.62"]),
        (3, 3, ["3"]),
    ],
)
def test_marks_of_an_axis_are_round_and_say_no_more_than_tells_them_apart(low, high, labels):
    marks = svg.ticks(low, high)
    assert [svg.tick_label(at, marks) for at in marks] == labels
    assert all(low <= at <= high for at in marks)


def test_text_is_escaped_and_cut_only_where_there_is_no_room():
    assert ">a &lt;b&gt; &amp; c<" in svg.words(0, 0, "a <b> & c")
    assert svg.cut("short", 200) == "short"
    assert svg.cut("a" * 60, 100).endswith("…")
    assert svg.fits("a" * 10, 100)
    assert not svg.fits("a" * 60, 100)
    assert 'aria-label="&quot;x&quot; &lt;"' in svg.drawing(1, 1, [], name='"x" <')


def test_a_figure_with_nothing_in_it_says_so():
    assert svg.NOTHING in svg.nothing("a figure")
