"""What a disk may hold after the power failed, given what a program had asked the kernel to write.

What a file was synced with is kept. Of what came after its last sync anything may be there: nothing, a part, the
first part, single sectors. Names are kept at once: a file that was made, removed or renamed is so after any cut.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise

SECTOR = 512


@dataclass(frozen=True, slots=True)
class Written:
    file: str
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resized:
    file: str
    size: int


@dataclass(frozen=True, slots=True)
class Synced:
    file: str


@dataclass(frozen=True, slots=True)
class Removed:
    file: str


@dataclass(frozen=True, slots=True)
class Renamed:
    file: str
    to: str


@dataclass(frozen=True, slots=True)
class Said:
    """No write: what the program told, in its place among the writes."""

    text: str


Change = Written | Resized
Entry = Change | Synced | Removed | Renamed | Said


class Fate(StrEnum):
    """What becomes of the writes that were not synced."""

    DROPPED = "dropped"
    HALF = "kept half"
    PREFIX = "kept as a prefix"
    TORN = "torn at 512 B"


class Disk:
    """Takes a recording entry by entry; `after` says what could be found if the power failed now."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._kept = {name: bytearray(data) for name, data in files.items()}
        self._waiting: dict[str, list[Change]] = {}

    def take(self, entry: Entry) -> None:
        match entry:
            case Written(file) | Resized(file):
                self._kept.setdefault(file, bytearray())
                self._waiting.setdefault(file, []).append(entry)
            case Synced(file):
                for change in self._waiting.pop(file, ()):
                    _apply(self._kept[file], change)
            case Removed(file):
                self._kept.pop(file, None)
                self._waiting.pop(file, None)
            case Renamed(file, to):
                self._kept[to] = self._kept.pop(file)
                self._waiting[to] = self._waiting.pop(file, [])
            case Said():
                pass

    def after(self, fate: Fate, rng: random.Random) -> dict[str, bytearray]:
        """The files as a cut leaves them."""
        return self._with(lambda waiting: _survivors(waiting, fate, rng))

    def seen(self) -> dict[str, bytearray]:
        """The files as a running program reads them."""
        return self._with(lambda waiting: waiting)

    def _with(self, chosen: Callable[[Sequence[Change]], Sequence[Change]]) -> dict[str, bytearray]:
        files = {}
        for name, kept in self._kept.items():
            files[name] = bytearray(kept)
            for change in chosen(self._waiting.get(name, ())):
                _apply(files[name], change)
        return files


def _apply(file: bytearray, change: Change) -> None:
    match change:
        case Resized(_, size):
            del file[size:]
            file.extend(bytes(size - len(file)))
        case Written(_, offset, data):
            file.extend(bytes(max(0, offset - len(file))))
            file[offset : offset + len(data)] = data


def _survivors(waiting: Sequence[Change], fate: Fate, rng: random.Random) -> Sequence[Change]:
    match fate:
        case Fate.DROPPED:
            return ()
        case Fate.HALF:
            return [change for change in waiting if rng.random() < 0.5]
        case Fate.PREFIX:
            return waiting[: rng.randint(0, len(waiting))]
        case Fate.TORN:
            return [sector for change in waiting for sector in _sectors(change) if rng.random() < 0.5]


def _sectors(change: Change) -> Sequence[Change]:
    """A write as the disk sees it: in sectors, each of which arrives or does not."""
    if isinstance(change, Resized):
        return [change]
    end = change.offset + len(change.data)
    bounds = [change.offset, *range(change.offset // SECTOR * SECTOR + SECTOR, end, SECTOR), end]
    return [
        replace(change, offset=low, data=change.data[low - change.offset : high - change.offset])
        for low, high in pairwise(bounds)
    ]
