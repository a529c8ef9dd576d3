"""Bad input: every method names what is wrong or says what it did instead, and never gives a number silently."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.compare import EVERY_METHOD, METHODS, Question, compare, comparison_json
from analysis.digits import json_bytes
from analysis.inference import arms, conditional, planning, proportions, rates, signflip
from analysis.inference.estimate import Components, Method, RefusalCode, Weighting
from analysis.inference.layout import layout_of
from analysis.inference.orh import orh
from analysis.inference.reml import reml
from analysis.inference.robust import robust
from analysis.inference.twoway import twoway
from analysis.scores.question import WEIGHTED
from analysis.scores.scales import proportion_beside_per_cent
from analysis.scores.scoretable import parse_scores
from study.errors import Faulty
from study.profile import Better

DRAWS = 100
BOTH = ("reader", "case")
PERCENTILES = {Method.BOOTSTRAP, Method.CASE_BOOTSTRAP}


def rows_of(readings, system, *, panel="physician", name="A"):
    """Readings (R, C) of a panel, NaN: not read; and a system's answer to each case, NaN: none."""
    rows = [
        (f"r{r}", f"c{c}", panel, repr(float(score)))
        for r, row in enumerate(readings)
        for c, score in enumerate(row)
        if not math.isnan(score)
    ]
    answers = [(name, f"c{c}", name, repr(float(score))) for c, score in enumerate(system) if not math.isnan(score)]
    return rows + answers


def parsed(rows, columns="readerID,caseID,modalityID,score"):
    return parse_scores("\n".join([columns, *(",".join(map(str, row)) for row in rows)]).encode() + b"\n")


def asked(method, **keywords):
    return Question("A", "physician", method=method, draws=DRAWS, **keywords)


def found(rows, method, **keywords):
    """The answer as a program reads it, checked for what every answer must be."""
    comparison = compare(parsed(rows), asked(method, **keywords))
    answer = json.loads(json_bytes(comparison_json(comparison)), parse_constant=pytest.fail)
    an_answer(answer)
    return answer


def an_answer(answer):
    """Refused with a sentence and no interval, or an interval of finite numbers around the value."""
    if answer["refused"] is not None:
        assert answer["refused"]["code"] in set(RefusalCode)
        assert answer["refused"]["reason"].strip().endswith(".")
        assert [answer[key] for key in ("se", "low", "high", "p", "p_margin", "conclusion")] == [None] * 6
        return
    assert answer["low"] <= answer["high"]
    assert math.isfinite(answer["estimate"])
    if answer["method"] not in PERCENTILES:
        assert answer["low"] <= answer["estimate"] <= answer["high"]
    if answer["se"] is not None:
        assert answer["se"] > 0
    if answer["p"] is not None:
        assert 0 <= answer["p"] <= 1
    if answer["df"] is not None:
        assert answer["df"] > 0
    shares = [share for share in answer["share_of_variance"].values() if share is not None]
    assert all(0 <= share <= 1 for share in shares)


def faults(rows, method, columns="readerID,caseID,modalityID,score", **keywords):
    with pytest.raises(Faulty) as raised:
        compare(parsed(rows, columns), asked(method, **keywords))
    return " ".join(str(fault) for fault in raised.value.faults)


def noise(readers, cases, seed=0):
    return np.random.default_rng(seed).normal(0.5, 0.1, (readers, cases)).round(3)


def holed(mask, seed=0):
    mask = np.asarray(mask, bool)
    return np.where(mask, noise(*mask.shape, seed=seed), np.nan)


def chain(links):
    """Reader r reads cases r and r + 1: no two readers share more than one case."""
    return np.eye(links, links + 1, dtype=bool) | np.eye(links, links + 1, k=1, dtype=bool)


def nothing_varies(method):
    """How it is refused: these systems have one run, of which run to run is asked in vain."""
    return "few_runs" if method is Method.RUNS else "zero_variance"


MARGINLESS = (Method.RUNS,)
"""How far runs differ says nothing about new cases or physicians, so nothing is concluded beside a margin."""
every_method = pytest.mark.parametrize("method", METHODS)


@every_method
@pytest.mark.parametrize("readers", [1, 2])
def test_fewer_than_three_readers_are_no_sample_of_readers(method, readers):
    answer = found(rows_of(noise(readers, 9), noise(1, 9)[0]), method)
    if "reader" in answer["random"]:
        assert answer["refused"]["code"] == "few_readers"
    else:
        assert answer["refused"] is not None or answer["random"] == ["case"]


@every_method
@pytest.mark.parametrize("cases", [1, 2])
def test_one_case_or_two_are_no_sample_of_cases(method, cases):
    answer = found(rows_of(noise(7, cases), noise(1, cases)[0]), method)
    if "case" in answer["random"]:
        assert answer["refused"]["code"] == "few_cases"
    else:
        assert answer["refused"] is not None or "case" not in answer["random"]


@every_method
def test_readers_who_share_no_case_tell_nothing_of_cases(method):
    answer = found(rows_of(holed(np.eye(6)), noise(1, 6)[0]), method)
    if answer["random"] == list(BOTH):
        assert answer["refused"] is not None


@every_method
def test_a_system_that_shares_no_case_with_the_panel_is_no_comparison(method):
    panel = np.hstack([noise(5, 4), np.full((5, 4), np.nan)])
    system = np.hstack([np.full(4, np.nan), noise(1, 4)[0]])
    assert "compared cases" in faults(rows_of(panel, system), method)
    assert "share no case" in faults(rows_of(panel, system), method, common_cases=True)


@every_method
@pytest.mark.parametrize("score", [0.0, 0.3, 1.0, -7e9])
def test_constant_scores_have_a_difference_and_no_interval(method, score):
    answer = found(rows_of(np.full((6, 8), score), np.full(8, score + 0.25)), method)
    assert answer["estimate"] == pytest.approx(0.25)
    assert answer["refused"]["code"] == nothing_varies(method)


@every_method
@pytest.mark.parametrize(("physicians", "system"), [(0, 0), (1, 1), (0, 1), (1, 0)])
def test_harm_that_is_all_zero_or_all_one_is_no_measure_of_spread(method, physicians, system):
    rows = rows_of(np.full((6, 8), float(physicians)), np.full(8, float(system)))
    answer = found(rows, method, better=Better.LOWER, margin=None if method in MARGINLESS else 0.1)
    assert answer["estimate"] == system - physicians
    assert answer["refused"]["code"] == nothing_varies(method)


@every_method
def test_a_proportion_beside_percentages_is_refused_where_the_measure_is_known(method):
    rows = [(*row, "severe") for row in rows_of(100 * noise(6, 8), noise(1, 8)[0])]
    said = faults(rows, method, columns="readerID,caseID,modalityID,score,measure", measure="severe")
    assert "severe lies between 0 and 1" in said


@every_method
@pytest.mark.parametrize(("test", "control"), [(1, 100), (100, 1)])
def test_a_proportion_beside_percentages_is_seen_in_any_measure(method, test, control):
    said = faults(rows_of(control * noise(6, 8), test * noise(1, 8)[0]), method)
    assert "a proportion beside per cent; bring both to one scale" in said
    harm = (noise(6, 8) > 0.5).astype(float)
    assert "beside per cent" in faults(rows_of(control * harm, test * (1 - harm[0])), method)


@every_method
def test_counts_and_large_scores_are_not_taken_for_percentages(method):
    counts, few = np.round(40 * noise(6, 8)), np.round(2 * noise(1, 8)[0])
    assert found(rows_of(counts, few), method)["n_readings"] == 48
    assert found(rows_of(1000 * noise(6, 8), noise(1, 8)[0]), method)["n_readings"] == 48


def test_a_row_that_occurs_twice_is_refused_before_any_method():
    rows = rows_of(noise(4, 5), noise(1, 5)[0])
    with pytest.raises(Faulty) as raised:
        parsed([*rows, rows[3]])
    assert "the same row as line 5" in str(raised.value.faults[0])


@every_method
def test_negative_components_are_shown_and_leave_numbers_finite(method):
    values = np.array([[1.0, -1, 1, -1, 0], [-1, 1, -1, 1, 0], [1, -1, -1, 1, 0.5], [-1, 1, 1, -1, 0]])
    answer = found(rows_of(values, np.zeros(5)), method)
    if method is Method.TWO_WAY:
        assert min(answer["components"].values()) < 0
    assert answer["refused"] is None or answer["refused"]["reason"]


@every_method
def test_an_arm_without_rows_is_named(method):
    rows = rows_of(noise(4, 5), noise(1, 5)[0])
    with pytest.raises(Faulty) as raised:
        compare(parsed(rows), Question("A", "nurse", method=method, draws=DRAWS))
    assert "has no modality 'nurse'" in str(raised.value.faults[0])


@every_method
def test_arms_whose_readers_share_no_case_are_refused(method):
    here, there = noise(4, 5), noise(4, 5, seed=1)
    rows = rows_of(here, []) + [(f"s{r[1:]}", *rest) for r, *rest in rows_of(there, [], panel="A")]
    assert "share no reader × case" in faults(rows, method)


@every_method
def test_a_silent_system_is_refused_or_the_cases_are_left_out_for_both_and_counted(method):
    system = noise(1, 8)[0]
    system[[2, 5]] = np.nan
    rows = rows_of(noise(5, 8), system)
    assert "has no defined value on 2 compared cases (c2, c5)" in faults(rows, method)
    answer = found(rows, method, common_cases=True)
    assert answer["unmatched"] == {"readings": 10, "cases": 0}
    assert answer["n_cases"] == 6


@every_method
@pytest.mark.parametrize("links", [3, 4, 12])
def test_a_chain_of_blocks_gives_a_reason_or_numbers(method, links):
    for seed in range(4):
        answer = found(rows_of(holed(chain(links), seed), noise(1, links + 1, seed)[0]), method)
        assert answer["n_readings"] == 2 * links


@every_method
def test_blocks_that_nothing_connects_give_a_reason_or_numbers(method):
    mask = np.kron(np.eye(3), np.ones((2, 3))).astype(bool)
    found(rows_of(holed(mask), noise(1, 9)[0]), method)


@every_method
@pytest.mark.parametrize("magnitude", [1e-90, 1e-9, 1e9, 1e90])
def test_very_large_and_very_small_scores_keep_their_digits(method, magnitude):
    readings, system = noise(6, 9), noise(1, 9, seed=3)[0]
    plain = found(rows_of(readings, system), method)
    scaled = found(rows_of(readings * magnitude, system * magnitude), method)
    for key in ("estimate", "se", "low", "high"):
        if plain[key] is not None:
            assert scaled[key] / magnitude == pytest.approx(plain[key], rel=1e-6), key
    assert (scaled["refused"] is None) == (plain["refused"] is None)


def zip_pairs(readings, system):
    """The two sides of every pair."""
    pairs = [(own, score) for row in readings for own, score in zip(system, row, strict=True) if not math.isnan(score)]
    return tuple(zip(*pairs, strict=True))


tables = st.tuples(st.integers(1, 5), st.integers(1, 5)).flatmap(
    lambda shape: st.tuples(
        st.lists(
            st.lists(st.sampled_from([math.nan, 0.0, 0.5, 1.0, -3.0, 100.0]), min_size=shape[1], max_size=shape[1]),
            min_size=shape[0],
            max_size=shape[0],
        ),
        st.lists(st.sampled_from([0.0, 0.5, 1.0, 40.0]), min_size=shape[1], max_size=shape[1]),
    )
)


@pytest.mark.parametrize("method", EVERY_METHOD)
@given(tables, st.sampled_from(Weighting), st.sampled_from([None, 0.2]))
@settings(max_examples=40)
def test_any_small_table_gives_a_reason_or_finite_numbers(method, table, weights, margin):
    readings, system = table
    rows = rows_of(readings, system)
    if all(math.isnan(score) for row in readings for score in row):
        assert faults(rows, method)
        return
    own = {} if method in WEIGHTED else {"weights": None}
    beside = None if method in MARGINLESS else margin
    question = asked(method, **{"weights": weights, **own}, margin=beside, better=Better.HIGHER)
    if proportion_beside_per_cent(*zip_pairs(readings, system)):
        assert "a proportion beside per cent" in faults(rows, method)
        return
    comparison = compare(parsed(rows), question)
    an_answer(json.loads(json_bytes(comparison_json(comparison)), parse_constant=pytest.fail))


ESTIMATORS = {
    "two-way": twoway,
    "robust": robust,
    "reml": reml,
    "orh": orh,
    "new cases": conditional.new_cases,
    "new readers": conditional.new_readers,
}
every_estimator = pytest.mark.parametrize("estimator", ESTIMATORS.values(), ids=ESTIMATORS)


def an_estimate(estimate):
    """The same of an estimate: refused with NaN and a sentence, or finite and in order."""
    numbers = (estimate.se, estimate.low, estimate.high)
    if estimate.refused is not None:
        assert estimate.refused.reason.endswith(".")
        assert np.isnan([*numbers, estimate.p]).all()
        return estimate
    assert np.isfinite([estimate.value, estimate.low, estimate.high]).all()
    assert estimate.low < estimate.value < estimate.high
    assert not estimate.se <= 0
    assert not estimate.df <= 0
    assert np.isnan(estimate.p) or 0 <= estimate.p <= 1
    if estimate.random != BOTH:
        assert estimate.label
    shares = [estimate.shares.case, estimate.shares.reader, estimate.shares.cell]
    assert np.isnan(shares).all() or sum(shares) == pytest.approx(1)
    return estimate


masks = st.tuples(st.integers(1, 6), st.integers(1, 6)).flatmap(
    lambda shape: st.lists(
        st.lists(st.booleans(), min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
    )
)


@every_estimator
@settings(max_examples=50)
@given(masks, st.integers(0, 2**16), st.sampled_from([1e-80, 1e-3, 1.0, 1e6, 1e80]), st.sampled_from([1, 2, 100]))
def test_any_small_layout_gives_a_reason_or_finite_numbers(estimator, mask, seed, magnitude, levels):
    """`levels`: how many different values there are, since ties are where variances are zero."""
    layout = layout_of(np.array(mask, bool))
    values = np.random.default_rng(seed).integers(0, levels, layout.n_readings) * magnitude
    estimate = an_estimate(estimator(values, layout, level=0.95))
    assert estimate.n_readings == layout.n_readings
    if levels == 1:
        assert estimate.refused is not None


@every_estimator
def test_a_table_that_readers_and_cases_explain_to_the_last_digit_gives_a_reason_or_numbers(estimator):
    values = np.add.outer(np.arange(5.0), 10 * np.arange(7.0) ** 2).ravel()
    an_estimate(estimator(values, layout_of(np.ones((5, 7), bool)), level=0.95))


@every_estimator
def test_a_spread_at_the_edge_of_rounding_gives_a_reason_or_numbers(estimator):
    values = 1e9 + 1e-7 * np.random.default_rng(1).integers(0, 9, 35)
    an_estimate(estimator(values, layout_of(np.ones((5, 7), bool)), level=0.95))


@settings(max_examples=50)
@given(masks, st.integers(0, 2**16), st.sampled_from([1e-3, 1.0, 1e6]), st.sampled_from([1, 2, 100]), st.booleans())
def test_any_small_table_of_two_arms_gives_a_reason_or_finite_numbers(mask, seed, magnitude, levels, crossing):
    """Readers alternate between the arms, or every reading is under one or the other."""
    layout = layout_of(np.array(mask, bool))
    rng = np.random.default_rng(seed)
    values = rng.integers(0, levels, layout.n_readings) * magnitude
    test = rng.random(layout.n_readings) < 0.5 if crossing else layout.reader % 2 == 1
    period = 1 + test.astype(np.int64) if seed % 2 else None
    found = arms.contrast_arms(arms.ArmReadings(values, test, layout, period), names=("with", "without"), level=0.95)
    for estimate in (found.robust, found.mixed, found.carryover, found.first_period):
        if estimate is not None:
            an_estimate(estimate)
    if test.all() or not test.any():
        assert found.robust.refused.code is RefusalCode.EMPTY_ARM


def test_an_empty_arm_is_named():
    layout = layout_of(np.ones((4, 5), bool))
    given_arms = arms.ArmReadings(np.arange(20.0), np.zeros(20, bool), layout)
    found = arms.contrast_arms(given_arms, names=("assisted", "unassisted"), level=0.95)
    assert found.robust.refused.code is found.mixed.refused.code is RefusalCode.EMPTY_ARM
    assert "assisted" in found.robust.refused.reason


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_rate_of_nothing_or_of_everything_falls_back_on_the_exact_interval_and_says_so(share):
    layout = layout_of(np.ones((6, 9), bool))
    refused = twoway(np.full(54, share), layout, level=0.95)
    assert refused.refused.code is RefusalCode.ZERO_VARIANCE
    found = an_estimate_of_a_rate(rates.with_effective_n(refused))
    assert found.method is Method.CLOPPER_PEARSON
    assert (found.low, found.high) == pytest.approx((0, 0.3363) if share == 0 else (0.6637, 1), abs=1e-4)
    assert found.random == ("case",)
    assert "exact" in found.label


def an_estimate_of_a_rate(estimate):
    assert estimate.refused is None
    assert 0 <= estimate.low <= estimate.value <= estimate.high <= 1
    return estimate


@settings(max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1)), min_size=0, max_size=9),
    st.sampled_from([Method.NEWCOMBE, Method.TANGO]),
)
def test_any_pairs_of_outcomes_give_a_reason_or_an_interval_of_proportions(pairs, method):
    test, control = (np.array([pair[side] for pair in pairs], float) for side in (0, 1))
    found = proportions.paired(test, control, layout_of(np.ones((1, len(pairs)), bool)), level=0.95, method=method)
    if found.refused is None:
        assert -1 <= found.low <= found.value <= found.high <= 1
        assert 0 < found.p <= 1
    else:
        assert found.refused.reason.endswith(".")
        assert np.isnan([found.low, found.high, found.p]).all()


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from([0.0, 0.5, 1.0, -3.0, 1e-9, 1e9]), min_size=0, max_size=9), st.sampled_from([0.5, 0.95])
)
def test_any_differences_of_two_systems_give_a_reason_or_finite_numbers(differences, level):
    differences = np.array(differences)
    an_estimate(conditional.between_systems(differences, level=level))
    plain = conditional.of_systems(differences, Method.CASES, level=level)
    flipped = signflip.sign_flip(differences, plain, seed=0)
    if flipped.refused is None:
        assert flipped.low <= flipped.value <= flipped.high
        assert 0 < flipped.p <= 1
    else:
        an_estimate(flipped)


@settings(max_examples=50)
@given(
    st.tuples(*[st.sampled_from([-4.0, 0.0, 1e-9, 1.0, 1e9])] * 3),
    st.integers(1, 6),
    st.integers(1, 8),
    st.integers(1, 8),
)
def test_any_plan_gives_a_reason_or_finite_numbers(variances, n_readers, n_cases, per_reader):
    assumed = Components(*variances)
    mask = planning.balanced(n_readers, n_cases, min(per_reader, n_cases))
    planned = planning.precision(assumed, layout_of(mask), level=0.95)
    power = planning.power(planned, 2.0)
    if planned.refused is None:
        assert planned.half_width > planned.se > 0
        assert 0 <= power <= 1
        assert 0 <= planning.power_for_margin(planned, 2.0) <= 1
    else:
        assert planned.refused.reason.endswith(".")
        assert np.isnan([planned.se, planned.half_width, power]).all()
