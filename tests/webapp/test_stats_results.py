"""Numbers of an analysis on a page: rounded, with true minus signs, and a dash where there is none."""

import json

import pytest

from study.consensus import ConsensusRule
from webapp.stats.forms import RULES, rules_that_fit
from webapp.stats.numbers import interval, p_value, plain, signed, size
from webapp.stats.results import read_results


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, "–"), (0.12345, "0.123"), (-0.12345, "−0.123"), (-0.0001, "0.000"), (0.0, "0.000")],
)
def test_plain(value, expected):
    assert plain(value) == expected


@pytest.mark.parametrize(("value", "expected"), [(0.1, "+0.100"), (-0.1, "−0.100"), (0.0001, "0.000"), (None, "–")])
def test_signed(value, expected):
    assert signed(value) == expected


@pytest.mark.parametrize(
    ("p", "expected"), [(None, "–"), (0.0, "< 0.001"), (0.00099, "< 0.001"), (0.0123, "0.012"), (0.456, "0.46")]
)
def test_p_value(p, expected):
    assert p_value(p) == expected


def test_an_interval_with_an_open_end_is_none():
    assert (interval(-0.1, 0.25), interval(None, 0.25)) == ("−0.100 to 0.250", "–")


@pytest.mark.parametrize(
    ("octets", "expected"), [(1, "1 byte"), (999, "999 bytes"), (1500, "1.5 kB"), (2_340_000, "2.3 MB")]
)
def test_size(octets, expected):
    assert size(octets) == expected


def test_one_rater_allows_one_rule_and_several_every_other():
    assert rules_that_fit("single") == (ConsensusRule.SINGLE,)
    assert set(rules_that_fit("median")) == set(ConsensusRule) - {ConsensusRule.SINGLE}
    assert set(RULES) == set(ConsensusRule)


def a_row(test="Aster", **changes):
    """One difference as the document of an analysis has it."""
    row = {
        "id": "d1", "analysis": "main", "measure": "severe", "test": test, "kind": "system", "control": "physician",
        "test_value": 0.25, "control_value": 0.5, "estimate": -0.25, "low": -0.5, "high": 0.0, "p": 0.05,
        "bootstrap_low": -0.6, "bootstrap_high": 0.1, "bootstrap_refused_reason": None,
        "simultaneous_low": None, "simultaneous_high": None, "refused": None, "refused_reason": None,
        "n_readings": 9, "n_readers": 3, "n_cases": 3,
    }  # fmt: skip
    return row | changes


def a_table(*rows, **changes):
    """The one table of a document with these rows."""
    document = {
        "study": {"title": "A study", "version": "1"},
        "primary": None,
        "key_finding": [],
        "notes": [],
        "measures": [{"name": "severe", "label": "Severe harm", "kind": "mean", "better": "lower", "note": None}],
        "differences": rows,
        "counts": [],
        "provenance": {
            "profile": "p", "consensus": "c", "seed": 1, "draws": 2, "bundle_digest": "", "rubric_digest": "",
            "versions": {},
        },
    }  # fmt: skip
    (table,) = read_results(json.dumps(document | changes).encode()).primary
    return table


def test_a_dash_for_a_bootstrap_interval_has_its_reason_below():
    without = {"bootstrap_low": None, "bootstrap_high": None, "bootstrap_refused_reason": "Too few draws."}
    table = a_table(a_row(**without), a_row("Birch"))
    assert [row.bootstrap for row in table.rows] == ["–", "−0.600 to 0.100"]
    assert table.notes == ("No bootstrap interval for Aster. Too few draws.",)
    both = without | {"low": None, "high": None, "refused": "few_cases", "refused_reason": "Too few draws."}
    assert a_table(a_row(**both)).notes == ()


def test_what_every_row_is_estimated_from_is_said_once_and_else_row_by_row():
    assert a_table(a_row(), a_row("Birch")).counts == "9 readings, 3 physicians × 3 cases"
    assert a_table(a_row(), a_row("Birch", n_readings=8)).counts is None


def test_bands_are_shown_where_a_system_has_one():
    assert not a_table(a_row()).bands
    with_band = a_table(a_row(simultaneous_low=-0.7, simultaneous_high=0.2), a_row("Birch"))
    assert with_band.bands
    assert [row.band for row in with_band.rows] == ["−0.700 to 0.200", None]


def test_remarks_stand_with_the_measure_and_arm_that_they_are_of():
    remarks = [
        {"measure": "severe", "control": "physician", "text": "Every reading had one."},
        {"measure": "severe", "control": "aided", "text": "of others"},
    ]
    assert a_table(a_row(), remarks=remarks).notes == ("Every reading had one.",)
