"""Readers who never rest: each saves one draft after another, and remembers every acknowledgement.

They do what the page of a case does: one save under way, its key kept until it is answered, a wait where there was
no answer or a 503. What a page could never recover from is kept as refused, and ends that writer.
"""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from _readers import Place
from _site import Site
from _visitor import Answer, Unanswered, Visitor

FIRST_WAIT_S, LONGEST_WAIT_S = 0.05, 1.0


@dataclass(frozen=True, slots=True)
class Kept:
    """One acknowledged save. `took_s`: from the first time it was sent. `replayed`: it had been kept before already."""

    reading: str
    key: str
    revision: int
    draft: dict[str, Any]
    saved_at: datetime
    took_s: float
    replayed: bool


@dataclass(slots=True)
class Writer:
    """One reader at one page. `most`: how many saves it makes at most, None: until it is stopped."""

    site: Site
    place: Place
    seed: int
    most: int | None = None
    kept: list[Kept] = field(default_factory=list)
    retries: int = 0
    busy: int = 0
    hasty: int = 0
    refused: str | None = None
    _draft: dict[str, Any] = field(default_factory=dict)

    def write(self, stop: threading.Event) -> None:
        """Save until told to stop, or until a save is refused."""
        rng = random.Random(self.seed)  # noqa: S311  which options, not a secret
        visitor = self._arrive(stop)
        revision = 0
        while visitor is not None and self.refused is None and not stop.is_set() and len(self.kept) != self.most:
            draft = self._next_draft(rng)
            kept = self._keep(visitor, draft, revision, stop)
            if kept is not None:
                self.kept.append(kept)
                revision = kept.revision
        if visitor is not None:
            visitor.close()

    def _arrive(self, stop: threading.Event) -> Visitor | None:
        """The page is loaded anew until it comes, as a person would."""
        while not stop.is_set():
            try:
                return self.site.visitor(self.place)
            except (Unanswered, KeyError, ValueError):
                stop.wait(FIRST_WAIT_S)
        return None

    def _next_draft(self, rng: random.Random) -> dict[str, Any]:
        """One option more or less, and a reason that no other save has: so a save that was made twice is seen."""
        selected = set(self._draft.get("selected", ())) ^ {rng.choice(self.place.options)}
        self._draft = {
            "selected": sorted(selected),
            "confidence": rng.randrange(101),
            "rationale": f"save {len(self.kept) + 1} of {self.place.lease}",
            "resources": [],
            "nothing_to_recommend": False,
        }
        return self._draft

    def _keep(self, visitor: Visitor, draft: dict[str, Any], revision: int, stop: threading.Event) -> Kept | None:
        """Send one save under one key until it is answered."""
        key = f"{self.place.lease}-{len(self.kept) + 1:06d}"
        body = {
            "key": key,
            "base_revision": revision,
            "lease": self.place.lease,
            "draft": draft,
            "offsets_ms": {option: 1000 + len(self.kept) for option in draft["selected"]},
        }
        began, tried = time.monotonic(), 0
        while True:
            sent_at = time.time()
            answer = self._send(visitor, body)
            tried += 1
            if answer is not None and answer.status == 200:
                said = answer.json()
                saved_at = datetime.fromisoformat(said["saved_at"])
                replayed = tried > 1 and saved_at.timestamp() < sent_at - 0.001
                took = time.monotonic() - began
                return Kept(self.place.reading, key, said["revision"], draft, saved_at, took, replayed)
            if answer is not None and answer.status != 503:
                self.refused = f"{answer.status}: {answer.text[:300]}"
                return None
            self.retries += 1
            if stop.wait(_pause(answer, tried)):
                return None

    def _send(self, visitor: Visitor, body: dict[str, Any]) -> Answer | None:
        """None: no answer came. A 503 is counted, and whether it said when to come back."""
        try:
            answer = visitor.send(f"{self.place.path}/saves", body)
        except Unanswered:
            return None
        if answer.status == 503:
            self.busy += 1
            self.hasty += "Retry-After" not in answer.headers
        return answer


def _pause(answer: Answer | None, tried: int) -> float:
    """As long as the server asks for, else longer each time."""
    asked = None if answer is None else answer.headers.get("Retry-After")
    return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**tried) if asked is None else float(asked)


@contextmanager
def writing(writers: list[Writer]) -> Iterator[threading.Event]:
    """Every writer in a thread of its own until the block is left, or the event that it gives is set."""
    stop = threading.Event()
    threads = [threading.Thread(target=writer.write, args=(stop,), daemon=True) for writer in writers]
    for thread in threads:
        thread.start()
    try:
        yield stop
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)


def acknowledged(writers: list[Writer]) -> int:
    return sum(len(writer.kept) for writer in writers)
