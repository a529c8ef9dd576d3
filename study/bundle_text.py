"""Reading a bundle's text strictly: every fault is collected with its place, none is guessed away."""

import csv
import io
import re
import tomllib
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from math import isfinite

from study.errors import Fault
from study.text import storable

ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
ID_RULE = "an id is 1–64 letters, digits, dots, underscores or hyphens, the first a letter or a digit"
_BOM = b"\xef\xbb\xbf"
_TOML_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


def is_id(text: str) -> bool:
    return ID.fullmatch(text) is not None


def is_text(text: str) -> bool:
    """Something to read, and to be kept."""
    return bool(text.strip()) and storable(text)


def decode(data: bytes, name: str, faults: list[Fault]) -> str | None:
    """UTF-8 with LF and nothing else; None: a fault was found."""
    found = _encoding_fault(data, name)
    if found is not None:
        faults.append(found)
        return None
    return data.decode()


def _encoding_fault(data: bytes, name: str) -> Fault | None:
    if not data.strip():
        return Fault(f"{name}:1", "the file is empty")
    if data.startswith(_BOM):
        return Fault(f"{name}:1", "begins with a byte order mark; files are UTF-8 without one")
    for byte, what in ((b"\r", "a carriage return; lines end with LF alone"), (b"\x00", "a NUL byte")):
        if byte in data:
            return Fault(f"{name}:{data[: data.index(byte)].count(10) + 1}", f"has {what}")
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return Fault(f"{name}:{data[: error.start].count(10) + 1}", "is not UTF-8")
    return None


def read_rows(
    data: bytes, name: str, header: tuple[str, ...], faults: list[Fault]
) -> list[tuple[str, dict[str, str]]] | None:
    """The rows of a CSV file as (place, values by column); None: not a table with exactly this header."""
    text = decode(data, name, faults)
    if text is None:
        return None
    rows = []
    try:
        lines = _records(text)
        if tuple(next(lines)[1]) != header:
            faults.append(Fault(f"{name}:1", f"the header must be exactly {','.join(header)}"))
            return None
        for line, values in lines:
            if len(values) == len(header):
                rows.append((f"{name}:{line}", dict(zip(header, values, strict=True))))
            else:
                found = "is blank" if not values else f"has {len(values)} columns"
                faults.append(Fault(f"{name}:{line}", f"{found}; there are {len(header)}: {','.join(header)}"))
    except csv.Error as error:
        faults.append(Fault(f"{name}:1", f"is not CSV: {error}"))
        return None
    return rows


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each record with the line on which it begins."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begins = 1
    for values in reader:
        yield begins, values
        begins = reader.line_num + 1


def read_toml(data: bytes, name: str, faults: list[Fault]) -> "Table | None":
    text = decode(data, name, faults)
    if text is None:
        return None
    try:
        return Table(tomllib.loads(text), name, faults)
    except tomllib.TOMLDecodeError as error:
        place = _TOML_PLACE.search(str(error))
        line = (place and place[1]) or text.count("\n") + 1
        faults.append(Fault(f"{name}:{line}", f"is not TOML: {_TOML_PLACE.sub('', str(error))}"))
    except (ValueError, RecursionError) as error:
        faults.append(Fault(f"{name}:1", f"is not TOML: {error}"))
    return None


class Table:
    """One TOML table, asked key by key. What was never asked for is unknown, and a fault when the table is closed.

    A key that is absent, or whose value does not suit (a fault then), gives None.
    """

    def __init__(self, values: Mapping[str, object], name: str, faults: list[Fault], path: str = "") -> None:
        self._values, self._name, self._faults, self._path = values, name, faults, path
        self._asked: set[str] = set()

    def fault(self, key: str, what: str) -> None:
        self._faults.append(Fault(f"{self._name}:{self._at(key)}", what))

    def _at(self, key: str) -> str:
        key = key if is_id(key) else repr(key)
        return f"{self._path}.{key}" if self._path else key

    def _take(self, key: str, kind: type | tuple[type, ...], what: str, *, required: bool) -> object:
        self._asked.add(key)
        value = self._values.get(key)
        if value is None:
            if required:
                self.fault(key, "is missing")
            return None
        # A TOML boolean is an integer to Python, and to nobody else.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self.fault(key, f"must be {what}")
            return None
        return value

    def text(self, key: str, *, required: bool = False) -> str | None:
        value = self._take(key, str, "text in quotes", required=required)
        if isinstance(value, str) and not is_text(value):
            self.fault(key, "is blank")
            return None
        return value if isinstance(value, str) else None

    def id(self, key: str, *, required: bool = True) -> str | None:
        value = self.text(key, required=required)
        if value is not None and not is_id(value):
            self.fault(key, f"{value!r} is not an id: {ID_RULE}")
            return None
        return value

    def ids(self, key: str) -> list[str]:
        """A list of ids, none of them twice."""
        values = self._take(key, list, "a list of ids in quotes", required=False)
        given = values if isinstance(values, list) else []
        if not all(isinstance(value, str) and is_id(value) for value in given):
            self.fault(key, f"must be a list of ids in quotes: {ID_RULE}")
            return []
        for value in dict.fromkeys(value for value in given if given.count(value) > 1):
            self.fault(key, f"{value} stands there more than once")
        return given

    def word(self, key: str, words: tuple[str, ...], *, required: bool = False) -> str | None:
        value = self.text(key, required=required)
        if value is not None and value not in words:
            self.fault(key, f"{value!r} is unknown; there are {', '.join(words)}")
            return None
        return value

    def whole(self, key: str, low: int, high: int, *, required: bool = False) -> int | None:
        value = self._take(key, int, "a whole number", required=required)
        if isinstance(value, int) and not low <= value <= high:
            self.fault(key, f"must be from {low} to {high}, is {value}")
            return None
        return value if isinstance(value, int) else None

    def positive(self, key: str) -> float | None:
        value = self._take(key, (int, float), "a number", required=False)
        if not isinstance(value, int | float):
            return None
        if not (isfinite(value) and value > 0):
            self.fault(key, f"must be positive, is {value}")
            return None
        return float(value)

    def flag(self, key: str) -> bool:
        return bool(self._take(key, bool, "true or false", required=False))

    def moment(self, key: str) -> datetime | None:
        value = self._take(key, datetime, "a date and time such as 2027-01-04T08:00:00Z", required=False)
        if not isinstance(value, datetime):
            return None
        if value.tzinfo is None:
            self.fault(key, "needs an offset, such as 2027-01-04T08:00:00Z")
            return None
        try:
            return value.astimezone(UTC)
        except OverflowError:
            self.fault(key, "lies outside of the calendar")
            return None

    def table(self, key: str, *, required: bool = False) -> "Table | None":
        value = self._take(key, dict, f"a table, [{key}]", required=required)
        return Table(value, self._name, self._faults, self._at(key)) if isinstance(value, dict) else None

    def tables(self, key: str) -> list["Table"]:
        """At least one table of an array."""
        values = self._take(key, list, f"an array of tables, [[{key}]]", required=True)
        given = values if isinstance(values, list) else []
        if isinstance(values, list) and not (given and all(isinstance(value, dict) for value in given)):
            self.fault(key, f"must be an array of at least one table, [[{key}]]")
            return []
        return [
            Table(value, self._name, self._faults, f"{self._at(key)}[{number}]") for number, value in enumerate(given)
        ]

    def close(self) -> None:
        for key in sorted(self._values.keys() - self._asked):
            self.fault(key, "is unknown here")
