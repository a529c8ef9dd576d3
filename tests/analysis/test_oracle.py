"""Our digits against other software's: every number under fixtures/oracle, which R made."""

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from analysis.inference import influence, planning, proportions, rates
from analysis.inference.bootstrap import Draws, Table, draw, mean_differences
from analysis.inference.estimate import Components, Estimate, Method, Weighting
from analysis.inference.layout import Layout, layout_of
from analysis.inference.reml import reml
from analysis.inference.robust import robust, two_way_covariance, two_way_variance
from analysis.inference.student import clopper_pearson
from analysis.inference.twoway import components, twoway

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


def of_moments(case) -> dict:
    values, layout = readings(case)
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
            estimate = an_estimate(inputs["p"], se=inputs["variance"] ** 0.5, df=10.0, level=level)
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
    table = table_of(case["inputs"]["table"])
    no_system = Table(-table, np.zeros((1, table.shape[1])))
    if case["kind"] == "enumeration":
        found = {}
        readers, cases = (every_draw(n) for n in table.shape)
        crossed = Draws(np.repeat(readers, len(cases), axis=0), np.tile(cases, (len(readers), 1)))
        for weighting in Weighting:
            drawn = mean_differences(no_system, crossed, weighting)[:, 0]
            some = drawn[np.isfinite(drawn)]
            found[weighting.value] = {
                "n": drawn.size,
                "without": drawn.size - some.size,
                "mean": some.mean(),
                "variance": some.var(),
                "quantiles": np.quantile(some, [0.025, 0.25, 0.5, 0.975]),
            }
        return found
    drawn = mean_differences(no_system, draw(1, 40_000, *table.shape))[:, 0]
    return {"mean": np.nanmean(table), "se": drawn.std()}


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
    return {**interval(estimate, INTERVAL[:-1]), **asdict(estimate.components)}


OURS: dict[str, Callable[[dict], dict]] = {
    "moments": of_moments,
    "robust": of_robust,
    "proportions": of_proportions,
    "bootstrap": of_bootstrap,
    "influence": of_influence,
    "planning": of_planning,
    "reml": of_reml,
}

BESIDE = {
    "robust": {"unadjusted", "adjusted", "adjusted_multi0", "by_reader", "by_case", "by_cell"}
    | {"by_reader_adjusted", "by_case_adjusted"},
    "proportions": {"mcnemar_exact"},
    "reml": {"criterion"},
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
