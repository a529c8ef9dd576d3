"""Sixteen ways to be wrong about readers and cases, each as a test that fails if it comes back."""

import csv
import io
import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest

from analysis.analyse import analyse
from analysis.compare import METHODS, Question, compare, comparison_json
from analysis.digits import json_bytes
from analysis.inference.bootstrap import Table, draw, mean_differences, percentile, ratio_sides
from analysis.inference.estimate import Estimate, Method, RefusalCode, Weighting
from analysis.inference.influence import ratio
from analysis.inference.layout import layout_of, weights_of
from analysis.inference.numbers_needed import nnh_difference
from analysis.inference.proportions import paired
from analysis.inference.reml import reml
from analysis.inference.simultaneous import bands
from analysis.inference.student import t_quantile
from analysis.inference.twoway import twoway
from analysis.scores.scoretable import parse_scores
from analysis.scores.strata import parse_strata
from study.errors import Faulty
from study.progress import Ending

DRAWS = 200
OVER_BOTH = {Method.TWO_WAY, Method.SEMIVARIANCE, Method.BOOTSTRAP, Method.REML, Method.ORH, Method.ROBUST}
every_method = pytest.mark.parametrize("method", METHODS)
SAME = ("estimate", "se", "df", "low", "high", "p", "n_readers", "n_cases", "n_readings", "components")


def panel(readers=8, cases=12, holes=0.0, seed=0, at=60.0):
    """Readings with reader, case and cell noise; NaN: not read."""
    rng = np.random.default_rng(seed)
    scores = at + rng.normal(0, 8, (readers, 1)) + rng.normal(0, 12, (1, cases)) + rng.normal(0, 10, (readers, cases))
    scores[rng.random(scores.shape) < holes] = np.nan
    return scores.round(2)


def rows_of(readings, system):
    """Rows of a panel, and of one system whose answers to a case are its runs."""
    rows = [
        (f"r{r}", f"c{c}", "physician", 1, repr(float(score)))
        for r, row in enumerate(readings)
        for c, score in enumerate(row)
        if not math.isnan(score)
    ]
    runs = [np.atleast_1d(own) for own in system]
    return rows + [("A", f"c{c}", "A", k, repr(float(x))) for c, own in enumerate(runs) for k, x in enumerate(own, 1)]


def ask(rows, method=Method.TWO_WAY, strata=None, **keywords):
    header = "readerID,caseID,modalityID,run,score"
    data = "\n".join([header, *(",".join(map(str, row)) for row in rows)]).encode() + b"\n"
    question = Question("A", "physician", method=method, draws=DRAWS, **keywords)
    return comparison_json(compare(parse_scores(data), question, strata))


def alike(here, there, rel=1e-7):
    for key in SAME:
        for mine, other in zip(several(here[key]), several(there[key]), strict=True):
            assert other == (mine if mine is None else pytest.approx(mine, rel=rel)), key


def several(value):
    return list(value.values()) if isinstance(value, dict) else [value]


@pytest.fixture(scope="module")
def small_study(a_cut):
    """Three of the six cases are of another specialty."""
    cut = a_cut()
    other = {case: replace(own, specialty="y") for case, own in list(cut.cases.items())[:3]}
    return replace(cut, cases={**cut.cases, **other})


@pytest.fixture(scope="module")
def report(small_study):
    return analyse(small_study, seed=5, draws=2000)


@pytest.fixture(scope="module")
def findings(report):
    return report.findings


# 1 ─ a system entered as one more reader


@every_method
def test_a_system_is_not_one_more_reader(method):
    """As a reader, a system far from the others would widen its own interval; here its distance does not matter."""
    readings = panel()
    near, far = (ask(rows_of(readings, np.full(12, at)), method) for at in (60.0, 6000.0))
    assert near["n_readers"] == far["n_readers"] == 8
    assert far["estimate"] - near["estimate"] == pytest.approx(5940)
    for key in ("se", "df"):
        assert far[key] == (near[key] if near[key] is None else pytest.approx(near[key], rel=1e-6))


def test_a_system_entered_among_the_readers_is_refused():
    rows = rows_of(panel(), np.full(12, 60.0))
    entered = [("A", f"c{c}", "physician", 1, "60.0") for c in range(12)]
    with pytest.raises(Faulty, match="'A' is a system: it is not one more reader of 'physician'"):
        ask(rows + entered)


# 2 ─ an interval over cases alone, without saying so


@every_method
def test_an_interval_says_what_it_generalises_over(method):
    found = ask(rows_of(panel(), np.full(12, 60.0)), method)
    assert (found["random"] == ["reader", "case"]) == (method in OVER_BOTH)
    if method not in OVER_BOTH:
        assert said_alone(compared(panel(), method))


def test_every_interval_of_a_report_says_what_it_generalises_over(findings):
    looks = [look.estimate for look in (*findings.sensitivities, *findings.ahead)]
    everything = [
        *looks,
        *(value.estimate for value in findings.values),
        *(pair.estimate for pair in findings.systems),
        *(row.contrast.default for row in findings.rows),
        *(row.contrast.bootstrap for row in findings.rows),
    ]
    conditional = [estimate for estimate in everything if estimate.random != ("reader", "case")]
    assert any(estimate.random == ("case",) for estimate in looks)
    assert any(estimate.random == ("reader",) for estimate in looks)
    for estimate in conditional:
        assert estimate.label, estimate
    for row in findings.rows:
        assert row.contrast.default.random == row.contrast.bootstrap.random == ("reader", "case")


def compared(readings, method):
    header = "readerID,caseID,modalityID,run,score"
    data = "\n".join([header, *(",".join(map(str, row)) for row in rows_of(readings, np.full(12, 60.0)))]).encode()
    return compare(parse_scores(data), Question("A", "physician", method=method, draws=DRAWS)).estimate


def said_alone(estimate: Estimate) -> bool:
    """Whether the label of an interval over fewer than both factors names what was held fixed."""
    wanted = {("case",): "these physicians", ("reader",): "these cases", ("run",): "these cases"}
    return wanted[estimate.random] in (estimate.label or "")


# 3 ─ runs counted as independent cases


@pytest.mark.parametrize("method", [method for method in METHODS if method is not Method.RUNS])
def test_runs_are_not_cases(method):
    once = np.random.default_rng(1).normal(60, 5, 12).round(2)
    readings = panel()
    here = ask(rows_of(readings, once), method)
    alike(here, ask(rows_of(readings, [np.repeat(score, 5) for score in once]), method))
    alike(here, ask(rows_of(readings, [score + np.array([-4.0, 4, 0, -9, 9]) for score in once]), method))


def test_run_to_run_is_narrower_and_says_that_it_is_only_that():
    system = [60 + np.random.default_rng(c).normal(0, 5, 20).round(2) for c in range(12)]
    rows = rows_of(panel(), system)
    whole, runs = ask(rows), ask(rows, Method.RUNS)
    assert runs["estimate"] == whole["estimate"]
    assert runs["se"] < whole["se"] / 2
    assert (runs["random"], runs["runs"]) == (["run"], "random")


# 4 ─ a system's mean over cases that the readers never saw


@every_method
def test_a_case_that_nobody_read_does_not_count(method):
    readings, system = panel(), np.full(12, 60.0)
    unread = np.hstack([readings, np.full((8, 30), np.nan)])
    there = ask(rows_of(unread, [*system, *np.full(30, 99.0)]), method)
    alike(ask(rows_of(readings, system), method), there)
    assert there["unmatched"] == {"readings": 0, "cases": 30}


# 5 ─ percentages beside proportions, and two decimals


@every_method
def test_a_proportion_keeps_the_digits_that_a_percentage_has(method):
    readings, system = panel(), np.random.default_rng(2).normal(60, 9, 12)
    percent = ask(rows_of(readings, system), method)
    proportion = ask(rows_of(readings / 100, system / 100), method)
    for key in ("estimate", "se", "low", "high"):
        if percent[key] is not None:
            assert 100 * proportion[key] == pytest.approx(percent[key], rel=1e-8), key
    assert proportion["estimate"] != round(proportion["estimate"], 4)


@every_method
def test_percentages_are_not_compared_with_proportions(method):
    readings, system = np.clip(panel(), 0, 100), np.random.default_rng(2).normal(60, 9, 12)
    for rows in (rows_of(readings / 100, system), rows_of(readings, system / 100)):
        with pytest.raises(Faulty, match="a proportion beside per cent"):
            ask(rows, method)


# 6 ─ negative variance components printed as NaN


NEGATIVE = np.array([[3.0, -1, 1, -1, 0], [-1, 1, -1, 1, 2], [1, -1, -1, 1, 0], [-1, 1, 1, -1, 0]])


@every_method
def test_a_negative_component_is_never_a_nan(method):
    found = ask(rows_of(NEGATIVE, np.zeros(5)), method)
    text = json_bytes(found).decode()
    assert json.loads(text, parse_constant=pytest.fail) == found
    assert "nan" not in text.lower()
    assert found["refused"] or found["low"] < found["high"]
    if method is Method.TWO_WAY:
        assert min(found["components"].values()) < 0
        assert sum(found["share_of_variance"].values()) == pytest.approx(1)


# 7 ─ a specialty with no resampled case


def test_every_specialty_is_in_every_draw_that_is_drawn_within_specialties():
    specialties = np.repeat(np.arange(10), 3)
    strata = [np.flatnonzero(specialties == s) for s in range(10)]
    plain, within = draw(3, 4000, 5, 30), draw(3, 4000, 5, 30, case_strata=strata)
    empty = [(drawn.cases[:, strata[0]].sum(axis=1) == 0).mean() for drawn in (plain, within)]
    assert empty[0] > 0.01
    assert empty[1] == 0
    assert (within.cases.sum(axis=1) == 30).all()


def test_draws_without_a_case_are_counted_and_too_many_are_refused():
    readings = panel(6, 30)
    readings[:, 3:] = np.nan
    in_draws = mean_differences(Table(-readings, np.zeros((1, 30))), draw(3, 4000, 6, 30))[:, 0]
    estimate = percentile(in_draws, layout_of(np.isfinite(readings)), value=1.0, level=0.95)
    assert estimate.draws_without_value == np.isnan(in_draws).sum() > 4
    assert estimate.refused.code is RefusalCode.DRAWS_WITHOUT_VALUE


def test_strata_reach_the_command():
    readings, system = panel(6, 12), np.full(12, 60.0)
    strata = parse_strata(("caseID,stratum\n" + "".join(f"c{c},s{c // 2}\n" for c in range(12))).encode())
    stratified = ask(rows_of(readings, system), Method.BOOTSTRAP, strata)
    assert stratified["se"] != ask(rows_of(readings, system), Method.BOOTSTRAP)["se"]
    assert stratified["refused"] is None


def test_in_a_report_no_draw_passes_over_the_cases_of_a_specialty(findings):
    of_three = [row.contrast for row in findings.specialties if row.specialty == "y"]
    given = [contrast for contrast in of_three if contrast.default.refused is None]
    assert given
    for contrast in given:
        assert contrast.default.n_cases == 3
        assert contrast.bootstrap.refused is None
        assert contrast.bootstrap.draws_without_value <= 2
        assert contrast.bootstrap.low < contrast.bootstrap.value < contrast.bootstrap.high
        assert contrast.bootstrap.label.endswith("cases drawn within strata")


# 8 ─ McNemar on pooled pairs


def test_pairs_of_several_readers_are_not_independent_pairs():
    mask = np.ones((4, 6), bool)
    test, control = np.zeros(24), np.tile([0.0, 1.0], 12)
    for method in (Method.NEWCOMBE, Method.TANGO):
        found = paired(test, control, layout_of(mask), level=0.95, method=method)
        assert found.refused.code is RefusalCode.DEPENDENT_PAIRS
        assert math.isnan(found.p)


def test_runs_averaged_are_no_outcomes_of_pairs():
    one_reader = layout_of(np.ones((1, 6), bool))
    found = paired(np.full(6, 0.4), np.zeros(6), one_reader, level=0.95)
    assert found.refused.code is RefusalCode.DEPENDENT_PAIRS


@pytest.mark.parametrize("method", [Method.NEWCOMBE, Method.TANGO])
def test_outcomes_of_several_readers_are_not_compared_as_independent_pairs(method):
    severe = (panel() > 65).astype(float)
    pooled = ask(rows_of(severe, np.arange(12) % 2), method)
    assert pooled["refused"]["code"] == "dependent_pairs"
    assert pooled["p"] is pooled["low"] is None
    one_reader = ask(rows_of(severe[:1], np.arange(12) % 2), method)
    assert one_reader["refused"] is None
    assert one_reader["random"] == ["case"]


# 9 ─ z where ten readers allow t


@every_method
@pytest.mark.parametrize("readers", [4, 10])
def test_the_interval_of_ten_readers_is_not_a_normal_one(method, readers):
    found = ask(rows_of(panel(readers, 30), np.full(30, 60.0)), method)
    if found["df"] is not None:
        half = (found["high"] - found["low"]) / 2
        assert half == pytest.approx(t_quantile(0.975, found["df"]) * found["se"], rel=1e-6)
        assert half > 1.99 * found["se"]


# 10 ─ a number needed to harm whose difference may be zero


def test_a_number_needed_has_two_parts_when_the_difference_may_be_zero():
    rng = np.random.default_rng(4)
    severe = (rng.random((8, 12)) < 0.3).astype(float)
    estimate = twoway((0.25 - severe).ravel(), layout_of(np.ones((8, 12), bool)), level=0.95)
    assert estimate.low < 0 < estimate.high
    found = nnh_difference(estimate)
    assert found.two_part
    assert (found.low, found.high) == (pytest.approx(1 / estimate.low), pytest.approx(1 / estimate.high))
    assert not found.low <= 0 <= found.high or found.two_part
    assert nnh_difference(replace(estimate, low=0.1, high=0.3, value=0.2)).two_part is False


# 11 ─ the best of thirty, chosen after looking


def test_the_best_of_thirty_is_held_against_the_largest_of_thirty():
    readings = panel(10, 20, seed=5)
    systems = np.random.default_rng(6).normal(60, 12, (30, 20))
    layout = layout_of(np.ones(readings.shape, bool))
    estimates = [twoway((system - readings).ravel(), layout, level=0.95) for system in systems]
    in_draws = mean_differences(Table(readings, systems), draw(7, 2000, 10, 20))
    together = bands(in_draws, estimates, level=0.95)
    for band, estimate in zip(together, estimates, strict=True):
        assert band.critical > 2.4
        assert band.high - band.low > 1.2 * (estimate.high - estimate.low)


def test_in_a_report_no_system_stands_without_its_band(findings):
    family = [row.contrast for row in findings.rows if row.analysis == "main" and not row.contrast.policy]
    given = [contrast for contrast in family if contrast.default.refused is None]
    assert len({contrast.test for contrast in given}) > 1
    for contrast in given:
        assert contrast.band.low < contrast.default.low < contrast.default.high < contrast.band.high
        assert 0 < contrast.p_family <= 1


# 12 ─ a singular model reported as a result


def test_what_a_mixed_model_cannot_tell_is_refused_and_not_reported():
    layout = layout_of(np.ones((5, 7), bool))
    explained = np.add.outer(np.arange(5.0), 10 * np.arange(7.0) ** 2).ravel()
    assert reml(explained, layout, level=0.95).refused.code is RefusalCode.NOT_IDENTIFIED
    assert reml(np.zeros(35), layout, level=0.95).refused.code is RefusalCode.ZERO_VARIANCE


def test_a_mixed_model_on_its_border_says_that_a_variance_is_zero():
    square = panel(6, 8)
    only_cells = square - square.mean(axis=1, keepdims=True) - square.mean(axis=0) + 60
    found = reml(only_cells.ravel(), layout_of(np.ones((6, 8), bool)), level=0.95)
    assert found.refused is None
    assert found.components.reader == found.components.case == 0
    assert found.shares.cell == pytest.approx(1)


# 13 ─ irrCAC in the environment


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-dev.txt"])
def test_nothing_pins_an_old_scipy_for_everybody(repository, lock):
    text = (repository / lock).read_text().lower()
    assert "irrcac" not in text
    major, minor = map(int, re.search(r"^numpy==(\d+)\.(\d+)", text, re.MULTILINE).groups())
    assert (major, minor) >= (2, 2)


# 14 ─ timeouts left out without a word


def test_a_reading_that_ran_out_of_time_counts_as_what_was_there(small_study, findings):
    endings = [reading.ending for reading in small_study.readings]
    late = [ending for ending in endings if ending in (Ending.EXPIRED_NOTHING_SAVED, Ending.EXPIRED_WITH_DRAFT)]
    assert set(late) == {Ending.EXPIRED_NOTHING_SAVED, Ending.EXPIRED_WITH_DRAFT}
    n = {
        row.analysis: row.contrast.default.n_readings
        for row in findings.rows
        if (row.contrast.test, row.contrast.measure) == ("Alder", "f1_weighted")
    }
    assert n["main"] - n["completed only"] == len(late)
    counted = dict(findings.counts[0].endings)
    assert counted[Ending.EXPIRED_NOTHING_SAVED] == endings.count(Ending.EXPIRED_NOTHING_SAVED)


# 15 ─ items of one answer resampled one by one


def test_more_items_in_the_same_answers_are_no_more_evidence():
    """Ten items where there was one, all alike: resampled one by one they would shrink the interval threefold."""
    rng = np.random.default_rng(8)
    layout = layout_of(np.ones((8, 12), bool))
    omitted, all_errors = rng.integers(0, 3, 96).astype(float), np.full(96, 4.0)
    weights = weights_of(layout, Weighting.PAIR)
    found = []
    for items in (1, 10):
        value, moved = ratio(items * omitted, items * all_errors, weights)
        found.append(twoway(moved, layout, level=0.95, value=value))
    assert [found[1].low, found[1].high] == pytest.approx([found[0].low, found[0].high])

    drawn = []
    for items in (1, 10):
        above, below = (items * part.reshape(8, 12) for part in (omitted, all_errors))
        both = Table(above, above[:1]), Table(below, below[:1])
        drawn.append(np.subtract(*ratio_sides(*both, draw(9, DRAWS, 8, 12))))
    assert drawn[1] == pytest.approx(drawn[0])


# 16 ─ weights that change between table and figure


def test_table_figure_and_document_show_one_estimate_under_one_weighting(report):
    document = json.loads(report.files["results.json"])
    by_id = {row["id"]: row for row in document["differences"]}
    table = list(csv.DictReader(io.StringIO(report.files["tables/differences.csv"].decode())))
    figure = list(csv.DictReader(io.StringIO(report.files["figures/forest.csv"].decode())))
    assert {row["weights"] for row in by_id.values()} == {row["weights"] for row in table} == {"pair"}
    assert figure
    for row in [*table, *figure]:
        for key in ("estimate", "low", "high"):
            assert (float(row[key]) if row[key] else None) == by_id[row["id"]][key]


def test_other_weights_are_named_wherever_they_stand(findings):
    others = [look for look in findings.sensitivities if look.estimate.weighting is not Weighting.PAIR]
    own = [look for look in others if look.estimate.weighting is None]
    assert len(others) > len(own) > 0
    assert "E1" not in {look.estimand for look in others if look not in own}
    assert all("weights of its own" in look.what for look in own)
