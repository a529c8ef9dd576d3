"""How often a system beats physicians, by counting, and that ties and runs are treated as announced."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.inference.beats import EVEN, beats, chance_ahead, physicians_beaten, share_beaten, shares_in_draws
from analysis.inference.bootstrap import Draws, draw
from analysis.inference.estimate import Method, RefusalCode, Weighting
from analysis.inference.layout import layout_of
from analysis.inference.twoway import twoway


def some(seed, shape=(5, 7), holes=0.3, levels=4):
    rng = np.random.default_rng(seed)
    readings = np.where(rng.random(shape) < holes, np.nan, rng.integers(0, levels, shape).astype(float))
    by_run = np.where(rng.random((3, shape[1])) < 0.2, np.nan, rng.integers(0, levels, (3, shape[1])).astype(float))
    return by_run, readings


@given(st.integers(0, 10_000), st.booleans())
def test_a_pair_counts_the_runs_that_are_better_and_half_of_those_that_tie(seed, higher):
    by_run, readings = some(seed)
    found = beats(by_run, readings, higher_is_better=higher)
    for (r, c), reading in np.ndenumerate(readings):
        runs = by_run[np.isfinite(by_run[:, c]), c]
        if np.isnan(reading) or not runs.size:
            assert np.isnan(found[r, c])
            continue
        better = (runs > reading) if higher else (runs < reading)
        assert found[r, c] == pytest.approx(np.mean(better + 0.5 * (runs == reading)))


@given(st.integers(0, 10_000))
def test_the_two_directions_add_up_to_one(seed):
    by_run, readings = some(seed)
    up, down = (beats(by_run, readings, higher_is_better=higher) for higher in (True, False))
    assert np.nan_to_num(up + down, nan=1.0) == pytest.approx(np.ones_like(up))


def test_a_chance_near_one_stays_below_it_and_is_the_mirror_of_the_other_side():
    by_run, readings = np.full((1, 12), 2.0), np.random.default_rng(4).normal(0, 1, (7, 12))
    readings[0, :3], readings[2, 2:5] = 3.0, 3.0
    layout = layout_of(np.isfinite(readings))
    up, down = (
        chance_ahead(twoway((beats(by_run, readings, higher_is_better=h) - EVEN).ravel(), layout, level=0.95))
        for h in (True, False)
    )
    assert up.value > 0.85
    assert 0 < up.low < up.value < up.high < 1
    assert (down.value, down.se, down.low) == pytest.approx((1 - up.value, up.se, 1 - up.high))
    assert np.isnan(up.p)


def test_the_mean_of_runs_would_hide_ties_and_count_otherwise():
    by_run, readings = np.array([[0.0], [0.0], [3.0]]), np.array([[0.0]])
    assert beats(by_run, readings, higher_is_better=True)[0, 0] == pytest.approx(2 / 3)
    assert beats(by_run.mean(axis=0)[None], readings, higher_is_better=True)[0, 0] == 1


def test_the_share_beaten_counts_readers_with_a_mean_above_zero():
    differences = np.array([[1.0, -0.5, np.nan], [0.1, -0.1, np.nan], [np.nan, np.nan, np.nan], [-1, 0, 0.5]])
    assert share_beaten(differences) == pytest.approx(1 / 3)
    assert np.isnan(share_beaten(np.full((2, 2), np.nan)))


def test_a_mean_of_nothing_but_rounding_is_not_above_zero():
    assert share_beaten(np.array([[0.1, 0.2, -0.3]])) == 0
    assert share_beaten(np.array([[0.1, 0.2, -0.3]]) * 2.0**-900) == 0


@given(st.integers(0, 10_000))
def test_a_draw_is_the_share_among_those_drawn(seed):
    by_run, readings = some(seed)
    differences = np.nanmean(np.vstack([by_run, np.zeros((1, 7))]), axis=0) - readings
    draws = draw(seed, 20, 5, 7)
    found = shares_in_draws(differences, draws)
    for b in range(20):
        ahead, everyone = 0, 0
        for r, times in enumerate(draws.readers[b]):
            there = np.isfinite(differences[r]) & (draws.cases[b] > 0)
            total = np.sum(draws.cases[b][there] * differences[r][there])
            everyone += times * there.any()
            ahead += times * (there.any() and total > 1e-9)
        assert found[b] == pytest.approx(ahead / everyone if everyone else np.nan, nan_ok=True)


def test_the_interval_is_a_share_of_new_physicians_on_new_cases():
    rng = np.random.default_rng(3)
    differences = 0.5 + rng.normal(0, 1, (12, 1)) + rng.normal(0, 1, (1, 15)) + rng.normal(0, 1, (12, 15))
    found = physicians_beaten(differences, draw(1, 2000, 12, 15), level=0.95)
    assert found.value == pytest.approx((differences.mean(axis=1) > 0).mean())
    assert 0 <= found.low < found.value < found.high <= 1
    assert (found.method, found.weighting, found.random) == (Method.BOOTSTRAP, Weighting.READER, ("reader", "case"))
    assert (found.seed, found.draws) == (1, 2000)
    assert np.isnan([found.df, found.p]).all()


@pytest.mark.parametrize(
    ("differences", "code"),
    [
        (np.ones((2, 6)), RefusalCode.FEW_READERS),
        (np.ones((6, 2)), RefusalCode.FEW_CASES),
        (np.ones((6, 6)), RefusalCode.ZERO_VARIANCE),
        (np.full((4, 4), np.nan), RefusalCode.NO_PAIRS),
    ],
)
def test_what_carries_no_interval_is_refused_by_name(differences, code):
    found = physicians_beaten(differences, draw(1, 50, *differences.shape), level=0.95)
    assert found.refused.code is code
    assert np.isnan([found.se, found.low, found.high]).all()


def test_a_reader_drawn_without_a_case_of_theirs_is_left_out():
    differences = np.array([[1.0, np.nan], [np.nan, -1.0]])
    only_first = Draws(np.array([[1, 1]], dtype=np.int16), np.array([[2, 0]], dtype=np.int16))
    assert shares_in_draws(differences, only_first)[0] == 1
