"""Bands for a family: wider than each interval, and as wide as the family needs."""

from dataclasses import replace

import numpy as np
import pytest

from analysis.analyse import analyse
from analysis.inference.estimate import Estimate, Method, RefusalCode, Weighting
from analysis.inference.simultaneous import bands, critical_value
from analysis.inference.student import t_quantile
from study.answer import Response

ONE = Estimate(0.3, 0.95, Method.TWO_WAY, Weighting.PAIR, n_readers=9, n_cases=9, n_readings=81, se=0.1, df=8.0)


def test_the_critical_value_of_independent_normals_is_that_of_their_maximum():
    draws = np.random.default_rng(1).normal(3, 2, (200_000, 10))
    assert critical_value(draws, level=0.95) == pytest.approx(2.800, abs=0.02)  # Φ⁻¹((1 + 0.95^(1/10)) / 2)


def test_one_contrast_drawn_twice_needs_no_more_than_itself():
    draws = np.random.default_rng(2).normal(0, 1, (100_000, 1))
    assert critical_value(np.hstack([draws, draws]), level=0.95) == pytest.approx(1.96, abs=0.03)


def test_a_band_is_never_narrower_than_its_interval_for_want_of_readers():
    draws = np.random.default_rng(3).normal(0, 1, (20_000, 3))
    draws[0, 0] = np.nan
    few = replace(ONE, df=2.0)
    for estimate, band in zip([ONE, few, ONE], bands(draws, [ONE, few, ONE], level=0.95), strict=True):
        half = t_quantile(0.975, estimate.df) * estimate.se
        assert (band.high - band.low) / 2 > half
        assert (band.high + band.low) / 2 == pytest.approx(estimate.value)
        assert band.family == 3


def test_a_family_of_one_has_no_band():
    assert bands(np.zeros((10, 1)), [ONE], level=0.95) == [None]
    assert bands(np.zeros((10, 0)), [], level=0.95) == []


def test_without_draws_in_which_all_have_a_value_there_is_no_band():
    draws = np.random.default_rng(4).normal(0, 1, (20, 2))
    draws[:19, 0] = np.nan
    assert np.isnan(critical_value(draws, level=0.95))
    assert bands(draws, [ONE, ONE], level=0.95) == [None, None]
    draws[:, 0] = 2.0
    assert bands(draws, [ONE, ONE], level=0.95) == [None, None]


def test_a_system_whose_bootstrap_was_refused_is_not_in_the_family_and_that_is_said(a_cut):
    cut = a_cut()
    cedar = tuple(
        replace(answer, respondent="Cedar", run=4 - answer.run)
        for answer in cut.answers
        if answer.respondent == "Birch"
    )
    # Alder recommends nothing but in three cases: its precision has a value there alone, and in some draws nowhere.
    rarely = tuple(
        replace(answer, response=Response(frozenset()))
        if answer.respondent == "Alder" and answer.case_id > "case-2"
        else answer
        for answer in (*cut.answers, *cedar)
    )
    report = analyse(replace(cut, answers=rarely), seed=5, draws=1000)
    rows = [row.contrast for row in report.findings.of("main", measure="precision_weighted") if not row.contrast.policy]
    without = {row.test: row.bootstrap.refused and row.bootstrap.refused.code for row in rows}
    assert without == {"Alder": RefusalCode.DRAWS_WITHOUT_VALUE, "Birch": None, "Cedar": None}
    assert {row.test: row.band and row.band.family for row in rows} == {"Alder": None, "Birch": 2, "Cedar": 2}
    page = report.files["report.html"].decode()
    assert "All systems at once: without Alder, for want of an interval or a bootstrap." in page
    (alder,) = [row for row in rows if row.test == "Alder"]
    assert f"No bootstrap interval for Alder. {alder.bootstrap.refused.reason}" in page
