"""The path of an answer: every change of every kept draft, from the events that were written with them."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from study.case import OptionId
from study.draft import Draft
from study.errors import StudyError
from study.record import EventRecord

SAVED = "saved"
"""The kind of event that a kept draft leaves: its body lists what changed."""
FIELDS = frozenset({"confidence", "rationale", "resources", "nothing_to_recommend"})


class Part(StrEnum):
    """What of a draft a change is about."""

    OPTION = "option"
    FIELD = "field"


class Lost(StrEnum):
    """Why nobody can say what a save changed."""

    ERASED = "erased"
    UNREADABLE = "unreadable"


class DoesNotFollow(StudyError):
    """A change that does not begin where the one before it ended: these are not the changes that were made."""


@dataclass(frozen=True, slots=True)
class Change:
    """One option ticked or taken back, or one field altered. `offset_ms`: the page's own clock; None: not told."""

    part: Part
    name: str
    old: Any
    new: Any
    offset_ms: int | None


@dataclass(frozen=True, slots=True)
class Step:
    """One kept draft. `changes` may be none of all: a draft that was kept as it stood. `lost`: they are not known."""

    revision: int
    at_us: int
    in_grace: bool
    changes: tuple[Change, ...]
    lost: Lost | None = None


def steps(events: Iterable[EventRecord]) -> list[Step]:
    """The kept drafts of one reading, from its events in order. One event each, so that the revision is the count."""
    saves = (event for event in events if event.link.kind == SAVED)
    return [_step(number, event) for number, event in enumerate(saves, start=1)]


def _step(revision: int, event: EventRecord) -> Step:
    at_us = event.link.at_us
    if event.body is None:
        return Step(revision, at_us, in_grace=False, changes=(), lost=Lost.ERASED)
    try:
        body = json.loads(event.body)
        return Step(revision, at_us, bool(body["in_grace"]), tuple(_change(found) for found in body["changes"]))
    except (
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ):  # altered: a fault of its chain, said there
        return Step(revision, at_us, in_grace=False, changes=(), lost=Lost.UNREADABLE)


def _change(found: Mapping[str, Any]) -> Change:
    part = Part.OPTION if Part.OPTION in found else Part.FIELD
    return Change(part, str(found[part]), found["old"], found["new"], found.get("offset_ms"))


def drafts(path: Iterable[Step]) -> list[Draft | None]:
    """The draft after each step; None from the first one on whose changes are lost. Raises DoesNotFollow."""
    draft: Draft | None = Draft()
    found = []
    for step in path:
        draft = None if draft is None or step.lost is not None else _after(draft, step)
        found.append(draft)
    return found


def _after(draft: Draft, step: Step) -> Draft:
    for change in step.changes:
        if change.part is Part.FIELD and change.name not in FIELDS:
            raise DoesNotFollow(f"Save {step.revision} changes {change.name}, which no draft has.")
        old = change.name in draft.selected if change.part is Part.OPTION else draft.as_json()[change.name]
        if old != change.old or change.old == change.new:
            raise DoesNotFollow(f"Save {step.revision} changes {change.name} from something that it was not.")
        draft = _changed(draft, change)
    return draft


def _changed(draft: Draft, change: Change) -> Draft:
    if change.part is Part.OPTION:
        option = frozenset({OptionId(change.name)})
        return replace(draft, selected=draft.selected | option if change.new else draft.selected - option)
    value: Any = frozenset(change.new) if change.name == "resources" else change.new
    field: dict[str, Any] = {change.name: value}
    return replace(draft, **field)
