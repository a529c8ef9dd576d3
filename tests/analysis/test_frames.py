"""The tables of the findings as data frames hold the numbers of the files, and what fixes them."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest

from analysis.analyse import Report, analyse
from analysis.report.rowsets import ROWSETS
from study.errors import StudyError


@pytest.fixture(scope="module")
def report(a_cut) -> Report:
    """Of a study that has rows in every table."""
    cut = a_cut()
    timed = tuple(replace(one, opened_at_us=n, closed_at_us=n + 60_000_000) for n, one in enumerate(cut.readings))
    return analyse(replace(cut, readings=timed), seed=1, draws=200)


@pytest.mark.parametrize("kind", ROWSETS)
def test_a_frame_has_the_rows_of_its_file(report, kind):
    frame = report.to_frame(kind)
    written = list(csv.DictReader(io.StringIO(report.files[f"tables/{kind}.csv"].decode())))
    assert list(frame.index) == [row["id"] for row in written]
    assert frame.index.is_unique
    for column in (column for column in frame.columns if frame[column].dtype == float):
        values = np.array([float(row[column] or "nan") for row in written])
        np.testing.assert_allclose(frame[column], values, rtol=1e-11)


def test_a_frame_keeps_what_fixes_its_numbers(report):
    kept = report.to_frame("values").attrs["provenance"]
    assert kept["seed"] == 1
    assert kept["bundle_digest"] == "b" * 64
    assert "numpy" in kept["versions"]


def test_every_number_of_the_report_has_an_id_of_its_own(report):
    ids = [id_ for kind in ROWSETS for id_ in report.to_frame(kind).index]
    assert {"t1", "m1"} <= set(ids)
    assert len(ids) == len(set(ids))


def test_a_table_that_is_not_there_is_refused_by_name(report):
    with pytest.raises(StudyError, match="there is no table 'models'; there are counts, differences"):
        report.to_frame("models")
