"""The key finding says what the interval allows, and no more."""

from dataclasses import replace

import pytest

from analysis.analyse import analyse
from analysis.outcomes.findings import Findings
from analysis.report.sentences import SCOPE, key_finding
from analysis.wording import interval, signed
from study.protocol import Primary


@pytest.fixture
def found(a_cut) -> Findings:
    return analyse(a_cut(), seed=1, draws=200).findings


def told(found, *, margin=None, better="higher", **interval):
    """The key finding, were the primary interval another."""
    primary = found.primary
    default = replace(primary.contrast.default, **interval)
    changed = replace(primary, contrast=replace(primary.contrast, default=default, better=better))
    measure = found.measures[0] if better == "higher" else next(m for m in found.measures if m.name == "severe")
    name = measure.name
    changed = replace(changed, contrast=replace(changed.contrast, measure=name))
    protocol = replace(found.cut.protocol, primary=Primary(name, primary.contrast.test, "physician", margin=margin))
    rest = tuple(row for row in found.rows if row.id != primary.id and row.contrast.measure != name)
    return key_finding(
        replace(found, rows=(changed, *rest), cut=replace(found.cut, protocol=protocol), measures=(measure,))
    )


WIDE = {"value": 0.1, "se": 0.1, "df": 9.0, "low": -0.12, "high": 0.32, "p": 0.34}
ABOVE = {"value": 0.2, "se": 0.05, "df": 9.0, "low": 0.09, "high": 0.31, "p": 0.003}
BELOW = {"value": -0.2, "se": 0.05, "df": 9.0, "low": -0.31, "high": -0.09, "p": 0.003}


@pytest.mark.parametrize(
    ("interval", "better", "said"),
    [
        (WIDE, "higher", "it includes no difference, so these data do not settle which of the two scores better."),
        (ABOVE, "higher", "it excludes no difference, in favour of Alder."),
        (BELOW, "higher", "it excludes no difference, in favour of the physicians."),
        (BELOW, "lower", "it excludes no difference, in favour of Alder."),
        (ABOVE, "lower", "it excludes no difference, in favour of the physicians."),
    ],
)
def test_the_interval_decides_what_is_said(found, interval, better, said):
    sentences = told(found, better=better, **interval)
    assert sentences[1].endswith(said)
    assert sentences[-1] == SCOPE
    assert len(sentences) == 3


@pytest.mark.parametrize(
    ("interval", "margin", "said"),
    [
        (ABOVE, 0.05, "superior, and so also not inferior by the margin"),
        (WIDE, 0.2, "not inferior by the margin"),
        (BELOW, 0.05, "inferior by more than the margin"),
        (WIDE, 0.05, "neither shown to be inferior by the margin nor shown not to be"),
    ],
)
def test_a_margin_adds_one_sentence(found, interval, margin, said):
    sentences = told(found, margin=margin, **interval)
    assert f"Alder is {said} (one-sided p" in sentences[2]
    assert len(sentences) == 4


def test_names_keep_their_capitals_and_labels_lose_theirs(found):
    assert key_finding(found)[0].startswith("On weighted F1 (higher is better), Alder averaged ")


def test_a_primary_comparison_between_arms_is_told_with_both_sides_and_its_interval(a_cut):
    cut = a_cut(arms=("physician", "aided"), primary=Primary("f1_weighted", "aided", "physician", margin=0.9))
    found = analyse(cut, seed=1, draws=200).findings
    between = found.primary_arms
    assert found.primary is None
    first, second, margin, scope = key_finding(found)
    assert first.startswith("On weighted F1 (higher is better), the physicians (aided) averaged")
    assert f"an estimated difference of {signed(between.default.value)} (parallel arms)" in first
    assert interval(between.default.low, between.default.high) in second
    assert "the physicians (aided) are not inferior by the margin" in margin
    assert scope == SCOPE
    assert found.conclusion == "non-inferior"


def test_a_primary_comparison_of_sides_that_are_not_there_is_said_not_to_be_made(a_cut):
    cut = a_cut(primary=Primary("f1_weighted", "aided", "physician"))
    (said, scope) = key_finding(analyse(cut, seed=1, draws=200).findings)
    assert "aided against physician on f1_weighted. There are no such two sides" in said
    assert scope == SCOPE


def test_no_interval_is_said_with_its_reason(a_cut):
    cut = a_cut()
    two = tuple(reading for reading in cut.readings if reading.reader in ("reader-0", "reader-2"))
    sentences = key_finding(analyse(replace(cut, readings=two), seed=1, draws=200).findings)
    assert sentences[1] == "No interval is given. 2 readers; an interval for new readers needs at least 3."


def test_a_margin_without_an_interval_concludes_nothing(a_cut):
    cut = a_cut(primary=Primary("f1_weighted", "Alder", "physician", margin=0.1))
    two = tuple(reading for reading in cut.readings if reading.reader in ("reader-0", "reader-2"))
    found = analyse(replace(cut, readings=two), seed=1, draws=200).findings
    assert found.conclusion is None
    assert len(key_finding(found)) == 3
