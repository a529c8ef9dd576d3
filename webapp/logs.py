"""Logs: JSON lines on standard error, with ids of requests and subjects, never answers or personal data."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog
from structlog.tracebacks import ExceptionDictTransformer


class _Stderr:
    """Whichever it is when something is said. Where it cannot be written, on a full disk say, nobody's answer fails."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


_STDERR = _Stderr()  # one for all: a logger keeps a lock for each file that it was ever given


@contextmanager
def quiet() -> Iterator[None]:
    """Only what went wrong is said, and afterwards everything as before."""
    before = structlog.get_config()
    configure(least=logging.ERROR)
    try:
        yield
    finally:
        structlog.configure(**before)


def configure(*, least: int = logging.INFO) -> None:
    """`least`: the level from which on something is said."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(least),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Without local variables: they hold what people answered.
            structlog.processors.ExceptionRenderer(ExceptionDictTransformer(show_locals=False)),
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=lambda *_: structlog.WriteLogger(_STDERR),
    )
