"""Our digits against other software's: every number under fixtures/oracle, which R made."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from analysis.inference import (
    arms,
    conditional,
    families,
    heterogeneity,
    influence,
    planning,
    proportions,
    published,
    rates,
    signflip,
)
from analysis.inference.beats import beats, shares_in_draws
from analysis.inference.bootstrap import Draws, Table, draw, mean_differences, ratio_sides
from analysis.inference.estimate import Components, Estimate, Method, Weighting
from analysis.inference.layout import Layout, layout_of
from analysis.inference.margins import p_beyond_margin, p_worse_by_margin
from analysis.inference.orh import orh
from analysis.inference.reml import fit, reml
from analysis.inference.robust import robust, two_way_covariance, two_way_variance
from analysis.inference.semivariance import components as semivariance_components
from analysis.inference.simultaneous import critical_value
from analysis.inference.student import clopper_pearson
from analysis.inference.twoway import components, semivariance, twoway

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "oracle"
INTERVAL = ("value", "se", "df", "low", "high", "p")


def cases_of(name: str) -> list[dict]:
    return json.loads((FOLDER / f"{name}.json").read_text())["cases"]


def table_of(rows) -> np.ndarray:
    """Readings (R, C), NaN where there is none."""
    return np.array([[np.nan if cell is None else cell for cell in row] for row in rows], dtype=float)


def readings(case) -> tuple[np.ndarray, Layout]:
    table = table_of(case["inputs"]["table"])
    mask = np.isfinite(table)
    return table[mask], layout_of(mask)


def coded(inputs) -> Layout:
    reader, case = (np.array(inputs[key], dtype=np.int64) for key in ("reader", "case"))
    return Layout(reader, case, int(reader.max()) + 1, int(case.max()) + 1)


def interval(estimate: Estimate, names=INTERVAL) -> dict[str, float]:
    assert estimate.refused is None
    return {name: getattr(estimate, name) for name in names}


def of_semivariances(case) -> dict:
    values, layout = readings(case)
    level = case["inputs"]["level"]
    found = {w.value: interval(semivariance(values, layout, level=level, weighting=w)) for w in Weighting}
    return {"components": asdict(semivariance_components(values, layout)), **found}


def of_moments(case) -> dict:
    values, layout = readings(case)
    if "runs" in case["inputs"]:
        runs, read = (table_of(case["inputs"][key]) for key in ("runs", "readings"))
        won = beats(runs, read, higher_is_better=True)
        assert np.array_equal(won, table_of(case["inputs"]["table"]), equal_nan=True)
    level = case["inputs"]["level"]
    found = {w.value: interval(twoway(values, layout, level=level, weighting=w)) for w in Weighting}
    return {"components": asdict(components(values, layout)), **found}


def of_robust(case) -> dict:
    """Ours is the convention that sandwich calls HC1, with its clusters' own factors."""
    inputs = case["inputs"]
    if case["kind"] == "mean":
        values, layout = readings(case)
        estimate = robust(values, layout, level=0.95)
        parts = two_way_variance((values - values.mean()) / values.size, layout)
        margins = {"by_reader_adjusted": parts.reader, "by_case_adjusted": parts.case}
        return {"value": estimate.value, "hc1": estimate.se**2, **margins}
    layout, y, design = coded(inputs), np.array(inputs["y"], float), np.array(inputs["design"], float)
    inverse = np.linalg.inv(design.T @ design)
    beta = inverse @ design.T @ y
    scores = (y - design @ beta)[:, None] * (design @ inverse)
    return {"beta": beta, "hc1": two_way_covariance(scores, layout, n_coefficients=design.shape[1])}


def of_proportions(case) -> dict:
    inputs = case["inputs"]
    level = inputs["level"]
    match case["kind"]:
        case "one":
            events, n = inputs["events"], inputs["n"]
            return {"wilson": rates.wilson(events / n, n, level), "clopper_pearson": clopper_pearson(events, n, level)}
        case "effective":
            estimate = an_estimate(inputs["p"], se=inputs["variance"] ** 0.5, df=inputs["df"], level=level)
            found = rates.with_effective_n(estimate)
            return {"n_effective": rates.effective_n(estimate), "interval": (found.low, found.high)}
        case "logit":
            found = rates.on_logit_scale(an_estimate(inputs["p"], se=inputs["se"], df=inputs["df"], level=level))
            return {"interval": (found.low, found.high)}
    counts = [inputs[key] for key in ("both", "only_test", "only_control", "neither")]
    test, control = (np.repeat(outcome, counts).astype(float) for outcome in ([1, 1, 0, 0], [1, 0, 1, 0]))
    one_reader = layout_of(np.ones((1, sum(counts)), bool))
    newcombe, tango = (
        proportions.paired(test, control, one_reader, level=level, method=method)
        for method in (Method.NEWCOMBE, Method.TANGO)
    )
    assert newcombe.p == tango.p
    return {
        "difference": newcombe.value,
        "newcombe": (newcombe.low, newcombe.high),
        "tango": (tango.low, tango.high),
        "mcnemar_mid_p": newcombe.p,
    }


def an_estimate(value: float, *, se: float, df: float, level: float) -> Estimate:
    return Estimate(value, level, Method.TWO_WAY, Weighting.PAIR, 10, 30, 300, se=se, df=df)


def of_bootstrap(case) -> dict:
    if case["kind"] == "ratios":
        return of_ratios(case["inputs"])
    table = table_of(case["inputs"]["table"])
    no_system = Table(-table, np.zeros((1, table.shape[1])))
    if case["kind"] == "enumeration":
        crossed = every_crossed_draw(table.shape)
        found = {w.value: described(mean_differences(no_system, crossed, w)[:, 0]) for w in Weighting}
        return {**found, "readers_above_5": described(shares_in_draws(table - 5, crossed))}
    drawn = mean_differences(no_system, draw(1, 40_000, *table.shape))[:, 0]
    return {"mean": np.nanmean(table), "se": drawn.std()}


def of_ratios(inputs) -> dict:
    above, below = (
        Table(table_of(inputs[part]), np.array([inputs[f"system_{part}"]], float)) for part in ("above", "below")
    )
    system, panel = (side[:, 0] for side in ratio_sides(above, below, every_crossed_draw(above.readings.shape)))
    return {"system": described(system), "panel": described(panel), "difference": described(system - panel)}


def every_crossed_draw(shape) -> Draws:
    readers, cases = (every_draw(n) for n in shape)
    return Draws(np.repeat(readers, len(cases), axis=0), np.tile(cases, (len(readers), 1)))


def described(drawn) -> dict:
    some = drawn[np.isfinite(drawn)]
    return {
        "n": drawn.size,
        "without": drawn.size - some.size,
        "mean": some.mean(),
        "variance": some.var(),
        "quantiles": np.quantile(some, [0.025, 0.25, 0.5, 0.975]),
    }


def every_draw(n: int) -> np.ndarray:
    """How often each of n is in each of the nⁿ resamples."""
    index = np.indices((n,) * n).reshape(n, -1).T
    return np.array([np.bincount(row, minlength=n) for row in index], dtype=np.int16)


def of_influence(case) -> dict:
    inputs = {key: np.array(value, float) for key, value in case["inputs"].items()}
    weights = inputs["weights"]
    first = influence.ratio(inputs["above"], inputs["below"], weights)
    second = influence.ratio(inputs["above2"], inputs["below2"], weights)
    third = influence.mean(inputs["y"] / 100, weights)
    value, moved = {
        "ratio": lambda: first,
        "difference of ratios": lambda: influence.difference(first, second),
        "mean": lambda: third,
        "harmonic mean of two": lambda: influence.harmonic_mean([first, second]),
        "harmonic mean of three": lambda: influence.harmonic_mean([first, second, third]),
    }[case["kind"]]()
    return {"value": value, "influence": moved}


def of_planning(case) -> dict:
    inputs = case["inputs"]
    layout = layout_of(planning.balanced(inputs["n_readers"], inputs["n_cases"], inputs["per_reader"]))
    assumed = Components(case=inputs["case"], reader=inputs["reader"], cell=inputs["cell"])
    planned = planning.precision(assumed, layout, level=inputs["level"])
    found = {name: getattr(planned, name) for name in ("se", "df", "half_width")}
    upper = planning.power_for_margin(planned, inputs["effect"])
    return {**found, "power": planning.power(planned, inputs["effect"]), "power_upper": upper}


def of_reml(case) -> dict:
    values, layout = readings(case)
    estimate = reml(values, layout, level=case["inputs"]["level"])
    found = fit(values, np.ones((values.size, 1)), layout)
    return {**interval(estimate, INTERVAL[:-1]), **asdict(estimate.components), "criterion": found.criterion}


def of_orh(case) -> dict:
    values, layout = readings(case)
    estimate = orh(values, layout, level=case["inputs"]["level"])
    found, n_readers, n_cases = estimate.components, layout.n_readers, layout.n_cases
    squares = {
        "ms_reader": found.cell + n_cases * found.reader,
        "ms_case": found.cell + n_readers * found.case,
        "ms_error": found.cell,
    }
    return {**interval(estimate), **squares}


def of_conditional(case) -> dict:
    inputs = case["inputs"]
    match case["kind"]:
        case "t":
            values, layout = readings({"inputs": inputs})
            level = inputs["level"]
            return {
                "cases": interval(conditional.new_cases(values, layout, level=level)),
                "readers": interval(conditional.new_readers(values, layout, level=level)),
            }
        case "systems":
            differences = np.subtract(inputs["test"], inputs["control"], dtype=float)
            estimate = conditional.between_systems(differences, level=inputs["level"])
            worse = p_worse_by_margin(estimate, margin=inputs["margin"], higher_is_better=True)
            beyond = p_beyond_margin(estimate, margin=inputs["margin"])
            return {**interval(estimate), "p_worse": worse, "p_tost": beyond}
        case "runs":
            table = table_of(inputs["table"])
            whole = an_estimate(float(table.mean()), se=1.0, df=1.0, level=inputs["level"])
            return interval(conditional.runs(table, np.full(table.shape[1], 1 / table.shape[1]), whole))
    values, stratum = np.array(inputs["values"], float), np.array(inputs["stratum"])
    members = [np.flatnonzero(stratum == one) for one in np.unique(stratum)]
    drawn = draw(4, 20_000, 1, values.size, case_strata=members)
    plain = conditional.of_systems(values, Method.CASES, level=0.95)
    ours = conditional.case_bootstrap(values, drawn, plain)
    kit = published.bootstrap([f"{'ABCDEFGHIJ'[s - 1]}{n}" for n, s in enumerate(stratum)], values)
    assert (kit.low, kit.high) == pytest.approx(case["expected"]["interval"], rel=case["tolerance"]["interval"])
    return {
        "mean": kit.mean,
        "boot_se": ours.se,
        "closed_se": ours.se,
        "interval": (ours.low, ours.high),
    }


def of_signflip(case) -> dict:
    differences = np.array(case["inputs"]["differences"], float)
    tested = signflip.by_case(differences, seed=0)
    assert tested.exact
    found = {name: getattr(tested, name) for name in ("p", "single_step", "step_down")}
    if differences.shape[1] > 1:
        return found
    column = np.ascontiguousarray(differences[:, 0])
    plain = conditional.of_systems(column, Method.CASES, level=case["inputs"]["level"])
    estimate = signflip.sign_flip(column, plain, seed=0)
    assert estimate.p == tested.p[0]
    return {**found, "interval": (estimate.low, estimate.high)}


def of_families(case) -> dict:
    inputs = {key: None if value is None else np.array(value, float) for key, value in case["inputs"].items()}
    if case["kind"] == "adjust":
        return {"holm": families.holm(inputs["p"])}
    return {
        "adjusted": families.step_down_max_t(inputs["draws"], inputs["estimates"], inputs["se"]),
        "critical": critical_value(inputs["draws"], level=0.95),
    }


def of_heterogeneity(case) -> dict:
    estimates, draws = (np.array(case["inputs"][key], float) for key in ("estimates", "draws"))
    found = heterogeneity.heterogeneity([f"g{g}" for g in range(estimates.size)], estimates, draws)
    return {name: getattr(found, name) for name in ("q", "df", "share", "common")}


def of_arms(case) -> dict:
    inputs = case["inputs"]
    given = arms.ArmReadings(
        values=np.array(inputs["y"], float),
        test=np.array(inputs["arm"]) == 1,
        layout=coded(inputs),
        period=np.array(inputs["period"]) + 1 if "period" in inputs else None,
        baseline=np.array(inputs["baseline"], float) if "baseline" in inputs else None,
    )
    found = arms.contrast_arms(given, names=("with", "without"), level=0.95)
    assert found.crossing == case["kind"]
    model = {**interval(found.mixed), "components": asdict(found.mixed.components)}
    both = {"model": model, "robust": interval(found.robust)}
    if case["kind"] == "parallel":
        return both
    carryover = {**interval(found.carryover, INTERVAL[:-1])}
    return {**both, "carryover": carryover, "first_period": interval(found.first_period)}


OURS: dict[str, Callable[[dict], dict]] = {
    "moments": of_moments,
    "semivariances": of_semivariances,
    "robust": of_robust,
    "proportions": of_proportions,
    "bootstrap": of_bootstrap,
    "influence": of_influence,
    "planning": of_planning,
    "reml": of_reml,
    "orh": of_orh,
    "conditional": of_conditional,
    "signflip": of_signflip,
    "families": of_families,
    "heterogeneity": of_heterogeneity,
    "arms": of_arms,
}

BESIDE = {
    "robust": {"unadjusted", "adjusted", "adjusted_multi0", "by_reader", "by_case", "by_cell"}
    | {"by_reader_adjusted", "by_case_adjusted"},
    "proportions": {"mcnemar_exact"},
    "arms": {"mixed"},  # the plain model's, also in a crossover: test_regression.py holds it
}
"""What an oracle also holds and we do not compute: other conventions, and the parts of a sum."""


def leaves(found, expected, tolerance, path=()) -> Iterator[tuple[str, object, object, float]]:
    """Every number of ours with what it should be, by name. What the oracle has and we have not is a fault."""
    for key, value in expected.items():
        allowed = tolerance.get(key) if isinstance(tolerance, dict) else tolerance
        where = (*path, key)
        if isinstance(value, dict):
            yield from leaves(found[key], value, allowed, where)
        else:
            yield ".".join(where), found[key], value, allowed


@pytest.mark.parametrize(
    ("name", "case"),
    [pytest.param(name, case, id=f"{name}: {case['name']}") for name in OURS for case in cases_of(name)],
)
def test_the_digits_are_those_of_other_software(name, case):
    ours = OURS[name](case)
    expected = {key: value for key, value in case["expected"].items() if key in ours or key not in BESIDE.get(name, ())}
    assert expected
    for where, found, wanted, tolerance in leaves(ours, expected, case["tolerance"]):
        assert np.array(found, float) == pytest.approx(np.array(wanted, float), rel=tolerance, abs=tolerance), where


ORACLES = {
    "arms": "arms",
    "beats": "bootstrap",
    "bootstrap": "bootstrap",
    "clustered": "regression",
    "conditional": "conditional",
    "families": "families",
    "heterogeneity": "heterogeneity",
    "influence": "influence",
    "margins": "conditional",
    "mixed": "reml",
    "orh": "orh",
    "percentiles": "bootstrap",
    "planning": "planning",
    "proportions": "proportions",
    "published": "conditional",
    "rates": "proportions",
    "regression": "regression",
    "reml": "reml",
    "robust": "robust",
    "semivariance": "semivariances",
    "signflip": "signflip",
    "simultaneous": "families",
    "student": "proportions",
    "twoway": "moments",
}
"""Which file of fixtures/oracle stands against which module of analysis.inference."""

WITHOUT = {
    "estimate": "records",
    "exact": "sums rounded once: math.fsum is the other software",
    "layout": "codes and weights: the loops over pairs have their own",
    "numbers_needed": "one over what another module estimates",
    "pairs": "counts",
    "refusals": "sentences",
}
HELD_ELSEWHERE = {"regression": "test_regression.py"}


def test_every_estimator_has_an_oracle_or_the_reason_why_not(repository):
    modules = {path.stem for path in (repository / "analysis" / "inference").glob("[a-z]*.py")}
    assert modules == ORACLES.keys() | WITHOUT.keys()
    assert not ORACLES.keys() & WITHOUT.keys()
    files = {path.stem for path in FOLDER.glob("*.json")}
    assert files == {path.stem for path in FOLDER.glob("*.R")} - {"oracle"}
    assert files == OURS.keys() | HELD_ELSEWHERE.keys() == set(ORACLES.values())
    for name, test in HELD_ELSEWHERE.items():
        assert f'"{name}"' in (repository / "tests" / "analysis" / test).read_text()


def test_every_oracle_says_what_made_it():
    for path in FOLDER.glob("*.json"):
        document = json.loads(path.read_text())
        assert document["software"]["R"]
        assert document["about"].endswith(".")
        assert (FOLDER / f"{path.stem}.R").read_text().count(f'oracle("{path.stem}"') == 1
        names = [case["name"] for case in document["cases"]]
        assert len(set(names)) == len(names) > 0
