"""Who reads what, in which order. No generator: ranks come from hashes, so every machine and version agrees.

The stored assignment is the record of truth; nothing here is ever run again for a reader who has one.
"""

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from study.case import Case, CaseId, OptionId
from study.errors import StudyError
from study.protocol import Arm, Protocol


def rank(seed: int, *parts: str) -> str:
    """A place in an order that depends on the seed and the parts alone."""
    return hashlib.sha256("\x1f".join([str(seed), *parts]).encode()).hexdigest()


def draw_arm(protocol: Protocol, person: str) -> Arm:
    """The arm that a person is invited to: of several, one by hash, so that nobody chooses it."""
    return min(protocol.arms, key=lambda arm: rank(protocol.seed, "arm", person, arm.id))


def allocate(
    seed: int,
    reader: str,
    cases: Sequence[CaseId],
    *,
    per_reader: int | None = None,
    anchors: Sequence[CaseId] = (),
    reads: Mapping[CaseId, int] | None = None,
) -> tuple[CaseId, ...]:
    """The reader's cases in the order of reading: every anchor, then those that were assigned least so far.

    `reads` counts the assignments already made for each case; ties and the order are ranked by hash.
    Raises StudyError when more cases are asked for than there are, or than fit beside the anchors, and where an
    anchor is no case.
    """
    wanted = len(cases) if per_reader is None else per_reader
    if wanted > len(cases):
        raise StudyError(f"{wanted} cases for each reader were asked for, but the study has {len(cases)}.")
    if wanted < len(anchors):
        raise StudyError(f"There are {len(anchors)} anchors, but only {wanted} cases for each reader.")
    strange = [anchor for anchor in anchors if anchor not in cases]
    if strange:
        raise StudyError(f"Anchor {strange[0]!r} is not a case of the study.")
    assigned = reads or {}
    others = [case for case in cases if case not in anchors]
    others.sort(key=lambda case: (assigned.get(case, 0), rank(seed, "choose", reader, case)))
    chosen = [*anchors, *others[: wanted - len(anchors)]]
    return tuple(sorted(chosen, key=lambda case: rank(seed, "position", reader, case)))


def presented_order(seed: int, reader: str, case: Case) -> tuple[OptionId, ...]:
    """The options as this reader meets them: together by category, categories and options ranked by hash.

    So *do nothing* is not always first, and no option gains from its place over all readers.
    """

    def ranked(names: Iterable[str], what: str) -> list[str]:
        return sorted(names, key=lambda name: rank(seed, what, reader, case.id, name))

    grouped = case.by_category()
    return tuple(
        OptionId(option)
        for category in ranked(grouped, "category")
        for option in ranked((option.id for option in grouped[category]), "option")
    )
