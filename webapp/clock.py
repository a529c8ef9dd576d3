"""The site's one clock: counted steadily, so that setting a host's clock gives nobody time and takes none.

On SQLite everything is on one host. What its wall clock said when the site first served after the host's start is kept
as an anchor in the database; from there every process counts with the steady clock of that boot, which nobody can set.
On PostgreSQL, where hosts may be many, it is the clock of the database, asked for every few seconds and counted on
in between.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session

from study.db import Database
from study.store import clocks
from study.store.clocks import Anchor, Step, is_step, untold_us
from study.timing import SECOND_US
from study.turns import Busy

LOOKS_EVERY_US = 3 * SECOND_US
SLOWEST_US = SECOND_US
"""An answer of the database that took longer does not say what time it is."""
_BOOT = Path("/proc/sys/kernel/random/boot_id")
log = structlog.get_logger("clock")


def system_clock() -> int:
    """This machine's wall clock, as it is set at the moment."""
    return time.time_ns() // 1000


@dataclass(frozen=True, slots=True)
class Host:
    """Where a machine's time comes from: `wall` may be set at any moment, `steady` only ever counts on.

    `boot_id` tells one count from another, and processes of the same boot share it; None: the host has no such count.
    """

    wall: Callable[[], int]
    steady: Callable[[], int]
    boot_id: str | None


def this_host() -> Host:
    """Linux counts for everybody since its start, a suspended machine's sleep too; elsewhere the wall clock decides."""
    if hasattr(time, "CLOCK_BOOTTIME") and _BOOT.exists():
        return Host(system_clock, _since_boot_us, _BOOT.read_text(encoding="ascii").strip())
    return Host(system_clock, lambda: time.monotonic_ns() // 1000, None)


def _since_boot_us() -> int:
    return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000


class SiteClock:
    """Integer UTC microseconds, for any number of threads. It asks nobody on most calls, and needs no thread."""

    def __init__(self, database: Database, host: Host | None = None, *, keeps: bool = True) -> None:
        """`keeps`: whether this process leaves the anchor and logs what is done to it, as web and worker do."""
        self._database, self._host, self._keeps = database, host or this_host(), keeps
        self._offset_us: int | None = None
        self._base_us = 0
        self._moved_us = self._untold_us = 0
        self._mark_us = 0
        self._looks_at_us = 0
        self._looking = threading.Lock()

    def __call__(self) -> int:
        arrived_us = self._host.steady()  # a look may have to wait, and that costs the caller no time
        unknown = self._offset_us is None
        if arrived_us >= self._looks_at_us and self._looking.acquire(blocking=unknown):
            try:
                if self._host.steady() >= self._looks_at_us:
                    self._look()
            finally:
                self._looking.release()
        return arrived_us + (self._host_offset_us() if self._offset_us is None else self._offset_us)

    @property
    def moved_us(self) -> int:
        """By how much, in all, the clock that is looked at was set since the site knows it."""
        return self._moved_us

    def untold(self, told_us: int) -> Step:
        """What is still to be told, of which a process that goes by its steady count has told so much."""
        difference_us = self._untold_us if self.follows else self._moved_us - told_us
        return Step(difference_us, self.follows, self._mark_us)

    @property
    def follows(self) -> bool:
        """Whether the site's time goes along at once when that clock is set."""
        return not self._database.is_sqlite or self._host.boot_id is None

    def look_again(self) -> None:
        """Now, not when it is time for it: before something is done that another process may have done."""
        with self._looking:
            self._look()

    def _look(self) -> None:
        self._looks_at_us = self._host.steady() + LOOKS_EVERY_US
        try:
            if self._database.is_sqlite:
                self._look_at_host()
            else:
                self._look_at_server()
        except Busy:
            pass  # somebody writes, perhaps whoever asks: the next look is soon enough
        except (SQLAlchemyError, OSError) as error:
            self._say("clock not looked at", kind=type(error).__name__)

    def _host_offset_us(self) -> int:
        return self._host.wall() - self._host.steady()

    def _look_at_host(self) -> None:
        steady_us, offset_us, boot_id = self._host.steady(), self._host_offset_us(), self._host.boot_id or ""
        with self._database.read() as session:
            known = clocks.anchor(session, boot_id)
            stepped = known is not None and is_step(known.offset_us, offset_us)
            free = stepped and clocks.may_move(session, known, offset_us=offset_us, steady_us=steady_us)
            told_us = clocks.told_us(session) if self.follows else 0
        if known is None:
            known = self._first(Anchor(boot_id, offset_us, steady_us + offset_us))
        if self._offset_us is None:
            self._base_us = known.offset_us
            self._mark_us = told_us
        self._offset_us = known.offset_us
        self._note_move(offset_us - self._base_us, mark_us=told_us if self.follows else offset_us)
        if free and self._keeps:
            self._follow(known, offset_us, steady_us)

    def _first(self, made: Anchor) -> Anchor:
        if not self._keeps or self._host.boot_id is None:
            return made
        return self._write(lambda session: clocks.first_anchor(session, made))

    def _follow(self, known: Anchor, offset_us: int, steady_us: int) -> None:
        moved = self._write(
            lambda session: clocks.move_anchor(session, known, offset_us=offset_us, steady_us=steady_us)
        )
        if moved != known:
            self._say("clock follows its host", difference_us=moved.offset_us - known.offset_us)
            self._offset_us = moved.offset_us

    def _write(self, work: Callable[[Session], Anchor]) -> Anchor:
        """Without standing in the queue of writers: who asks what time it is may be the one who is writing."""
        return self._database.write(work, patience_s=0)

    def _look_at_server(self) -> None:
        with self._database.read() as session:
            told_us = clocks.told_us(session)  # the transaction has begun before the clock is asked
            before_us = self._host.steady()
            server_us = clocks.server_now_us(session)
            after_us = self._host.steady()
        if after_us - before_us > SLOWEST_US and self._offset_us is not None:
            return
        offset_us = server_us - (before_us + after_us) // 2
        if self._offset_us is None:
            self._offset_us, self._mark_us = offset_us, told_us
        drifted = not is_step(self._offset_us, offset_us)
        self._note_move(self._moved_us + (0 if drifted else offset_us - self._offset_us), mark_us=told_us)
        self._offset_us = offset_us

    def _note_move(self, moved_us: int, *, mark_us: int) -> None:
        by_us = moved_us - self._moved_us if is_step(self._moved_us, moved_us) else 0
        if self.follows:
            self._untold_us = untold_us(self._untold_us, moved_us=by_us, told_us=mark_us - self._mark_us)
        self._mark_us = mark_us
        self._moved_us += by_us
        if by_us:
            self._say("clock step", difference_us=by_us, followed=self.follows)

    def _say(self, event: str, **what: object) -> None:
        if self._keeps:
            log.warning(event, **what)


class Steps:
    """Which steps of a clock are still to be told to the readings that were open."""

    def __init__(self, clock: SiteClock) -> None:
        self.clock = clock
        self._told_us = 0

    @property
    def to_tell(self) -> bool:
        return is_step(0, self.clock.untold(self._told_us).difference_us)

    def tell(self, database: Database, *, patience_s: float | None = None) -> int:
        """Put a step that nobody has told yet on the chain of each open reading; returns on how many."""
        self.clock()
        if not self.to_tell:
            return 0
        self.clock.look_again()
        at_us, step = self.clock(), self.clock.untold(self._told_us)
        if not is_step(0, step.difference_us):
            return 0
        noted = database.write(lambda session: clocks.stepped(session, step, at_us=at_us), patience_s=patience_s)
        self._told_us += step.difference_us
        if step.followed:
            self.clock.look_again()  # which finds it among what was told, by this process or by another
        return noted or 0
