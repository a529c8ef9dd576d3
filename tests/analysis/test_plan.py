"""The plan of a study: its inputs from files, its rows, its document and its curve."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from analysis.analyse import analyse
from analysis.digits import json_bytes
from analysis.inference.estimate import Components
from analysis.inference.planning import balanced
from analysis.plan import PlanQuestion, plan
from analysis.report.plancurve import plan_curve
from analysis.report.planned import invented, larger, notes, plan_json, short_error, sizes
from analysis.scores.assignment import parse_assignment
from analysis.scores.pilot import parse_pilot
from study.errors import Faulty

ASSUMED = Components(case=144.0, reader=64.0, cell=256.0)


def question(**changed):
    return PlanQuestion(
        **({"components": ASSUMED, "readers": (10, 20), "cases": (30, 100), "per_reader": (15, 30)} | changed)
    )


def faults(parse, *given):
    with pytest.raises(Faulty) as raised:
        parse(*given)
    return [str(fault) for fault in raised.value.faults]


def test_every_combination_of_sizes_is_a_row_by_cases_then_readers_then_cases_each():
    found = plan(question())
    tried = [(row.planned.n_cases, row.planned.n_readers, row.per_reader) for row in found.rows]
    assert tried == [(c, r, each) for c in (30, 100) for r in (10, 20) for each in (15, 30)]
    assert [n for n, _ in found.floors] == [30, 100]
    every = plan(question(per_reader=None))
    assert [row.per_reader for row in every.rows] == [30, 30, 100, 100]


def test_variances_half_as_large_again_widen_the_interval_by_their_root():
    larger = Components(*(1.5 * part for part in (144.0, 64.0, 256.0)))
    for row, again in zip(plan(question()).rows, plan(question(components=larger)).rows, strict=True):
        assert row.half_width_larger == pytest.approx(again.planned.half_width)


def test_a_pilot_s_variances_are_tried_on_a_ladder_with_the_power_on_each_step():
    pilot = parse_pilot(json.dumps(COMPARISON).encode(), "pilot.json")
    found = plan(question(components=pilot.components, pilot=pilot, effects=(4,), margin=3.0))
    for times in (1.5, 2, 3):
        scaled = Components(*(times * getattr(pilot.components, part) for part in ("case", "reader", "cell")))
        again = plan(question(components=scaled, effects=(4,), margin=3.0))
        for row, other in zip(found.rows, again.rows, strict=True):
            (rung,) = [one for one in row.ladder if one.times == times]
            assert rung.half_width == pytest.approx(other.planned.half_width)
            assert rung.power == pytest.approx(other.power)
            assert rung.power_margin == pytest.approx(other.power_margin)
    assert sizes(found)[0][6:10] == ("±", "± if\n1.5 ×", "± if\n2 ×", "± if\n3 ×")
    assert len(larger(found)) == len(found.rows) + 1
    assert {len(cells) for cells in larger(found)} == {3 + 3 * 2}
    assert "If all three are 1.5, 2 or 3 times as large" in " ".join(notes(found))
    assert len(larger(plan(question(effects=(4,))))) == len(larger(plan(question(pilot=pilot)))) == 1


def test_a_share_of_invented_studies_is_never_known_for_sure():
    assert short_error(0.5, 400) == "0.05"
    assert short_error(1.0, 100) == short_error(0.0, 100) == "0.03"
    assert short_error(0.9, 2000) == "0.013"


def test_the_very_assignment_is_planned_for_however_uneven():
    table = "reader,case\n" + "".join(f"r{r},c{c}\n" for r in range(8) for c in range(10) if c < 4 + r)
    assignment = parse_assignment(table.encode(), "who.csv")
    found = plan(question(readers=(), cases=(), per_reader=None, studies=30, effects=(9,)), assignment)
    (row,) = found.rows
    assert (row.planned.n_readings, row.simulated.n) == (assignment.mask.sum(), 30)
    assert row.per_reader is None
    assert plan_json(found)["allocation"] == "who.csv"
    alike = parse_assignment(("case,reader\n" + "c1,r1\nc2,r1\nc1,r2\nc2,r2\n").encode(), "who.csv")
    assert (alike.readers, alike.cases, alike.mask.all()) == (("r1", "r2"), ("c1", "c2"), True)


@pytest.mark.parametrize(
    "header", ["respondent,position,case_id,arm", "readerID,position,caseID,arm", "reader,x,case,arm"]
)
def test_an_assignment_is_read_from_any_table_with_readers_and_cases(header):
    found = parse_assignment(f"{header}\nr2,1,c1,a\nr1,1,c1,a\nr1,2,c3,a\n\n".encode(), "who.csv")
    assert (found.readers, found.cases) == (("r1", "r2"), ("c1", "c3"))
    assert found.mask.tolist() == [[True, True], [True, False]]


COLUMNS = "respondent,case_id; readerID,caseID; reader,case"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (b"", ["1: the file is empty"]),
        (b"who,what\n", [f"1: needs a column for the reader and one for the case ({COLUMNS})"]),
        (b"reader,case,case\n", ["1: needs a column"]),
        (b"reader,case\n", ["2: there is no row below the header"]),
        (
            b"reader,case\nr1,\nr1,c1\nr1,c1\nr1\n",
            ["2: a row is", "4: the same reader and case as line 3", "5: a row is"],
        ),
        (b"reader,case\n\xff,c\n", ["2: not UTF-8"]),
    ],
)
def test_a_faulty_assignment_is_refused_with_every_line(table, said):
    found = faults(parse_assignment, table, "who.csv")
    assert all(one.startswith(f"who.csv:{two}") for one, two in zip(found, said, strict=True)), found


COMPARISON = {
    "test": "A",
    "control": "physician",
    "measure": "severe",
    "components": {"case": 9.9, "reader": -0.5, "cell": 17.0},
    "n_readers": 8,
    "n_cases": 12,
}
SIZES = {"control": "p", "n_readers": 8, "n_cases": 12}
REFUSED = {"id": "d1", "test": "B", "variance_case": None, "variance_reader": None, "variance_cell": None}
GIVEN = {"id": "d2", "test": "A", "measure": "f1", "variance_case": 4, "variance_reader": 1.5, "variance_cell": 9}
RESULTS = {"primary": {"difference": "d2"}, "differences": [REFUSED | SIZES, GIVEN | SIZES]}


def with_components(**changed):
    return COMPARISON | {"components": COMPARISON["components"] | changed}


def test_a_pilot_is_a_comparison_or_a_report_s_primary_difference():
    one = parse_pilot(json.dumps(COMPARISON).encode(), "pilot.json")
    assert (one.components, one.what, one.measure) == (Components(9.9, -0.5, 17.0), "A − physician", "severe")
    primary = parse_pilot(json.dumps(RESULTS).encode(), "results.json")
    assert (primary.components, primary.what) == (Components(4.0, 1.5, 9.0), "A − p")
    assert parse_pilot(json.dumps(RESULTS).encode(), "results.json", "d2") == primary


def test_the_report_of_a_study_is_a_pilot_for_the_next(a_cut):
    report = analyse(a_cut(), seed=1, draws=50)
    primary = report.findings.primary
    pilot = parse_pilot(report.files["results.json"], "results.json")
    default = primary.contrast.default
    parts = [default.components.case, default.components.reader, default.components.cell]
    assert [pilot.components.case, pilot.components.reader, pilot.components.cell] == pytest.approx(parts)
    assert (pilot.n_readers, pilot.n_cases) == (default.n_readers, default.n_cases)
    assert (pilot.what, pilot.measure) == ("Alder − physician", "f1_weighted")


@pytest.mark.parametrize(
    ("document", "difference", "said"),
    [
        ([], None, ": is neither a comparison"),
        ({"components": None}, None, ":components: the case variance is missing"),
        (with_components(reader="2"), None, ":components: the reader variance is not a finite number"),
        (with_components(reader=True), None, ":components: the reader variance is not a finite number"),
        (with_components(case=float("nan")), None, ":components: the case variance is not a finite number"),
        (COMPARISON | {"n_readers": 1}, None, ":n_readers: is not a whole number from 2 on"),
        (COMPARISON, "d1", ": is one comparison"),
        (RESULTS, "d1", ":differences.d1: the case variance is missing"),
        (RESULTS, "d9", ":differences: has no difference 'd9'"),
        (RESULTS | {"primary": None}, None, ":primary: names no difference"),
    ],
)
def test_a_pilot_without_components_is_refused(document, difference, said):
    assert faults(parse_pilot, json.dumps(document).encode(), "p.json", difference)[0].startswith(f"p.json{said}")


@pytest.mark.parametrize("document", [b"{", b"[" * 100_000, b"\xff"])
def test_a_pilot_that_is_no_document_is_refused(document):
    assert faults(parse_pilot, document, "p.json")[0].startswith("p.json:1: not JSON")


def test_what_a_pilot_cannot_know_is_said():
    pilot = parse_pilot(json.dumps(COMPARISON).encode(), "pilot.json")
    said = " ".join(notes(plan(question(components=pilot.components, pilot=pilot))))
    assert "between readers 0, between cases 3.15, between cells 4.12 (from pilot.json: A − physician)" in said
    assert "the true one between readers" not in said, "a multiple of what was found to be nothing says nothing"
    assert "the true one between cases is at best" in said
    some = replace(pilot, components=replace(pilot.components, reader=2.0))
    said = " ".join(notes(plan(question(components=some.components, pilot=some))))
    assert "with 8 readers the true one between readers is at best 0.437 to 4.14 times what was found" in said
    assert "stated" in notes(plan(question()))[0]
    assert "If all three are 1.5 times as large" in " ".join(notes(plan(question())))


@pytest.mark.parametrize(
    ("changed", "zero", "said"),
    [
        (
            {"reader": 0},
            ["reader"],
            "The pilot put the variance between readers at 0; it stays 0 on every step, so every step may be too good.",
        ),
        (
            {"case": 0},
            ["case", "reader"],
            "The pilot put the variances between cases and between readers (estimated below 0) at 0; they stay 0 on "
            "every step, so every step may be too good.",
        ),
        ({"reader": 1e-9}, [], None),
    ],
)
def test_a_variance_that_the_pilot_saw_nothing_of_stays_0_on_every_step_and_is_named(changed, zero, said):
    pilot = parse_pilot(json.dumps(with_components(**changed)).encode(), "pilot.json")
    found = plan(question(components=pilot.components, pilot=pilot))
    assert plan_json(found)["zero_components"] == zero
    assert [one for one in notes(found) if "on every step" in one] == ([] if said is None else [said])


def test_a_variance_stated_as_0_is_what_is_assumed_and_no_pilot_s():
    found = plan(question(components=Components(case=9.0, reader=0.0, cell=4.0)))
    assert plan_json(found)["zero_components"] == []
    assert "pilot" not in " ".join(notes(found))


def test_a_size_without_an_interval_and_cases_that_nobody_would_read_are_said():
    found = plan(question(readers=(10,), cases=(300,), per_reader=(15,), effects=(5,), margin=3.0))
    said = notes(found)
    size = "10 readers, 300 cases, 15 each"
    assert f"{size}: no interval. 0 pairs of readings share a case; with 10 readers at least 10 are needed." in said
    assert f"{size}: 150 cases would be read by nobody." in said
    assert sizes(found)[1][4:] == ("–",) * 6
    assert plan_json(found)["rows"][0]["half_width"] is None


def test_the_document_has_every_key_and_no_nan_and_every_cell_a_head():
    small = {"readers": (2, 6), "cases": (12,), "per_reader": (6,)}
    for asked in (question(), question(**small, effects=(4, -8), margin=2.5, studies=10)):
        found = plan(asked)
        document = plan_json(found)
        assert json.loads(json_bytes(document), parse_constant=pytest.fail) == document
        assert list(document["rows"][0]) == [
            *("readers", "cases", "cases_per_reader", "readings", "se", "df", "half_width", "half_width_larger"),
            *("share_of_variance", "ladder", "power", "power_margin", "simulated", "refused"),
        ]
        assert len({len(row) for row in sizes(found)}) == len({len(row) for row in invented(found)}) == 1
        assert len(invented(found)) == (len(found.rows) + 1 if asked.studies else 1)


def test_what_was_invented_stands_beside_the_formula():
    found = plan(question(readers=(8,), cases=(12,), per_reader=(6,), effects=(20,), margin=9.0, studies=60, seed=4))
    (row,) = plan_json(found)["rows"]
    assert row["simulated"]["power"][0]["power"] == pytest.approx(row["power"][0]["power"], abs=0.2)
    assert row["simulated"]["half_width"] == pytest.approx(row["half_width"], rel=0.15)
    assert 0.8 < row["simulated"]["coverage"] <= 1
    heads, cells = invented(found)
    assert heads[3:] == ("coverage", "±", "± of 8 in 10", "power\nat 20", "power,\nmargin 9")
    assert cells[3] == f"{row['simulated']['coverage']:.3f}"
    power, error = row["simulated"]["power"][0]["power"], row["simulated"]["power_se"][0]
    assert error == pytest.approx((power * (1 - power) / 60) ** 0.5)
    assert cells[6] == f"{power:.2f} ± {short_error(power, 60)}"
    assert "60 studies invented for each size with normal effects (seed 4)" in notes(found)[-1]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"level": 1.0}, "--level: must lie between 0 and 1"),
        ({"margin": 0.0}, "--margin: must be a positive number"),
        ({"margin": float("nan")}, "--margin: must be a positive number"),
        ({"effects": (float("inf"),)}, "--effect: must be a number"),
        ({"studies": 100_001}, "--simulate: must lie between 0 and 100,000"),
        ({"seed": -1}, "--seed: must not be negative"),
        (
            {"components": Components(0.0, -1.0, 0.0)},
            "--reader-sd, --case-sd, --cell-sd: at least one must be positive",
        ),
        ({"components": Components(1.0, float("inf"), 0.0)}, "--reader-sd: its square must be a number"),
        ({"readers": (0,)}, "--readers: needs sizes, whole numbers from 1 on"),
        ({"readers": (), "per_reader": ()}, "--cases-per-reader: needs sizes, whole numbers from 1 on"),
        ({"per_reader": (31,)}, "--cases-per-reader: 31 cases for each reader were asked for, but there are 30"),
        ({"readers": (900_000,)}, "--readers: at most 1,000,000 pairs"),
        ({"readers": tuple(range(3, 200))}, "--readers: at most 400 sizes"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_a_sentence(changed, said):
    with pytest.raises(Faulty, match=re.escape(said)):
        plan(question(**changed))


def test_every_fault_of_a_plan_is_said_at_once():
    found = faults(lambda _: plan(question(level=0.0, margin=-1.0, seed=-1, readers=(0,))), "")
    assert [one.split(":")[0] for one in found] == ["--readers", "--level", "--margin", "--seed"]


def test_how_sure_a_simulated_share_is_follows_the_level_planned_for():
    (said,) = [one for one in notes(plan(question(level=0.8, studies=100))) if "invented" in one]
    assert said.endswith("a share near 0.8 is known to ± 0.0784.")


def test_the_curve_is_the_same_to_the_byte_and_has_a_line_for_every_design_in_each_panel():
    found = plan(question(effects=(5,)))
    drawn = plan_curve(found)
    assert drawn == plan_curve(plan(question(effects=(5,))))
    lines_of_key, lines_of_panels = 4, 8
    assert drawn.count("<polyline") == lines_of_key + lines_of_panels
    assert "Half-width of the 95 % interval" in drawn
    assert "Power for a true difference of 5" in drawn
    assert "Power for the margin 2" in plan_curve(plan(question(margin=2.0)))
    assert "Power" not in plan_curve(plan(question()))
    one = plan_curve(plan(question(readers=(12,), cases=(20,), per_reader=None)))
    assert "20 cases, 20 each" in one


def test_a_curve_without_any_interval_says_so():
    assert "Nothing to draw" in plan_curve(plan(question(readers=(2,), cases=(3,), per_reader=(1,))))
    table = "reader,case\n" + "".join(f"r{r},c{c}\n" for r in range(4) for c in range(4))
    assignment = parse_assignment(table.encode(), "w.csv")
    assert np.array_equal(assignment.mask, balanced(4, 4, 4))
    assert "Nothing to draw" in plan_curve(plan(question(), assignment))
