"""What must stand by an interval stands there, on the page as in the files: labels of differences, methods of rates."""

import csv
import io
import json
import re
from dataclasses import replace

import pytest

from analysis.analyse import analyse
from analysis.inference.estimate import Refusal, RefusalCode
from analysis.inference.twoway import UNEVEN
from analysis.outcomes.findings import MAIN
from analysis.report.figures import figures
from analysis.report.page import report_html
from analysis.report.remarks import labels_said, remarks
from analysis.report.results import results_json

MADE_UP = "made up for this test"


@pytest.fixture(scope="module")
def report(a_cut):
    return analyse(a_cut(), seed=3, draws=60)


@pytest.fixture(scope="module")
def rows(report):
    """Of the first measure, without labels."""
    found = report.findings
    return tuple(labelled(row, None) for row in found.of(MAIN, measure=found.measure.name, control=found.control))


def labelled(row, label, refused=None):
    default = replace(row.contrast.default, label=label, refused=refused)
    return replace(row, contrast=replace(row.contrast, default=default))


def of(rows, *tests):
    """These rows under a label of two parts, every other one under its first alone."""
    return [labelled(row, f"{UNEVEN}; {MADE_UP}" if row.contrast.test in tests else UNEVEN) for row in rows]


def test_without_a_label_nothing_is_said(rows):
    assert labels_said(rows) == []


def test_a_label_of_every_interval_is_said_once_and_of_some_with_their_systems(rows):
    assert labels_said(of(rows)) == [f"{UNEVEN[0].upper()}{UNEVEN[1:]}."]
    some = of(rows, "Alder", "Birch")
    named = [row.contrast.test for row in some if row.contrast.test in ("Alder", "Birch")]
    assert labels_said(some)[1:] == [f"For {' and '.join(named)}, {MADE_UP}."]


def test_a_refused_row_is_none_of_those_with_an_interval_and_its_label_is_not_said(rows):
    why = Refusal(RefusalCode.NO_VALUE, "Nothing.")
    first, *others = rows
    refused = labelled(first, MADE_UP, why)
    assert labels_said([refused, *of(others)]) == [f"{UNEVEN[0].upper()}{UNEVEN[1:]}."]


def test_the_label_of_the_default_stands_below_the_table_of_the_primary_differences(report):
    found = report.findings
    keep = {row.id for row in found.of(MAIN, measure=found.measure.name, control=found.control)}
    marked = replace(
        found,
        rows=tuple(labelled(row, UNEVEN) if row.id in keep else row for row in found.rows),
    )
    said = f'<p class="note">{UNEVEN[0].upper()}{UNEVEN[1:]}.</p>'
    page = report_html(marked, figures(found)).decode()
    assert page.count(said) == 1
    section = re.search(r'<section aria-labelledby="primary">.*?</section>', page, re.DOTALL)
    assert section is not None
    assert section[0].index("</table>") < section[0].index(said)


def test_a_label_is_among_the_remarks_of_every_table_that_it_is_of(report):
    found = report.findings
    marked = replace(found, rows=tuple(labelled(row, UNEVEN) for row in found.rows))
    sentence = f"{UNEVEN[0].upper()}{UNEVEN[1:]}."
    said = {(one.analysis, one.measure, one.control) for one in remarks(marked) if one.text == sentence}
    assert said == {(row.analysis, row.contrast.measure, row.contrast.control) for row in found.rows}
    written = json.loads(results_json(marked, figures(marked)))["remarks"]
    assert {(one["analysis"], one["measure"], one["control"]) for one in written} >= said


def test_the_interval_beside_a_rate_is_named_after_its_scale_and_only_rates_have_one(report):
    written = list(csv.DictReader(io.StringIO(report.files["tables/values.csv"].decode())))
    named = {row["measure"]: row["beside_method"] for row in written}
    assert {measure for measure, method in named.items() if method} == {"severe", "moderate", "mild"}
    assert {row["beside_method"] for row in written} == {"", "logit-t"}
    assert {row["method"] for row in written if row["beside_low"]} == {"wilson"}
