"""The mixed model against R, against its likelihood written out in full, and at its borders."""

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from analysis.inference.estimate import Method, Refusal, RefusalCode
from analysis.inference.layout import layout_of
from analysis.inference.reml import Fit, fit, reml
from analysis.inference.twoway import twoway


def some(seed, shape=(6, 8), holes=0.3, spread=(1.0, 1.0)):
    rng = np.random.default_rng(seed)
    values = rng.normal(0, spread[0], (shape[0], 1)) + rng.normal(0, spread[1], (1, shape[1])) + rng.normal(0, 1, shape)
    mask = rng.random(shape) >= holes
    return values[mask], layout_of(mask)


def written_out(y, design, layout, variances):
    """The criterion, the coefficients, their covariance and the observed information, from N x N matrices."""
    of_reader = (layout.reader[:, None] == layout.reader).astype(float)
    of_case = (layout.case[:, None] == layout.case).astype(float)
    of_cell = np.eye(layout.n_readings)
    v = variances[0] * of_reader + variances[1] * of_case + variances[2] * of_cell
    inverse = np.linalg.inv(v)
    covariance = np.linalg.inv(design.T @ inverse @ design)
    beta = covariance @ design.T @ inverse @ y
    p = inverse - inverse @ design @ covariance @ design.T @ inverse
    degrees = len(y) - design.shape[1]
    criterion = (
        degrees * np.log(2 * np.pi) + np.linalg.slogdet(v)[1] - np.linalg.slogdet(covariance)[1] + float(y @ p @ y)
    )
    parts = (of_reader, of_case, of_cell)
    information = np.array([[y @ p @ a @ p @ b @ p @ y - np.trace(p @ a @ p @ b) / 2 for b in parts] for a in parts])
    slopes = np.array([covariance @ design.T @ inverse @ a @ inverse @ design @ covariance for a in parts])
    return criterion, beta, covariance, information, slopes


def variances_of(found):
    return np.array([found.components.reader, found.components.case, found.components.cell])


def test_the_penicillin_table_gives_what_r_gives(penicillin, reference):
    expected = {name: entry["value"] for name, entry in reference["crossed_mean_penicillin"]["expected"].items()
                if isinstance(entry, dict)}  # fmt: skip
    layout = layout_of(np.ones_like(penicillin, bool))
    found = reml(penicillin.ravel(), layout, level=0.95)
    assert found.value == pytest.approx(expected["mean"], rel=1e-9)
    assert found.se == pytest.approx(expected["reml_se"], rel=1e-9)
    assert found.df == pytest.approx(expected["satterthwaite_df"], rel=1e-8)
    assert [found.low, found.high] == pytest.approx(expected["ci95_satterthwaite"], rel=1e-8)
    assert found.components.case == pytest.approx(expected["var_plate"], rel=1e-8)
    assert found.components.reader == pytest.approx(expected["var_sample"], rel=1e-8)
    assert found.components.cell == pytest.approx(expected["var_residual"], rel=1e-8)
    fitted = fit(penicillin.ravel(), np.ones((144, 1)), layout)
    assert fitted.criterion == pytest.approx(expected["reml_criterion"], rel=1e-11)


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(1, 3))
def test_the_fit_is_a_maximum_of_the_likelihood_written_out(seed, p):
    y, layout = some(seed)
    design = np.column_stack([np.ones(y.size), np.random.default_rng(seed).normal(3, 2, (y.size, p - 1))])
    found = fit(y, design, layout)
    assert isinstance(found, Fit)
    best = variances_of(found)
    criterion, beta, covariance, information, slopes = written_out(y, design, layout, best)
    assert found.criterion == pytest.approx(criterion, rel=1e-9)
    assert found.beta == pytest.approx(beta, rel=1e-7, abs=1e-7)
    assert found.covariance == pytest.approx(covariance, rel=1e-7)
    assert found.slopes == pytest.approx(slopes, rel=1e-6, abs=1e-9)
    free = np.ix_(best > 0, best > 0)
    assert (found.spread * best[2] ** 2)[free] == pytest.approx(np.linalg.inv(information[free]), rel=1e-5)
    for place in range(3):
        for factor in (0.99, 1.01):
            near = best.copy()
            near[place] = near[place] * factor if near[place] > 0 else (factor - 0.99) * best[2]
            assert written_out(y, design, layout, near)[0] >= criterion - 1e-9


@settings(max_examples=8)
@given(st.integers(0, 10_000), st.sampled_from([(1.0, 1.0), (0.0, 1.0), (0.1, 0.1), (5.0, 0.0)]))
def test_no_other_place_on_a_grid_is_likelier(seed, spread):
    y, layout = some(seed, spread=spread)
    found = fit(y, np.ones((y.size, 1)), layout)
    assume(isinstance(found, Fit))
    cell = found.components.cell
    for reader in (0, 0.01, 0.1, 1, 10, 100):
        for case in (0, 0.01, 0.1, 1, 10, 100):
            for rest in (0.3, 0.7, 1, 1.5):
                there = written_out(y, np.ones((y.size, 1)), layout, np.array([reader, case, 1]) * rest * cell)[0]
                assert there >= found.criterion - 1e-9


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_in_a_full_table_with_positive_components_it_is_the_default_interval(seed):
    y, layout = some(seed, holes=0, spread=(3.0, 3.0))
    default, mixed = twoway(y, layout, level=0.9), reml(y, layout, level=0.9)
    assume(min(default.components.reader, default.components.case) > 0)
    for name in ("value", "se", "df", "low", "high", "p"):
        assert getattr(mixed, name) == pytest.approx(getattr(default, name), rel=1e-7, abs=1e-9)
    assert mixed.shares.case == pytest.approx(default.shares.case, rel=1e-6)
    assert mixed.weighting is None
    assert mixed.method is Method.REML


@settings(max_examples=20)
@given(st.integers(0, 10_000))
def test_shares_add_up_to_one_and_nothing_is_negative(seed):
    y, layout = some(seed, spread=(0.3, 0.0))
    found = reml(y, layout, level=0.95)
    assume(found.refused is None)
    assert found.shares.case + found.shares.reader + found.shares.cell == pytest.approx(1)
    assert min(found.components.case, found.components.reader, found.components.cell) >= 0
    assert found.df > 0


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.integers(-300, 200), st.booleans())
def test_units_and_sign_turn_with_the_values(seed, power, negative):
    y, layout = some(seed)
    here = reml(y, layout, level=0.95)
    there = reml(np.ldexp(-y if negative else y, power), layout, level=0.95)
    sign = -1 if negative else 1
    assert there.value == pytest.approx(sign * np.ldexp(here.value, power), rel=1e-9)
    assert there.se == pytest.approx(np.ldexp(here.se, power), rel=1e-9)
    assert there.df == pytest.approx(here.df, rel=1e-9)


@settings(max_examples=60)
@given(st.integers(0, 10_000), st.floats(0, 0.5))
def test_rare_events_never_take_the_analysis_down(seed, rate):
    rng = np.random.default_rng(seed)
    shape = (int(rng.integers(1, 9)), int(rng.integers(1, 12)))
    mask = rng.random(shape) < rng.uniform(0.2, 1)
    assume(mask.any())
    values = (rng.random(shape) < rate).astype(float)
    found = reml(values[mask], layout_of(mask), level=0.95)
    if found.refused is None:
        assert np.isfinite([found.value, found.se, found.df, found.low, found.high, found.p]).all()
        assert found.df > 0
        assert found.se > 0
    else:
        assert np.isnan([found.se, found.df, found.low, found.high, found.p]).all()
        assert np.isfinite(found.value)


def test_with_both_variances_at_their_border_only_the_cells_degrees_of_freedom_are_left():
    values = np.array([[1.0, -1, 0, 0], [-1, 1, 0, 0], [0, 0, 1, -1], [0, 0, -1, 1]])
    found = reml(values.ravel(), layout_of(np.ones_like(values, bool)), level=0.95)
    assert (found.components.reader, found.components.case) == (0, 0)
    assert found.df == pytest.approx(15)
    assert found.label == "sensitivity: mixed model; singular: no spread between readers and cases found"
    assert found.se == pytest.approx(np.std(values, ddof=1) / 4)


def test_a_singular_fit_has_no_fewer_degrees_of_freedom_than_the_default_could_have():
    raised = 0
    for seed in range(40):
        values, layout = some(seed, shape=(6, 5), holes=0.4, spread=(0.0, 2.0))
        if layout.n_readers < 3 or layout.n_cases < 3:
            continue
        found, fitted = reml(values, layout, level=0.95), fit(values, np.ones((values.size, 1)), layout)
        if found.refused is not None or "singular" not in found.label:
            continue
        assert 0 in variances_of(fitted)
        least, own = min(layout.n_readers, layout.n_cases) - 1, fitted.df_of(np.ones(1))
        assert found.df == pytest.approx(max(own, least), rel=1e-7)
        raised += own < least
    assert raised


@pytest.mark.parametrize(
    ("values", "code"),
    [
        (np.ones((2, 5)), RefusalCode.FEW_READERS),
        (np.ones((5, 2)), RefusalCode.FEW_CASES),
        (np.ones((5, 1)), RefusalCode.FEW_CASES),
        (np.zeros((5, 5)), RefusalCode.ZERO_VARIANCE),
        (np.ones((5, 5)), RefusalCode.ZERO_VARIANCE),
        (np.where(np.eye(5), 1.0, np.nan), RefusalCode.FEW_SHARED_CASES),
        (np.full((3, 3), np.nan), RefusalCode.NO_PAIRS),
        (np.arange(5.0)[:, None] + np.array([3.0, 1, 4, 1, 5, 9]), RefusalCode.NOT_IDENTIFIED),
    ],
)
def test_what_carries_no_interval_is_refused_by_name(values, code):
    mask = np.isfinite(values)
    found = reml(values[mask], layout_of(mask), level=0.95)
    assert found.refused.code is code
    assert np.isnan([found.se, found.df, found.low, found.high, found.p]).all()


def test_a_model_that_the_data_cannot_tell_is_refused_with_its_reason():
    y, layout = some(3, holes=0)
    reader_dummies = np.eye(layout.n_readers)[layout.reader]
    one = np.ones((y.size, 1))
    for design, what in (
        (np.hstack([one, one]), "depend on each other"),
        (reader_dummies, "tell all readers apart"),
        (np.eye(y.size), "depend on each other"),
    ):
        refused = fit(y, design, layout)
        assert isinstance(refused, Refusal)
        assert refused.code is RefusalCode.NOT_IDENTIFIED
        assert what in refused.reason
    diagonal = layout_of(np.eye(5, dtype=bool))
    assert "No reader has two readings" in fit(np.arange(5.0), np.ones((5, 1)), diagonal).reason
    assert fit(3 + 2 * np.arange(y.size), np.column_stack([one, np.arange(y.size)]), layout).code is (
        RefusalCode.ZERO_VARIANCE
    )


FIT_MANY = """
import numpy as np
from analysis.inference.layout import layout_of
from analysis.inference.reml import reml
for seed in range(12):
    rng = np.random.default_rng(seed)
    mask = rng.random((9, 30)) < 0.6
    spread = (8.0, 0.0, 0.1)[seed % 3]
    values = rng.normal(0, spread, (9, 1)) + rng.normal(3, spread, (1, 30)) + rng.normal(0, 9, (9, 30))
    rare = (rng.random((9, 30)) < 0.05).astype(float)
    for table in (values, rare):
        print(repr(reml(table[mask], layout_of(mask), level=0.95)))
"""


def test_the_ten_digits_are_the_same_on_other_processors_and_with_other_threads(repository):
    """The linear algebra library takes other kernels, which add in another order, by the name of a processor."""
    printed = [
        subprocess.run(
            [sys.executable, "-c", FIT_MANY],
            cwd=repository,
            env={**os.environ, "OPENBLAS_CORETYPE": processor, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for processor, threads in (("Haswell", "2"), ("Prescott", "1"))
    ]
    assert len(printed[0]) > 1000
    assert printed[0] == printed[1]
