"""Small rubrics and bundles for tests: what a test does not name is plain and valid."""

from collections.abc import Mapping, Sequence

import numpy as np
import tomli_w

from study.answer import Response
from study.case import CaseId, OptionId
from study.profile import NOHARM_2026_07, Profile
from study.rubric import CaseRubric, Rubric
from study.scoring import Scores, score_readings

CASE = CaseId("X")


def case_rubric(
    scores: Sequence[int],
    *,
    groups: Sequence[int] | None = None,
    parents: Mapping[int, Sequence[int]] | None = None,
    do_nothing: Sequence[int] = (),
    escalation: Sequence[int] = (),
    named: Sequence[int] | None = None,
    case_id: str = CASE,
) -> CaseRubric:
    """Options are called "1", "2", …; `groups` gives each its alternative group (−1: none); parents by number.

    `named` gives each the group that it is named to be in; default: its alternative group.
    """
    n = len(scores)
    depends = np.zeros((n, n), dtype=bool)
    for child, wanted in (parents or {}).items():
        depends[child - 1, [parent - 1 for parent in wanted]] = True
    alternative = np.array(groups if groups is not None else [-1] * n, dtype=np.int64)
    return CaseRubric(
        case_id=CaseId(case_id),
        options=tuple(OptionId(str(number)) for number in range(1, n + 1)),
        score=np.array(scores, dtype=np.int64),
        alternative=alternative,
        parents=depends,
        do_nothing=np.array([number in do_nothing for number in range(1, n + 1)], dtype=bool),
        escalation=np.array([number in escalation for number in range(1, n + 1)], dtype=bool),
        named_group=alternative if named is None else np.array(named, dtype=np.int64),
    )


def rubric_of(*cases: CaseRubric, profile: Profile = NOHARM_2026_07) -> Rubric:
    return Rubric({case.case_id: case for case in cases}, profile, "single", "")


def ticks(*options: int | str, partial: Sequence[int | str] = ()) -> Response:
    """`partial` are ticked too."""
    in_part = frozenset(OptionId(str(option)) for option in partial)
    return Response(frozenset(OptionId(str(option)) for option in options) | in_part, in_part)


def score_one(case: CaseRubric, response: Response, profile: Profile = NOHARM_2026_07) -> Scores:
    return score_readings(rubric_of(case, profile=profile), [case.case_id], [response])


def values(case: CaseRubric, response: Response, profile: Profile = NOHARM_2026_07) -> dict[str, float]:
    return {name: float(it.value[0]) for name, it in score_one(case, response, profile).measures.items()}


PROTOCOL = {
    "schema": 1,
    "id": "small",
    "title": "A small study",
    "version": "1",
    "seed": 7,
    "scoring": {"profile": "noharm-2026-07", "consensus": "single"},
    "arms": [{"id": "physician", "stages": [{"id": "answer", "mode": "tick", "limit_s": 600}]}],
}

RATINGS = "case_id,option_id,rater,score\n"
STRUCTURE = "case_id,option_id,group,group_kind,depends_on,do_nothing,escalation\n"


def protocol_toml(**changes: object) -> bytes:
    """The protocol with some keys changed; None takes a key away."""
    merged = {key: value for key, value in (PROTOCOL | changes).items() if value is not None}
    return tomli_w.dumps(merged).encode()


def case_toml(case_id: str, n_options: int = 4, **changes: object) -> bytes:
    options = [{"id": str(at), "text": f"Do {at}", "category": "Diagnostic"} for at in range(1, n_options + 1)]
    written = {"id": case_id, "specialty": "Cardiology", "presentation": "A patient.", "options": options} | changes
    return tomli_w.dumps({key: value for key, value in written.items() if value is not None}).encode()


def bundle_files(**changed: bytes | None) -> dict[str, bytes]:
    """Two cases, A and B, of four options each, one rater. None takes a file away.

    Keys are paths with the slash and the dot written as two underscores and one: `rubric__ratings_csv`.
    """
    files = {
        "study.toml": protocol_toml(),
        "consent.md": b"# Taking part\n",
        "cases/A.toml": case_toml("A"),
        "cases/B.toml": case_toml("B"),
        "rubric/ratings.csv": (RATINGS + rows([9, 7, 5, 1])).encode(),
        "rubric/structure.csv": (STRUCTURE + "A,4,,,,1,\nA,2,,,1,,1\nB,1,tests,alternative,,,\n").encode(),
        "systems/one.jsonl": b'{"case_id":"A","respondent":"one","run":1,"selected":["1"]}\n',
    }
    for path, data in changed.items():
        folder, _, name = path.rpartition("__")
        stem, _, ending = name.rpartition("_")
        at = f"{folder}/{stem}.{ending}".lstrip("/")
        if data is None:
            del files[at]
        else:
            files[at] = data
    return files


def rows(scores: Sequence[int], rater: str = "r1", cases: Sequence[str] = ("A", "B")) -> str:
    return "".join(f"{case},{at},{rater},{score}\n" for case in cases for at, score in enumerate(scores, start=1))
