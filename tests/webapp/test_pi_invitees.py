"""A list of people to invite: read whole, or refused with every fault and its line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from study.errors import Faulty
from webapp.pi.invitees import MOST_PEOPLE, parse_invitees


def faults(data: bytes) -> list[str]:
    with pytest.raises(Faulty) as refused:
        parse_invitees(data, "people.csv")
    return [str(fault) for fault in refused.value.faults]


def read(data: bytes) -> list[tuple[int, str, str, dict[str, str]]]:
    return [
        (line, person.email, person.full_name, dict(person.strata))
        for line, person in parse_invitees(data, "people.csv")
    ]


ADA = (2, "ada@example.org", "Ada Example", {"site": "north"})


@pytest.mark.parametrize(
    "data",
    [
        b"email,name,site\nada@example.org,Ada Example,north\n",
        b"\xef\xbb\xbfemail;name;site\r\nada@example.org;Ada Example;north\r\n",
        b"Site,Name,E-MAIL\n".replace(b"E-MAIL", b"EMAIL") + b"north,Ada Example,ADA@example.org",
        b'email,name,site\n" ada@example.org ","Ada Example",north\n\n',
    ],
    ids=["plain", "as a spreadsheet saves it", "other order and case", "quoted, with blanks"],
)
def test_every_further_column_is_a_stratum(data):
    assert read(data) == [ADA]


def test_a_stratum_that_is_left_out_is_not_kept():
    assert read(b"email,name,site\nada@example.org,,\n") == [(2, "ada@example.org", "", {})]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", ["people.csv:1: the file is empty; its first line must name the columns email and name"]),
        (b"email,name\n", ["people.csv:2: there is nobody on the list"]),
        (b"mail,name\na@b.org,A\n", ["people.csv:1: the column 'email' is missing"]),
        (b"email,name,,\na@b.org,A,,\n", ["people.csv:1: a column has no name"]),
        (b"email,name,x,x\na@b.org,A,1,2\n", ["people.csv:1: the column 'x' is there twice"]),
        (b"email,name\na@b.org\n", ["people.csv:2: 1 cell where the first line names 2 columns"]),
        (b"email,name\nnobody,A\n", ["people.csv:2: 'nobody' is not an e-mail address"]),
        (b"email,name\na@b.org,A\nA@B.org,B\n", ["people.csv:3: a@b.org stands on line 2 already"]),
        (b'email,name\na@b.org,"A\nB"\nx,C\n', [
            "people.csv:2: a cell holds a line break or another character that cannot be stored",
            "people.csv:4: 'x' is not an e-mail address",
        ]),
        (b"email,name\na@b.org,A\nb@b.org,\xff\n", ["people.csv:3: not UTF-8; save the list as “CSV UTF-8”"]),
        (b'email,name\na@b.org,"A"x\n', ["people.csv:2: not a CSV row: ',' expected after '\"'"]),
        (b"email,name\na@b.org," + b"x" * 201, ["people.csv:2: name is longer than 200 characters"]),
    ],
)  # fmt: skip
def test_every_fault_is_told_with_its_line(data, expected):
    assert faults(data) == expected


def test_a_list_has_a_largest_size():
    rows = b"".join(b"reader%d@example.org,\n" % number for number in range(MOST_PEOPLE + 1))
    assert faults(b"email,name\n" + rows) == [
        f"people.csv:{MOST_PEOPLE + 2}: a list may have {MOST_PEOPLE} people at most"
    ]


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: b"email,name\n" + text.encode()))
def test_whatever_is_uploaded_is_read_or_refused(data):
    try:
        people = parse_invitees(data, "people.csv")
    except Faulty as refused:
        people = refused.faults
    assert people
