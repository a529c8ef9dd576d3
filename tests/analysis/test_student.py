"""t and exact binomial intervals against R; margins against a published non-inferiority p."""

import numpy as np
import pytest

from analysis.inference.conditional import between_systems
from analysis.inference.estimate import Estimate, Method, Weighting
from analysis.inference.margins import Conclusion, equivalence, equivalence_level, p_beyond_margin, p_worse_by_margin
from analysis.inference.student import clopper_pearson, logit_interval, t_quantile, t_two_sided, t_upper


def test_the_paired_t_of_the_sleep_data(reference):
    case = reference["paired_sleep"]
    difference = np.subtract(case["inputs"]["x"], case["inputs"]["y"])
    expected = {name: entry["value"] for name, entry in case["expected"].items()}
    se, df = difference.std(ddof=1) / difference.size**0.5, difference.size - 1
    t = difference.mean() / se
    assert t == pytest.approx(expected["t"])
    assert t_two_sided(t, df) == pytest.approx(expected["p"], rel=1e-7)
    half = t_quantile(0.975, df) * se
    assert [t * se - half, t * se + half] == pytest.approx(expected["ci95"], rel=1e-7)
    estimate = Estimate(
        difference.mean(), 0.95, Method.TWO_WAY, Weighting.PAIR, n_readers=10, n_cases=1, n_readings=10, se=se, df=df
    )
    worse = p_worse_by_margin(estimate, margin=2.5, higher_is_better=True)
    assert worse == pytest.approx(expected["noninferiority_margin_2.5_one_sided_p"], rel=1e-7)
    assert worse == pytest.approx(expected["tost_p_lower"], rel=1e-7)
    better_is_lower = p_worse_by_margin(estimate, margin=2.5, higher_is_better=False)
    assert better_is_lower == pytest.approx(expected["tost_p_upper"], rel=1e-6)


def test_the_t_of_the_darwin_data(reference):
    case = reference["exact_signflip_darwin"]
    difference = np.array(case["inputs"]["differences"], dtype=float)
    expected = {name: entry["value"] for name, entry in case["expected"].items()}
    se, df = difference.std(ddof=1) / difference.size**0.5, difference.size - 1
    assert t_two_sided(difference.mean() / se, df) == pytest.approx(expected["t_p"], rel=1e-9)
    assert difference.mean() - t_quantile(0.975, df) * se == pytest.approx(expected["t_ci95"][0], rel=1e-9)


def test_clopper_pearson_is_that_of_r(reference):
    expected = reference["proportions"]["expected"]["clopper_pearson_22_100"]["value"]
    assert clopper_pearson(22, 100, 0.95) == pytest.approx(expected, rel=1e-7)


def test_no_event_and_every_event_reach_the_ends():
    assert clopper_pearson(0, 20, 0.95) == (0.0, pytest.approx(1 - 0.025 ** (1 / 20)))
    assert clopper_pearson(20, 20, 0.95) == (pytest.approx(0.025 ** (1 / 20)), 1.0)


def test_tails_add_up():
    assert t_upper(1.3, 7.5) + t_upper(-1.3, 7.5) == pytest.approx(1)
    assert t_upper(t_quantile(0.975, 4.2), 4.2) == pytest.approx(0.025)


def test_the_logit_interval_stays_inside_and_is_symmetric_at_a_half():
    low, high = logit_interval(0.5, 0.1)
    assert 0.5 - low == pytest.approx(high - 0.5)
    low, high = logit_interval(0.02, 0.05)
    assert 0 < low < 0.02 < high < 1


def sleep(reference, level):
    difference = np.subtract(reference["paired_sleep"]["inputs"]["x"], reference["paired_sleep"]["inputs"]["y"])
    return between_systems(difference, level=level)


def test_two_one_sided_tests_of_the_sleep_data(reference):
    expected = reference["paired_sleep"]["expected"]
    assert equivalence_level(0.95) == 0.9
    found = sleep(reference, equivalence_level(0.95))
    assert [found.low, found.high] == pytest.approx(expected["tost_ci90"]["value"], rel=1e-7)
    assert p_beyond_margin(found, margin=2.5) == pytest.approx(expected["tost_p"]["value"], rel=1e-7)
    assert equivalence(found, margin=2.5) is Conclusion.EQUIVALENT


@pytest.mark.parametrize(
    ("low", "high", "conclusion"),
    [
        (-0.9, 0.9, "equivalent"),
        (-1.0, 0.9, "inconclusive"),
        (-0.9, 1.0, "inconclusive"),
        (0.5, 1.5, "inconclusive"),
        (1.1, 1.5, "not equivalent"),
        (-1.5, -1.1, "not equivalent"),
        (-3.0, 3.0, "inconclusive"),
    ],
)
def test_equivalence_is_the_whole_interval_inside_both_margins(low, high, conclusion):
    estimate = Estimate((low + high) / 2, 0.9, Method.TWO_WAY, Weighting.PAIR, 9, 9, 81, low=low, high=high)
    assert equivalence(estimate, margin=1.0) == conclusion
    assert np.isnan(p_beyond_margin(estimate, margin=1.0))


def test_equivalence_agrees_with_its_p(reference):
    found = sleep(reference, 0.9)
    for margin in (1.7, 2.0, 2.29, 2.3, 3.0):
        assert (equivalence(found, margin=margin) is Conclusion.EQUIVALENT) == (
            p_beyond_margin(found, margin=margin) < 0.05
        )


def test_without_an_interval_there_is_no_conclusion():
    refused = between_systems(np.ones(9), level=0.9)
    assert equivalence(refused, margin=1.0) is None
    assert np.isnan(p_beyond_margin(refused, margin=1.0))
