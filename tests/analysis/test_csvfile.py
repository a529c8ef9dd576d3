"""The three tables that come as CSV files: one reader, so the same lines and the same refusals."""

import pytest

from analysis.scores.assignment import parse_assignment
from analysis.scores.csvfile import records
from analysis.scores.scoretable import parse_scores
from analysis.scores.strata import parse_strata
from study.errors import Faulty

TABLES = {
    "scores": (parse_scores, "readerID,caseID,modalityID,score", "r,{},m,1"),
    "strata": (parse_strata, "caseID,stratum", "{},s"),
    "assignment": (parse_assignment, "reader,case", "r,{}"),
}


def faults(parse, text):
    with pytest.raises(Faulty) as raised:
        parse(text if isinstance(text, bytes) else text.encode(), "t.csv")
    return [str(fault) for fault in raised.value.faults]


def test_records_carry_the_line_on_which_they_begin_and_blank_lines_are_passed_over():
    assert records(b'a,b\r\n\r\n"x\ny",1\n\n\nz,2', "t.csv") == [
        (1, ["a", "b"]),
        (3, ["x\ny", "1"]),
        (7, ["z", "2"]),
    ]


@pytest.mark.parametrize("table", TABLES)
def test_blank_lines_and_cells_of_two_lines_do_not_shift_the_line_of_a_fault(table):
    parse, header, row = TABLES[table]
    text = "\n".join([header, "", row.format("c1"), "", row.format('"c\n2"'), "one cell"]) + "\n"
    (found,) = faults(parse, text)
    assert found.startswith("t.csv:7: ")


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (b"\xef\xbb\xbf", b"", "t.csv:1: begins with a byte order mark; save as plain UTF-8"),
        (b"", b"\xff", "t.csv:3: not UTF-8"),
        (b"", b'"open', "t.csv:3: not CSV: unexpected end of data"),
    ],
)
def test_what_is_no_table_is_refused_alike_with_its_line(table, before, after, said):
    parse, header, row = TABLES[table]
    assert faults(parse, before + f"{header}\n{row.format('c')}\n".encode() + after) == [said]


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_file_is_said_to_be_empty(table):
    assert faults(TABLES[table][0], b"\n") == ["t.csv:1: the file is empty"]
