"""Figures beside their tables: what is drawn is what the table has, and one sentence says what is to be seen."""

import csv
import io
import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from analysis.analyse import analyse
from analysis.inference.estimate import NAN, Refusal, RefusalCode
from analysis.outcomes.findings import Findings
from analysis.outcomes.times import case_times, limits
from analysis.report.errormix import errors_figure
from analysis.report.figures import figures
from analysis.report.harmtable import harm_mixes
from analysis.report.heatmap import SHADES, heat_figure
from analysis.report.shares import shares_figure
from analysis.report.times import times_figure
from analysis.report.tradeoff import tradeoff_figure
from study.progress import SCORED, Ending
from study.protocol import Arm, Stage

MINUTE_US = 60_000_000


def timed(cut, *, arm_limit_s=None):
    """The cut, were reading n of the list opened at n minutes and ended n + 1 minutes later."""
    readings = tuple(
        replace(reading, opened_at_us=n * MINUTE_US, closed_at_us=(2 * n + 1) * MINUTE_US)
        for n, reading in enumerate(cut.readings)
    )
    arms = tuple(Arm(arm.id, (Stage("answer", limit_s=arm_limit_s),)) for arm in cut.protocol.arms)
    return replace(cut, readings=readings, protocol=replace(cut.protocol, arms=arms))


@pytest.fixture(scope="module")
def found(a_cut) -> Findings:
    return analyse(timed(a_cut(), arm_limit_s=600), seed=1, draws=200).findings


def refused(row):
    why = Refusal(RefusalCode.NO_PAIRS, "No reading can be paired.")
    gone = {name: replace(getattr(row.contrast, name), value=NAN, refused=why) for name in ("default", "bootstrap")}
    return replace(row, contrast=replace(row.contrast, **gone))


def without_values(found):
    return replace(
        found, rows=tuple(map(refused, found.rows)), cells=None, values=(), harms=(), times=(), specialties=()
    )


def test_every_figure_is_well_formed_and_is_named_for_those_who_cannot_see_it(found):
    for figure in figures(found).values():
        root = ElementTree.fromstring(figure.svg)  # noqa: S314  our own drawing
        assert root.get("role") == "img"
        assert root.get("aria-label")
        assert figure.says.endswith(".")
        assert "nan" not in figure.svg.lower()
        assert set(figure.files) == {f"figures/{figure.name}.svg", f"figures/{figure.name}.csv"}


def test_a_figure_without_data_says_so_and_its_table_is_empty(found):
    for figure in figures(without_values(found)).values():
        assert figure.name == "forest" or "Nothing to draw" in figure.svg
        if figure.name != "forest":
            assert figure.files[f"figures/{figure.name}.csv"].decode().count("\n") <= 1


def test_no_name_becomes_markup(found):
    named = replace(found.cells, test="<b>&")
    study = replace(found.study, systems=(replace(found.study.systems[0], name="<b>&"),))
    assert "<b>" not in heat_figure(replace(found, cells=named, study=study)).svg


def test_shares_add_up_to_the_whole_bar(found):
    for row in shares_figure(found).rows:
        assert row["share_case"] + row["share_reader"] + row["share_cell"] == pytest.approx(1)
    assert re.search(r"^For Alder, \d+ % of the variance is (between|within)", shares_figure(found).says)


def test_the_heat_map_has_a_cell_for_every_reading_and_tells_its_direction(found):
    figure = heat_figure(found)
    table = list(csv.DictReader(io.StringIO(figure.files["figures/cells.csv"].decode())))
    values = np.array([float(row["difference"]) for row in table])
    assert len(values) == found.primary.contrast.default.n_readings
    assert values.mean() == pytest.approx(found.primary.contrast.default.value)
    higher, lower = (values > 0).sum(), (values < 0).sum()
    assert f"higher than the physician at {higher:,} of {len(values)} readings, lower at {lower:,}" in figure.says
    drawn = {
        fill: sum(path.count("M") for path in re.findall(rf'<path fill="{fill}" d="(M[^"]*)"', figure.svg))
        for fill in SHADES
    }
    middle = len(SHADES) // 2
    cells = [drawn[fill] for fill in SHADES]
    assert sum(cells[:middle]) == lower
    assert sum(cells[middle + 1 :]) == higher


def test_the_heat_map_says_that_runs_were_averaged_where_there_are_several(found):
    several = heat_figure(found).says
    assert several.startswith("The mean of Alder’s 3 runs on a case scored higher than the physician at ")
    assert several.endswith("E8 is another number: it compares each run by itself.")
    one_run = tuple(replace(system, runs=1) for system in found.study.systems)
    alone = heat_figure(replace(found, study=replace(found.study, systems=one_run))).says
    assert alone.startswith("Alder scored higher than the physician at ")
    assert "E8" not in alone
    assert "E8" not in heat_figure(replace(found, ahead=())).says


def test_what_was_not_read_is_hatched_and_so_is_told_from_no_difference(found):
    figure = heat_figure(found)
    root = ElementTree.fromstring(figure.svg)  # noqa: S314  our own drawing
    hatched = [one for one in root.iter("{http://www.w3.org/2000/svg}rect") if one.get("fill") == "url(#cells-unread)"]
    ground, key = hatched
    readers, cases = found.cells.mask.any(axis=1).sum(), found.cells.mask.any(axis=0).sum()
    path = re.search(r'<path fill="#[0-9a-f]{6}" d="M[\d. ]+h([\d.]+)v([\d.]+)', figure.svg)
    assert float(ground.get("width")) == pytest.approx(cases * float(path[1]), abs=0.1)
    assert float(ground.get("height")) == pytest.approx(readers * float(path[2]), abs=0.1)
    assert float(key.get("y")) > float(ground.get("height"))
    assert "hatched: not read" in figure.caption


def test_the_harms_of_the_figure_are_those_of_its_bars(found):
    figure = errors_figure(found)
    by_name = {row["respondent"]: row for row in figure.rows}
    for mix in harm_mixes(found):
        row = by_name[mix.respondent]
        assert sum(mix.per_hundred) == pytest.approx(
            sum(value for name, value in row.items() if name.endswith(("omission", "commission")))
        )
    physicians = next(mix for mix in harm_mixes(found) if mix.kind == "physicians")
    assert f"The physicians have {sum(physicians.per_hundred):.0f} harms per 100 cases" in figure.says


def test_completeness_stands_against_restraint_for_everybody(found):
    figure = tradeoff_figure(found)
    assert figure.rows[0]["respondent"] == "physician"
    assert {row["respondent"] for row in figure.rows} == {"physician", *(s.name for s in found.study.systems)}
    assert {(row["up"], row["across"]) for row in figure.rows} == {("recall_weighted", "precision_weighted")}
    physicians = figure.rows[0]
    systems = [row for row in figure.rows if row["kind"] == "system"]
    right = sum(row["across_value"] > physicians["across_value"] for row in systems)
    assert f"of 2 systems, {right} lie further right" in figure.says


def test_numbers_of_systems_at_one_place_stand_at_different_corners(found):
    alike = {value.measure: value.estimate for value in found.values if value.respondent == "Alder"}
    same = tuple(
        replace(value, estimate=alike[value.measure]) if value.kind == "system" else value for value in found.values
    )
    drawn = ElementTree.fromstring(tradeoff_figure(replace(found, values=same)).svg)  # noqa: S314  our own drawing
    places = {
        one.text: (float(one.get("x")), float(one.get("y")))
        for one in drawn.iter("{http://www.w3.org/2000/svg}text")
        if one.text in {"1", "2"}
    }
    (left, above), (right, below) = places["1"], places["2"]
    assert abs(left - right) > 10 or abs(above - below) > 10


def test_it_is_said_why_a_value_may_differ_from_the_one_beside_a_difference_where_one_may(found):
    said = "a difference leaves a reading out for both sides where either has none"
    whole = tuple(replace(value, undefined=0) for value in found.values)
    assert said not in tradeoff_figure(replace(found, values=whole)).caption
    some = tuple(
        replace(value, undefined=int(value.kind == "physicians" and value.measure == "precision_weighted"))
        for value in found.values
    )
    assert said in tradeoff_figure(replace(found, values=some)).caption


def test_the_time_of_a_case_is_from_opening_to_its_end_over_scored_readings(a_cut):
    cut = timed(a_cut())
    for time in case_times(cut):
        own = [r for r in cut.readings if r.case_id == time.case and r.ending in SCORED]
        seconds = [(r.closed_at_us - r.opened_at_us) / 1e6 for r in own]
        assert time.n == len(own)
        assert time.median == pytest.approx(np.median(seconds))
        assert (time.low_quartile, time.high_quartile) == pytest.approx(tuple(np.quantile(seconds, [0.25, 0.75])))
        assert time.timed_out == sum(r.ending in (Ending.EXPIRED_WITH_DRAFT, Ending.EXPIRED_NOTHING_SAVED) for r in own)
    assert limits(cut) == {}
    assert limits(timed(a_cut(), arm_limit_s=90)) == {"physician": 90.0}


def test_a_reading_without_both_moments_has_no_time(a_cut):
    assert case_times(a_cut()) == ()
    figure = times_figure(analyse(a_cut(), seed=1, draws=50).findings)
    assert "no time is on record" in figure.svg
    assert figure.rows == []


def test_the_times_are_drawn_with_the_limit_of_the_protocol(found):
    figure = times_figure(found)
    assert "stroke-dasharray" in figure.svg
    assert [row["case"] for row in figure.rows] == sorted(row["case"] for row in figure.rows)
    slowest = max(figure.rows, key=lambda row: (row["median_s"], row["case"]))
    assert f"on the slowest ({slowest['case']})" in figure.says
