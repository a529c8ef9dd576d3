"""Logs: JSON lines on standard error, with ids of requests and subjects, never answers or personal data."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from structlog.tracebacks import ExceptionDictTransformer


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
        logger_factory=lambda *_: structlog.WriteLogger(sys.stderr),  # whichever it is when something is said
    )
