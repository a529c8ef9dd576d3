"""JSON lines, strictly: one object a line, no key twice, every line that is none a fault with its number."""

import json
from collections.abc import Iterator

from study.errors import Fault

_Object = dict[str, object]


class _Refused(ValueError):
    """Something that JSON knows and this project does not take."""


def read_objects(data: bytes, name: str, faults: list[Fault], *, nan: bool = False) -> Iterator[tuple[str, _Object]]:
    """Each line's place and object. `nan`: the token NaN is let through (the official files hold it)."""
    lines = data.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    for number, line in enumerate(lines, start=1):
        where = f"{name}:{number}"
        try:
            found = json.loads(
                line.decode(), object_pairs_hook=_no_key_twice, parse_constant=float if nan else _no_constant
            )
        except UnicodeDecodeError:
            faults.append(Fault(where, "is not UTF-8"))
        except json.JSONDecodeError as error:
            faults.append(
                Fault(where, f"is not JSON: {error.msg} (column {error.colno})" if line.strip() else "is blank")
            )
        except (ValueError, RecursionError) as error:
            faults.append(Fault(where, f"is not JSON that can be read: {error}"))
        else:
            if isinstance(found, dict):
                yield where, found
            else:
                faults.append(Fault(where, "is not a JSON object"))


def _no_key_twice(pairs: list[tuple[str, object]]) -> _Object:
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = sorted({key for key, _ in pairs if [other for other, _ in pairs].count(key) > 1})
        raise _Refused(f"{', '.join(map(repr, twice))} stands there more than once")
    return found


def _no_constant(token: str) -> object:
    raise _Refused(f"{token} is no number")
