"""`rubric/ratings.csv` and `rubric/structure.csv`, strictly, against the cases that they speak of."""

import re
from collections.abc import Mapping, Sequence

from study.bundle_text import ID_RULE, is_id, read_rows
from study.case import Case, CaseId, OptionId
from study.consensus import panel_fault
from study.errors import Fault
from study.rubric import ALTERNATIVE, HARM_CONCEPT, OptionStructure, Rating

RATINGS, STRUCTURE = "rubric/ratings.csv", "rubric/structure.csv"
RATINGS_HEADER = ("case_id", "option_id", "rater", "score")
STRUCTURE_HEADER = ("case_id", "option_id", "group", "group_kind", "depends_on", "do_nothing", "escalation")
GROUP_KINDS = (ALTERNATIVE, HARM_CONCEPT)
_SCORE = re.compile(r"[1-9]")

Cases = Mapping[CaseId, Case | None]
"""Cases by id; None: there is such a case, but its file is faulty, so its options are not known."""

Place = tuple[CaseId, OptionId]


def parse_ratings(data: bytes, cases: Cases, rule: str | None, faults: list[Fault]) -> tuple[Rating, ...]:
    """Every rating. `rule` None: the consensus rule is not known, so panels are not counted."""
    rows = read_rows(data, RATINGS, RATINGS_HEADER, faults)
    if rows is None:
        return ()
    ratings: list[Rating] = []
    panels: dict[Place, dict[str, str]] = {}
    for where, row in rows:
        place = _place(where, row, cases, faults)
        rater, score = row["rater"], row["score"]
        if not is_id(rater):
            faults.append(Fault(where, f"rater {rater!r} is not an id: {ID_RULE}"))
        if not _SCORE.fullmatch(score):
            faults.append(Fault(where, f"score must be a whole number from 1 to 9, is {score!r}"))
            # The option has been rated, if badly: that it was not is no second fault.
            panels.setdefault(place, {}).setdefault(rater, where)
            continue
        if rater in panels.setdefault(place, {}):
            faults.append(Fault(where, f"{place[0]} {place[1]}: {rater} has rated this option before"))
            continue
        panels[place][rater] = where
        ratings.append(Rating(*place, rater, int(score)))
    _check_panels(panels, cases, rule, faults)
    return tuple(ratings)


def _check_panels(
    panels: Mapping[Place, Mapping[str, str]], cases: Cases, rule: str | None, faults: list[Fault]
) -> None:
    """Every option is rated, by as many raters as the consensus rule asks for."""
    known = [(case.id, option.id) for case in cases.values() if case is not None for option in case.options]
    for place in known:
        panel = panels.get(place, {})
        wrong = None if rule is None else panel_fault(rule, len(panel))
        if not panel:
            faults.append(Fault(RATINGS, f"{place[0]} {place[1]}: this option has no rating"))
        elif wrong is not None:
            faults.append(Fault([*panel.values()][-1], f"{place[0]} {place[1]}: {wrong}"))


def _place(where: str, row: Mapping[str, str], cases: Cases, faults: list[Fault]) -> Place:
    case_id, option_id = CaseId(row["case_id"]), OptionId(row["option_id"])
    case = cases.get(case_id)
    if case_id not in cases:
        faults.append(Fault(where, f"there is no case {case_id!r}"))
    elif case is not None and option_id not in case.option_ids:
        faults.append(Fault(where, f"case {case_id} has no option {option_id!r}"))
    return case_id, option_id


def parse_structure(data: bytes, cases: Cases, faults: list[Fault]) -> tuple[OptionStructure, ...]:
    """Every row: what stands alone needs none."""
    rows = read_rows(data, STRUCTURE, STRUCTURE_HEADER, faults)
    structure: list[OptionStructure] = []
    places: dict[Place, str] = {}
    for where, row in rows or ():
        place = _place(where, row, cases, faults)
        if place in places:
            faults.append(Fault(where, f"{place[0]} {place[1]} stands there more than once"))
            continue
        places[place] = where
        structure.append(_option_structure(where, row, place, cases, faults))
    _check_circles(structure, places, faults)
    return tuple(structure)


def _option_structure(
    where: str, row: Mapping[str, str], place: Place, cases: Cases, faults: list[Fault]
) -> OptionStructure:
    group, kind = row["group"] or None, row["group_kind"] or None
    if kind is not None and kind not in GROUP_KINDS:
        faults.append(Fault(where, f"group_kind must be {', '.join(GROUP_KINDS)} or empty, is {kind!r}"))
    elif kind is not None and group is None:
        faults.append(Fault(where, f"group_kind is {kind}, but no group is named"))
    for flag in ("do_nothing", "escalation"):
        if row[flag] not in ("", "1"):
            faults.append(Fault(where, f"{flag} must be 1 or empty, is {row[flag]!r}"))
    return OptionStructure(
        *place,
        group=group,
        group_kind=kind,
        depends_on=_depends_on(where, row["depends_on"], place, cases.get(place[0]), faults),
        do_nothing=row["do_nothing"] == "1",
        escalation=row["escalation"] == "1",
    )


def _depends_on(where: str, written: str, place: Place, case: Case | None, faults: list[Fault]) -> tuple[OptionId, ...]:
    parents = tuple(map(OptionId, written.split(";"))) if written else ()
    if len(set(parents)) < len(parents):
        faults.append(Fault(where, f"depends_on names an option more than once: {written}"))
    for parent in parents:
        if case is not None and parent not in case.option_ids:
            faults.append(Fault(where, f"depends_on: case {place[0]} has no option {parent!r}"))
    return parents


def _check_circles(structure: Sequence[OptionStructure], places: Mapping[Place, str], faults: list[Fault]) -> None:
    """Take away what depends on nothing that is left, again and again; what stays is in a circle or behind one."""
    waiting = {(row.case_id, row.option_id): set(row.depends_on) for row in structure if row.depends_on}
    while True:
        settled = [at for at, parents in waiting.items() if not any((at[0], parent) in waiting for parent in parents)]
        if not settled:
            break
        for at in settled:
            del waiting[at]
    for at in waiting:
        faults.append(Fault(places[at], f"{at[0]} {at[1]}: depends_on leads in a circle"))
