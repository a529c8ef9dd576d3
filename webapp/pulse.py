"""The pulse of the web: each process that serves says so, and nobody is answered before an outage was made good."""

import threading
from collections.abc import Callable

import structlog
from flask import Flask

from study.db import Database
from study.outage import SHORTEST_US, between, is_wrong
from study.store import outages
from study.timing import SECOND_US
from webapp import deps
from webapp.clock import Steps

PERIOD_S = 2.0
PATIENCE_S, REQUEST_PATIENCE_S = 1.0, 10.0
TRIES_AGAIN_US = SECOND_US
log = structlog.get_logger("pulse")


class Pulse:
    """One process's part in it. The processes of all hosts leave one beat between them."""

    def __init__(self, database: Database, clock: Callable[[], int], steps: Steps | None = None) -> None:
        """`steps`: those of the clock, which must be told before anybody is judged by it."""
        self._database, self._clock, self._steps = database, clock, steps
        self._heard_us: int | None = None
        self._failed_us: int | None = None
        self._turn = threading.Lock()

    def beat(self, *, patience_s: float = PATIENCE_S) -> bool:
        """Leave a beat where one is due. A failure is said once, and False: the gap that it leaves is the outage."""
        at_us = self._clock()
        try:
            if self._steps is not None:
                self._steps.tell(self._database, patience_s=patience_s)
            self._heard_us = self._left(at_us, patience_s)
        except Exception:  # whatever it is: the site must be able to answer, if only that it cannot
            if self._failed_us is None:
                log.exception("pulse failed")
            self._failed_us = at_us
            return False
        if self._failed_us is not None:
            log.info("pulse again")
            self._failed_us = None
        return True

    def _left(self, at_us: int, patience_s: float) -> int:
        """When the web was heard last, after this beat."""
        with self._database.read() as session:
            last = outages.last_pulse_us(session)
        if last is not None and (is_wrong(last, at_us) or between(last, at_us)):
            at_us = self._looked_again(patience_s)
        if last is not None and not outages.is_needed(last, at_us):
            return last
        wrong_us = last if is_wrong(last, at_us) else None
        outage = self._database.write(
            lambda session: outages.beat(session, at_us, wrong_us=wrong_us), patience_s=patience_s
        )
        if outage is not None:
            log.warning("outage", from_us=outage.from_us, to_us=outage.to_us, gives_back=outage.gives_back)
        return at_us

    def _looked_again(self, patience_s: float) -> int:
        """What time it is, where an old look would take a clock that was set meanwhile for an outage."""
        if self._steps is not None:
            self._steps.clock.look_again()
            self._steps.tell(self._database, patience_s=patience_s)
        return self._clock()

    def settle(self) -> None:
        """Before a request: what arrives first after an outage, or a step, must find the time that is given back.

        Who arrives meanwhile waits for it. Where the records cannot be reached they are let go, to be told so.
        """
        if self._heard(deps.now_us()):
            return
        with self._turn:
            failed_just_now = self._failed_us is not None and abs(self._clock() - self._failed_us) < TRIES_AGAIN_US
            if not self._heard(deps.now_us()) and not failed_just_now:
                self.beat(patience_s=REQUEST_PATIENCE_S)

    def _heard(self, at_us: int) -> bool:
        if self._steps is not None and self._steps.to_tell:
            return False
        return self._heard_us is not None and at_us - self._heard_us <= SHORTEST_US

    def run(self, stop: threading.Event) -> None:
        """Beat until `stop` is set."""
        while True:
            with self._turn:
                self.beat()
            if stop.wait(PERIOD_S):
                return


def start(app: Flask, database: Database, clock: Callable[[], int], steps: Steps | None = None) -> None:
    """From now on this process tells that it serves; called where it serves, not before it forks."""
    pulse = Pulse(database, clock, steps)
    app.before_request(pulse.settle)
    threading.Thread(target=pulse.run, args=(threading.Event(),), name="pulse", daemon=True).start()
