"""Turns to write: writers are served in the order of asking, within a process and between processes."""

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BUSY = "Others are writing."


class Busy(Exception):
    """No turn to write within the time that the caller would wait."""


class _Asked:
    """One place in the kernel's queue, which nobody can leave: it may outlast whoever asked for it."""

    def __init__(self) -> None:
        self.came = threading.Event()
        self.gone = False
        self.failure: OSError | None = None


class FairLock:
    """A queue within the process, of which the first stands in the queue between processes, `flock`.

    With patience as without: who only looked there now and then would starve beside two who write without a pause.
    """

    def __init__(self, path: Path | None) -> None:
        """`path` None: there are no other processes."""
        self._path = path
        self._file: int | None = None
        self._pid = 0
        self._guard = threading.Lock()
        self._held = False
        self._left_locked = False
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def __call__(self, patience_s: float | None = None) -> Iterator[None]:
        """`patience_s`: how long to wait for a turn, then raise Busy; None: as long as it takes."""
        gives_up_at = None if patience_s is None else time.monotonic() + patience_s
        self._queue(patience_s)
        self._lock_file(gives_up_at)
        try:
            yield
        finally:
            if self._file is not None:
                fcntl.flock(self._file, fcntl.LOCK_UN)
            self._serve_next()

    def _queue(self, patience_s: float | None) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        if turn.acquire(timeout=-1 if patience_s is None else patience_s):
            return
        with self._guard:
            if turn in self._waiting:
                self._waiting.remove(turn)
                raise Busy(BUSY)
        # The turn came between giving up and looking: it is taken.

    def _serve_next(self) -> None:
        with self._guard:
            self._serve()

    def _serve(self) -> None:
        if self._waiting:
            self._waiting.popleft().release()
        else:
            self._held = False

    def _lock_file(self, gives_up_at: float | None) -> None:
        """By the first of the queue. Who fails here has left the queue, or has left their place in it to a thread."""
        if self._path is None:
            return
        if self._left_locked:
            self._left_locked = False
            return
        asked = _Asked()
        try:
            if self._file is None or self._pid != os.getpid():  # a forked worker must not share its parent's lock
                self._file, self._pid = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600), os.getpid()
            if gives_up_at is None:
                fcntl.flock(self._file, fcntl.LOCK_EX)
                return
            if _at_once(self._file):
                return
            left_s = gives_up_at - time.monotonic()
            if left_s <= 0:
                raise Busy(BUSY)
            threading.Thread(target=self._stand_in_line, args=(self._file, asked), daemon=True).start()
        except BaseException:
            self._serve_next()
            raise
        self._await(asked, left_s)

    def _await(self, asked: _Asked, left_s: float) -> None:
        asked.came.wait(left_s)
        with self._guard:
            asked.gone = not asked.came.is_set()
        if asked.gone:
            raise Busy(BUSY)
        if asked.failure is not None:
            self._serve_next()
            raise asked.failure

    def _stand_in_line(self, file: int, asked: _Asked) -> None:
        """Wait for the file as long as it takes. If its caller has gone meanwhile, the next one has what it waited for.

        Until then this process's others wait behind it, as they would wait for the file: nobody loses a place.
        """
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError as error:
            asked.failure = error
        with self._guard:
            if not asked.gone:
                asked.came.set()
                return
            if asked.failure is None and self._waiting:
                self._left_locked = True
            elif asked.failure is None:
                fcntl.flock(file, fcntl.LOCK_UN)
            self._serve()


def _at_once(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
