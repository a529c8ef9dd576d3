"""Unblinding is an event with a reason, and every later report says it."""

import json
from dataclasses import replace

import pytest

from analysis.analyse import analyse


@pytest.mark.parametrize(
    ("reason", "said"), [("enough <readers>", "enough &lt;readers&gt;"), (None, "no reason is on record")]
)
def test_a_report_says_when_and_why_its_study_was_unblinded(a_cut, reason, said):
    files = analyse(replace(a_cut(), lock_reason=reason), seed=1, draws=50).files
    assert json.loads(files["results.json"])["provenance"]["lock_reason"] == reason
    assert f"Locked, and so unblinded</dt><dd>2027-01-15 08:00 UTC: {said}" in files["report.html"].decode()


def test_a_rehearsal_was_not_unblinded(a_cut):
    rehearsal = replace(a_cut(), locked_at_us=None)
    assert b"unblinded" not in analyse(rehearsal, seed=1, draws=50).files["report.html"]
