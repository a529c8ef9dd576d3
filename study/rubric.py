"""The rubric: ratings + consensus rule + profile + structure, with a digest. No reader's page may import this.

A score is a consensus of ratings; structure says which options stand for each other and which depend on others.
The same ratings under another profile or another rule are another rubric, with another digest.
"""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from study.case import Case, CaseId, OptionId
from study.consensus import consensus as agreed
from study.profile import Profile

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

ALTERNATIVE, HARM_CONCEPT = "alternative", "harm"
"""The kinds of group. Only alternatives change a score; a harm concept names options that share a danger."""


@dataclass(frozen=True, slots=True)
class Rating:
    """1–9, by one rater, for one option."""

    case_id: CaseId
    option_id: OptionId
    rater: str
    score: int


@dataclass(frozen=True, slots=True)
class OptionStructure:
    """How an option stands to the others of its case. `depends_on`: it counts once one of these was chosen."""

    case_id: CaseId
    option_id: OptionId
    group: str | None = None
    group_kind: str | None = None
    depends_on: tuple[OptionId, ...] = ()
    do_nothing: bool = False
    escalation: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class CaseRubric:
    """One case's rubric as arrays over its n options, in the bundle's order.

    Attributes
    ----------
    options : tuple of OptionId, length n
    score : int array, shape (n,)
        The consensus, 1–9.
    alternative : int array, shape (n,)
        Number of the alternative group, from 0 in order of first appearance; −1: none.
    parents : bool array, shape (n, n)
        ``parents[i, j]``: option i depends on option j.
    do_nothing, escalation : bool array, shape (n,)
    named_group : int array, shape (n,)
        Number of the group that the option is named to be in, of whatever kind; −1: none. Changes no score.
    """

    case_id: CaseId
    options: tuple[OptionId, ...]
    score: Ints
    alternative: Ints
    parents: Flags
    do_nothing: Flags
    escalation: Flags
    named_group: Ints


@dataclass(frozen=True, slots=True, eq=False)
class Rubric:
    """Every case's rubric under one profile and one consensus rule. `source` is what the digest is made of."""

    cases: Mapping[CaseId, CaseRubric]
    profile: Profile
    consensus: str
    digest: str
    source: str = ""


def rubric_digest(source: str, profile: str, consensus: str) -> str:
    """Digest of the rubric's files (their sorted lines `sha256␠␠path`), the profile's name and the rule's."""
    return hashlib.sha256(f"{source}{profile}\n{consensus}\n".encode()).hexdigest()


def build_rubric(
    cases: Mapping[CaseId, Case],
    ratings: Iterable[Rating],
    structure: Iterable[OptionStructure],
    *,
    profile: Profile,
    consensus: str,
    source: str = "",
) -> Rubric:
    """The rubric of validated cases, ratings and structure. Raises `NoConsensus` where the rule does not suit."""
    scores = consensus_scores(ratings, consensus)
    placed: dict[CaseId, dict[OptionId, OptionStructure]] = {case_id: {} for case_id in cases}
    for row in structure:
        placed[row.case_id][row.option_id] = row
    built = {case_id: _case_rubric(case, scores[case_id], placed[case_id]) for case_id, case in cases.items()}
    return Rubric(built, profile, consensus, rubric_digest(source, profile.id, consensus), source)


def rebuild(
    rubric: Rubric, ratings: Iterable[Rating], *, profile: Profile | None = None, consensus: str | None = None
) -> Rubric:
    """The same ratings and structure under another profile or consensus rule. None: as it was."""
    profile, rule = profile or rubric.profile, consensus or rubric.consensus
    scores = consensus_scores(ratings, rule)
    cases = {
        case_id: CaseRubric(
            case_id=case_id,
            options=case.options,
            score=np.array([scores[case_id][option] for option in case.options], dtype=np.int64),
            alternative=case.alternative,
            parents=case.parents,
            do_nothing=case.do_nothing,
            escalation=case.escalation,
            named_group=case.named_group,
        )
        for case_id, case in rubric.cases.items()
    }
    return Rubric(cases, profile, rule, rubric_digest(rubric.source, profile.id, rule), rubric.source)


def consensus_scores(ratings: Iterable[Rating], rule: str) -> dict[CaseId, dict[OptionId, int]]:
    """Each option's one score under the rule."""
    given: dict[CaseId, dict[OptionId, list[int]]] = {}
    for rating in ratings:
        given.setdefault(rating.case_id, {}).setdefault(rating.option_id, []).append(rating.score)
    return {
        case_id: {option: agreed(rule, scores) for option, scores in options.items()}
        for case_id, options in given.items()
    }


def _case_rubric(
    case: Case, scores: Mapping[OptionId, int], structure: Mapping[OptionId, OptionStructure]
) -> CaseRubric:
    options = tuple(option.id for option in case.options)
    place = {option: at for at, option in enumerate(options)}
    rows = [structure.get(option) or OptionStructure(case.id, option) for option in options]
    groups: dict[str, int] = {}
    names: dict[str, int] = {}
    named_group = np.full(len(options), -1, dtype=np.int64)
    alternative = np.full(len(options), -1, dtype=np.int64)
    parents = np.zeros((len(options), len(options)), dtype=np.bool_)
    for at, row in enumerate(rows):
        if row.group is not None and row.group_kind == ALTERNATIVE:
            alternative[at] = groups.setdefault(row.group, len(groups))
        if row.group is not None:
            named_group[at] = names.setdefault(row.group, len(names))
        parents[at, [place[parent] for parent in row.depends_on]] = True
    return CaseRubric(
        case_id=case.id,
        options=options,
        score=np.array([scores[option] for option in options], dtype=np.int64),
        alternative=alternative,
        parents=parents,
        do_nothing=np.array([row.do_nothing for row in rows], dtype=np.bool_),
        escalation=np.array([row.escalation for row in rows], dtype=np.bool_),
        named_group=named_group,
    )
