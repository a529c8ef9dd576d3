"""One line of an answer file, asked field by field: an `Answer`, or every fault that keeps it from being one."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from study.answer import Action, Answer, Kind, Mapper, Response, ResponseMode
from study.bundle_text import ID_RULE, is_id, is_text
from study.case import Case, CaseId, OptionId, Selection
from study.errors import Fault

MOST_RUNS = 1_000_000
MOST_CONFIDENCE = 100

_Word = TypeVar("_Word", bound=StrEnum)


class Fields:
    """The fields of one object. What is absent or null gives None; what does not suit gives None and a fault."""

    def __init__(self, values: Mapping[str, object], where: str, faults: list[Fault], path: str = "") -> None:
        self._values, self._where, self._faults, self._path = values, where, faults, path
        self._asked: set[str] = set()

    def fault(self, what: str) -> None:
        self._faults.append(Fault(self._where, f"{self._path}{what}"))

    def take(self, key: str, kind: type, what: str, *, required: bool = False) -> object:
        self._asked.add(key)
        value = self._values.get(key)
        if value is None:
            if required:
                self.fault(f"{key} is missing" if key not in self._values else f"{key} must be {what}")
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.fault(f"{key} must be {what}")
            return None
        return value

    def text(self, key: str, *, required: bool = False) -> str | None:
        value = self.take(key, str, "text", required=required)
        if isinstance(value, str) and not is_text(value):
            self.fault(f"{key} is blank or not writable as UTF-8")
            return None
        return value if isinstance(value, str) else None

    def id(self, key: str, *, required: bool = False) -> str | None:
        value = self.text(key, required=required)
        if value is not None and not is_id(value):
            self.fault(f"{key} {value!r} is not an id: {ID_RULE}")
            return None
        return value

    def whole(self, key: str, low: int, high: int, *, required: bool = False) -> int | None:
        value = self.take(key, int, "a whole number", required=required)
        if isinstance(value, int) and not low <= value <= high:
            self.fault(f"{key} must be from {low} to {high}")
            return None
        return value if isinstance(value, int) else None

    def word(self, key: str, words: type[_Word]) -> _Word | None:
        value = self.text(key)
        if value is not None and value not in tuple(words):
            self.fault(f"{key} {value!r} is unknown; there are {', '.join(words)}")
            return None
        return words(value) if value is not None else None

    def options(self, key: str, case: Case | None, *, required: bool = False) -> Selection | None:
        """A set of options of the case; `case` None: it is not known which there are."""
        values = self.take(key, list, "a list of option ids in quotes", required=required)
        if not isinstance(values, list):
            return None
        if not all(isinstance(value, str) for value in values):
            self.fault(f"{key} must be a list of option ids in quotes")
            return None
        found = frozenset(map(OptionId, values))
        if len(found) < len(values):
            self.fault(f"{key} names an option more than once")
        self.known(key, found, case)
        return found

    def known(self, key: str, options: Selection, case: Case | None) -> None:
        for option in sorted(options - case.option_ids) if case is not None else ():
            self.fault(f"{key}: case {case.id if case else ''} has no option {option!r}")

    def objects(self, key: str) -> "list[Fields] | None":
        values = self.take(key, list, "a list of objects")
        if not isinstance(values, list):
            return None
        if not all(isinstance(value, dict) for value in values):
            self.fault(f"{key} must be a list of objects")
            return None
        return [
            Fields(value, self._where, self._faults, f"{self._path}{key}[{number}].")
            for number, value in enumerate(values)
        ]

    def object(self, key: str) -> "Fields | None":
        value = self.take(key, dict, "an object")
        return Fields(value, self._where, self._faults, f"{self._path}{key}.") if isinstance(value, dict) else None

    def close(self) -> None:
        for key in self._values:
            if key not in self._asked:
                self.fault(f"{key!r} is unknown")

    @property
    def faults(self) -> int:
        return len(self._faults)


def read_answer(fields: Fields, cases: Mapping[CaseId, Case]) -> Answer | None:
    """None: a fault was found."""
    before = fields.faults
    case_id = fields.text("case_id", required=True)
    case = cases.get(CaseId(case_id)) if case_id is not None else None
    if case_id is not None and case is None:
        fields.fault(f"there is no case {case_id!r}")
    mode = fields.word("response_mode", ResponseMode) or ResponseMode.TICK
    response = _response(fields, case, mode)
    answer = Answer(
        case_id=CaseId(case_id or ""),
        respondent=fields.id("respondent", required=True) or "",
        response=response,
        run=fields.whole("run", 1, MOST_RUNS, required=True) or 1,
        variant=fields.id("variant"),
        kind=fields.word("kind", Kind),
        arm=fields.id("arm"),
        state=fields.text("state"),
        response_mode=mode,
        graded=_graded(fields, case, mode, response.selected),
        confidence=fields.whole("confidence", 0, MOST_CONFIDENCE),
        system_version=fields.text("system_version"),
        prompt_sha256=fields.text("prompt_sha256"),
        created_at=fields.text("created_at"),
        mapper=_mapper(fields.object("mapper")),
    )
    fields.close()
    return answer if fields.faults == before else None


def _response(fields: Fields, case: Case | None, mode: ResponseMode) -> Response:
    selected = fields.options("selected", case, required=True)
    partial = fields.options("partial", None) or frozenset()
    given = fields.objects("actions")
    actions = None if given is None else tuple(_action(action, case) for action in given)
    if selected is None:
        return Response(frozenset())
    for option in sorted(partial - selected):
        fields.fault(f"partial names {option!r}, which is not selected")
    if actions is not None:
        cited: Selection = frozenset().union(*(action.options for action in actions))
        for option in sorted(cited - selected):
            fields.fault(f"actions name {option!r}, which is not selected")
        # Who maps free text may hold an option as met by a plan as a whole, and cite no action for it.
        for option in sorted(selected - cited) if mode is not ResponseMode.FREE_TEXT_MAPPED else ():
            fields.fault(f"selected names {option!r}, which no action names")
    return Response(selected, partial, actions)


def _action(fields: Fields, case: Case | None) -> Action:
    options = fields.options("options", case, required=True)
    score = fields.whole("score", 0, 9)
    fields.close()
    return Action(options or frozenset(), Action(frozenset()).score if score is None else score)


def _graded(fields: Fields, case: Case | None, mode: ResponseMode, selected: Selection) -> dict[OptionId, bool] | None:
    """Every option's grade: complete, and agreeing with what was selected. A missing grade is no *inappropriate*."""
    values = fields.take("graded", dict, "an object", required=mode is ResponseMode.GRADE_ALL)
    if not isinstance(values, dict):
        return None
    if not all(isinstance(value, bool) for value in values.values()):
        fields.fault("graded must hold true or false for each option")
        return None
    graded = {OptionId(option): value for option, value in values.items()}
    fields.known("graded", frozenset(graded), case)
    for option in sorted(case.option_ids - graded.keys()) if case is not None else ():
        fields.fault(f"graded lacks option {option!r}")
    for option in sorted(graded):
        if graded[option] != (option in selected):
            fields.fault(f"graded says {str(graded[option]).lower()} of {option!r}, selected says otherwise")
    return graded


def _mapper(fields: Fields | None) -> Mapper | None:
    if fields is None:
        return None
    kind, name, version = (fields.text(key, required=True) for key in ("kind", "name", "version"))
    fields.close()
    return Mapper(kind or "", name or "", version or "")
