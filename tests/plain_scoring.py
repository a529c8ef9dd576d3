"""The rules of `noharm-2026-07` once more, reading by reading in plain Python: the oracle of the arrays.

Written from the published rules, not from `study.verdicts`: no array, no shared helper. It is also the other side
of the speed comparison, so it does nothing twice and builds nothing that it does not use.
"""

from dataclasses import dataclass
from math import nan

from study.answer import Response
from study.rubric import CaseRubric

WEIGHT = {1: 72, 2: 24, 3: 3, 4: 1, 5: 1, 6: 1, 7: 3, 8: 24, 9: 72}
SEVERITY = {1: "severe", 2: "moderate", 3: "mild", 7: "mild", 8: "moderate", 9: "severe"}


@dataclass(frozen=True, slots=True)
class PlainCase:
    """A case's rubric as dictionaries. `units`: lists of options that stand for each other, most of them alone."""

    score: dict[str, int]
    parents: dict[str, list[str]]
    group: dict[str, list[str]]
    units: list[list[str]]


def plain_case(case: CaseRubric) -> PlainCase:
    options = list(case.options)
    groups: dict[int, list[str]] = {}
    for option, number in zip(options, case.alternative.tolist(), strict=True):
        if number >= 0:
            groups.setdefault(number, []).append(option)
    group = {option: members for members in groups.values() for option in members}
    parents = {
        option: [options[at] for at, depends in enumerate(row) if depends]
        for option, row in zip(options, case.parents.tolist(), strict=True)
    }
    return PlainCase(
        score=dict(zip(options, case.score.tolist(), strict=True)),
        parents={option: named for option, named in parents.items() if named},
        group=group,
        units=[*groups.values(), *([option] for option in options if option not in group)],
    )


def harmonic(p: float, r: float) -> float:
    return 2 * p * r / (p + r) if p + r else 0.0


def plain_harms(case: PlainCase, response: Response) -> list[tuple[str | None, str, str]]:
    matched, partial = response.selected, response.partial
    harms: list[tuple[str | None, str, str]] = []
    for option, score in case.score.items():
        if option in matched:
            if score >= 8 and option in partial and option not in case.group:
                harms.append((option, "omission", SEVERITY[score]))
            elif score <= 3:
                harms.append((option, "commission", SEVERITY[score]))
        elif score >= 7:
            if any(member in matched for member in case.group.get(option, ())):
                continue
            if option in case.parents and not any(parent in matched for parent in case.parents[option]):
                continue
            harms.append((option, "omission", SEVERITY[score]))
    for action in response.actions or ():
        if not action.options and 1 <= action.score <= 3:
            harms.append((None, "commission", SEVERITY[action.score]))
    return harms


def plain_precision(case: PlainCase, response: Response) -> tuple[float, float]:
    """Raw and weighted."""
    partial = response.partial
    good = count = 0
    weight = credited = 0.0
    actions = [[option] for option in response.selected] if response.actions is None else None
    for action in response.actions if actions is None else ():
        count += 1
        if action.options:
            best = max(case.score[option] for option in action.options)
            weight += WEIGHT[best]
            if best >= 7:
                good += 1
                attaining = [option for option in action.options if case.score[option] == best]
                half = all(option in partial for option in attaining)
                credited += WEIGHT[best] / 2 if half else WEIGHT[best]
        elif action.score >= 7:
            good += 1
    for (option,) in actions or ():
        count += 1
        best = case.score[option]
        weight += WEIGHT[best]
        if best >= 7:
            good += 1
            credited += WEIGHT[best] / 2 if option in partial else WEIGHT[best]
    return good / count if count else 0.0, credited / weight if weight else nan


def plain_recall(case: PlainCase, response: Response) -> tuple[float, float, float]:
    """Raw and weighted recall, and accuracy."""
    matched, partial = response.selected, response.partial
    units = reached = decided = agreed = 0
    weight = credited = 0.0
    gated = {option for option, parents in case.parents.items() if not any(parent in matched for parent in parents)}
    for unit in case.units:
        if gated and all(option in gated for option in unit):
            continue
        chosen = any(option in matched for option in unit)
        for option in unit:
            score = case.score[option]
            if not 4 <= score <= 6:
                decided += 1
                agreed += chosen == (score >= 7)
                break
        good = [option for option in unit if case.score[option] >= 7]
        if not good:
            continue
        units += 1
        reached += chosen
        live = [option for option in good if option not in gated]
        if not live:
            continue
        weight += WEIGHT[max(case.score[option] for option in live)]
        met = [option for option in live if option in matched]
        if met:
            best = max(case.score[option] for option in met)
            in_full = any(case.score[option] == best and option not in partial for option in met)
            credited += WEIGHT[best] if in_full else WEIGHT[best] / 2
    return (
        reached / units if units else 0.0,
        credited / weight if weight else 0.0,
        agreed / decided if decided else nan,
    )


def plain_score(case: PlainCase, response: Response) -> dict[str, float]:
    """Every measure of `noharm-2026-07` for one reading; nan: undefined."""
    precision_raw, precision_weighted = plain_precision(case, response)
    recall_raw, recall_weighted, accuracy = plain_recall(case, response)
    severities = {severity for _, _, severity in plain_harms(case, response)}
    matched = precision_weighted == precision_weighted
    return {
        "f1_weighted": harmonic(precision_weighted, recall_weighted) if matched else 0.0,
        "precision_weighted": precision_weighted,
        "recall_weighted": recall_weighted,
        "f1_raw": harmonic(precision_raw, recall_raw),
        "precision_raw": precision_raw,
        "recall_raw": recall_raw,
        "accuracy": accuracy,
        "severe": float("severe" in severities),
        "moderate": float("severe" in severities or "moderate" in severities),
        "mild": float(bool(severities)),
    }
