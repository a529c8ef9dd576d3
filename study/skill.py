"""How a respondent who does not exist chooses: for demonstrations, rehearsals and tests, never for a result.

A respondent chooses an option with a chance that depends on its consensus score alone, shifted by how good this
respondent is and how tempting this option is; then makes the plan coherent. Nothing here reads a clock.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from study.answer import Response
from study.case import Selection
from study.consensus import BENEFIT
from study.rubric import CaseRubric

Floats = NDArray[np.float64]

TOWARDS_RIGHT = np.array([-1.0, -1.0, -1.0, -0.5, -0.5, -0.5, 1.0, 1.0, 1.0])
"""How a better respondent's log odds of choosing an option of score 1–9 move."""


@dataclass(frozen=True, slots=True)
class Skill:
    """`chances[s − 1]`: the chance that the middle respondent chooses an option of consensus score s.

    `leaves_alone`: the same of *do nothing* where that is right. The spreads are standard deviations of log odds:
    between respondents of one kind, between their cases, and between options of one score (temptations that all of
    them share).
    """

    chances: tuple[float, ...]
    leaves_alone: float
    between_readers: float = 0.0
    between_cases: float = 0.0
    between_options: float = 0.0

    def __post_init__(self) -> None:
        if len(self.chances) != 9 or not all(0.0 < chance < 1.0 for chance in (*self.chances, self.leaves_alone)):
            raise ValueError("A skill has nine chances, one for each score from 1 to 9, all between 0 and 1.")

    def log_odds(self, case: CaseRubric, *, edge: float = 0.0, appeal: Floats | None = None) -> Floats:
        """Of choosing each option. `edge`: how much better than the middle; `appeal`: an option's temptation."""
        chance = np.asarray(self.chances)[case.score - 1]
        chance[case.do_nothing & (case.score >= BENEFIT)] = self.leaves_alone
        shifted = np.log(chance / (1.0 - chance)) + edge * TOWARDS_RIGHT[case.score - 1]
        return shifted if appeal is None else shifted + appeal


GENERALIST = Skill(
    chances=(0.02, 0.05, 0.10, 0.14, 0.24, 0.34, 0.50, 0.60, 0.72),
    leaves_alone=0.55,
    between_readers=0.35,
    between_cases=0.45,
    between_options=0.80,
)
"""The simulated physicians of the demonstration: about half of what they choose is right; they miss a good third."""


def simulate_response(
    case: CaseRubric, skill: Skill, rng: np.random.Generator, *, edge: float = 0.0, appeal: Floats | None = None
) -> Response:
    """One plan: options drawn one by one, then made coherent.

    Whoever chooses *do nothing* chooses nothing else; of alternatives one is kept; an option that depends on
    others falls away without them.
    """
    odds = skill.log_odds(case, edge=edge, appeal=appeal)
    chosen = rng.random(len(odds)) < 1.0 / (1.0 + np.exp(-odds))
    nothing = chosen & case.do_nothing
    if nothing.any():
        return Response(selected=_options(case, nothing))
    for group in np.unique(case.alternative[chosen & (case.alternative >= 0)]):
        members = np.flatnonzero(chosen & (case.alternative == group))
        chosen[members] = False
        chosen[members[int(rng.random() * len(members))]] = True
    supported = ~case.parents.any(axis=1) | (case.parents & chosen).any(axis=1)
    return Response(selected=_options(case, chosen & supported))


def _options(case: CaseRubric, chosen: NDArray[np.bool_]) -> Selection:
    return frozenset(option for option, kept in zip(case.options, chosen, strict=True) if kept)
