"""What a reader has put down so far for one case: the one shape that is saved, reviewed and submitted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from study.case import Case, OptionId, Selection
from study.errors import StudyError
from study.text import storable_part

RATIONALE_CHARACTERS = 4_000
RESOURCES: Mapping[str, str] = {
    "none": "Nothing but what I know",
    "reference": "Guidelines or a reference work",
    "search": "A web search",
    "colleague": "A colleague",
    "ai": "An AI tool",
}
"""What a reader may attest to have used: stored word → label."""
_FIELDS = ("confidence", "rationale", "resources", "nothing_to_recommend")
"""What is asked beside the options."""


class Unacceptable(StudyError):
    """An answer that the form could not have produced."""


@dataclass(frozen=True, slots=True)
class Draft:
    """`confidence` None: not given. `nothing_to_recommend` is said deliberately, and only with nothing selected."""

    selected: Selection = frozenset()
    confidence: int | None = None
    rationale: str = ""
    resources: frozenset[str] = frozenset()
    nothing_to_recommend: bool = False

    def as_json(self) -> dict[str, Any]:
        return {
            "selected": sorted(self.selected),
            "confidence": self.confidence,
            "rationale": self.rationale,
            "resources": sorted(self.resources),
            "nothing_to_recommend": self.nothing_to_recommend,
        }


def parse_draft(found: object, case: Case) -> Draft:
    """A draft from the browser's JSON. Raises Unacceptable with a sentence that names what does not fit.

    People paste anything, and nothing of their plan may be lost to it: of a rationale, what can be kept is kept.
    """
    if not isinstance(found, dict):
        raise Unacceptable("The answer must be one JSON object.")
    unknown = set(found) - {"selected", "confidence", "rationale", "resources", "nothing_to_recommend"}
    if unknown:
        raise Unacceptable(f"The answer has a field that this form does not have: {_named(min(map(str, unknown)))}.")
    selected = _words(found.get("selected", []), "selected options")
    resources = _words(found.get("resources", []), "resources")
    rationale = found.get("rationale", "")
    if not isinstance(rationale, str):
        raise Unacceptable("The rationale must be text.")
    nothing = found.get("nothing_to_recommend", False)
    if not isinstance(nothing, bool):
        raise Unacceptable("“Nothing to recommend” must be said with yes or no.")
    draft = Draft(
        selected=frozenset(OptionId(option) for option in selected),
        confidence=_confidence(found.get("confidence")),
        rationale=storable_part(rationale)[:RATIONALE_CHARACTERS],
        resources=frozenset(resources),
        nothing_to_recommend=nothing,
    )
    _check_draft(draft, case)
    return draft


def adjusted(sent: object, draft: Draft) -> list[str]:
    """The fields that are kept otherwise than they were sent, for whoever sent this draft to be told."""
    return ["rationale"] if isinstance(sent, dict) and sent.get("rationale", "") != draft.rationale else []


def _check_draft(draft: Draft, case: Case) -> None:
    foreign = draft.selected - case.option_ids
    if foreign:
        raise Unacceptable(f"Option {_named(min(foreign))} does not belong to this case.")
    if draft.confidence is not None and not 0 <= draft.confidence <= 100:
        raise Unacceptable("Confidence is a whole number from 0 to 100.")
    if not draft.resources <= RESOURCES.keys():
        raise Unacceptable("One of the resources is not on the list.")
    if draft.nothing_to_recommend and draft.selected:
        raise Unacceptable("“Nothing to recommend” and chosen options exclude each other.")


def _named(word: str) -> str:
    """A word that somebody sent, so that it can stand in a sentence whatever it holds."""
    return ascii(word if len(word) <= 40 else f"{word[:40]}…")


def changes(old: Draft, new: Draft, offsets_ms: Mapping[str, int]) -> list[dict[str, Any]]:
    """What a save changed, option by option, then field by field; offsets are the client's own, where it gave one."""
    listed: list[dict[str, Any]] = [
        {"option": option, "old": option in old.selected, "new": option in new.selected}
        for option in sorted(old.selected ^ new.selected)
    ]
    before, after = old.as_json(), new.as_json()
    listed += [
        {"field": name, "old": before[name], "new": after[name]} for name in _FIELDS if before[name] != after[name]
    ]
    for change in listed:
        offset = offsets_ms.get(change.get("option") or change["field"])
        change["offset_ms"] = offset
    return listed


def parse_offsets(found: object, case: Case) -> dict[str, int]:
    """When each option and field was last changed, in milliseconds since the page was shown, by the client's own clock.

    Hints, never trusted: odd ones are dropped, and so are those of what this form does not have.
    """
    if not isinstance(found, dict):
        return {}
    offsets = {name: parse_offset(found.get(name)) for name in (*sorted(case.option_ids), *_FIELDS)}
    return {name: offset for name, offset in offsets.items() if offset is not None}


def parse_offset(found: object) -> int | None:
    """One of them; None: not given, or none that a clock could have given."""
    return found if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**53 else None


def _confidence(found: object) -> int | None:
    if found is None:
        return None
    if not isinstance(found, int) or isinstance(found, bool):
        raise Unacceptable("Confidence is a whole number from 0 to 100.")
    return found


def _words(found: object, what: str) -> Sequence[str]:
    if not isinstance(found, list) or not all(isinstance(word, str) for word in found):
        raise Unacceptable(f"The {what} must be a list of words.")
    return found
