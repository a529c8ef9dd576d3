"""The page on the published intervals: its arithmetic, its simulation, and that its figures are made."""

import sys
from pathlib import Path
from string import Template

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))

import published_intervals
from published_intervals import TEMPLATE, coverage_from_runs, half, implied_trials, three_intervals


def test_an_interval_implies_the_trials_that_give_it():
    n = implied_trials(0.222, 0.006)
    assert 1.959964 * (0.222 * 0.778 / n) ** 0.5 == pytest.approx(0.006, rel=1e-6)
    assert round(n) == 18430


def test_intervals_from_runs_fail_for_new_cases_and_fail_more_the_more_runs_there_are(monkeypatch):
    monkeypatch.setattr(published_intervals, "SETS", 4000)
    few, many = coverage_from_runs(5), coverage_from_runs(11)
    assert few["by case"] == pytest.approx(0.95, abs=0.012)
    assert many["by case"] == pytest.approx(0.95, abs=0.012)
    for wrong in ("every answer independent", "the runs' means"):
        assert many[wrong] < few[wrong] < 0.75


def test_run_to_run_narrows_with_runs_and_what_holds_for_new_cases_does_not():
    rng = np.random.default_rng(4)
    cases = rng.normal(0, 12, 40)
    readings = cases + rng.normal(0, 8, (12, 1)) + rng.normal(0, 16, (12, 40))
    readings[rng.random(readings.shape) < 0.5] = np.nan
    runs = 5 + cases + rng.normal(0, 9, (80, 40))
    few, many = three_intervals(runs[:5], readings), three_intervals(runs, readings)
    assert half(many[0]) < half(few[0]) / 3
    for place in (1, 2):
        assert half(many[place]) == pytest.approx(half(few[place]), rel=0.4)
        assert half(many[place]) > 5 * half(many[0])
    assert [one.random for one in many] == [("run",), ("case",), ("reader", "case")]


def test_the_page_is_what_its_template_becomes():
    page = published_intervals.PAGE.read_text(encoding="utf-8")
    template = TEMPLATE.read_text(encoding="utf-8")
    told = Template(template).pattern.split(template)
    assert "$" not in page
    headings = [line for line in template.splitlines() if line.startswith("#")]
    assert [line for line in page.splitlines() if line.startswith("#")] == headings
    assert len(told) > 30
