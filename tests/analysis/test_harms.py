"""Harms per 100 cases with intervals, and the share of omissions among them, against plain loops."""

from dataclasses import replace
from functools import cache
from math import isnan

import numpy as np
import pytest
from scipy import stats

from analysis.inference.bootstrap import draw
from analysis.inference.estimate import RefusalCode
from analysis.inference.layout import layout_of
from analysis.inference.twoway import twoway
from analysis.outcomes.frame import HARM_ROWS, frame
from analysis.outcomes.harms import GROUPS, SHARES, SINGLE, harm_differences, harm_rates, share_contrasts, share_values
from analysis.outcomes.values import values
from study.answer import Response
from study.progress import SCORED
from study.scoring import score_readings


@cache
def harms_of(rubric, case, response):
    """The harms of one response, one by one."""
    return score_readings(rubric, [case], [response]).harms(0)


def counted(cut, case, response, group):
    """Those that are of the group."""
    harms = harms_of(cut.rubric, case, response)
    return sum(group.kind in (None, harm.kind) and group.severity in (None, harm.severity) for harm in harms)


def of_readers(cut, group):
    readings = [reading for reading in cut.readings if reading.ending in SCORED]
    counts = [counted(cut, reading.case_id, reading.scored_response, group) for reading in readings]
    return readings, np.array(counts, dtype=float)


def of_system(cut, name, case, group):
    runs = [answer for answer in cut.answers if (answer.respondent, answer.case_id) == (name, case)]
    return np.mean([counted(cut, case, answer.response, group) for answer in runs])


def laid_out(cut, study, readings, counts):
    values = np.full((len(study.readers), len(study.cases)), np.nan)
    for reading, count in zip(readings, counts, strict=True):
        values[study.readers.index(reading.reader), study.cases.index(reading.case_id)] = count
    return values


def analysed(cut):
    study = frame(cut, cut.rubric)
    arm = study.arms["physician"]
    draws = draw(5, 300, len(study.readers), len(study.cases))
    return study, arm, draws


def rates_of(cut, respondent):
    """One respondent's rates by group."""
    study, arm, _ = analysed(cut)
    rates = harm_rates(study, arm, level=0.95)
    return {rate.group: rate.value.estimate for rate in rates if rate.value.respondent == respondent}


def test_the_first_groups_are_one_kind_at_one_severity_and_the_others_their_sums():
    assert tuple((group.kind, group.severity) for group in GROUPS[:SINGLE]) == HARM_ROWS
    for group in GROUPS[SINGLE:]:
        assert None in (group.kind, group.severity)
        assert len(group.columns) > 1
    assert len({group.name for group in GROUPS}) == len(GROUPS) == 12


def test_physicians_harms_are_those_of_plain_loops_and_their_interval_that_of_the_counts(a_cut):
    cut = a_cut()
    study = frame(cut, cut.rubric)
    with_interval = 0
    for group, found in rates_of(cut, "physician").items():
        readings, counts = of_readers(cut, group)
        assert found.value == pytest.approx(100 * counts.mean(), rel=1e-12)
        values = laid_out(cut, study, readings, counts)
        mask = np.isfinite(values)
        expected = twoway(values[mask] - counts.mean(), layout_of(mask), level=0.95, value=counts.mean())
        assert found.random == ("reader", "case")
        assert found.refused == expected.refused
        if expected.refused is None:
            assert (found.se, found.df) == pytest.approx((100 * expected.se, expected.df), rel=1e-9)
            factor = np.exp(stats.t.ppf(0.975, expected.df) * expected.se / counts.mean())
            assert (found.low, found.high) == pytest.approx((found.value / factor, found.value * factor), rel=1e-9)
            with_interval += 1
    assert with_interval > SINGLE


def test_a_systems_harms_are_weighted_as_its_cases_were_read(a_cut):
    cut = a_cut()
    for group, found in rates_of(cut, "Birch").items():
        readings, _ = of_readers(cut, group)
        cases = sorted({reading.case_id for reading in readings})
        times = np.array([sum(reading.case_id == case for reading in readings) for case in cases], dtype=float)
        counts = np.array([of_system(cut, "Birch", case, group) for case in cases])
        weights, n = times / times.sum(), len(cases)
        mean = weights @ counts
        assert found.value == pytest.approx(100 * mean, rel=1e-12)
        assert found.random == ("case",)
        assert (found.refused is None) == (np.ptp(counts) > 0)
        if found.refused is None:
            se = (counts.var(ddof=1) * np.sum(weights**2)) ** 0.5
            assert (found.se, found.df) == pytest.approx((100 * se, n - 1), rel=1e-9)
            assert 0 < found.low < found.value < found.high


def test_differences_of_harms_are_paired_reading_by_reading(a_cut):
    cut = a_cut()
    study, arm, draws = analysed(cut)
    made = [
        (difference.group, difference.contrast)
        for difference in harm_differences(study, arm, draws, level=0.95, mixed_modes=False)
        if difference.contrast.test == "Alder"
    ]
    assert [group for group, _ in made] == list(GROUPS)
    for group, found in made:
        readings, counts = of_readers(cut, group)
        answered = np.array([of_system(cut, "Alder", reading.case_id, group) for reading in readings])
        differences = answered - counts
        assert found.default.value == pytest.approx(100 * differences.mean(), rel=1e-9, abs=1e-12)
        assert found.test_value - found.control_value == pytest.approx(found.default.value, abs=1e-9)
        values = laid_out(cut, study, readings, differences)
        mask = np.isfinite(values)
        expected = twoway(values[mask], layout_of(mask), level=0.95)
        told = (found.default.low, found.default.high, found.default.components.cell)
        assert told == pytest.approx(
            (100 * expected.low, 100 * expected.high, 1e4 * expected.components.cell), rel=1e-9
        )
        assert (found.better, found.measure) == ("lower", group.name)


def test_kinds_and_severities_add_up(a_cut):
    study, arm, _ = analysed(a_cut())
    rates = {
        (rate.value.respondent, rate.group.kind, rate.group.severity): rate.value.estimate.value
        for rate in harm_rates(study, arm, level=0.95)
    }
    for respondent in ("physician", "Alder", "Birch"):
        whole = rates[respondent, None, None]
        singles = sum(rates[respondent, kind, severity] for kind, severity in HARM_ROWS)
        assert singles == pytest.approx(whole, rel=1e-12)
        assert sum(rates[respondent, None, severity] for severity in ("mild", "moderate", "severe")) == pytest.approx(
            whole, rel=1e-12
        )
        assert rates[respondent, "omission", None] + rates[respondent, "commission", None] == pytest.approx(
            whole, rel=1e-12
        )


def test_no_harm_of_a_group_is_a_rate_of_zero_without_an_interval(a_cut):
    cut = a_cut()
    careful = tuple(
        replace(reading, response=reading.response and Response(reading.response.selected - {"o5", "o6", "o7"}))
        for reading in cut.readings
    )
    committed = next(group for group in GROUPS if (group.kind, group.severity) == ("commission", None))
    found = rates_of(replace(cut, readings=careful), "physician")[committed]
    assert found.value == 0
    assert isnan(found.low)
    assert found.refused is not None
    assert found.refused.code is RefusalCode.ZERO_VARIANCE


@pytest.mark.parametrize("share", SHARES, ids=lambda share: share.name)
def test_a_share_of_omissions_is_a_ratio_of_sums_over_readings(a_cut, share):
    cut = a_cut()
    study, arm, draws = analysed(cut)
    readings, of = of_readers(cut, share.of)
    among = of_readers(cut, share.among)[1]
    alone = {value.respondent: value for value in share_values(study, arm, level=0.95) if value.measure == share.name}
    assert alone["physician"].estimate.value == pytest.approx(of.sum() / among.sum(), rel=1e-12)
    weights = [reading.case_id for reading in readings]
    above = sum(of_system(cut, "Birch", case, share.of) for case in weights)
    below = sum(of_system(cut, "Birch", case, share.among) for case in weights)
    assert alone["Birch"].estimate.value == pytest.approx(above / below, rel=1e-12)
    (found,) = [
        contrast
        for contrast in share_contrasts(study, arm, draws, level=0.95, mixed_modes=False)
        if (contrast.test, contrast.measure) == ("Birch", share.name)
    ]
    assert found.default.value == pytest.approx(above / below - of.sum() / among.sum(), rel=1e-9)
    assert found.default.low < found.default.value < found.default.high
    if share.name == "severe_omission_share":
        assert found.bootstrap.refused is not None  # in too many draws nobody does severe harm
        assert found.bootstrap.refused.code is RefusalCode.DRAWS_WITHOUT_VALUE
    else:
        assert found.bootstrap.low < found.bootstrap.high


def test_omissions_and_commissions_are_the_two_parts_of_all_harms(a_cut):
    study, arm, _ = analysed(a_cut())
    shares = {(value.respondent, value.measure): value.estimate for value in share_values(study, arm, level=0.95)}
    omitted, committed = shares["physician", "omission_share"], shares["physician", "commission_share"]
    assert omitted.value + committed.value == pytest.approx(1)
    assert (omitted.low, omitted.high) == pytest.approx((1 - committed.high, 1 - committed.low))


def test_a_share_of_no_harms_has_no_value_and_says_so(a_cut):
    cut = a_cut()
    study, arm, _ = analysed(cut)
    study.harms.arms["physician"][...] = np.where(np.isfinite(study.harms.arms["physician"]), 0.0, np.nan)
    for value in share_values(study, arm, level=0.95):
        if value.respondent == "physician":
            assert isnan(value.estimate.value)
            assert value.estimate.refused is not None
            assert value.estimate.refused.code is RefusalCode.NO_VALUE


def test_the_shares_of_the_first_edition_are_the_same_where_it_counts_them(a_cut):
    cut = a_cut(profile="noharm-2025-12", primary=None)
    study, arm, _ = analysed(cut)
    profiles = values(study, study.tables["omission_share"], arm, level=0.95)
    for ours, theirs in zip(share_values(study, arm, level=0.95), profiles, strict=False):
        assert (ours.respondent, ours.measure) == (theirs.respondent, theirs.measure)
        found, expected = ours.estimate, theirs.estimate
        assert (found.value, found.low, found.high) == pytest.approx((expected.value, expected.low, expected.high))


def test_a_system_silent_on_a_case_that_was_read_is_refused_in_every_count_and_share(a_cut):
    cut = a_cut()
    quiet = tuple(answer for answer in cut.answers if (answer.respondent, answer.case_id) != ("Birch", "case-2"))
    study, arm, draws = analysed(replace(cut, answers=quiet))
    found = [
        *(rate.value.estimate for rate in harm_rates(study, arm, level=0.95) if rate.value.respondent == "Birch"),
        *(value.estimate for value in share_values(study, arm, level=0.95) if value.respondent == "Birch"),
        *(
            difference.contrast.default
            for difference in harm_differences(study, arm, draws, level=0.95, mixed_modes=False)
            if difference.contrast.test == "Birch"
        ),
        *(
            contrast.default
            for contrast in share_contrasts(study, arm, draws, level=0.95, mixed_modes=False)
            if contrast.test == "Birch"
        ),
    ]
    assert len(found) == 2 * (len(GROUPS) + len(SHARES))
    for estimate in found:
        assert isnan(estimate.value)
        assert estimate.refused is not None
        assert estimate.refused.code is RefusalCode.MISSING_ANSWERS
