"""What the reader's pages are made of: groups of options, progress, and the JSON of a save. Pure but for `jsonify`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from flask import Response, jsonify, make_response
from flask_wtf.csrf import generate_csrf
from sqlmodel import Session

from study.case import Case, Option, Selection
from study.draft import Draft, Unacceptable, adjusted, parse_draft, parse_offset, parse_offsets
from study.presence import Beat, Counts
from study.progress import NotNow, State
from study.protocol import Protocol
from study.store import beginning, readings
from study.store.answering import Closed, Moved, Saved, Sent, Stale, check_sent, check_word, is_word
from study.store.beginning import Terms
from study.store.readings import Found
from study.tables import ReadingRow
from webapp.filters import iso

MILLISECOND_US = 1000
MOST_MS, MOST_TIMES = 2**53 - 1, 2**31 - 1


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
class ClockFace:
    """The server's clock as a page is given it: UTC epoch milliseconds. None: there is no such limit.

    `total_ms` is the whole time of the reading, extensions included; the warning at its half depends on it.
    """

    now_ms: int
    deadline_ms: int | None
    session_ends_ms: int | None
    total_ms: int | None
    grace_ms: int

    @property
    def remaining_us(self) -> int | None:
        return None if self.deadline_ms is None else max(0, self.deadline_ms - self.now_ms) * MILLISECOND_US

    @property
    def session_remaining_us(self) -> int | None:
        return None if self.session_ends_ms is None else max(0, self.session_ends_ms - self.now_ms) * MILLISECOND_US


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
        if row.state == State.ASSIGNED or (row.state == State.OPEN and not readings.is_over(row, at_us))
    ]
    closed = frozenset(row.id for row in standing_rows) - {row.id for row in left}
    return Progress(standing_rows, closed, left[0] if left else None)


def clock_face(found: Found, at_us: int) -> ClockFace:
    row = found.row
    total_us = None if row.deadline_at_us is None else row.deadline_at_us - row.opened_at_us
    return ClockFace(
        now_ms=found.clamped(at_us) // MILLISECOND_US,
        deadline_ms=_ms(row.deadline_at_us),
        session_ends_ms=_ms(row.session_ends_at_us),
        total_ms=_ms(total_us),
        grace_ms=row.grace_us // MILLISECOND_US,
    )


def nothing(draft: Draft) -> Draft:
    return replace(draft, nothing_to_recommend=True)


def came_too_late(found: Found) -> str:
    """What is said of a form that came after the end, with what stands instead of it."""
    stands = "Your last answer that reached us in time stands."
    if not found.ever_saved:
        stands = "Nothing had reached us before, so this case counts as answered with nothing chosen."
    return (
        "This arrived after the time was over and is not counted; it is kept apart for the study team. "
        f"{stands} If a fault of ours cost you time, report it."
    )


def refusal_to_begin(session: Session, found: Found, protocol: Protocol, terms: Terms, at_us: int) -> str | None:
    """Why Begin would be refused now, for the page before it; None: it would not."""
    try:
        beginning.check_may_begin(session, found, protocol=protocol, at_us=at_us, ends_us=terms.deadline_us)
    except NotNow as refusal:
        return str(refusal)
    return None


def key_of(sent: object) -> str | None:
    """The key of a save before the rest of it is read. None: it has none under which anything can have been kept."""
    key = sent.get("key") if isinstance(sent, dict) else None
    return key if isinstance(key, str) and is_word(key) else None


def parse_save(sent: object, case: Case) -> tuple[Sent, list[str]]:
    """What a page sends to be kept, and the fields that are kept otherwise than it sent them. Raises Unacceptable."""
    if not isinstance(sent, dict):
        raise Unacceptable("A save must be one JSON object.")
    key, base_revision = sent.get("key"), sent.get("base_revision")
    if not isinstance(key, str) or not 8 <= len(key) <= 64:
        raise Unacceptable("A save needs a key of 8 to 64 characters.")
    if not isinstance(base_revision, int) or isinstance(base_revision, bool) or base_revision < 0:
        raise Unacceptable("A save needs the revision that it is based on.")
    parsed = Sent(
        key=key,
        base_revision=base_revision,
        lease=_lease(sent.get("lease")),
        draft=parse_draft(sent.get("draft"), case),
        offsets_ms=parse_offsets(sent.get("offsets_ms"), case),
        elapsed_ms=parse_offset(sent.get("elapsed_ms")),
    )
    check_sent(parsed)
    return parsed, adjusted(sent.get("draft"), parsed.draft)


def parse_lease(sent: object) -> tuple[str, bool]:
    """The lease that a page wants, and whether its reader said to continue there. Raises Unacceptable."""
    if not isinstance(sent, dict) or not isinstance(sent.get("take", False), bool):
        raise Unacceptable("A lease is asked for with one JSON object: lease, and take as yes or no.")
    wanted = _lease(sent.get("lease"))
    check_word(wanted, "lease")
    return wanted, sent.get("take", False)


def parse_beat(sent: object) -> Beat:
    """What a page says of its own presence. Raises Unacceptable."""
    if not isinstance(sent, dict):
        raise Unacceptable("A beat must be one JSON object.")
    page, lease = sent.get("page"), _lease(sent.get("lease"))
    if not isinstance(page, str) or not 8 <= len(page) <= 64:
        raise Unacceptable("A page needs a name of 8 to 64 characters.")
    check_word(page, "page's name")
    check_word(lease, "lease")
    most = {"load_ms": MOST_MS, "visible_ms": MOST_MS, "active_ms": MOST_MS, "hidden_count": MOST_TIMES}
    return Beat(page, lease, Counts(**{name: _count(sent.get(name), name, at_most) for name, at_most in most.items()}))


def _count(found: object, name: str, most: int) -> int:
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= most:
        raise Unacceptable(f"A beat needs {name}, a whole number from 0.")
    return found


def _lease(found: object) -> str:
    if not isinstance(found, str) or not 8 <= len(found) <= 64:
        raise Unacceptable("A page needs a lease of 8 to 64 characters.")
    return found


def answer_to_save(outcome: Saved | Stale | Moved | Closed, at_us: int, otherwise: Sequence[str]) -> Response:
    """`otherwise`: the fields that are kept otherwise than the page sent them; it is told of them if there are any."""
    match outcome:
        case Saved(revision, saved_at_us, deadline_us, session_ends_us):
            clock = {"deadline_ms": _ms(deadline_us), "session_ends_ms": _ms(session_ends_us)}
            told = {"adjusted": otherwise} if otherwise else {}
            return jsonify(revision=revision, saved_at=iso(saved_at_us), now_ms=_ms(at_us), **clock, **told)
        case _:
            return refused(outcome)


def answer_to_form(
    outcome: Saved | Stale | Moved | Closed, held: Found, sent: Sent, at_us: int
) -> Saved | Stale | Moved | Closed:
    """What a plain form is told. `held`: the reading as it stood when the form came.

    One that was kept before and came again would be shown the review of what replaced it, as if that were its own: its
    reader is asked instead which of the two is to stand. They may well have gone back to the old page on purpose.
    """
    again = isinstance(outcome, Saved) and outcome.revision <= held.row.revision
    if again and sent.draft != held.draft and held.takes_answers(at_us):
        return Stale(held.row.revision, held.draft)
    return outcome


def answer_to_lease(outcome: Found | Moved | Closed, at_us: int) -> Response:
    if not isinstance(outcome, Found):
        return refused(outcome)
    face = clock_face(outcome, at_us)
    return jsonify(
        revision=outcome.row.revision,
        draft=outcome.draft.as_json(),
        now_ms=face.now_ms,
        deadline_ms=face.deadline_ms,
        session_ends_ms=face.session_ends_ms,
    )


def answer_to_beat(outcome: Found | Moved | Closed, at_us: int) -> Response:
    return clock(outcome, at_us) if isinstance(outcome, Found) else refused(outcome)


def refused(outcome: Stale | Moved | Closed) -> Response:
    """What stands instead goes with every refusal, so that the page can show it."""
    body: dict[str, Any]
    match outcome:
        case Stale(revision, draft):
            body = {"revision": revision, "draft": draft.as_json()}
            sentence, status = "This case was changed in another window or on another device.", 409
        case Moved(revision, draft):
            body = {"revision": revision, "draft": draft.as_json()}
            sentence, status = "This case goes on in another window or on another device.", 423
        case Closed(state, receipt, kept_apart):
            body = {"state": state.value, "receipt": receipt, "kept_apart": kept_apart}
            sentence, status = "The time for this case is over.", 410
    return make_response(jsonify(error=sentence, **body), status)


def clock(found: Found, at_us: int) -> Response:
    face = clock_face(found, at_us)
    return jsonify(
        state=found.told(at_us).value,
        revision=found.row.revision,
        now_ms=face.now_ms,
        deadline_ms=face.deadline_ms,
        session_ends_ms=face.session_ends_ms,
        csrf_token=generate_csrf(),
    )


def _ms(us: int | None) -> int | None:
    return None if us is None else us // MILLISECOND_US
