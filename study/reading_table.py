"""Physicians' readings as a table: one row a reading, every kind of nothing apart, and what each column means."""

import csv
import io
from collections.abc import Iterable, Mapping

from study.answer import Response
from study.case import CaseId
from study.errors import Fault, Faulty
from study.presence import Presence, presence
from study.progress import Reading, State
from study.record import ReaderRecord, ReadingRecord
from study.timing import SECOND_US

STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\n", "'")
"""What a spreadsheet takes for the beginning of a formula; and the mark itself, so that it can be taken away again."""
QUOTED = (
    "; a text that begins as a formula would (equals, plus, minus, at, apostrophe, tab, line end) has a ' before it, "
    "so that no spreadsheet computes it"
)
TOLD_BY_PAGES = "; as the pages say, no more than the server saw; empty: none said anything (no scripts)"

COLUMNS: Mapping[str, str] = {
    "respondent": "the reader's pseudonym in this study",
    "case_id": "the case that was read",
    "position": "its place in the reader's order, from 1",
    "arm": "the arm of the protocol",
    "state": "assigned, open, submitted or expired",
    "ending": "how the reading came to its answer; the kinds of nothing stay apart",
    "void_reason": "why the reading does not count; empty: it does" + QUOTED,
    "withdrawn": "1: the reader has withdrawn; the reading counts all the same unless it is void",
    "opened_at_us": "when the case was opened, UTC microseconds; empty: never",
    "deadline_at_us": "when its time was over, UTC microseconds, all that was given included; empty: no limit",
    "accommodation_percent": "of the usual time, as it was at the beginning; empty: never opened",
    "extension_s": "more time that was given by the study team, seconds",
    "credit_s": "time that was given back after outages of the site, seconds",
    "saved_at_us": "when the last draft was kept, UTC microseconds; empty: never",
    "closed_at_us": "when it ended, UTC microseconds; an expired one ends at its deadline; empty: it has not",
    "in_grace": "1: submitted after the deadline, within the grace",
    "used_s": "from opening to the end by the server's clock, seconds; empty: it has not ended",
    "visible_s": "of these, in sight: the case or its review in front of the reader, seconds" + TOLD_BY_PAGES,
    "active_s": "of these, with a hand at work within the last 30 seconds" + TOLD_BY_PAGES,
    "hidden_count": "how often the page went out of sight" + TOLD_BY_PAGES,
    "load_s": "until its first page could be used, seconds" + TOLD_BY_PAGES,
    "pages": "how many pages were loaded for it, the review and every reload counted" + TOLD_BY_PAGES,
    "first_selection_s": "from opening until an option was chosen, by the server's clock, seconds; "
    "empty: never, or begun before it was measured",
    "continued": "how often another window or device took it over; empty: never opened",
    "closed_by": "reader (submitted), sweep or read (expired)",
    "saves": "drafts that were kept",
    "late_payloads": "answers that came after the end: kept apart, never used",
    "confidence": "0 to 100, as given; empty: not given",
    "nothing_to_recommend": "1: said on purpose",
    "resources": "what the reader attests to have used, joined by ;",
    "rationale": "the reader's own words" + QUOTED,
    "presented": "the options in the order in which they were shown, joined by ;",
    "answered": "1: it is in answers.jsonl or, unscored, in set-aside.jsonl; empty: nothing was ever saved",
    "receipt": "the digest that the reader was shown at the end",
    "reading_id": "the reading in events.jsonl",
    "respondent_id": "the reader in events.jsonl",
}


def write_readings(records: Iterable[ReadingRecord], readers: Iterable[ReaderRecord]) -> bytes:
    withdrawn = {reader.label for reader in readers if reader.withdrawn_at_us is not None}
    return write_table(list(COLUMNS), (_cells(record, record.reading.reader in withdrawn) for record in records))


def write_table(header: list[str], rows: Iterable[Iterable[object]]) -> bytes:
    """CSV with LF; None is an empty cell, and no text is a formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([quoted(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return text.getvalue().encode()


def quoted(text: str) -> str:
    """A text as a cell: one kind of line end, and a mark before what a spreadsheet would compute."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(STARTS_A_FORMULA) else text


def unquoted(cell: str) -> str:
    """The text of a cell."""
    return cell.removeprefix("'")


def _cells(record: ReadingRecord, withdrawn: bool) -> list[object]:
    reading = record.reading
    opened, closed = reading.opened_at_us, reading.closed_at_us
    first = record.first_selected_at_us
    seen = presence(record.pages, opened_at_us=opened, closed_at_us=closed)
    return [
        reading.reader,
        reading.case_id,
        reading.position,
        reading.arm,
        reading.state.value,
        reading.ending.value,
        reading.void,
        flag(withdrawn),
        opened,
        record.deadline_at_us,
        record.accommodation_percent,
        _seconds(record.extension_us),
        _seconds(record.credit_us),
        record.saved_at_us,
        closed,
        flag(record.in_grace),
        None if opened is None or closed is None else _seconds(closed - opened),
        *_presence_cells(seen),
        None if opened is None or first is None else _seconds(first - opened),
        None if opened is None else record.continued,
        record.closed_by,
        record.saves,
        record.late_payloads,
        reading.confidence,
        flag(record.nothing_to_recommend),
        ";".join(record.resources),
        record.rationale,
        None if record.presented is None else ";".join(record.presented),
        flag(reading.response is not None),
        record.receipt,
        record.id,
        record.respondent_id,
    ]


def _presence_cells(seen: Presence | None) -> list[object]:
    """Unknown is empty, never 0."""
    if seen is None:
        return [None] * 5
    return [
        _seconds(seen.visible_us),
        _seconds(seen.active_us),
        seen.hidden_count,
        _seconds(seen.load_us),
        seen.pages,
    ]


def flag(claim: bool) -> int | None:
    """A claim as a cell: 1, or empty."""
    return 1 if claim else None


def _seconds(microseconds: int) -> str:
    """Exact, without a binary fraction on the way."""
    whole, part = divmod(microseconds, SECOND_US)
    return f"{whole}.{part:06d}".rstrip("0").rstrip(".")


def read_readings(data: bytes, responses: Mapping[tuple[str, str], Response], name: str) -> list[Reading]:
    """The readings of an export. `responses` by (respondent, case). Raises Faulty with every line that does not fit."""
    try:
        rows = list(csv.DictReader(io.StringIO(data.decode(), newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise Faulty([Fault(name, f"is not a table: {error}")]) from error
    readings, faults = [], []
    for number, row in enumerate(rows, start=1):
        try:
            readings.append(_reading(row, responses))
        except (KeyError, ValueError, TypeError) as error:
            faults.append(Fault(name, f"reading {number} cannot be read: {type(error).__name__}: {error}"))
    if faults:
        raise Faulty(faults)
    return readings


def _reading(row: Mapping[str, str], responses: Mapping[tuple[str, str], Response]) -> Reading:
    return Reading(
        reader=row["respondent"],
        case_id=CaseId(row["case_id"]),
        arm=row["arm"],
        position=int(row["position"]),
        state=State(row["state"]),
        response=responses[row["respondent"], row["case_id"]] if row["answered"] else None,
        void=unquoted(row["void_reason"]) or None,
        confidence=_number(row["confidence"]),
        opened_at_us=_number(row["opened_at_us"]),
        closed_at_us=_number(row["closed_at_us"]),
    )


def _number(cell: str) -> int | None:
    return int(cell) if cell else None
