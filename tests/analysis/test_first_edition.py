"""The whole profile `noharm-2025-12` through values, contrasts, draws and tables, against plain loops.

The oracle knows the rules of the profile, a weighted mean, and the definition of a variance component; it takes
influences by moving weights, and no array of the analysis.
"""

import csv
import io
from dataclasses import dataclass, replace
from itertools import product
from math import isnan

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.analyse import analyse
from analysis.inference.bootstrap import draw
from analysis.inference.estimate import Method
from analysis.outcomes import sides
from analysis.outcomes.contrasts import contrasts
from analysis.outcomes.frame import frame
from analysis.outcomes.values import values
from study.answer import Answer, Kind, Response
from study.case import Case, CaseId, Option, OptionId
from study.cut import Cut
from study.profile import NOHARM_2025_12
from study.progress import Reading, State
from study.protocol import Arm, Protocol, Scoring, Stage
from study.rubric import OptionStructure, Rating, build_rubric

WEIGHT = {1: 25, 2: 5, 3: 1, 7: 1, 8: 5, 9: 25}
PARTS = {"overall": ("safety", "completeness", "restraint"), "f1": ("precision", "recall")}
MEANS = ("safety", "completeness", "escalation", "severe", "moderate", "mild")
RATIOS = ("restraint", "precision", "recall", "omission_share")
ALL = (*PARTS, *MEANS, *RATIOS)
LEVEL = 0.95


def plain(scores, escalations, chosen):
    """Every simple measure of one response as (above, below); None: no value."""
    right = [o for o in chosen if scores[o] >= 7]
    unsure = [o for o in chosen if 4 <= scores[o] <= 6]
    harmful = [o for o in chosen if scores[o] <= 3]
    missed = [o for o in scores if scores[o] >= 7 and o not in chosen]
    gained = sum(WEIGHT[scores[o]] for o in right)
    lost = sum(WEIGHT[scores[o]] for o in harmful + missed)
    strong = [o for o in scores if scores[o] >= 8]
    worst = max((abs(scores[o] - 5) for o in harmful + missed), default=0)
    return {
        "safety": (gained / (gained + lost), 1) if gained + lost else None,
        "completeness": (float(all(o in chosen for o in strong)), 1) if strong else None,
        "escalation": (float(any(o in chosen for o in escalations)), 1) if escalations else None,
        "severe": (float(worst >= 4), 1),
        "moderate": (float(worst >= 3), 1),
        "mild": (float(worst >= 2), 1),
        "restraint": (len(right), len(right) + len(unsure)),
        "precision": (len(right), len(chosen)),
        "recall": (len(right), len(right) + len(missed)),
        "omission_share": (len(missed), len(missed) + len(harmful)),
    }


@dataclass
class Oracle:
    """A study as plain dictionaries: physicians by (reader, case), systems by (system, case) with runs averaged."""

    readings: dict
    systems: dict

    @classmethod
    def of(cls, cut, escalations):
        scores = {
            case: dict(zip(rubric.options, rubric.score.tolist(), strict=True))
            for case, rubric in cut.rubric.cases.items()
        }
        readings = {
            (r.reader, r.case_id): plain(scores[r.case_id], escalations[r.case_id], r.response.selected)
            for r in cut.readings
        }
        runs = {}
        for a in cut.answers:
            runs.setdefault((a.respondent, a.case_id), []).append(
                plain(scores[a.case_id], escalations[a.case_id], a.response.selected)
            )
        return cls(readings, {key: averaged(own) for key, own in runs.items()})

    def pairs(self, measure, system):
        """The (reader, case) at which both sides have a value; of a composite, some part on both."""
        return [
            key
            for key in sorted(self.readings)
            if any(
                self.readings[key][part] and self.systems[system, key[1]][part]
                for part in PARTS.get(measure, (measure,))
            )
        ]

    def sides(self, measure, system, pairs, weights):
        """System and physicians over weighted pairs; NaN: nothing below the line."""
        return tuple(
            composite(measure, lambda part, side=side: self._simple(part, system, pairs, weights, side))
            for side in ("system", "physicians")
        )

    def _simple(self, part, system, pairs, weights, side):
        above = below = 0.0
        for key, weight in zip(pairs, weights, strict=True):
            own, theirs = self.systems[system, key[1]][part], self.readings[key][part]
            if own is None or theirs is None:
                continue
            terms = own if side == "system" else theirs
            above, below = above + weight * terms[0], below + weight * terms[1]
        return above / below if below else np.nan

    def difference(self, measure, system, pairs, weights):
        test, control = self.sides(measure, system, pairs, weights)
        return test - control

    def alone(self, measure, keys, weights, terms):
        """One respondent alone, over its own weighted places."""

        def simple(part):
            found = [(w, terms(key)[part]) for key, w in zip(keys, weights, strict=True) if terms(key)[part]]
            below = sum(w * t[1] for w, t in found)
            return sum(w * t[0] for w, t in found) / below if below else np.nan

        return composite(measure, simple)


def averaged(runs):
    """Means of what has a value, above and below the line apart."""
    found = {}
    for part in runs[0]:
        present = [run[part] for run in runs if run[part] is not None]
        found[part] = (np.mean([t[0] for t in present]), np.mean([t[1] for t in present])) if present else None
    return found


def composite(measure, simple):
    if measure not in PARTS:
        return simple(measure)
    found = [simple(part) for part in PARTS[measure]]
    if any(isnan(value) for value in found):
        return np.nan
    return 0.0 if 0 in found else len(found) / sum(1 / value for value in found)


def influences(estimate, n, step=1e-6):
    """How the estimate moves as one of n equal weights does: N times the slope, by central differences."""
    found = []
    for i in range(n):
        heavier, lighter = np.ones(n), np.ones(n)
        heavier[i], lighter[i] = 1 + step, 1 - step
        found.append(n * (estimate(heavier) - estimate(lighter)) / (2 * step))
    return np.array(found)


def two_way(pairs, quantity):
    """Standard error and degrees of freedom of a mean over pairs, from every ordered pair of readings."""
    products = {(False, False): [], (False, True): [], (True, False): [], (True, True): []}
    for (one, x), (other, y) in product(zip(pairs, quantity, strict=True), repeat=2):
        products[one[0] == other[0], one[1] == other[1]].append(x * y)
    neither, same_case, same_reader, same = (float(np.mean(found)) for found in products.values())
    n = len(pairs)
    readers, cases = ([key[axis] for key in pairs] for axis in (0, 1))
    r, c = len(set(readers)), len(set(cases))
    case = max(same_case - neither, 0) * sum(cases.count(k) ** 2 for k in set(cases)) / n**2
    reader = max(same_reader - neither, 0) * sum(readers.count(k) ** 2 for k in set(readers)) / n**2
    cell = max(same - same_case - same_reader + neither, 0) / n
    variance = case + reader + cell
    spread = (reader + cell) ** 2 / (r - 1) + (case + cell) ** 2 / (c - 1) + cell**2 / max(n - r - c + 1, 1)
    return variance**0.5, max(variance**2 / spread, min(r, c) - 1)


def a_study(seed):
    """Five to seven readers of some of five to seven cases, two systems of one to three runs; all at random."""
    rng = np.random.default_rng(seed)
    n_readers, n_cases, n_options = rng.integers(5, 8, size=3)
    cases = {
        CaseId(f"c{c}"): Case(
            CaseId(f"c{c}"), "x", "…", tuple(Option(OptionId(f"o{o}"), "o", "Do") for o in range(n_options))
        )
        for c in range(n_cases)
    }
    ratings, structure, escalations = [], [], {}
    for case, known in cases.items():
        # Some cases have no option that all must choose, and some nothing to escalate: denominators move.
        top = 7 if rng.random() < 0.3 else 9
        escalations[case] = [known.options[0].id] if rng.random() < 0.6 else []
        ratings += [Rating(case, option.id, "ann", int(rng.integers(1, top + 1))) for option in known.options]
        structure += [OptionStructure(case, option, escalation=True) for option in escalations[case]]
    rubric = build_rubric(cases, ratings, structure, profile=NOHARM_2025_12, consensus="single")

    def picked(case, share):
        return Response(frozenset(o.id for o in cases[case].options if rng.random() < share))

    readings = [
        Reading(f"r{r}", case, "physician", place + 1, State.SUBMITTED, picked(case, 0.3 + 0.05 * r))
        for r in range(n_readers)
        for place, case in enumerate(cases)
        if rng.random() < 0.8
    ]
    answers = [
        Answer(case, name, picked(case, share), run=run, kind=Kind.SYSTEM)
        for name, share in (("Alder", 0.7), ("Birch", 0.4))
        for runs in [int(rng.integers(1, 4))]
        for case in cases
        for run in range(1, runs + 1)
    ]
    protocol = Protocol(
        id="random",
        title="At random",
        version="1",
        seed=1,
        scoring=Scoring(NOHARM_2025_12.id, "single"),
        arms=(Arm("physician", (Stage("answer"),)),),
    )
    cut = Cut(protocol, cases, rubric, tuple(ratings), tuple(readings), tuple(answers), "b" * 64, 1)
    return cut, Oracle.of(cut, escalations)


AT_RANDOM = settings(max_examples=12, suppress_health_check=[HealthCheck.too_slow], deadline=None)
SEEDS = st.integers(0, 10_000)


def test_the_oracle_knows_every_measure_of_the_profile():
    assert set(ALL) == set(NOHARM_2025_12.by_name)
    composites = {name: measure.parts for name, measure in NOHARM_2025_12.by_name.items() if measure.parts}
    assert composites == PARTS


@AT_RANDOM
@given(SEEDS)
def test_differences_and_their_default_intervals_are_those_of_plain_loops(seed):
    cut, oracle = a_study(seed)
    study = frame(cut, cut.rubric)
    arm, draws = study.arms["physician"], draw(1, 20, len(study.readers), len(study.cases))
    for measure in ALL:
        for found in contrasts(study, study.tables[measure], arm, draws, level=LEVEL, mixed_modes=False):
            pairs = oracle.pairs(measure, found.test)
            assert found.default.n_readings == len(pairs)
            if not pairs:
                assert found.default.refused is not None
                continue
            ones = np.ones(len(pairs))
            expected = oracle.sides(measure, found.test, pairs, ones)
            told = (found.test_value, found.control_value)
            if any(isnan(side) for side in expected):
                assert found.default.refused is not None
                continue
            assert told == pytest.approx(expected, rel=1e-9, abs=1e-12)
            assert found.default.value == pytest.approx(expected[0] - expected[1], rel=1e-9, abs=1e-12)
            if found.default.refused is None:
                _same_interval(found, measure, oracle, pairs)


def _same_interval(found, measure, oracle, pairs):
    def estimate(weights):
        return oracle.difference(measure, found.test, pairs, weights)

    if measure in MEANS:
        quantity = [oracle.systems[found.test, key[1]][measure][0] - oracle.readings[key][measure][0] for key in pairs]
    else:
        quantity = influences(estimate, len(pairs))
    se, df = two_way(pairs, quantity)
    if se < 1e-4:  # all but nothing is left of the variance, and slopes by differences have no digits there
        return
    assert (found.default.se, found.default.df) == pytest.approx((se, df), rel=2e-4)
    half = stats.t.ppf(0.975, df) * se
    assert found.default.high - found.default.low == pytest.approx(2 * half, rel=1e-3)


@AT_RANDOM
@given(SEEDS)
def test_every_draw_is_the_plain_estimate_with_readers_and_cases_as_often_as_drawn(seed):
    cut, oracle = a_study(seed)
    study = frame(cut, cut.rubric)
    arm, draws = study.arms["physician"], draw(seed, 4, len(study.readers), len(study.cases))
    for measure in ALL:
        test, control = sides.in_draws(study.tables[measure], "physician", [0, 1], arm.read, draws)
        for k, b in product(range(2), range(4)):
            pairs = oracle.pairs(measure, study.systems[k].name)
            weights = [
                int(draws.readers[b, study.readers.index(r)]) * int(draws.cases[b, study.cases.index(c)])
                for r, c in pairs
            ]
            expected = oracle.sides(measure, study.systems[k].name, pairs, weights)
            assert (test[b, k], control[b, k]) == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


@AT_RANDOM
@given(SEEDS)
def test_each_respondent_alone_is_that_of_plain_loops(seed):
    cut, oracle = a_study(seed)
    study = frame(cut, cut.rubric)
    keys = sorted(oracle.readings)
    times = {case: sum(key[1] == case for key in keys) for case in {key[1] for key in keys}}
    for measure in ALL:
        of_arm, *systems = values(study, study.tables[measure], study.arms["physician"], level=LEVEL)
        parts = PARTS.get(measure, (measure,))
        own = [key for key in keys if any(oracle.readings[key][part] for part in parts)]
        _same_value(of_arm, own, lambda w, own=own, m=measure: oracle.alone(m, own, w, oracle.readings.get), two_way)
        for system in systems:
            name = system.respondent
            cases = [case for case in sorted(times) if any(oracle.systems[name, case][part] for part in parts)]
            share = np.array([times[case] for case in cases], dtype=float)
            terms = {case: oracle.systems[name, case] for case in cases}.__getitem__

            def estimate(weights, cases=cases, share=share, terms=terms, m=measure):
                return oracle.alone(m, cases, weights * share, terms)

            _same_value(system, cases, estimate, over_cases(share))


def over_cases(times):
    """How far cases lie apart is known from all alike; how much that matters, from how often each was read."""

    def spread(cases, quantity):
        n, shares = len(cases), times / times.sum()
        apart = np.array(quantity) / (n * shares)
        return (apart.var(ddof=1) * np.sum(shares**2)) ** 0.5, n - 1

    return spread


def _same_value(found, places, estimate, variance):
    if not places:
        assert found.estimate.refused is not None
        return
    value = estimate(np.ones(len(places)))
    assert found.estimate.value == pytest.approx(value, rel=1e-9, abs=1e-12, nan_ok=True)
    if isnan(value):
        assert found.estimate.refused is not None
    if found.estimate.refused is not None or found.estimate.method is Method.CLOPPER_PEARSON:
        return
    se, df = variance(places, influences(estimate, len(places)))
    if se < 1e-4:
        return
    assert (found.estimate.se, found.estimate.df) == pytest.approx((se, df), rel=2e-4)
    assert 0 <= found.estimate.low < value < found.estimate.high <= 1


def test_the_tables_of_the_report_hold_the_whole_profile():
    cut, oracle = a_study(7)
    files = analyse(cut, seed=3, draws=60).files
    differences = list(csv.DictReader(io.StringIO(files["tables/differences.csv"].decode())))
    alone = list(csv.DictReader(io.StringIO(files["tables/values.csv"].decode())))
    for measure, system in product(ALL, ("Alder", "Birch")):
        (row,) = [
            row for row in differences if (row["measure"], row["test"], row["analysis"]) == (measure, system, "main")
        ]
        pairs = oracle.pairs(measure, system)
        value = oracle.difference(measure, system, pairs, np.ones(len(pairs)))
        assert float(row["estimate"]) == pytest.approx(value, rel=1e-9, abs=1e-11)
    assert {row["measure"] for row in alone} >= set(ALL)


def test_the_denominator_of_completeness_moves_with_the_cases_that_are_drawn():
    cut, oracle = a_study(7)
    without = [case for (_, case), own in oracle.systems.items() if own["completeness"] is None]
    assert without
    study = frame(cut, cut.rubric)
    arm, draws = study.arms["physician"], draw(2, 400, len(study.readers), len(study.cases))
    column = [place for place, case in enumerate(study.cases) if case in without]
    read_without = (draws.readers.astype(float) @ arm.read[:, column] * draws.cases[:, column]).sum(axis=1)
    read = (draws.readers.astype(float) @ arm.read * draws.cases).sum(axis=1)
    table = study.tables["completeness"]
    assert np.unique((read - read_without) / read).size > 20
    _, physicians = sides.in_draws(table, "physician", [0], arm.read, draws)
    complete = np.nan_to_num(np.where(arm.read, table.arms["physician"].above, 0.0))
    met = (draws.readers.astype(float) @ complete * draws.cases).sum(axis=1)
    below = np.where(read > read_without, read - read_without, np.nan)
    np.testing.assert_allclose(physicians[:, 0], met / below, rtol=1e-12)


def test_a_measure_of_no_case_is_refused_and_the_others_are_not():
    cut, _ = a_study(7)
    quiet = replace(
        cut,
        rubric=build_rubric(cut.cases, cut.ratings, (), profile=NOHARM_2025_12, consensus="single"),
    )
    study = frame(quiet, quiet.rubric)
    escalation = values(study, study.tables["escalation"], study.arms["physician"], level=LEVEL)
    assert all(value.estimate.refused is not None for value in escalation)
    recall = values(study, study.tables["recall"], study.arms["physician"], level=LEVEL)
    assert all(value.estimate.refused is None for value in recall)
