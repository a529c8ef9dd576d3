"""One official rubric file, asked field by field: what does not suit is a fault, what is not kept is listed."""

from study.bundle_text import is_id
from study.errors import Fault

KEPT = {
    "": {"id", "case", "options", "specialistConsult"},
    "case": {"presentation"},
    "options[]": {
        *("id", "text", "category", "placement", "score", "grade"),
        *("abstraction", "abstractionType", "dependsOn", "isHarmOfInaction"),
    },
    "specialistConsult": {"consults"},
    "specialistConsult.consults[]": {"optionId"},
}
"""The official fields that find a place in a bundle, by where they stand."""


class Source:
    """One object of an official file, asked key by key; what is asked wrongly is a fault with its path."""

    def __init__(self, values: object, name: str, path: str, form: str, dropped: set[str], faults: list[Fault]) -> None:
        self._name, self._path, self._form, self._dropped, self._faults = name, path, form, dropped, faults
        if not isinstance(values, dict):
            self.fault("", "must be an object")
        self._values = values if isinstance(values, dict) else {}
        # `options[]` and not `options[7]`: a field that is not kept is listed once, not once an option.
        dropped.update(f"{form}.{key}".lstrip(".") for key in self._values.keys() - KEPT[form])

    def fault(self, key: str, what: str) -> None:
        self._faults.append(
            Fault(":".join(filter(None, (self._name, ".".join(filter(None, (self._path, key)))))), what)
        )

    def get(self, key: str) -> object:
        return self._values.get(key)

    def text(self, key: str, *, required: bool = True) -> str:
        value = self.get(key)
        if value is None and not required:
            return ""
        if not isinstance(value, str):
            self.fault(key, "must be text")
        return value if isinstance(value, str) else ""

    def option_id(self, key: str) -> str:
        return self._as_option(key, self.get(key))

    def _as_option(self, key: str, value: object) -> str:
        if isinstance(value, bool) or not isinstance(value, int | str) or not is_id(str(value)):
            self.fault(key, f"must be an option's number or id, is {value!r}")
            return ""
        return str(value)

    def option_ids(self, key: str) -> tuple[str, ...]:
        value = self.get(key) or []
        if not isinstance(value, list):
            self.fault(key, "must be a list")
            return ()
        return tuple(self._as_option(key, parent) for parent in value)

    def score(self) -> int:
        value = next((self.get(key) for key in ("placement", "score", "grade") if self.get(key)), None)
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 9:
            self.fault("score", f"must be a whole number from 1 to 9, is {value!r}")
            return 5
        return value

    def inner(self, key: str) -> "Source":
        return self._part(self.get(key), key, key)

    def each(self, key: str, *, required: bool = False) -> list["Source"]:
        values = self.get(key)
        if values is None and not required:
            return []
        if not isinstance(values, list):
            self.fault(key, "must be a list")
            return []
        return [self._part(value, f"{key}[{number}]", f"{key}[]") for number, value in enumerate(values)]

    def _part(self, values: object, path: str, form: str) -> "Source":
        deeper = ".".join(filter(None, (self._path, path)))
        form = ".".join(filter(None, (self._form, form)))
        return Source(values, self._name, deeper, form, self._dropped, self._faults)
