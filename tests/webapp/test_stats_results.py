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


def test_remarks_stand_with_the_analysis_measure_and_arm_that_they_are_of():
    remarks = [
        {"analysis": "main", "measure": "severe", "control": "physician", "text": "Every reading had one."},
        {"measure": "severe", "control": "physician", "text": "As an earlier version wrote it."},
        {"analysis": "completed only", "measure": "severe", "control": "physician", "text": "of other readings"},
        {"analysis": "main", "measure": "severe", "control": "aided", "text": "of others"},
    ]
    assert a_table(a_row(), remarks=remarks).notes == ("Every reading had one.", "As an earlier version wrote it.")


def a_document(**changes):
    """A document with no differences and what is named."""
    document = {
        "study": {"title": "A study", "version": "1"},
        "primary": {"test": "Aster", "control": "physician", "measure": "severe", "difference": "d1"},
        "key_finding": [],
        "notes": [],
        "measures": [{"name": "severe", "label": "Severe harm", "kind": "mean", "better": "lower", "note": None}],
        "differences": [],
        "counts": [],
        "provenance": {
            "profile": "p", "consensus": "c", "seed": 1, "draws": 2, "bundle_digest": "", "rubric_digest": "",
            "versions": {},
        },
    }  # fmt: skip
    return read_results(json.dumps(document | changes).encode())


def a_look(**changes):
    row = {
        "what": "mixed model (REML)", "estimand": "E1", "estimate": -0.25, "low": -0.5, "high": 0.0, "p": 0.05,
        "random": "reader+case", "label": None, "refused_reason": None,
    }  # fmt: skip
    return row | changes


def test_a_document_of_an_earlier_version_has_its_forest_and_no_further_table():
    results = a_document()
    assert results.sheets == ()
    assert [figure.drawing for figure in results.figures] == ["figures/forest.svg"]


def test_a_conditional_interval_stands_under_its_label_and_a_refused_one_with_its_reason():
    conditional = a_look(random="case", label="these physicians, new cases")
    refused = a_look(low=None, high=None, p=None, refused_reason="Too few readers.")
    (sheet,) = a_document(sensitivities=[a_look(), conditional, refused]).sheets
    assert sheet.title == "Aster minus physician: Severe harm"
    assert [row[-1] for row in sheet.rows[:2]] == ["physicians and cases", "these physicians, new cases"]
    assert sheet.rows[0] == (
        "mixed model (REML)", "E1", "−0.250", "−0.500 to 0.000", "0.050", "physicians and cases"
    )  # fmt: skip
    assert sheet.rows[2][3:5] == ("none. Too few readers.", "–")


def test_specialties_are_those_of_the_system_that_is_set_apart():
    row = {
        "specialty": "heart", "test": "Aster", "n_cases": 4, "n_readings": 9, "estimate": 0.1, "low": None,
        "high": None, "refused_reason": "2 readers.",
    }  # fmt: skip
    apart = {"test": "Aster", "q": 3.21, "df": 2, "i_squared": 0.376, "refused_reason": None}
    (sheet,) = a_document(specialties=[row, row | {"test": "Birch"}], heterogeneity=apart).sheets
    assert sheet.rows == (("heart", "4", "9", "+0.100", "none. 2 readers."),)
    assert sheet.notes == ("I² = 38 %, Q = 3.2 on 2 degrees of freedom.",)
    (sheet,) = a_document(
        specialties=[row], heterogeneity=apart | {"q": None, "refused_reason": "Fewer than two."}
    ).sheets
    assert sheet.notes == ("How far they lie apart is not estimated. Fewer than two.",)


def test_an_interval_in_two_parts_is_told_in_words():
    row = {
        "respondent": "Aster", "control": "physician", "arm": "physician", "cases": -12.5,
        "reads": "−40.0 or beyond, or 8.1 or more", "refused_reason": None,
    }  # fmt: skip
    (sheet,) = a_document(numbers_needed=[row]).sheets
    assert sheet.rows == (("Aster", "physician: cases to one more", "−12.5", "−40.0 or beyond, or 8.1 or more", "–"),)


def harm_rows(test, **changes):
    """One system − the physicians in every count of harms, as the document has it."""
    names = ("severe_harm", "moderate_harm", "mild_harm", "omission", "commission", "harm")
    rows = (a_row(test, measure=name, analysis="harms", estimate=-12.34, low=-20.0, high=1.25) for name in names)
    return [row | changes for row in rows]


def test_differences_in_harms_stand_with_their_intervals_and_p_and_a_refused_one_alone():
    refused = {"low": None, "high": None, "p": None, "estimate": None, "refused": "no_pairs", "refused_reason": "None."}
    (sheet,) = a_document(differences=[*harm_rows("Aster"), *harm_rows("Birch", **refused)]).sheets
    assert sheet.heading == "Harms per 100 cases: system − the physicians"
    assert sheet.rows == (("Aster", *["−12.3\n−20.0 to 1.2\np = 0.050"] * 6), ("Birch", *["–"] * 6))
    single = a_row("Aster", measure="severe_omission", analysis="harms")
    assert a_document(differences=[single]).sheets == ()


def test_a_rate_of_severe_harm_shows_in_how_many_cases_there_was_any():
    value = {"arm": "physician", "measure": "severe", "n_cases": 12, "value": 0.1, "low": 0.0, "high": 0.4}
    values = [value | {"respondent": "Aster", "cases_with": 1}, value | {"respondent": "physician", "cases_with": 7}]
    (row,) = a_table(a_row(), values=values).rows
    assert (row.test_cases, row.control_cases) == ("in 1 of 12 cases", "in 7 of 12 cases")
    earlier = [{key: one[key] for key in one if key != "cases_with"} for one in values]
    (row,) = a_table(a_row(), values=earlier).rows
    assert (row.test_cases, row.control_cases) == (None, None)
    measures = [{"name": "f1", "label": "F1", "kind": "mean", "better": "higher", "note": None}]
    (row,) = a_table(a_row(measure="f1"), measures=measures, values=values).rows
    assert row.test_cases is None
    number = {"respondent": "Aster", "control": None, "arm": "physician", "cases": 12.0, "reads": None}
    alone, needed = a_document(numbers_needed=[number | {"refused_reason": "None."}], values=values).sheets
    assert alone.rows == (
        ("physician", "0.100", "0.000 to 0.400", "in 7 of 12 cases"),
        ("Aster", "0.100", "0.000 to 0.400", "in 1 of 12 cases"),
    )
    assert needed.rows == (("Aster", "–", "12.0", "None.", "in 1 of 12 cases"),)


def test_so_does_a_rate_of_severe_harms_per_hundred_cases_and_no_other():
    rate = {"arm": "physician", "respondent": "Aster", "value": 8.3, "low": 1.0, "high": 30.0, "n_cases": 12}
    names = ("severe_harm", "moderate_harm", "mild_harm", "omission", "commission", "harm")
    (sheet,) = a_document(harm_rates=[rate | {"measure": name, "cases_with": 1} for name in names]).sheets
    assert sheet.rows == (("Aster", "8.3 (1.0 to 30.0), in 1 of 12 cases", *["8.3 (1.0 to 30.0)"] * 5),)


def test_each_respondent_stands_by_itself_with_its_rate_of_severe_harm():
    value = {"arm": "physician", "respondent": "Aster", "measure": "f1", "value": 0.7, "low": 0.6, "high": 0.8}
    rate = {"measure": "severe", "value": 0.05, "low": 0.0, "high": 0.3, "n_cases": 12, "cases_with": 1}
    measures = [
        {"name": name, "label": name, "kind": "mean", "better": "higher", "note": None} for name in ("f1", "severe")
    ]
    (sheet,) = a_document(measures=measures, values=[value, value | rate, value | {"arm": "aided"}]).sheets
    assert sheet.rows == (("Aster", "0.700", "0.600 to 0.800", "0.050", "0.000 to 0.300", "in 1 of 12 cases"),)
    assert len(sheet.columns) == len(sheet.rows[0])


def test_how_often_the_system_is_ahead_is_told_with_the_kind_of_its_interval():
    ahead = a_look(what="share", estimand="E7", estimate=0.7, low=0.5, high=0.9, test="Aster")
    (sheet,) = a_document(sensitivities=[a_look()], ahead=[ahead, ahead | {"interval_by": "percentiles"}]).sheets
    said = "E7, share: Aster 0.700 (0.500 to 0.900"
    assert sheet.notes[:2] == (f"{said}).", f"{said}, percentiles).")


def test_a_p_adjusted_over_measures_stands_where_there_is_one():
    table = a_table(a_row(p_holm=0.0123), a_row("Birch", p_holm=None))
    assert ([row.p_holm for row in table.rows], table.holm) == (["Holm 0.012", None], True)
    assert not a_table(a_row()).holm
