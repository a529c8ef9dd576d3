"""A comparison in words: every line says one thing, a refusal is a sentence, and nothing is blank or not a number."""

import re

import numpy as np
import pytest

from analysis.compare import Estimand, Question, compare
from analysis.inference.estimate import Method
from analysis.report.compared import comparison_lines
from analysis.scores.scoretable import parse_scores
from study.profile import Better


def lines(n_readers=6, **asked):
    rng = np.random.default_rng(3)
    scores = 0.4 + 0.1 * rng.random((n_readers, 1)) + 0.2 * rng.random((n_readers, 8))
    rows = [f"r{r},c{c},physician,{scores[r, c]:.4f}" for r in range(n_readers) for c in range(8)]
    rows += [f"A,c{c},A,{0.7 + c % 3 / 50}" for c in range(8)]
    table = parse_scores("\n".join(["readerID,caseID,modalityID,score", *rows]).encode(), "s.csv")
    return comparison_lines(compare(table, Question("A", "physician", **asked)))


def named(said):
    """Each line after the first by its name; what has none stands below the interval."""
    return {line[:15].split("  ")[0].strip(): line for line in said[1:]}


def test_a_comparison_says_what_how_much_how_sure_and_for_whom():
    said = lines(measure="f1_weighted")
    assert said[0] == "A − physician, f1_weighted (higher is better)"
    assert [line.split("  ")[0] for line in said[1:]] == ["estimate", "95 % interval", "method", "random", "from"]
    assert said[1].split()[1].startswith("+0.")
    assert "two-way (E1; every reading counting the same)" in said[3]
    assert "readers and cases; share of variance: " in said[4]
    assert said[5].endswith("48 readings, 6 readers, 8 cases")


def test_the_interval_has_its_degrees_of_freedom_and_says_what_its_p_is_of():
    assert re.search(r"to −?\d\.\d+; df \d+\.\d; two-sided p [=<] [\d.]+ for no difference$", lines()[2])
    assert "df" not in lines(method=Method.BOOTSTRAP, draws=50)[2]


def test_the_shares_of_variance_stand_where_the_method_has_them_and_add_up():
    shares = re.findall(r"(reader|case|cell) (\d+) %", named(lines())["random"])
    assert [part for part, _ in shares] == ["reader", "case", "cell"]
    assert sum(int(share) for _, share in shares) == pytest.approx(100, abs=1)
    assert "%" not in named(lines(method=Method.BOOTSTRAP, draws=50))["random"]
    assert "%" not in named(lines(n_readers=2))["random"]


def test_the_mixed_model_says_that_its_weights_are_its_own():
    assert named(lines(method=Method.REML))["method"].endswith("reml (E1; weights of its own)")
    assert "of its own" not in named(lines())["method"]


def test_everything_that_may_be_said_is_fewer_than_ten_lines():
    assert len(lines(n_readers=4, method=Method.REML, better=Better.HIGHER, margin=0.1)) == 9


def test_a_refusal_is_one_sentence_and_no_line_is_blank():
    said = lines(n_readers=2, better=Better.HIGHER, margin=0.1)
    assert "none. 2 readers; an interval for new readers needs at least 3." in named(said)["interval"]
    assert "nan" not in "".join(said).casefold()
    assert all(line.strip() and not line.endswith((" ", ":")) for line in said)
    assert not any(line.startswith("margin") for line in said)


def test_a_margin_has_its_conclusion_and_of_equivalence_its_own_interval():
    said = named(lines(better=Better.LOWER, margin=0.05))
    assert " inferior; one-sided p = 1.00 for worse by the margin or more" in said["margin 0.05"]
    both = named(lines(margin=0.5, equivalence=True))["margin 0.5"]
    assert "equivalent, 90 % interval 0." in both
    assert both.endswith("for different by the margin or more")


@pytest.mark.parametrize("method", [Method.BOOTSTRAP, Method.CASES, Method.READERS, Method.REML])
def test_what_must_stand_beside_an_interval_stands_below_it(method):
    said = lines(method=method, draws=50)
    below = said[[line.startswith("95 %") for line in said].index(True) + 1]
    assert below.startswith("     ")
    random = {Method.CASES: "  cases", Method.READERS: "  readers"}.get(method, "readers and cases")
    assert said[-2].split(";")[0].endswith(random)


def test_a_share_is_no_difference():
    said = lines(estimand=Estimand.E8, better=Better.HIGHER)
    assert said[0] == "A against physician (higher is better): the chance to beat a random reader on a random case"
    assert "+" not in said[1]
