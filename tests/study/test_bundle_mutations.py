"""Mutated bundles: whatever is done to the files, they are read or refused, and never anything else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rubric_builders import bundle_files, protocol_toml

from study.bundle import parse_bundle, parse_content
from study.errors import Faulty
from study.scoring import score_readings

FILES = bundle_files(
    study_toml=protocol_toml(
        primary={"measure": "f1_weighted", "test": "one", "control": "physician", "margin": 0.05},
        allocation={"cases_per_reader": 1, "anchors": ["A"]},
    )
    + b"[window]\nopens = 2027-01-04T08:00:00Z\n"
)
SCRAPS = [
    *(b"", b"0", b"-1", b"nan", b"inf", b"1e999", b"9" * 5000, b"true", b"null", b"[]", b"{}", b'"', b"'", b",", b";"),
    *(b"\n", b"\r\n", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\\u0000", b"\\ud800", b"=", b"[[arms]]", b"[x.y]\nz = 1"),
    *(b"0001-01-01T00:00:00+23:59", b"9999-12-31T23:59:59-23:59", b"1979-05-27", b"07:32:00", "é".encode(), b"A" * 70),
]


@st.composite
def mutated(draw):
    files = dict(FILES)
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(sorted(FILES)))
        data = files.get(name, b"")
        at, until = sorted((draw(st.integers(0, len(data))), draw(st.integers(0, len(data)))))
        until = min(until, at + draw(st.sampled_from([0, 1, 3, 8, 40])))
        scrap = draw(st.sampled_from(SCRAPS) | st.binary(max_size=3))
        match draw(st.sampled_from(["change", "change", "change", "change", "line", "lose", "rename"])):
            case "change":
                files[name] = data[:at] + scrap + data[until:]
            case "line":
                lines = data.split(b"\n")
                files[name] = b"\n".join([*lines, lines[draw(st.integers(0, len(lines) - 1))], b""])
            case "lose":
                files.pop(name, None)
            case "rename":
                files[draw(st.sampled_from(["cases/C.toml", "cases/.toml", "systems/x.jsonl", "x", ""]))] = data
    return files


def read(files):
    """The bundle; None: refused, as it should be, with a place and a sentence for every fault."""
    try:
        return parse_bundle(files)
    except Faulty as refused:
        told = refused.faults
    assert told
    assert all(fault.where and fault.what for fault in told)
    return None


@given(files=mutated())
@settings(max_examples=1500)
def test_a_mutated_bundle_is_read_or_refused_with_its_faults(files):
    bundle = read(files)
    if bundle is not None:
        score_readings(bundle.rubric(), [it.case_id for it in bundle.answers], [it.response for it in bundle.answers])
        assert parse_content(files)[0] == bundle.protocol


@pytest.mark.parametrize("name", sorted(FILES))
def test_every_file_cut_at_any_byte_is_read_or_refused(name):
    whole = FILES[name]
    assert [read(FILES | {name: whole[:length]}) for length in range(len(whole))]
