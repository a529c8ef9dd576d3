"""The coverage study: its worlds, its moments, and a short run of it. The whole is `make coverage-study`."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks" / "coverage"))

import _intervals as made
from _cells import DEFAULT, Size, run
from _designs import BETWEEN, DESIGNS, UNBALANCED
from _page import misses, page
from _worlds import WORLDS

SHORT = Size(seed=20261121, sets=400, with_draws=40, with_reml=0, draws=199)
BY_NAME = {world.name: world for world in WORLDS}
DESIGN = {design.name: design for design in DESIGNS}
UNEVEN = next(design for design in DESIGNS if design.group == UNBALANCED)


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.name)
def test_the_truth_of_a_world_is_what_very_many_readers_and_cases_tend_to(world):
    rng = np.random.default_rng(1)
    shape = (300, 40, 60)
    values = made.Batch.of(np.ones(shape[1:], bool), world.sides(rng, shape)).value
    assert values.mean() == pytest.approx(world.truth, abs=5 * values.std() / np.sqrt(len(values)))


@pytest.mark.parametrize("design", DESIGNS, ids=lambda design: design.name)
def test_a_design_is_as_uneven_as_its_group_says(design):
    mask = design.reads(np.random.default_rng(2))
    per_reader, per_case = mask.sum(axis=1), mask.sum(axis=0)
    most = max((counts.max() / max(np.median(counts), 1)) for counts in (per_reader, per_case))
    low, high = {UNBALANCED: (5, 100), BETWEEN: (1.9, 5)}.get(design.group, (0, 2))
    assert low < most <= high


def test_semivariances_do_not_mind_where_zero_is_and_products_of_a_balanced_table_are_the_same():
    rng = np.random.default_rng(3)
    mask = UNEVEN.reads(rng)
    values = rng.normal(size=(4, *mask.shape)) * mask
    moved = (values + 70) * mask
    semivariances = made.semivariance_components(values, mask)
    np.testing.assert_allclose(made.semivariance_components(moved, mask), semivariances, atol=1e-9)
    assert np.abs(made.product_components(moved, mask) - made.product_components(values, mask)).max() > 1
    full = np.ones((5, 9), bool)
    values = rng.normal(70, 1, size=(4, *full.shape))
    np.testing.assert_allclose(
        made.semivariance_components(values, full), made.product_components(values, full), atol=1e-9
    )


@pytest.mark.parametrize(
    ("world", "design"),
    [
        ("gauss", "10·30·30"),
        ("skew", "24·100·8"),
        ("binary", "12·100·10"),
        ("ratio", "10·100·30"),
        ("share", "24·100·8"),
    ],
)
def test_a_short_run_holds_where_it_should_and_naive_intervals_fail_beside_it(world, design):
    methods = run(DESIGN[design], BY_NAME[world], SHORT)["methods"]
    default = methods[DEFAULT]
    assert default["given"] == SHORT.sets
    # Three standard errors of 400 data sets are 0.033.
    assert 0.917 <= default["coverage"] <= 0.983
    assert methods["readings t"]["coverage"] < 0.917
    assert methods["readings t"]["width"] < 0.9 * default["width"]
    assert methods["cases bootstrap"]["width"] < default["width"]
    assert methods["readers bootstrap"]["width"] < default["width"]


def test_the_same_seed_gives_the_same_cell():
    few = Size(seed=1, sets=60, with_draws=12, with_reml=3, draws=99)
    one, other = (run(DESIGN["5·30·30"], BY_NAME["gauss"], few) for _ in range(2))
    assert one == other
    assert [one["methods"][name]["sets"] for name in (DEFAULT, "crossed bootstrap", "REML")] == [60, 12, 3]


def test_the_page_tells_what_was_missed_and_types_no_figure():
    few = Size(seed=1, sets=20, with_draws=4, with_reml=0, draws=49)
    cells = [
        run(DESIGN[name], BY_NAME[world], few) for name in ("5·30·30", UNEVEN.name) for world in ("gauss", "share")
    ]
    held = {"sets": 20, "given": 20, "coverage": 0.9501, "width": 1.0}
    for cell in cells:
        cell["methods"] |= {name: held for name in cell["methods"] if name.startswith(DEFAULT)}
    study = {"seed": 1, "sets": 20, "with_draws": 4, "with_reml": 2, "draws": 49, "cells": cells}
    text, missed = page(json.loads(json.dumps(study)))
    assert not missed
    assert "None: every aim was met." in text
    assert "**0.950 / 1.00**" in text
    assert "Every study had every interval." in text
    assert "$" not in text
    cells[0]["methods"][DEFAULT] = held | {"coverage": 0.925, "given": 17}
    assert misses(cells) == ["gauss, 5·30·30, pair weights: 0.925"]
    assert "- gauss, 5·30·30, pair weights: 0.925" in page(study)[0]
    assert "Studies without an interval: default 3." in page(study)[0]
