"""Cases that are variants of one case vary together, and no interval counts them as independent."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from analysis.analyse import analyse
from analysis.inference.estimate import RefusalCode
from analysis.inference.refusals import refuse_variants
from analysis.outcomes.frame import frame

CASES = ("a", "b", "c")


@pytest.mark.parametrize(
    ("bases", "read", "named"),
    [
        (("a", "b", "c"), [1, 1, 1], None),
        (("a", "a", "c"), [1, 1, 1], "Cases a and b are variants of one case (a)"),
        (("x", "b", "x"), [1, 1, 1], "Cases a and c are variants of one case (x)"),
        (("a", "a", "c"), [0, 1, 1], None),
        (("a", "a", "c"), [1, 0, 1], None),
        (("a", "a", "c"), [0, 0, 0], None),
    ],
)
def test_two_compared_cases_of_one_base_are_named_and_those_that_nobody_compares_are_not(bases, read, named):
    refused = refuse_variants(CASES, bases, np.array([read, [0, 0, 0]], dtype=bool))
    assert (refused is None) == (named is None)
    if refused is not None:
        assert refused.code is RefusalCode.CASE_VARIANTS
        assert refused.reason == f"{named}; an interval would count them as independent."


def varied(cut, **variant_of):
    cases = {
        case: replace(known, variant_of=variant_of.get(case.replace("-", "_"))) for case, known in cut.cases.items()
    }
    return replace(cut, cases=cases)


def rows(cut, name):
    return list(csv.DictReader(io.StringIO(analyse(cut, seed=5, draws=100).files[name].decode())))


def test_the_base_of_a_case_is_at_the_root_of_its_variants(a_cut):
    cut = varied(a_cut(), case_1="case-0", case_2="case-1", case_3="elsewhere", case_4="case-5", case_5="case-4")
    assert frame(cut, cut.rubric).bases == ("case-0", "case-0", "case-0", "elsewhere", "case-4", "case-4")


def test_with_variants_among_the_cases_every_estimate_is_given_and_no_interval(a_cut):
    plain, here = a_cut(), varied(a_cut(), case_3="case-1")
    for name, number in (("tables/differences.csv", "estimate"), ("tables/values.csv", "value")):
        for before, after in zip(rows(plain, name), rows(here, name), strict=True):
            assert after[number] == before[number]
            assert after["low"] == after["high"] == after["se"] == after["df"] == ""
            if after["refused"] == "no_value":
                assert before["refused"] == "no_value"
                continue
            assert after["refused"] == "case_variants"
            assert after["refused_reason"].startswith("Cases case-1 and case-3 are variants of one case (case-1)")
    for row in rows(here, "tables/differences.csv"):
        assert (row["bootstrap_refused"], row["bootstrap_low"], row["simultaneous_low"]) == (row["refused"], "", "")
    page = analyse(here, seed=5, draws=100).files["report.html"].decode()
    assert "an interval would count them as independent" in page


def test_one_variant_alone_is_a_case_like_any_other(a_cut):
    cut = a_cut()
    apart = varied(cut, case_3="case-1")
    unread = tuple(reading for reading in cut.readings if reading.case_id != "case-1")
    before, after = (rows(replace(one, readings=unread), "tables/differences.csv") for one in (cut, apart))
    assert after == before
