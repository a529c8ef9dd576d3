"""Our own answer format: one JSON object a line, the same for systems, for scoring and in an export."""

import json
from collections.abc import Iterable, Mapping

from study.answer import Answer
from study.case import Case, CaseId
from study.errors import Fault, Faulty
from study.formats.answer_fields import Fields, read_answer
from study.formats.json_lines import read_objects


def parse_answers(data: bytes, name: str, cases: Mapping[CaseId, Case]) -> list[Answer]:
    """The answers of a file. Raises `Faulty` with every fault of every line, as `name:line`."""
    faults: list[Fault] = []
    answers: list[Answer] = []
    first: dict[object, str] = {}
    for where, given in read_objects(data, name, faults):
        answer = read_answer(Fields(given, where, faults), cases)
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


def duplicate(answer: Answer, where: str, first: str) -> Fault:
    variant = f", variant {answer.variant}" if answer.variant is not None else ""
    what = f"{answer.case_id}{variant}, run {answer.run} of {answer.respondent}"
    return Fault(where, f"{what} was answered in line {first.rpartition(':')[2]} already")


def write_answers(answers: Iterable[Answer]) -> bytes:
    """One line an answer, in the order given: keys in one order, options sorted, the mode always, nothing unset."""
    lines = (json.dumps(_written(answer), ensure_ascii=False, separators=(",", ":")) for answer in answers)
    return "".join(f"{line}\n" for line in lines).encode()


def _written(answer: Answer) -> dict[str, object]:
    response, mapper = answer.response, answer.mapper
    actions = response.actions
    line: dict[str, object | None] = {
        "case_id": answer.case_id,
        "respondent": answer.respondent,
        "run": answer.run,
        "selected": sorted(response.selected),
        "partial": sorted(response.partial) or None,
        "actions": None
        if actions is None
        else [{"options": sorted(action.options), "score": action.score} for action in actions],
        "graded": dict(sorted(answer.graded.items())) if answer.graded is not None else None,
        "response_mode": answer.response_mode,
        "kind": answer.kind,
        "arm": answer.arm,
        "variant": answer.variant,
        "state": answer.state,
        "confidence": answer.confidence,
        "system_version": answer.system_version,
        "prompt_sha256": answer.prompt_sha256,
        "created_at": answer.created_at,
        "mapper": mapper and {"kind": mapper.kind, "name": mapper.name, "version": mapper.version},
    }
    return {key: value for key, value in line.items() if value is not None}
