"""The worker: closes what is due, sends mail, runs the analyses that were asked for. None, one or many may run."""

import fcntl
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from sqlalchemy import text

from study.db import Database
from study.errors import StudyError
from study.store import closing, cuts, jobs
from study.store.jobs import Claim
from study.tables import ClosedBy
from study.timing import SECOND_US
from webapp.clock import Steps
from webapp.mail import Send, deliver, forget_dead_links, sender
from webapp.receipts import post_after_time_outs
from webapp.settings import Settings

PERIOD_S = 2.0
MAIL = 70_511_948
"""The number of the lock under which one worker of all sends mail."""

Clock = Callable[[], int]
log = structlog.get_logger("worker")


class Stopped(Exception):
    """The worker was told to stop in the middle of an analysis."""


class TakenOver(Exception):
    """The analysis is in another worker's hands: nothing that this one finds would be kept."""


@dataclass(frozen=True, slots=True)
class Done:
    """What one round did."""

    closed: int = 0
    sent: int = 0
    analysed: int = 0


def run(
    database: Database,
    settings: Settings,
    *,
    clock: Clock,
    stop: threading.Event,
    period_s: float = PERIOD_S,
    steps: Steps | None = None,
) -> None:
    """Work until `stop` is set. Analyses have a thread of their own, so that no deadline waits for one."""
    analyst = threading.Thread(
        target=_repeat, args=(lambda: analyse_next(database, clock=clock, stop=stop), stop, period_s)
    )
    analyst.start()
    try:
        _repeat(lambda: tend(database, settings, clock=clock, steps=steps), stop, period_s)
    finally:
        stop.set()
        analyst.join()


def _repeat(work: Callable[[], object], stop: threading.Event, period_s: float) -> None:
    """Again and again; a round that fails is logged, and the next one tries again."""
    while not stop.is_set():
        try:
            work()
        except Exception:
            log.exception("round failed")
        stop.wait(period_s)


def stop_on_signals(stop: threading.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())


def work_once(
    database: Database, settings: Settings, *, clock: Clock, send: Send | None = None, steps: Steps | None = None
) -> Done:
    """One round of everything."""
    done = tend(database, settings, clock=clock, send=send, steps=steps)
    analysed = analyse_next(database, clock=clock, stop=threading.Event())
    return Done(done.closed, done.sent, int(analysed))


def tend(
    database: Database, settings: Settings, *, clock: Clock, send: Send | None = None, steps: Steps | None = None
) -> Done:
    """What cannot wait: say that the clock was set, close what is due, send what is in the outbox."""
    at_us = clock()  # before the steps, so that nothing is closed by one that is not told yet
    if steps is not None:
        tell_steps(database, steps)
    closed = close_due(database, clock=lambda: at_us)
    sent = 0
    forget_dead_links(database, at_us=clock())
    if settings.smtp_host:
        post_after_time_outs(database, at_us=clock())
        with alone(database, MAIL) as mine:
            if mine:
                sent = deliver(database, send or sender(settings), clock=clock)
    return Done(closed, sent)


def tell_steps(database: Database, steps: Steps) -> None:
    """One that cannot be told is told in the next round, and keeps nothing open."""
    try:
        steps.tell(database)
    except Exception:
        log.exception("clock step not told")


def close_due(database: Database, *, clock: Clock) -> int:
    """Each in a transaction of its own: one that cannot be closed keeps nobody else's open."""
    with database.read() as session:
        found = closing.due(session, clock())
    closed = 0
    for study_id, reading_id in found:
        try:
            closed += database.write(
                lambda session, study=study_id, reading=reading_id: closing.close_due(
                    session, study, reading, by=ClosedBy.SWEEP, at_us=clock()
                )
            )
        except Exception:
            log.exception("not closed", reading=str(reading_id))
    if closed:
        log.info("closed", readings=closed)
    return closed


@contextmanager
def alone(database: Database, number: int) -> Iterator[bool]:
    """Whether this worker is the only one at it now. The lock goes with whoever holds it, however they end."""
    if not database.is_sqlite:
        with database.engine.connect() as connection:
            mine = bool(connection.execute(text("SELECT pg_try_advisory_lock(:n)"), {"n": number}).scalar())
            try:
                yield mine
            finally:
                if mine:
                    connection.execute(text("SELECT pg_advisory_unlock(:n)"), {"n": number})
        return
    file = os.open(f"{database.url.database}.{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
    finally:
        os.close(file)


def analyse_next(database: Database, *, clock: Clock, stop: threading.Event) -> bool:
    """Run one analysis that waits. One that fails is recorded with its reason, and ends nothing else."""
    with database.read() as session:
        if not jobs.any_waiting(session, at_us=clock()):
            return False
    held = database.write(lambda session: jobs.claim(session, at_us=clock()))
    if held is None:
        return False
    log.info("analysis started", study=held.study, job=str(held.id))
    try:
        files = analysed(database, held, clock=clock, stop=stop)
    except Stopped:
        database.write(lambda session: jobs.give_back(session, held))
        log.info("analysis given back", job=str(held.id))
    except TakenOver:
        log.warning("analysis taken over by another worker", job=str(held.id))
    except StudyError as refusal:
        _failed(database, held, str(refusal), clock)
    except Exception as error:
        log.exception("analysis failed", job=str(held.id))
        _failed(database, held, f"{type(error).__name__}: {error}", clock)
    else:
        database.write(lambda session: jobs.finish(session, held, files, at_us=clock()))
        log.info("analysis done", job=str(held.id), files=len(files))
    return True


def _failed(database: Database, held: Claim, reason: str, clock: Clock) -> None:
    database.write(lambda session: jobs.fail(session, held, reason, at_us=clock()))


def analysed(database: Database, held: Claim, *, clock: Clock, stop: threading.Event) -> dict[str, bytes]:
    """What the analysis leaves. Ends at its next step when the worker is told to stop (raises Stopped), or when it
    was silent for so long that another one has taken it (raises TakenOver).
    """
    from analysis.analyse import analyse

    said_at = 0

    def progress(step: str, done: int, of: int) -> None:
        nonlocal said_at
        if stop.is_set():
            raise Stopped
        at_us = clock()
        if at_us - said_at < SECOND_US:
            return
        said_at, said = at_us, f"{step} ({done} of {of})"
        if not database.write(lambda session: jobs.note_progress(session, held, said, at_us=at_us)):
            raise TakenOver

    with database.read() as session:
        cut = cuts.cut(session, held.study)
    report = analyse(cut, seed=held.seed, profile=held.profile, consensus=held.consensus, progress=progress)
    return dict(report.files)
