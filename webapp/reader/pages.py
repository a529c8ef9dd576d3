"""What the reader's pages are made of: groups of options, progress, and the JSON of a save. Pure but for `jsonify`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import Response, jsonify, make_response
from flask_wtf.csrf import generate_csrf
from sqlmodel import Session

from study.case import Case, Option, Selection
from study.draft import Draft, Unacceptable, parse_draft, parse_offsets
from study.progress import NotNow, State
from study.protocol import Protocol
from study.store import readings
from study.store.readings import Closed, Found, Saved, Stale, Terms
from study.tables import ReadingRow
from study.timing import is_due, is_over
from webapp.filters import iso

MILLISECOND_US = 1000


@dataclass(frozen=True, slots=True)
class Kind:
    """The options of one category, as this reader meets them."""

    category: str
    options: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Progress:
    """`following` None: there is no further case. `resting` says that it is open already.

    `closed`: the readings that take nothing more from their reader, closed by now or over.
    """

    readings: tuple[ReadingRow, ...]
    closed: frozenset[UUID]
    following: ReadingRow | None

    @property
    def done(self) -> int:
        return len(self.closed)

    @property
    def complete(self) -> bool:
        return self.following is None

    @property
    def resting(self) -> bool:
        return self.following is not None and self.following.state == State.OPEN


@dataclass(frozen=True, slots=True)
class Sent:
    key: str
    base_revision: int
    draft: Draft
    offsets_ms: Mapping[str, int]


def story(case: Case) -> tuple[str, str | None]:
    """The consultation and its question apart, so that a question that also ends the text is not read twice."""
    if case.question is None:
        return case.presentation, None
    return case.presentation.rstrip().removesuffix(case.question).rstrip(), case.question


def presented(case: Case, order: Sequence[str]) -> list[Kind]:
    """The options in the order that was fixed at Begin, together by category."""
    by_id = {option.id: option for option in case.options}
    kinds: dict[str, list[Option]] = {}
    for option_id in order or [option.id for option in case.options]:
        option = by_id[option_id]  # type: ignore[index]  # stored ids are option ids
        kinds.setdefault(option.category, []).append(option)
    return [Kind(category, tuple(options)) for category, options in kinds.items()]


def chosen(case: Case, order: Sequence[str], selected: Selection) -> list[Kind]:
    kept = (
        Kind(kind.category, tuple(option for option in kind.options if option.id in selected))
        for kind in presented(case, order)
    )
    return [kind for kind in kept if kind.options]


def progress(rows: Sequence[ReadingRow], at_us: int) -> Progress:
    standing_rows = tuple(row for row in rows if row.void_at_us is None)
    left = [
        row
        for row in standing_rows
        if row.state == State.ASSIGNED or (row.state == State.OPEN and not _over(row, at_us))
    ]
    closed = frozenset(row.id for row in standing_rows) - {row.id for row in left}
    return Progress(standing_rows, closed, left[0] if left else None)


def _over(row: ReadingRow, at_us: int) -> bool:
    return is_over(at_us, deadline_us=row.deadline_at_us, grace_us=row.grace_us)


def must_be_closed(row: ReadingRow, at_us: int) -> bool:
    due = is_due(at_us, deadline_us=row.deadline_at_us, grace_us=row.grace_us)
    return row.state == State.OPEN and due


def total_us(found: Found) -> int | None:
    """The whole time of an open reading, extensions included; the warnings at its half depend on it."""
    row = found.row
    return None if row.deadline_at_us is None else row.deadline_at_us - row.opened_at_us


def nothing(draft: Draft) -> Draft:
    return replace(draft, nothing_to_recommend=True)


def refusal_to_begin(session: Session, found: Found, protocol: Protocol, terms: Terms, at_us: int) -> str | None:
    """Why Begin would be refused now, for the page before it; None: it would not."""
    try:
        readings.check_may_begin(session, found, protocol=protocol, at_us=at_us, ends_us=terms.deadline_us)
    except NotNow as refusal:
        return str(refusal)
    return None


def parse_save(sent: object, case: Case) -> Sent:
    """What a page sends to be kept. Raises Unacceptable."""
    if not isinstance(sent, dict):
        raise Unacceptable("A save must be one JSON object.")
    key, base_revision = sent.get("key"), sent.get("base_revision")
    if not isinstance(key, str) or not 8 <= len(key) <= 64:
        raise Unacceptable("A save needs a key of 8 to 64 characters.")
    if not isinstance(base_revision, int) or isinstance(base_revision, bool) or base_revision < 0:
        raise Unacceptable("A save needs the revision that it is based on.")
    return Sent(key, base_revision, parse_draft(sent.get("draft"), case), parse_offsets(sent.get("offsets_ms")))


def answer_to_save(outcome: Saved | Stale | Closed) -> Response:
    match outcome:
        case Saved(revision, at_us, remaining_us):
            return jsonify(revision=revision, saved_at=iso(at_us), remaining_ms=_ms(remaining_us))
        case Stale(revision, draft):
            body: dict[str, Any] = {"revision": revision, "draft": draft.as_json()}
            return make_response(
                jsonify(error="This case was changed in another window or on another device.", **body), 409
            )
        case Closed(state, receipt, kept_apart):
            body = {"state": state.value, "receipt": receipt, "kept_apart": kept_apart}
            return make_response(jsonify(error="The time for this case is over.", **body), 410)


def clock(found: Found, at_us: int) -> Response:
    return jsonify(
        state=found.told(at_us).value,
        revision=found.row.revision,
        remaining_ms=_ms(found.remaining_us(at_us)),
        csrf_token=generate_csrf(),
    )


def _ms(us: int | None) -> int | None:
    return None if us is None else us // MILLISECOND_US
