"""One comparison from a table of scores: the contract's answer, and everything that is refused."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.compare import METHODS, Question, compare, comparison_json
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
    "versions",
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


@pytest.mark.parametrize("method", METHODS)
def test_the_answer_has_every_key_of_the_contract_in_order_and_no_nan(method):
    found = answer(panel(some()), Question("A", "physician", method=method, draws=200))
    assert list(found) == " ".join(CONTRACT_KEYS).split()
    assert json.loads(json_bytes(found), parse_constant=pytest.fail) == found
    bootstrapped = method is Method.BOOTSTRAP
    assert (found["df"] is None, found["p"] is None) == (bootstrapped, bootstrapped)
    assert (found["seed"], found["draws"]) == ((0, 200) if bootstrapped else (None, None))
    assert (found["schema"], found["estimand"], found["runs"]) == (1, "E1", "averaged")
    assert found["random"] == ["reader", "case"]
    assert found["margin"] is found["p_margin"] is found["conclusion"] is found["refused"] is None
    assert set(found["versions"]) == {"primum", "numpy"}


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
@pytest.mark.parametrize("method", ["two-way", "bootstrap"])
def test_the_weights_are_the_estimand_for_both_methods(weights, estimand, method):
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
        ([], Question("physician", "A"), ["'A' is a system: the control is a panel of readers"]),
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
        ("restraint", None, "SCORES.csv: restraint is a ratio of sums: the mean of one score a reading is"),
        ("overall", None, "SCORES.csv: overall is made of other measures' totals: the mean of one score a reading is"),
    ],
)
def test_what_is_known_of_our_measures_is_held_against_a_question(measure, margin, expected):
    rows = panel(np.clip(some(), 0, 1))
    (fault,) = refused(rows, Question("A", "physician", measure=measure, margin=margin))
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
    scores = np.round(some(3) * 64) / 64
    here = answer(panel(scores), Question("A", "physician", method, draws=200))
    there = answer(panel(np.ldexp(scores, power)), Question("A", "physician", method, draws=200))
    for key in ("estimate", "se", "low", "high"):
        assert there[key] == pytest.approx(np.ldexp(here[key], power), rel=1e-9, abs=0)
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
@pytest.mark.parametrize("method", [Method.TWO_WAY, Method.BOOTSTRAP])
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
        (b"", "s.csv:1: the header must be caseID,stratum"),
        (b"\xff", "s.csv:1: not a UTF-8 CSV table"),
        (b"caseID,stratum\na\n", "s.csv:2: a row is a case and its stratum"),
        (b"caseID,stratum\na,x\na,y\n", "s.csv:3: case 'a' occurs twice"),
    ],
)
def test_faults_of_a_strata_file_are_named(data, expected):
    with pytest.raises(Faulty) as raised:
        parse_strata(data, "s.csv")
    assert str(raised.value).startswith(expected)
