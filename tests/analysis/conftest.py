"""Digits from other software, and designs to estimate on."""

import json
from dataclasses import replace

import numpy as np
import pytest

from study.answer import EMPTY, Answer, Kind, Response
from study.case import Case, CaseId, Option, OptionId
from study.cut import Cut
from study.profile import PROFILES
from study.progress import Reading, State
from study.protocol import Arm, Primary, Protocol, Scoring, Stage
from study.rubric import Rating, build_rubric


@pytest.fixture(scope="session")
def reference(shared_data):
    """The reference cases by id: inputs, and what R and other independent software make of them."""
    cases = json.loads((shared_data / "statistics" / "reference.json").read_text())["cases"]
    return {case["id"]: case for case in cases}


@pytest.fixture
def penicillin(reference):
    """Six samples as readers, twenty-four plates as cases: shape (6, 24)."""
    return np.array(reference["crossed_mean_penicillin"]["inputs"]["matrix"], dtype=float).T


CASES = tuple(f"case-{c}" for c in range(6))
OPTIONS = tuple(f"o{o}" for o in range(8))
PRIMARY = Primary("f1_weighted", "Alder", "physician")
SCORES = (9, 8, 7, 6, 5, 3, 2, 1)


def a_rubric(cases, ratings, profile, consensus):
    return build_rubric(cases, ratings, (), profile=PROFILES[profile], consensus=consensus, source="")


def picked(rng, generous):
    """Options chosen the more gladly the better they are."""
    wanted = 1 / (1 + np.exp(-(np.array(SCORES) - 6 + generous) / 1.5))
    return Response(frozenset(np.array(OPTIONS)[rng.random(len(OPTIONS)) < wanted].tolist()))


@pytest.fixture(scope="session")
def a_cut():
    """A small study with every kind of ending: seven readers of six cases, and two systems of three runs."""

    def make(*, profile="noharm-2026-07", arms=("physician",), primary=PRIMARY):
        rng = np.random.default_rng(11)
        cases = {
            CaseId(case): Case(CaseId(case), "x", "…", tuple(Option(OptionId(o), o, "Do") for o in OPTIONS))
            for case in CASES
        }
        ratings = tuple(
            Rating(CaseId(case), OptionId(option), rater, int(np.clip(score + rng.integers(-1, 2), 1, 9)))
            for case in CASES
            for option, score in zip(OPTIONS, SCORES, strict=True)
            for rater in ("ann", "ben", "eve")
        )
        readings = [
            Reading(f"reader-{r}", CaseId(case), arms[r % len(arms)], c + 1, State.SUBMITTED, picked(rng, -0.5 + r / 6))
            for r in range(7)
            for c, case in enumerate(CASES)
            if (r + c) % 4
        ]
        readings[1] = replace(readings[1], state=State.EXPIRED)
        readings[7] = replace(readings[7], state=State.EXPIRED, response=None)
        readings[12] = replace(readings[12], response=EMPTY)
        readings[15] = replace(readings[15], void="the network failed")
        readings[19] = replace(readings[19], state=State.ASSIGNED, response=None)
        readings[22] = replace(readings[22], state=State.OPEN)
        answers = tuple(
            Answer(CaseId(case), name, picked(rng, generous), run=run, kind=Kind.SYSTEM, system_version="1.0")
            for name, generous in (("Alder", 1.5), ("Birch", -0.5))
            for case in CASES
            for run in (1, 2, 3)
        )
        return Cut(
            protocol=Protocol(
                id="small",
                title="A small study",
                version="1",
                seed=1,
                scoring=Scoring(profile, "median"),
                arms=tuple(Arm(arm, (Stage("answer"),)) for arm in arms),
                primary=primary,
            ),
            cases=cases,
            rubric=a_rubric(cases, ratings, profile, "median"),
            ratings=ratings,
            readings=tuple(readings),
            answers=answers,
            bundle_digest="b" * 64,
            locked_at_us=1_800_000_000_000_000,
        )

    return make
