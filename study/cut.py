"""A cut: everything that an analysis needs of one study, from its database or from its export alike."""

from collections.abc import Mapping
from dataclasses import dataclass

from study.answer import Answer
from study.case import Case, CaseId
from study.progress import Reading
from study.protocol import Protocol
from study.rubric import Rating, Rubric


@dataclass(frozen=True, slots=True)
class Cut:
    """`readings` are the physicians', one for each assigned; `answers` are the systems' and policies'.

    `locked_at_us` None: not locked, and then only a rehearsal on test readers may be analysed. `lock_reason`: why it
    was unblinded; None: no reason is on record, or not locked. `withdrawn`: the readers who withdrew; what they had
    answered by then counts all the same, unless it was set aside.
    """

    protocol: Protocol
    cases: Mapping[CaseId, Case]
    rubric: Rubric
    ratings: tuple[Rating, ...]
    readings: tuple[Reading, ...]
    answers: tuple[Answer, ...]
    bundle_digest: str
    locked_at_us: int | None = None
    lock_reason: str | None = None
    withdrawn: frozenset[str] = frozenset()
