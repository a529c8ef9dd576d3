"""The published kit's interval against its rules in plain loops, draw by draw."""

import re
from math import isnan

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.inference.published import DRAWS, Published, bootstrap, interval, resampling, strata

OPEN_SET = [f"{name}{n:03d}" for name in ("All", "Card", "Derm", "Endo", "GI", "Heme") for n in (1, 2, 3)]
UNEVEN = ["Neuro2", "GI9", "Neuro1", "7", "GI8", "Pulm1", "GI1", "Neuro3", "Pulm2", "GI2", "ID1"]


def plain_strata(cases):
    """The rules once more: letters in front, small strata pooled, the pool last or in its own place."""
    names = [(re.findall("^[A-Za-z]+", case) or ["_other"])[0] for case in cases]
    small = {name for name in names if names.count(name) < 3}
    order = []
    for name in names:
        if name not in small and name not in order:
            order.append(name)
    if small and "_other" not in order:
        order.append("_other")
    pooled = [place for name in dict.fromkeys(names) if name in small for place in places(names, name)]
    return [places(names, name) * (name not in small) + pooled * (name == "_other") for name in order]


def places(names, wanted):
    return [place for place, name in enumerate(names) if name == wanted]


def plain_replicates(cases, scalars, draws=DRAWS):
    rng = np.random.default_rng(0)
    found = []
    for _ in range(draws):
        drawn = []
        for members in plain_strata(cases):
            drawn += [scalars[members[i]] for i in rng.integers(0, len(members), size=len(members))]
        found.append(np.mean(drawn))
    return np.array(found)


@pytest.mark.parametrize("cases", [OPEN_SET, UNEVEN, ["1", "2", "3", *UNEVEN]], ids=["even", "pooled", "own place"])
def test_mean_and_interval_are_those_of_the_rules_draw_by_draw(cases):
    scalars = np.random.default_rng(len(cases)).beta(5, 2, len(cases))
    found, replicates = bootstrap(cases, scalars), plain_replicates(cases, scalars)
    low, high = np.percentile(replicates, [2.5, 97.5])
    assert (found.mean, found.low, found.high) == pytest.approx((scalars.mean(), low, high), rel=1e-14)
    assert found.ci == pytest.approx((high - low) / 2, rel=1e-12)
    assert found.rounded == tuple(round(value, 4) for value in (scalars.mean(), (high - low) / 2, low, high))


@settings(max_examples=30)
@given(st.lists(st.sampled_from(["A", "B", "Cd", "", "E"]), min_size=1, max_size=20))
def test_the_first_draws_take_the_same_numbers_from_the_generator_as_one_call_a_stratum(letters):
    cases = [f"{name}{n}" for n, name in enumerate(letters)]
    rng = np.random.default_rng(0)
    for row in resampling(cases).places[:40].tolist():
        expected = []
        for members in plain_strata(cases):
            expected += [members[i] for i in rng.integers(0, len(members), size=len(members))]
        assert row == expected


@given(st.lists(st.sampled_from(["A", "B", "Cd", "", "E"]), max_size=25))
def test_every_case_is_in_one_stratum_and_a_small_one_only_where_all_that_are_small_are_in_it(letters):
    cases = [f"{name}{n}" for n, name in enumerate(letters)]
    found = strata(cases)
    assert sorted(place for members in found for place in members.tolist()) == list(range(len(cases)))
    assert sum(members.size < 3 for members in found) <= 1
    assert [members.tolist() for members in found] == plain_strata(cases)


def test_the_variance_of_the_draws_is_that_of_sampling_within_strata():
    scalars = np.random.default_rng(2).normal(0.6, 0.2, len(UNEVEN))
    expected = sum(len(members) * np.var(scalars[members]) for members in plain_strata(UNEVEN)) / len(UNEVEN) ** 2
    drawn = scalars[resampling(UNEVEN).places].mean(axis=1)
    assert drawn.var() == pytest.approx(expected, rel=0.05)


def test_one_case_has_an_interval_without_width_and_none_has_nothing():
    assert bootstrap(["A1"], np.array([0.25])) == Published(1, 0.25, 0.0, 0.25, 0.25)
    nothing = bootstrap([], np.array([]))
    assert nothing.n_cases == 0
    assert isnan(nothing.mean)


def test_a_case_without_a_value_drops_out_before_the_strata_are_made():
    scalars = np.random.default_rng(3).random(len(OPEN_SET))
    scalars[[0, 4]] = np.nan
    kept = [place for place in range(len(OPEN_SET)) if place not in (0, 4)]
    assert bootstrap(OPEN_SET, scalars) == bootstrap([OPEN_SET[place] for place in kept], scalars[kept])


def test_the_order_of_cases_decides_the_draws():
    scalars = np.random.default_rng(4).random(len(OPEN_SET))
    here, there = bootstrap(OPEN_SET, scalars), bootstrap(OPEN_SET[::-1], scalars[::-1])
    assert here.mean == there.mean
    assert (here.low, here.high) != (there.low, there.high)


def test_the_same_draws_serve_every_metric():
    drawn = resampling(OPEN_SET)
    scalars = np.random.default_rng(5).random(len(OPEN_SET))
    assert interval(scalars, drawn) == bootstrap(OPEN_SET, scalars)
