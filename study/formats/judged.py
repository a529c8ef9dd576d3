"""The official NOHARM *judged* records: an autograder's verdicts on free text, one record a line."""

import json
import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from study.answer import Action, Answer, Kind, Mapper, Response, ResponseMode
from study.bundle_text import ID_RULE, is_id
from study.case import Case, CaseId, OptionId, Selection
from study.errors import Fault, Faulty
from study.formats.answer_fields import MOST_RUNS, Fields
from study.formats.canonical import duplicate
from study.formats.json_lines import read_objects

CANONICAL, JUDGED = "canonical", "noharm-judged"
NOT_STATED = "not stated"
_VARIANT = re.compile(r"(.+)-(\d+)")


def detect_format(data: bytes) -> str:
    """`noharm-judged` where the first line is an official record, else `canonical`."""
    try:
        first = json.loads(data.lstrip().split(b"\n", 1)[0])
    except (ValueError, RecursionError):
        return CANONICAL
    return JUDGED if isinstance(first, dict) and {"id", "options", "responseActions"} <= first.keys() else CANONICAL


def parse_judged(data: bytes, name: str, cases: Mapping[CaseId, Case], respondent: str | None = None) -> list[Answer]:
    """The official records of one system as answers. Raises `Faulty` with every fault of every line.

    `respondent` None: the file's name without its ending and without `_judged`. The matched options are selected.
    An action keeps those of its options that stayed matched; one that loses all of them is off the list, with the
    score it has: the official rescoring. An option that was matched without an action counts for recall and harm,
    not for precision.
    """
    faults: list[Fault] = []
    named = respondent or PurePosixPath(name).name.removesuffix(".jsonl").removesuffix("_judged")
    if not is_id(named):
        faults.append(Fault(f"{name}:1", f"respondent {named!r} is not an id: {ID_RULE}"))
    answers: list[Answer] = []
    first: dict[object, str] = {}
    for where, given in read_objects(data, name, faults, nan=True):
        answer = _answer(Fields(given, where, faults), cases, named)
        if answer is None:
            continue
        if answer.key in first:
            faults.append(duplicate(answer, where, first[answer.key]))
            continue
        first[answer.key] = where
        answers.append(answer)
    if faults:
        raise Faulty(faults)
    return answers


def _answer(fields: Fields, cases: Mapping[CaseId, Case], respondent: str) -> Answer | None:
    before = fields.faults
    case_id, variant = _case_and_variant(fields.text("id", required=True) or "", cases)
    case = cases.get(case_id)
    if case is None:
        fields.fault(f"there is no case {case_id!r}")
        return None
    selected, partial = _verdicts(fields, case)
    trial = fields.whole("trial", 1, MOST_RUNS)
    judge = fields.text("judge", required=True)
    answer = Answer(
        case_id=case_id,
        respondent=respondent,
        response=Response(selected, partial, _actions(fields, case, selected)),
        run=1 if trial is None else trial,
        variant=variant,
        kind=Kind.SYSTEM,
        response_mode=ResponseMode.FREE_TEXT_MAPPED,
        mapper=Mapper("judge", judge or "", _reviewer(fields)),
    )
    return answer if fields.faults == before else None


def _case_and_variant(record: str, cases: Mapping[CaseId, Case]) -> tuple[CaseId, str | None]:
    """`X-<k>` is variant k of case X, unless a case has just that name."""
    split = _VARIANT.fullmatch(record)
    if CaseId(record) in cases or split is None:
        return CaseId(record), None
    return CaseId(split[1]), split[2]


def _reviewer(fields: Fields) -> str:
    reviewer = fields.text("global_match_reviewer")
    return NOT_STATED if reviewer is None else f"reviewed by {reviewer}"


def _option(value: object) -> OptionId | None:
    """Official option ids are whole numbers; ours are text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    return OptionId(str(value).strip())


def _verdicts(fields: Fields, case: Case) -> tuple[Selection, Selection]:
    """Matched; and matched in part. Every option of the case must be judged, and once."""
    matched: set[OptionId] = set()
    partial: set[OptionId] = set()
    judged: set[OptionId] = set()
    for verdict in fields.objects("options") or ():
        option = _option(verdict.take("id", object, "an option id", required=True))
        found = verdict.take("matched", bool, "true or false", required=True)
        in_part = verdict.take("partial", bool, "true or false")
        if option is None or option not in case.option_ids:
            verdict.fault(f"id: case {case.id} has no such option")
            continue
        if option in judged:
            verdict.fault(f"option {option} is judged more than once")
        judged.add(option)
        if found:
            matched.add(option)
            if in_part:
                partial.add(option)
    for option in sorted(case.option_ids - judged):
        fields.fault(f"option {option} is not judged")
    return frozenset(matched), frozenset(partial)


def _actions(fields: Fields, case: Case, selected: Selection) -> tuple[Action, ...]:
    actions = []
    given = fields.objects("responseActions")
    if given is None:
        fields.fault("responseActions are missing")
    for action in given or ():
        match = _option(action.take("match", object, "option ids joined by commas"))
        cited = frozenset(OptionId(part.strip()) for part in (match or "").split(",") if part.strip())
        action.known("match", cited, case)
        score = action.whole("score", 0, 9)
        actions.append(Action(cited & selected, Action(frozenset()).score if score is None else score))
    return tuple(actions)
