"""Every fault of a table of scores is named, with its line, at once."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.scores.scoretable import parse_scores
from study.errors import Faulty

HEADER = "readerID,caseID,modalityID,score"


def faults_of(data):
    with pytest.raises(Faulty) as raised:
        parse_scores(data if isinstance(data, bytes) else data.encode(), "s.csv")
    return [str(fault) for fault in raised.value.faults]


def test_a_table_is_read_whole():
    table = parse_scores(
        b'readerID,caseID,modalityID,run,score,measure\r\nr1,c1,mds,1,0.5,f1\r\n\r\n"A",c1,A,2,-1e-3,f1\r\n'
    )
    assert [(row.reader, row.case, row.modality, row.run, row.score, row.measure, row.line) for row in table.rows] == [
        ("r1", "c1", "mds", 1, 0.5, "f1", 2),
        ("A", "c1", "A", 2, -0.001, "f1", 4),
    ]
    assert table.measures == ("f1",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["s.csv:1: the file is empty"]),
        ("\n\n", ["s.csv:1: the file is empty"]),
        (HEADER + "\n", ["s.csv:2: there is no row below the header"]),
        (
            "reader,caseID,modalityID,score\nr,c,m,1\n",
            ["s.csv:1: column readerID is missing", "s.csv:1: unknown column 'reader'"],
        ),
        (HEADER + ",score\nr,c,m,1,1\n", ["s.csv:1: column score occurs twice"]),
        (b"\xef\xbb\xbf" + HEADER.encode() + b"\nr,c,m,1\n", None),
        (HEADER.encode() + b"\nr,c\xe9,m,1\n", ["s.csv:2: not UTF-8"]),
        (HEADER + '\nr,"c,m,1\n', ["s.csv:2: not CSV: unexpected end of data"]),
        (HEADER + '\nr,"c"x,m,1\n', ["s.csv:2: not CSV: ',' expected after '\"'"]),
        (
            HEADER + "\nr,c,m,nan\nr,c,m,inf\nr,c,m,1e999\nr,c,m,\nr,c,m,0.5 \nr,c,m,1_0\nr,c,m,x\n,,m,1\nr,c,m\n",
            [
                "s.csv:2: score 'nan' is not a finite number",
                "s.csv:3: score 'inf' is not a finite number",
                "s.csv:4: score '1e999' is not a finite number",
                "s.csv:5: score '' is not a finite number",
                "s.csv:6: score '0.5 ' is not a finite number",
                "s.csv:7: score '1_0' is not a finite number",
                "s.csv:8: score 'x' is not a finite number",
                "s.csv:9: readerID is empty",
                "s.csv:9: caseID is empty",
                "s.csv:10: 3 cells where the header has 4",
            ],
        ),
        (
            HEADER + "\nr,c,m,1e100\nr,c,m,-2e100\nr,d,m,1e308\n",
            ["s.csv:3: score -2e100 is beyond ±1e+100", "s.csv:4: score 1e308 is beyond ±1e+100"],
        ),
        (HEADER + "\nr,c,m,1\nr,d,m,1\nr,c,m,2\n", ["s.csv:4: the same row as line 2"]),
        (
            HEADER + ",run\nr,c,m,1,0\nr,c,m,1,1.0\n",
            ["s.csv:2: run '0' is not 1, 2, …", "s.csv:3: run '1.0' is not 1, 2, …"],
        ),
    ],
)
def test_faults_are_named_with_their_line(text, expected):
    found = faults_of(text)
    assert found == (expected or ["s.csv:1: begins with a byte order mark; save as plain UTF-8"])


def test_a_cell_of_two_lines_does_not_shift_the_lines_of_faults():
    assert faults_of(HEADER + '\n"r\n1",c,m,1\nr,c,m,x\n') == ["s.csv:4: score 'x' is not a finite number"]


@given(st.binary(max_size=200), st.booleans())
def test_whatever_the_bytes_they_are_read_or_refused(data, with_header):
    with contextlib.suppress(Faulty):
        parse_scores((HEADER.encode() + b"\n" if with_header else b"") + data)
