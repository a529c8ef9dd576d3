"""`primum plan`: from stated variation or a pilot to a table, a document and a curve, and what is wrong usage."""

import json
import zipfile

import pytest
from commands import command_line
from panels import a_loaded_study, a_panel_in

STATED = ["--reader-sd", 8, "--case-sd", 12, "--cell-sd", 16]


@pytest.fixture
def primum(capsys, tmp_path, sqlite_database, monkeypatch):
    return command_line(capsys, tmp_path, sqlite_database, monkeypatch)


def scores():
    rows = [f"r{r},c{c},physician,{50 + (7 * r + 5 * c + r * c) % 23}" for r in range(6) for c in range(8)]
    rows += [f"A,c{c},A,{60 + c % 3}" for c in range(8)]
    return ("readerID,caseID,modalityID,score\n" + "\n".join(rows) + "\n").encode()


def test_a_table_for_people_has_a_row_for_each_size_and_says_what_a_plan_cannot_know(primum):
    assert primum("plan", *STATED, "--readers", "101,10", "--cases", 100, "--cases-per-reader", 30, "--effect", 5) == 0
    lines = primum.out.splitlines()
    assert lines[0].split() == ["±", "if", "power"]
    assert lines[1].split() == ["readers", "cases", "each", "readings", "SE", "df", "±", "1.5", "×", "at", "5"]
    assert lines[2].split() == ["10", "100", "30", "300", "2.95", "12.8", "6.38", "7.81", "0.35"]
    assert lines[3].split() == ["101", "100", "30", "3,030", "1.47", "163", "2.90", "3.55", "0.92"]
    assert "The variances are taken as known." in primum.out
    assert "nan" not in primum.out.casefold()


def test_without_sizes_it_tries_the_usual_numbers_of_readers(primum):
    assert primum("plan", *STATED, "--cases", 40, "--json") == 0
    found = json.loads(primum.out, parse_constant=pytest.fail)
    assert [row["readers"] for row in found["rows"]] == [5, 10, 15, 20, 30, 50, 75, 100]
    assert {row["cases_per_reader"] for row in found["rows"]} == {40}
    assert found["pilot"] is None


def test_a_comparison_is_a_pilot(primum):
    table = primum.file("scores.csv", scores())
    assert primum("compare", table, "--test", "A", "--control", "physician", "--json") == 0, primum.err
    compared = json.loads(primum.out)
    pilot = primum.file("pilot.json", primum.out.encode())
    assert primum("plan", "--from", pilot, "--readers", 6, "--cases", 8, "--json") == 0, primum.err
    found = json.loads(primum.out)
    assert found["components"] == compared["components"]
    assert found["rows"][0]["se"] == pytest.approx(compared["se"])
    assert found["rows"][0]["df"] == pytest.approx(compared["df"])
    assert found["pilot"]["file"] == "pilot.json"


def test_the_allocation_of_a_study_is_planned_for_before_its_lock(primum, sqlite_database, tmp_path):
    a_panel_in(a_loaded_study(sqlite_database))
    archive = tmp_path / "study.zip"
    assert primum("study", "export", "small", "--out", archive) == 0, primum.err
    assert primum("plan", *STATED, "--allocation", archive, "--json") == 0, primum.err
    found = json.loads(primum.out)
    assert found["allocation"] == "study.zip:allocation.csv"
    (row,) = found["rows"]
    assert (row["readers"], row["cases"], row["cases_per_reader"], row["readings"]) == (5, 2, 2, 10)
    assert row["refused"]["code"] == "few_cases"


def test_a_table_of_who_reads_what_is_simulated_on(primum):
    table = primum.file(
        "who.csv", b"reader,case\n" + b"".join(b"r%d,c%d\n" % (r, (r + k) % 9) for r in range(6) for k in range(4))
    )
    given = ["--allocation", table, "--simulate", 25, "--seed", 3, "--effect", 12, "--margin", 9, "--json"]
    assert primum("plan", *STATED, *given) == 0, primum.err
    first = primum.out
    assert json.loads(first)["rows"][0]["simulated"]["refused"] == 0
    assert primum("plan", *STATED, *given) == 0
    assert primum.out == first


def test_the_curve_is_written_and_its_path_is_not_in_the_way_of_the_document(primum, tmp_path):
    curve = tmp_path / "drawn" / "plan.svg"
    assert primum("plan", *STATED, "--cases", 50, "--curve", curve, "--json") == 0, primum.err
    json.loads(primum.out)
    assert primum.err == f"{curve}\n"
    assert curve.read_bytes().startswith(b'<?xml version="1.0" encoding="utf-8"?>\n<svg ')
    before = curve.read_bytes()
    assert primum("plan", *STATED, "--cases", 50, "--curve", curve) == 0
    assert curve.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["--cases", 30],
        ["--reader-sd", 8, "--case-sd", 12, "--cases", 30],
        [*STATED],
        [*STATED, "--cases", "30;40"],
        [*STATED, "--cases", "0"],
        [*STATED, "--cases", 30, "--readers", "10,,20"],
        [*STATED, "--cases", 30, "--difference", "d1"],
        [*STATED, "--cases", 30, "--from", "pilot.json"],
        [*STATED, "--cases", 30, "--allocation", "who.csv"],
        [*STATED, "--allocation", "who.csv", "--curve", "c.svg"],
        ["--reader-sd", -1, "--case-sd", 12, "--cell-sd", 16, "--cases", 30],
    ],
)
def test_wrong_usage_ends_with_2_before_any_file_is_read(primum, arguments):
    assert primum("plan", *arguments) == 2
    assert primum.out == ""
    assert primum.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            [*STATED, "--cases", 30, "--cases-per-reader", 31],
            "--cases-per-reader: 31 cases for each reader were asked for, but there are 30",
        ),
        ([*STATED, "--cases", 30, "--margin", 0], "--margin: must be a positive number"),
        ([*STATED, "--cases", 30, "--level", 1], "--level: must lie between 0 and 1"),
        ([*STATED, "--cases", 30, "--effect", "nan"], "--effect: must be a number"),
        ([*STATED, "--cases", 999999], "--readers: at most 1,000,000 pairs of reader and case can be planned for"),
        (
            ["--reader-sd", 0, "--case-sd", 0, "--cell-sd", 0, "--cases", 9],
            "--reader-sd, --case-sd, --cell-sd: at least one must be positive",
        ),
        (
            ["--reader-sd", "1e200", "--case-sd", 0, "--cell-sd", 0, "--cases", 9],
            "--reader-sd: its square must be a number",
        ),
    ],
)
def test_a_question_without_an_answer_is_refused_in_one_line(primum, arguments, said):
    assert primum("plan", *arguments) == 1
    assert primum.out == ""
    assert primum.err.startswith(said)
    assert primum.err.count("\n") == 1


def test_faults_of_files_name_file_and_line(primum, tmp_path):
    pilot, table = primum.file("p.json", b"{"), primum.file("who.csv", b"reader,case\nr1,c1\nr1,c1\n")
    assert primum("plan", "--from", pilot, "--cases", 9) == 1
    assert primum.err.startswith("p.json:1: not JSON")
    assert primum("plan", *STATED, "--allocation", table) == 1
    assert primum.err == "who.csv:3: the same reader and case as line 2\n"
    assert primum("plan", *STATED, "--allocation", tmp_path / "none.csv") == 1
    assert "cannot be read" in primum.err


def test_an_archive_that_is_none_or_holds_no_allocation_is_refused(primum, tmp_path):
    no_archive, empty = primum.file("a.zip", b"reader,case\n"), tmp_path / "b.zip"
    with zipfile.ZipFile(empty, "w") as packed:
        packed.writestr("manifest.json", "{}")
    assert primum("plan", *STATED, "--allocation", no_archive) == 1
    assert primum.err.startswith("a.zip: is not an export of a study")
    assert primum("plan", *STATED, "--allocation", empty) == 1
    assert primum.err == "b.zip:allocation.csv: is missing\n"
    assert primum("plan", *STATED, "--allocation", tmp_path / "none.zip") == 1
    assert "none.zip" in primum.err


def test_an_allocation_that_would_unpack_to_too_much_is_refused(primum, tmp_path):
    large = tmp_path / "large.zip"
    with zipfile.ZipFile(large, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("allocation.csv", bytes((16 << 20) + 1))
    assert primum("plan", *STATED, "--allocation", large) == 1
    assert primum.err == "large.zip:allocation.csv: is larger than 16 MiB\n"
