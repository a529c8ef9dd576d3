"""What is said of the columns is true of what stands in them; a measure without room left says so."""

import html
from dataclasses import replace

import pytest

from analysis.analyse import analyse
from analysis.inference.estimate import Estimand
from analysis.inference.simultaneous import Band
from analysis.outcomes.findings import Findings
from analysis.report.legend import ESTIMANDS, ends_of_scale, legend


@pytest.fixture
def found(a_cut) -> Findings:
    return analyse(a_cut(), seed=1, draws=200).findings


def valued(found, *, physicians, **systems):
    """The findings, were the values on severe harm these."""
    rows = [
        replace(
            row,
            contrast=replace(
                row.contrast,
                control_value=physicians,
                test_value=systems.get(row.contrast.test, row.contrast.test_value),
            ),
        )
        for row in found.rows
        if row.contrast.measure == "severe"
    ]
    return replace(found, rows=tuple(rows))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"physicians": 0.4, "Alder": 0.2, "Birch": 0.3}, []),
        (
            {"physicians": 1.0, "Alder": 0.2, "Birch": 1.0},
            ["Every reading of the physicians had one: this measure cannot tell respondents apart upward."],
        ),
        (
            {"physicians": 0.0, "Alder": 0.2, "Birch": 0.3},
            ["Every reading of the physicians had none: this measure cannot tell respondents apart downward."],
        ),
        (
            {"physicians": 0.4, "Alder": 1.0 - 1e-16, "Birch": 1.0},
            ["Every answer of Alder and Birch had one: this measure cannot tell them apart."],
        ),
        ({"physicians": 0.4, "Alder": 1.0, "Birch": 0.5}, []),
    ],
)
def test_the_end_of_a_scale_is_named(found, values, said):
    assert [text for _, _, text in ends_of_scale(valued(found, **values))] == said


def test_a_share_is_at_its_end_rather_than_had(found):
    perfect = tuple(
        replace(row, contrast=replace(row.contrast, control_value=1.0)) for row in found.of("main", measure="accuracy")
    )
    (said,) = [text for _, _, text in ends_of_scale(replace(found, rows=perfect))]
    assert said.startswith("Every reading of the physicians is at 1:")


def test_bands_and_policies_are_explained_where_there_are_any(found):
    terms = dict(legend(found))
    assert "All systems at once" in terms
    assert "harms by commission" in terms["Reference policies"]
    bare = replace(
        found,
        rows=tuple(replace(row, contrast=replace(row.contrast, band=None)) for row in found.rows),
        study=replace(found.study, systems=()),
    )
    assert {"All systems at once", "Reference policies"}.isdisjoint(dict(legend(bare)))
    only_systems = tuple(
        replace(row, contrast=replace(row.contrast, band=Band(0.0, 1.0, 2.0, 2)))
        for row in found.rows
        if not row.contrast.policy
    )
    assert "yardsticks" not in dict(legend(replace(found, rows=only_systems)))["All systems at once"]


def test_each_estimand_that_is_named_is_defined_and_no_other(found):
    terms = [term for term, _ in legend(found)]
    named = {str(one.estimand) for one in (*found.sensitivities, *found.ahead)} | {"E1"}
    assert {term for term in terms if term in set(Estimand)} == named | {"E6"}
    assert {"E1", "E2", "E3", "E4", "E5", "E7", "E8"} <= named
    bare = replace(found, rows=(), sensitivities=(), ahead=(), systems=(), arms=())
    assert set(Estimand).isdisjoint(term for term, _ in legend(bare))
    assert set(ESTIMANDS) == set(Estimand)


def test_it_says_that_intervals_of_differences_may_pass_the_ends_of_a_scale_where_they_can(found):
    passes = "it may pass −1 or 1"
    assert passes in dict(legend(found))["95 % interval"]
    assert passes not in dict(legend(replace(found, rows=())))["95 % interval"]


def test_the_label_of_the_bootstrap_is_explained_without_a_promise(found):
    said = dict(legend(found))["Bootstrap"]
    assert "“conservative in incomplete designs”" in said
    assert "can be narrower than the default" in said
    assert said.endswith("whose coverage was measured, in designs of 30 and 100 cases.")


def test_page_and_document_say_the_same(a_cut):
    report = analyse(a_cut(), seed=1, draws=200)
    page = html.unescape(report.files["report.html"].decode())
    assert all(term in page and meaning in page for term, meaning in legend(report.findings))
