"""Digits from other software, and designs to estimate on."""

import json

import numpy as np
import pytest


@pytest.fixture(scope="session")
def reference(shared_data):
    """The reference cases by id: inputs, and what R and other independent software make of them."""
    cases = json.loads((shared_data / "statistics" / "reference.json").read_text())["cases"]
    return {case["id"]: case for case in cases}


@pytest.fixture
def penicillin(reference):
    """Six samples as readers, twenty-four plates as cases: shape (6, 24)."""
    return np.array(reference["crossed_mean_penicillin"]["inputs"]["matrix"], dtype=float).T
