"""Numbers as people read them, and numbers as programs read them."""

import json

import pytest

from analysis import wording
from analysis.digits import csv_bytes, json_bytes, number
from analysis.versions import version_of

NAN = float("nan")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (wording.plain(-0.12349), "−0.123"),
        (wording.plain(-0.0001), "0.000"),
        (wording.plain(NAN), "–"),
        (wording.plain(None), "–"),
        (wording.plain(15.62, 1), "15.6"),
        (wording.signed(0.1), "+0.100"),
        (wording.signed(-0.1), "−0.100"),
        (wording.signed(0.0001), "0.000"),
        (wording.signed(None), "–"),
        (wording.interval(-0.1, 0.2), "−0.100 to 0.200"),
        (wording.interval(NAN, 0.2), "–"),
        (wording.interval(None, None), "–"),
        (wording.p_value(0.00001), "< 0.001"),
        (wording.p_value(0.0304), "0.030"),
        (wording.p_value(0.456), "0.46"),
        (wording.p_value(NAN), "–"),
        (wording.equals_p(0.00001), "p < 0.001"),
        (wording.equals_p(0.02), "p = 0.020"),
        (wording.percent(0.95), "95 %"),
        (wording.percent(NAN), "–"),
        (wording.listed([]), ""),
        (wording.listed(["a"]), "a"),
        (wording.listed(["a", "b", "c"]), "a, b and c"),
        (wording.counted(1, "case"), "1 case"),
        (wording.counted(4249, "option"), "4,249 options"),
        (wording.counted(0, "reading"), "0 readings"),
    ],
)
def test_words(found, expected):
    assert found == expected


@pytest.mark.parametrize(
    ("value", "written"),
    [(1 / 3, 0.333333333333), (-0.0, 0.0), (NAN, None), (float("inf"), None), (None, None), (2e-300, 2e-300)],
)
def test_numbers_have_twelve_digits_and_no_nan(value, written):
    assert number(value) == written
    assert json.loads(json_bytes({"x": number(value)}))["x"] == written


def test_a_nan_token_cannot_be_written():
    with pytest.raises(ValueError, match="JSON"):
        json_bytes({"x": NAN})


def test_cells_that_are_not_defined_are_empty():
    rows = [("a,b", 1, 1 / 3), (None, True, NAN), ("", False, 2.0)]
    assert csv_bytes(("x", "y", "z"), rows) == b'x,y,z\n"a,b",1,0.333333333333\n,yes,\n,no,2.0\n'


def test_what_is_not_installed_is_said():
    assert version_of("no-such-distribution-anywhere") == "not installed"
