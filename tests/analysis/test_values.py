"""What each respondent scores by itself, against plain loops; harms; and what the draws keep apart."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from analysis.analyse import analyse
from analysis.inference.estimate import Method
from analysis.inference.rates import effective_n, wilson
from analysis.inference.refusals import ZERO_VARIANCE
from analysis.inference.student import logit_interval, t_quantile
from analysis.outcomes.frame import HARM_ROWS, frame
from analysis.outcomes.laid import lay_out
from analysis.outcomes.values import values
from study.answer import Response
from study.progress import SCORED
from study.rubric import rebuild
from study.scoring import score_readings


def table(cut, name, **keywords):
    files = analyse(cut, seed=5, draws=100, **keywords).files
    return list(csv.DictReader(io.StringIO(files[name].decode())))


def value(cut, respondent, measure):
    rows = table(cut, "tables/values.csv")
    (found,) = [row for row in rows if (row["respondent"], row["measure"]) == (respondent, measure)]
    return found


def scored(cut):
    return [reading for reading in cut.readings if reading.ending in SCORED]


def on_cases(cut, system, measure):
    """The cases that were read, how often, and the system's mean over its runs there."""
    read = [reading.case_id for reading in scored(cut)]
    cases = sorted(set(read))
    means = []
    for case in cases:
        runs = [answer.response for answer in cut.answers if (answer.respondent, answer.case_id) == (system, case)]
        means.append(np.mean(score_readings(cut.rubric, [case] * len(runs), runs).measures[measure].value))
    return np.array([read.count(case) for case in cases], dtype=float), np.array(means)


def test_a_system_is_weighed_as_its_cases_were_read_and_its_interval_is_for_new_cases(a_cut):
    cut = a_cut()
    times, means = on_cases(cut, "Alder", "f1_weighted")
    assert len(set(times)) > 1
    weights, n = times / times.sum(), len(means)
    expected = weights @ means
    se = (means.var(ddof=1) * np.sum(weights**2)) ** 0.5
    half = stats.t.ppf(0.975, n - 1) * se / (expected * (1 - expected))
    centre = np.log(expected / (1 - expected))
    found = value(cut, "Alder", "f1_weighted")
    assert float(found["value"]) == pytest.approx(expected, rel=1e-10)
    assert float(found["se"]) == pytest.approx(se, rel=1e-10)
    assert float(found["df"]) == n - 1
    low, high = 1 / (1 + np.exp(-(centre - half))), 1 / (1 + np.exp(-(centre + half)))
    assert [float(found["low"]), float(found["high"])] == pytest.approx([low, high], rel=1e-9)


def test_a_rate_of_physicians_without_variance_has_the_exact_interval_on_cases_and_not_on_readings(a_cut):
    cut = a_cut()
    options = Response(frozenset(option.id for option in cut.cases["case-0"].options))
    everything = replace(cut, readings=tuple(r and replace(r, response=r.response and options) for r in cut.readings))
    everything = replace(everything, readings=tuple(r for r in everything.readings if r.response is not None))
    found = value(everything, "physician", "mild")
    assert (found["value"], found["method"], found["n_cases"]) == ("1.0", "clopper-pearson", "6")
    assert int(found["n_readings"]) > 6
    assert float(found["low"]) == pytest.approx(0.025 ** (1 / 6), rel=1e-9)


def with_scores(cut, scores, cases=None):
    """The same answers under other ratings, in the cases named."""
    place = {option.id: n for n, option in enumerate(cut.cases["case-0"].options)}
    ratings = tuple(
        replace(rating, score=scores[place[rating.option_id]]) if cases is None or rating.case_id in cases else rating
        for rating in cut.ratings
    )
    return replace(cut, ratings=ratings, rubric=rebuild(cut.rubric, ratings))


NOTHING_STRONG = (7, 7, 7, 6, 5, 3, 2, 1)  # no option of score 8 or more: completeness has no value


def test_two_harms_of_one_kind_in_one_reading_are_two(a_cut):
    cut = with_scores(a_cut(), (9, 9, 8, 8, 2, 2, 1, 1))
    readings = scored(cut)
    counts = score_readings(cut.rubric, [r.case_id for r in readings], [r.scored_response for r in readings])
    assert counts.harm_counts.max() > 1
    found = {row["respondent"]: row for row in table(cut, "tables/harms.csv")}
    expected = 100 * counts.harm_counts.reshape(len(readings), -1).mean(axis=0)
    told = [float(found["physician"][f"{severity}_{kind}"]) for kind, severity in HARM_ROWS]
    assert told == pytest.approx(expected.tolist(), rel=1e-10)
    assert float(found["do-nothing"]["severe_omission"]) == 200


def test_a_composite_pairs_every_reading_at_which_some_part_has_a_value(a_cut):
    cut = with_scores(a_cut(profile="noharm-2025-12", primary=None), NOTHING_STRONG, cases=("case-0", "case-1"))
    n = {
        row["measure"]: int(row["n_readings"])
        for row in table(cut, "tables/differences.csv")
        if (row["test"], row["analysis"]) == ("Alder", "main")
    }
    with_strong = [reading for reading in scored(cut) if reading.case_id not in ("case-0", "case-1")]
    assert (n["overall"], n["completeness"]) == (len(scored(cut)), len(with_strong))


def test_every_draw_has_as_many_readers_of_each_arm_as_the_study(a_cut):
    cut = a_cut(arms=("physician", "aided"))
    drawn = lay_out(cut, cut.rubric, [], seed=5, draws=100).draws
    readers = sorted({reading.reader for reading in cut.readings})
    for arm in ("physician", "aided"):
        own = {reading.reader for reading in scored(cut) if reading.arm == arm}
        members = [place for place, reader in enumerate(readers) if reader in own]
        assert (drawn.readers[:, members].sum(axis=1) == len(members)).all()


def test_within_specialties_the_same_readers_are_drawn_and_as_many_cases_of_each_as_the_control_read(a_cut):
    cut = a_cut()
    other = {case: replace(own, specialty="y") for case, own in list(cut.cases.items())[:2]}
    cut = replace(cut, cases={**cut.cases, **other})
    laid = lay_out(cut, cut.rubric, [], seed=5, draws=100)
    assert (laid.within_specialties.readers == laid.draws.readers).all()
    own = np.array([cut.cases[case].specialty for case in laid.study.cases])
    for name in ("x", "y"):
        assert (laid.within_specialties.cases[:, own == name].sum(axis=1) == (own == name).sum()).all()
    assert (laid.within_specialties.cases != laid.draws.cases).any()


def test_the_rate_of_what_happens_or_not_has_wilsons_interval_and_one_on_the_logit_scale_beside_it(a_cut):
    study = frame(a_cut(), a_cut().rubric)
    for measure, table_of in study.tables.items():
        for found in values(study, table_of, study.arms["physician"], level=0.95):
            rate, beside = found.estimate, found.beside
            assert (beside is not None) == (measure in ("severe", "moderate", "mild"))
            if beside is None or rate.refused is not None:
                continue
            if rate.method is Method.CLOPPER_PEARSON:
                assert beside.refused == ZERO_VARIANCE
                continue
            assert rate.method is Method.WILSON
            trials = effective_n(rate) * (t_quantile(0.975, 1e12) / t_quantile(0.975, rate.df)) ** 2
            assert (rate.low, rate.high) == pytest.approx(wilson(rate.value, trials, 0.95))
            half = t_quantile(0.975, rate.df) * rate.se
            assert (beside.low, beside.high) == pytest.approx(logit_interval(rate.value, half))


def test_runs_without_a_value_are_counted_beside_the_mean_of_the_others(a_cut):
    cut = a_cut()
    silent = tuple(
        replace(answer, response=Response(frozenset())) if (answer.respondent, answer.run) == ("Birch", 2) else answer
        for answer in cut.answers
    )
    rows = table(replace(cut, answers=silent), "tables/differences.csv")
    found = {
        row["test"]: row["undefined_runs"]
        for row in rows
        if (row["measure"], row["analysis"]) == ("precision_weighted", "main")
    }
    before = {
        row["test"]: int(row["undefined_runs"])
        for row in table(cut, "tables/differences.csv")
        if (row["measure"], row["analysis"]) == ("precision_weighted", "main")
    }
    assert int(found["Birch"]) - before["Birch"] == 6 - sum(
        not answer.response.selected for answer in cut.answers if (answer.respondent, answer.run) == ("Birch", 2)
    )
    assert value(replace(cut, answers=silent), "Birch", "precision_weighted")["undefined"] == found["Birch"]


def test_where_no_answer_has_a_value_that_is_what_is_said(a_cut):
    cut = with_scores(a_cut(profile="noharm-2025-12", primary=None), NOTHING_STRONG)
    n = len(scored(cut))
    for row in table(cut, "tables/differences.csv"):
        if row["measure"] == "completeness":
            assert (row["refused"], row["n_readings"]) == ("no_value", "0")
            assert row["refused_reason"].startswith(f"Of {n} pairs of readings none has a value of this measure")
    found = value(cut, "physician", "completeness")
    assert (found["refused"], found["undefined"]) == ("no_value", str(n))
    assert found["refused_reason"] == "No answer has a value of this measure."
