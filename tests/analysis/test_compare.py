"""One comparison from a table of scores: the contract's answer, and everything that is refused."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.compare import METHODS, Estimand, Question, compare, comparison_json
from analysis.digits import json_bytes
from analysis.inference.estimate import Method, Weighting
from analysis.scores.scoretable import parse_scores
from analysis.scores.strata import parse_strata
from study.errors import Faulty
from study.profile import Better

HEADER = "readerID,caseID,modalityID,score"
CONTRACT_KEYS = [
    "schema test control measure better estimand weights estimate se df low high level p margin p_margin conclusion",
    "method random runs n_readers n_cases n_readings unmatched components share_of_variance seed draws refused",
    "versions margin_low margin_high margin_level label",
]


def table(rows, header=HEADER):
    return parse_scores("\n".join([header, *(",".join(map(str, row)) for row in rows)]).encode() + b"\n")


def panel(scores, system=0.0, modality="physician"):
    """Rows of readers by cases (NaN: not read), and a system A that scores the same everywhere."""
    rows = [
        (f"r{r}", f"c{c}", modality, repr(float(score)))
        for r, row in enumerate(scores)
        for c, score in enumerate(row)
        if np.isfinite(score)
    ]
    return rows + [("A", f"c{c}", "A", repr(float(system))) for c in range(len(scores[0]))]


def some(seed=0, shape=(6, 8), holes=0.3):
    rng = np.random.default_rng(seed)
    scores = rng.normal(0.5, 0.1, (shape[0], 1)) + rng.normal(0, 0.1, (1, shape[1])) + rng.normal(0, 0.1, shape)
    scores[rng.random(shape) < holes] = np.nan
    return scores


ASKED = Question("A", "physician")


def answer(rows, question=ASKED, header=HEADER, strata=None):
    return comparison_json(compare(table(rows, header), question, strata))


def refused(rows, question=ASKED, header=HEADER, strata=None):
    with pytest.raises(Faulty) as raised:
        compare(table(rows, header), question, strata)
    return [str(fault) for fault in raised.value.faults]


def test_the_penicillin_table_against_a_system_that_is_zero_everywhere(penicillin):
    found = answer(panel(penicillin))
    assert found["estimate"] == pytest.approx(-22.97222222, abs=1e-8)
    assert found["se"] == pytest.approx(0.80857339, abs=1e-8)
    assert found["df"] == pytest.approx(5.48709228, abs=1e-8)
    assert [found["low"], found["high"]] == pytest.approx([-24.996437071259358, -20.948007373196646], rel=1e-8)
    assert (found["n_readers"], found["n_cases"], found["n_readings"]) == (6, 24, 144)
    assert found["components"] == pytest.approx(
        {"case": 0.71690821, "reader": 3.73091787, "cell": 0.30241546}, abs=1e-8
    )


DRAWN = (Method.BOOTSTRAP, Method.CASE_BOOTSTRAP)
OF_CASES = (Method.CASES, Method.CASE_BOOTSTRAP, Method.SIGN_FLIP)
RANDOM = {**{method: ["case"] for method in OF_CASES}, Method.READERS: ["reader"], Method.RUNS: ["run"]}
ESTIMAND = {**dict.fromkeys(OF_CASES, "E4"), Method.READERS: "E5", Method.RUNS: None}


def complete(seed=0):
    """A full table, and a system of four runs."""
    return with_runs(some(seed, holes=0))


def with_runs(scores, factor=1.0):
    runs = factor * np.round(np.random.default_rng(9).normal(0.6, 0.1, (4, scores.shape[1])) * 64) / 64
    rows = [(r, c, m, 1, s) for r, c, m, s in panel(scores) if m == "physician"]
    return rows + [("A", f"c{c}", "A", k + 1, repr(float(runs[k, c]))) for k in range(4) for c in range(len(scores[0]))]


RUN_HEADER = "readerID,caseID,modalityID,run,score"


@pytest.mark.parametrize("method", METHODS)
def test_the_answer_has_every_key_of_the_contract_in_order_and_no_nan(method):
    found = answer(complete(), Question("A", "physician", method=method, draws=200), RUN_HEADER)
    assert list(found) == " ".join(CONTRACT_KEYS).split()
    assert json.loads(json_bytes(found), parse_constant=pytest.fail) == found
    assert found["method"] == method
    assert found["low"] < found["estimate"] < found["high"]
    assert (found["df"] is None) == (method in (*DRAWN, Method.SIGN_FLIP))
    assert (found["p"] is None) == (method in DRAWN)
    assert (found["seed"], found["draws"]) == ((0, 200) if method in DRAWN else (None, None))
    assert (found["schema"], found["estimand"]) == (1, ESTIMAND.get(method, "E1"))
    assert found["random"] == RANDOM.get(method, ["reader", "case"])
    assert found["runs"] == ("random" if method is Method.RUNS else "averaged")
    assert found["margin"] is found["p_margin"] is found["conclusion"] is found["refused"] is None
    assert found["margin_low"] is found["margin_high"] is found["margin_level"] is None
    assert set(found["versions"]) == {"primum", "numpy"}


@pytest.mark.parametrize("method", METHODS)
def test_what_generalises_over_less_than_readers_and_cases_carries_a_label(method):
    estimate = compare(table(complete(), RUN_HEADER), Question("A", "physician", method=method, draws=200)).estimate
    if estimate.random != ("reader", "case"):
        assert "these" in estimate.label
        assert compare(table(complete(), RUN_HEADER), ASKED).estimate.label is None


def test_the_mixed_model_has_no_weights_and_each_other_method_has_its_own():
    found = {m: answer(complete(), Question("A", "physician", m, draws=50), RUN_HEADER)["weights"] for m in METHODS}
    assert found[Method.REML] is None
    assert found[Method.READERS] == "reader"
    assert {found[method] for method in OF_CASES} == {"case"}
    assert {found[m] for m in (Method.TWO_WAY, Method.BOOTSTRAP, Method.ROBUST, Method.ORH, Method.RUNS)} == {"pair"}


def test_estimates_are_test_minus_control():
    assert answer(panel(some(), system=10.0))["estimate"] > 0
    assert answer(panel(some(), system=-10.0))["estimate"] < 0


@given(st.integers(0, 100), st.randoms(use_true_random=False))
def test_names_and_the_order_of_rows_do_not_matter(seed, random):
    rows = panel(some(seed))
    here = answer(rows)
    renamed = {f"r{i}": f"reader {9 - i}" for i in range(6)} | {f"c{i}": f"case {9 - i}" for i in range(8)}
    turned = [(renamed.get(r, r), renamed[c], m, s) for r, c, m, s in rows]
    random.shuffle(turned)
    there = answer(turned)
    for key in ("estimate", "se", "df", "low", "high", "p"):
        assert there[key] == pytest.approx(here[key], rel=1e-9)


def test_runs_are_averaged_within_a_case_and_are_not_cases_of_their_own():
    scores = some()
    header = "readerID,caseID,modalityID,run,score"
    readers = [(r, c, m, 1, s) for r, c, m, s in panel(scores) if m == "physician"]
    once = [("A", f"c{c}", "A", 1, c / 10) for c in range(8)]
    uneven = [("A", f"c{c}", "A", k + 1, c / 10 + d) for c in range(8) for k, d in enumerate([[0], [1, -1, 0]][c % 2])]
    here, there = answer(readers + once, header=header), answer(readers + uneven, header=header)
    for key in ("estimate", "se", "df", "low", "high", "p", "n_cases", "n_readings"):
        assert there[key] == pytest.approx(here[key], rel=1e-9)


def test_a_system_mean_over_cases_that_nobody_read_does_not_enter():
    rows = panel(some(holes=0))
    here = answer(rows)
    there = answer([*rows, ("A", "unread", "A", 99)])
    assert there["unmatched"] == {"readings": 0, "cases": 1}
    assert {**there, "unmatched": here["unmatched"]} == here


def test_a_system_without_an_answer_is_refused_unless_common_cases_are_asked_for():
    rows = [row for row in panel(some(holes=0)) if row[:2] not in {("A", "c2"), ("A", "c5")}]
    (fault,) = refused(rows)
    assert fault == (
        "SCORES.csv: 'A' has no defined value on 2 compared cases (c2, c5); "
        "--common-cases leaves these cases out for both"
    )
    found = answer(rows, Question("A", "physician", common_cases=True))
    assert found["unmatched"] == {"readings": 12, "cases": 0}
    assert found["n_cases"] == 6


@pytest.mark.parametrize(("weights", "estimand"), [("pair", "E1"), ("case", "E2"), ("reader", "E3")])
@pytest.mark.parametrize("method", ["two-way", "semivariance", "bootstrap", "two-way-robust"])
def test_the_weights_are_the_estimand(weights, estimand, method):
    scores = some(3)
    differences = -scores
    expected = {
        "pair": np.nanmean(differences),
        "case": np.mean([np.nanmean(column) for column in differences.T]),
        "reader": np.mean([np.nanmean(row) for row in differences]),
    }[weights]
    found = answer(panel(scores), Question("A", "physician", Method(method), weights=Weighting(weights), draws=500))
    assert found["estimate"] == pytest.approx(expected, rel=1e-11)
    assert (found["estimand"], found["weights"]) == (estimand, weights)
    assert found["low"] < expected < found["high"]


def test_two_panels_are_compared_where_the_same_reader_read_the_same_case():
    unaided, aided = some(1), some(2) + 0.2
    rows = [row for row in panel(unaided) + panel(aided, modality="aided") if row[2] != "A"]
    found = answer(rows, Question("aided", "physician"))
    both = np.isfinite(unaided) & np.isfinite(aided)
    assert found["estimate"] == pytest.approx(np.mean((aided - unaided)[both]))
    assert found["estimand"] == "E9"
    assert found["n_readings"] == both.sum()
    assert found["unmatched"]["readings"] == (np.isfinite(unaided) ^ np.isfinite(aided)).sum()


def test_arms_that_share_no_reader_and_case_are_refused():
    rows = [("r1", "c1", "physician", 1), ("r2", "c1", "aided", 1)]
    assert refused(rows, Question("aided", "physician")) == ["SCORES.csv: the arms share no reader × case"]


@pytest.mark.parametrize(
    ("rows", "question", "expected"),
    [
        (
            [],
            Question("B", "D"),
            ["has no modality 'B'; it has A, physician", "has no modality 'D'; it has A, physician"],
        ),
        ([], Question("physician", "A"), ["'A' is a system: the control of a panel is a panel of readers"]),
        ([], Question("A", "A"), ["--test: is the control itself"]),
        ([("r1", "c1", "A", 1)], ASKED, ["A' has readers and is a reader itself"]),
        ([("B", "other", "B", 1)], Question("B", "physician", common_cases=True), ["share no case"]),
    ],
)
def test_questions_that_the_table_cannot_answer_are_refused(rows, question, expected):
    found = refused(panel(some(holes=0)) + rows, question)
    assert len(found) >= len(expected)
    for what in expected:
        assert any(what in fault for fault in found)


def test_every_fault_of_a_question_is_named_at_once():
    question = Question("A", "physician", margin=-1.0, level=1.0, draws=1, seed=-1, method=Method.CLOPPER_PEARSON)
    found = refused(panel(some()), question, strata=parse_strata(b"caseID,stratum\n"))
    assert [fault.partition(":")[0] for fault in found] == [
        "--margin", "--better", "--level", "--draws", "--seed", "--method", "--strata",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("system", "better", "margin", "conclusion"),
    [
        (1.0, "higher", 0.1, "superior"),
        (0.5, "higher", 5.0, "non-inferior"),
        (0.0, "higher", 0.1, "inferior"),
        (0.5, "higher", 0.001, "inconclusive"),
        (0.0, "lower", 0.1, "superior"),
        (1.0, "lower", 0.1, "inferior"),
    ],
)
def test_a_margin_is_judged_in_the_direction_that_is_better(system, better, margin, conclusion):
    found = answer(panel(some(4), system=system), Question("A", "physician", margin=margin, better=Better(better)))
    assert found["conclusion"] == conclusion
    assert (found["p_margin"] < 0.025) == (conclusion in ("superior", "non-inferior"))
    assert found["margin"] == margin
    for bound in ("low", "high", "level"):
        assert found[f"margin_{bound}"] == found[bound]


def test_the_direction_comes_from_the_name_of_one_of_our_measures():
    for name, better in (("severe", "lower"), ("f1_weighted", "higher")):
        assert answer(panel(np.clip(some(), 0, 1)), Question("A", "physician", measure=name))["better"] == better
    assert answer(panel(some()))["better"] is None


def test_our_measures_are_proportions_and_a_percentage_is_refused():
    rows = panel(np.clip(some(holes=0), 0, 1), system=62.0)
    found = refused(rows, Question("A", "physician", measure="f1_weighted"))
    assert len(found) == 8
    assert found[0] == "SCORES.csv:50: f1_weighted lies between 0 and 1; 62 does not"
    below = refused([(r, c, m, float(s) - 9) for r, c, m, s in rows], Question("A", "physician", measure="f1_weighted"))
    assert [int(fault.split(":")[1]) for fault in below] == list(range(2, 58))


@pytest.mark.parametrize(
    ("measure", "margin", "expected"),
    [
        ("f1_weighted", 5.0, "--margin: must be below 1: f1_weighted lies between 0 and 1"),
        ("f1_weighted", None, "--better: of f1_weighted is higher"),
        ("restraint", None, "SCORES.csv: restraint is a ratio of sums: the mean of one score a reading is"),
        ("overall", None, "SCORES.csv: overall is made of other measures' totals: the mean of one score a reading is"),
    ],
)
def test_what_is_known_of_our_measures_is_held_against_a_question(measure, margin, expected):
    rows = panel(np.clip(some(), 0, 1))
    turned = Better.LOWER if expected.startswith("--better") else None
    (fault,) = refused(rows, Question("A", "physician", measure=measure, margin=margin, better=turned))
    assert fault.startswith(expected)
    better = Better.HIGHER
    assert answer(rows, Question("A", "physician", measure="ours", margin=5.0, better=better))["conclusion"]


def test_a_modality_that_is_not_compared_refuses_nothing():
    rows = panel(some())
    mixed = [("B", "c0", "B", 1), ("r1", "c0", "B", 1)]
    assert answer([*rows, *mixed]) == answer(rows)
    assert "'B' has readers and is a reader itself" in refused([*rows, *mixed], Question("B", "physician"))[0]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("power", [-1000, -400, 0, 300])
def test_scores_of_any_size_have_the_same_interval_in_their_own_units(method, power):
    scores = np.round(some(3, holes=0) * 64) / 64
    here, there = (
        answer(with_runs(np.ldexp(scores, n), 2.0**n), Question("A", "physician", method, draws=200), RUN_HEADER)
        for n in (0, power)
    )
    for key in ("estimate", "se", "low", "high"):
        assert there[key] == (here[key] and pytest.approx(np.ldexp(here[key], power), rel=1e-9, abs=0))
    assert (there["df"], there["p"]) == (here["df"], here["p"])


def test_a_table_of_several_measures_needs_one_named():
    header = HEADER + ",measure"
    rows = [(*row, name) for row in panel(np.clip(some(), 0, 1)) for name in ("severe", "mild")]
    assert "holds several measures (mild, severe)" in refused(rows, header=header)[0]
    assert (
        "has no measure 'f1'; it has mild, severe" in refused(rows, Question("A", "physician", measure="f1"), header)[0]
    )
    assert answer(rows, Question("A", "physician", measure="mild"), header)["measure"] == "mild"
    only = [row for row in rows if row[4] == "severe"]
    assert answer(only, header=header)["measure"] == "severe"
    other = [row for row in rows if row[4] == "severe" or row[2] == "A"]
    assert (
        "'physician' has no row for the measure 'mild'"
        in refused(other, Question("A", "physician", measure="mild"), header)[0]
    )


@pytest.mark.parametrize(
    ("scores", "code"),
    [
        (np.ones((2, 5)), "few_readers"),
        (np.ones((5, 2)), "few_cases"),
        (np.where(np.eye(5), 1.0, np.nan), "few_shared_cases"),
        (np.ones((5, 5)), "zero_variance"),
    ],
)
@pytest.mark.parametrize("method", [Method.TWO_WAY, Method.BOOTSTRAP, Method.REML, Method.ROBUST])
def test_a_refused_interval_keeps_the_estimate_and_gives_the_reason(scores, code, method):
    found = answer(panel(scores), Question("A", "physician", method=method, margin=0.1, better=Better.HIGHER, draws=50))
    assert found["refused"]["code"] == code
    assert found["refused"]["reason"].endswith(".")
    assert (
        found["low"] is found["high"] is found["se"] is found["p"] is found["conclusion"] is found["p_margin"] is None
    )
    assert found["estimate"] == -1


def test_the_bootstrap_is_the_same_for_the_same_seed_and_differs_by_strata():
    rows, question = panel(some()), Question("A", "physician", Method.BOOTSTRAP, seed=3, draws=300)
    assert answer(rows, question) == answer(rows, question)
    strata = parse_strata("caseID,stratum\n{}\n".format("\n".join(f"c{c},{c % 2}" for c in range(8))).encode())
    stratified = answer(rows, question, strata=strata)
    assert stratified["se"] != answer(rows, question)["se"]
    assert stratified["estimate"] == answer(rows, question)["estimate"]
    with pytest.raises(Faulty, match="case 'c1' has no stratum"):
        compare(table(rows), question, parse_strata(b"caseID,stratum\nc0,x\n"))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "s.csv:1: the file is empty"),
        (b"case,stratum\n", "s.csv:1: the header must be caseID,stratum"),
        (b"caseID,stratum\na\n", "s.csv:2: a row is a case and its stratum"),
        (b"caseID,stratum\na,x\na,y\n", "s.csv:3: case 'a' occurs twice"),
    ],
)
def test_faults_of_a_strata_file_are_named(data, expected):
    with pytest.raises(Faulty) as raised:
        parse_strata(data, "s.csv")
    assert str(raised.value).startswith(expected)


def two_systems(shift=0.1, n=9):
    """Two systems of two runs on the same cases, and a panel that read some of them."""
    rng = np.random.default_rng(12)
    a, b = rng.normal(0.5 + shift, 0.05, (2, n)), rng.normal(0.5, 0.05, (2, n))
    rows = [(m, f"c{c}", m, k + 1, repr(float(s[k, c]))) for m, s in (("A", a), ("B", b)) for k in range(2)
            for c in range(n)]  # fmt: skip
    return a.mean(axis=0) - b.mean(axis=0), [*rows, ("r1", "c0", "physician", 1, 0.5)]


def test_two_systems_are_compared_case_by_case_without_a_reader():
    differences, rows = two_systems()
    found = answer(rows, Question("A", "B"), RUN_HEADER)
    assert found["estimate"] == pytest.approx(differences.mean())
    assert found["se"] == pytest.approx(differences.std(ddof=1) / 3)
    assert (found["df"], found["random"], found["estimand"], found["method"]) == (8, ["case"], "E6", "cases")
    assert (found["n_readers"], found["n_cases"], found["n_readings"]) == (0, 9, 0)
    turned = answer(rows, Question("B", "A"), RUN_HEADER)
    assert turned["estimate"] == -found["estimate"]


@pytest.mark.parametrize("method", [Method.CASES, Method.CASE_BOOTSTRAP, Method.SIGN_FLIP])
def test_two_systems_have_three_methods_that_agree_on_the_estimate(method):
    differences, rows = two_systems()
    found = answer(rows, Question("A", "B", method, draws=500), RUN_HEADER)
    assert found["estimate"] == pytest.approx(differences.mean())
    assert 0 < found["low"] < found["estimate"] < found["high"]
    assert compare(table(rows, RUN_HEADER), Question("A", "B", method, draws=500)).estimate.label == (
        "these systems, new cases"
    )


@pytest.mark.parametrize("method", sorted(set(METHODS) - {Method.CASES, Method.CASE_BOOTSTRAP, Method.SIGN_FLIP}))
def test_a_method_that_needs_readers_is_refused_between_systems(method):
    (fault,) = refused(two_systems()[1], Question("A", "B", method), RUN_HEADER)
    assert fault.startswith(f"--method: {method} needs readers; two systems are compared by cases")


def test_a_case_that_only_one_system_answered_is_refused_or_left_out_and_counted():
    _, rows = two_systems()
    silent = [row for row in rows if row[:2] not in {("A", "c1"), ("B", "c4")}]
    (fault,) = refused(silent, Question("A", "B"), RUN_HEADER)
    assert fault == (
        "SCORES.csv: only one of 'A' and 'B' has a value on 2 cases (c1, c4); "
        "--common-cases leaves these cases out for both"
    )
    found = answer(silent, Question("A", "B", common_cases=True), RUN_HEADER)
    assert (found["n_cases"], found["unmatched"]) == (7, {"readings": 0, "cases": 2})
    apart = [row for row in rows if (row[0] == "A") == (row[1] < "c4")]
    assert refused(apart, Question("A", "B", common_cases=True), RUN_HEADER) == [
        "SCORES.csv: 'A' and 'B' share no case"
    ]


def test_cases_of_two_systems_can_be_drawn_within_strata():
    _, rows = two_systems()
    strata = parse_strata("caseID,stratum\n{}\n".format("\n".join(f"c{c},{c % 2}" for c in range(9))).encode())
    question = Question("A", "B", Method.CASE_BOOTSTRAP, draws=300)
    plain, within = (compare(table(rows, RUN_HEADER), question, drawn).estimate for drawn in (None, strata))
    assert within.se != plain.se
    assert within.label != plain.label


def test_what_has_its_own_weights_refuses_others():
    for method in (Method.REML, Method.ORH, Method.CASES, Method.READERS, Method.SIGN_FLIP, Method.CASE_BOOTSTRAP):
        (fault,) = refused(panel(some()), Question("A", "physician", method, weights=Weighting.CASE))
        assert fault == f"--weights: is not used by --method {method}: it has its own"
    (fault,) = refused(two_systems()[1], Question("A", "B", weights=Weighting.CASE), RUN_HEADER)
    assert fault == "--weights: is not used between systems: every case counts the same"


def test_run_to_run_needs_runs_and_a_panel():
    assert answer(panel(some()), Question("A", "physician", Method.RUNS))["refused"]["code"] == "few_runs"
    unaided, aided = panel(some(1)), panel(some(2), modality="aided")
    rows = [row for row in unaided + aided if row[2] != "A"]
    assert refused(rows, Question("aided", "physician", Method.RUNS)) == [
        "--method: runs is of a system against a panel of readers"
    ]


HIGHER = {"better": Better.HIGHER}


def test_the_share_of_physicians_beaten_and_the_probability_of_beating_one():
    scores = some(5)
    system = float(np.nanmean(scores))
    share = answer(panel(scores, system), Question("A", "physician", estimand=Estimand.E7, draws=400, **HIGHER))
    assert share["estimate"] == pytest.approx(np.mean(np.nanmean(scores, axis=1) < system))
    assert (share["estimand"], share["method"], share["weights"]) == ("E7", "bootstrap", "reader")
    ahead = answer(panel(scores, system), Question("A", "physician", estimand=Estimand.E8, **HIGHER))
    assert ahead["estimate"] == pytest.approx(np.mean(scores[np.isfinite(scores)] < system))
    assert (ahead["estimand"], ahead["method"], ahead["p"]) == ("E8", "two-way", None)
    assert ahead["runs"] == "compared one by one"
    for found in (share, ahead):
        assert 0 <= found["low"] < found["estimate"] < found["high"] <= 1
        assert found["random"] == ["reader", "case"]
    lower = Question("A", "physician", estimand=Estimand.E8, better=Better.LOWER)
    assert answer(panel(scores, system), lower)["estimate"] == pytest.approx(1 - ahead["estimate"])


NO_PROBABILITY = (Method.RUNS, Method.SIGN_FLIP)
WITH_PROBABILITY = [m for m in METHODS if m not in NO_PROBABILITY]


@pytest.mark.parametrize("method", WITH_PROBABILITY)
def test_the_probability_of_beating_turned_around_has_the_same_error_and_the_mirrored_interval(method):
    scores = some(6) if method is not Method.ORH else np.nan_to_num(some(6), nan=0.3)
    up, down = (
        answer(
            panel(scores, float(np.nanquantile(scores, 0.7))),
            Question("A", "physician", method, estimand=Estimand.E8, better=better, draws=300),
        )
        for better in (Better.HIGHER, Better.LOWER)
    )
    assert up["refused"] is None
    assert down["se"] == pytest.approx(up["se"], rel=1e-9)
    assert (1 - down["high"], 1 - down["low"]) == pytest.approx((up["low"], up["high"]), rel=1e-8)


@pytest.mark.parametrize("method", WITH_PROBABILITY)
def test_the_probability_of_beating_stays_inside_by_every_method_with_students_t(method):
    question = Question("A", "physician", method, estimand=Estimand.E8, draws=200, **HIGHER)
    found = answer(complete(4), question, RUN_HEADER)
    assert found["p"] is None
    if found["df"] is not None:
        assert 0 < found["low"] < found["estimate"] < found["high"] < 1


@pytest.mark.parametrize(
    ("keywords", "fault"),
    [
        ({"estimand": Estimand.E3}, "--estimand: is E7 or E8"),
        ({"estimand": Estimand.E7}, "--better: is needed with --estimand E7"),
        ({"estimand": Estimand.E8, "margin": 0.1, **HIGHER}, "--margin: is in the measure's units, and E8 is a share"),
        ({"estimand": Estimand.E7, "method": Method.REML, **HIGHER}, "--method: must be bootstrap with --estimand E7"),
        ({"estimand": Estimand.E8, "method": Method.RUNS, **HIGHER}, "--method: runs has no --estimand E8"),
        ({"estimand": Estimand.E8, "method": Method.SIGN_FLIP, **HIGHER}, "--method: sign-flip has no --estimand E8"),
        ({"estimand": Estimand.E7, "weights": Weighting.CASE, **HIGHER}, "--weights: is not used by E7"),
        ({"method": Method.RUNS, "margin": 0.1, **HIGHER}, "--margin: has no conclusion with --method runs"),
        ({"equivalence": True}, "--equivalence: needs --margin"),
        ({"equivalence": True, "margin": 0.1, "level": 0.5}, "--level: must be above 0.5 with --equivalence"),
    ],
)
def test_questions_that_contradict_themselves_are_refused(keywords, fault):
    (found,) = refused(panel(some()), Question("A", "physician", **keywords))
    assert found.startswith(fault)


def test_shares_are_of_a_system_against_a_panel():
    (fault,) = refused(two_systems()[1], Question("A", "B", estimand=Estimand.E8, **HIGHER), RUN_HEADER)
    assert fault == "--estimand: E8 is of a system against a panel of readers"


@pytest.mark.parametrize("method", [Method.TWO_WAY, Method.BOOTSTRAP, Method.REML])
def test_equivalence_reads_the_narrower_interval_of_the_same_method(method):
    rows = panel(some(6), system=0.5)
    asked = Question("A", "physician", method, level=0.95, draws=500)
    narrower = answer(rows, replace(asked, level=0.9))
    bound = max(abs(narrower["low"]), abs(narrower["high"]))
    for margin, conclusion in ((1.01 * bound, "equivalent"), (0.99 * bound, "inconclusive")):
        found = answer(rows, replace(asked, equivalence=True, margin=margin))
        assert found["conclusion"] == conclusion
        assert (found["level"], found["low"]) == (0.95, answer(rows, asked)["low"])
        assert found["margin_level"] == 0.9
        assert (found["margin_low"], found["margin_high"]) == (narrower["low"], narrower["high"])
        if found["p_margin"] is not None:
            assert (found["p_margin"] < 0.05) == (conclusion == "equivalent")
    far = answer(panel(some(6), system=5.0), replace(asked, equivalence=True, margin=0.1))
    assert far["conclusion"] == "not equivalent"
