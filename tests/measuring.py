"""Coverage is what the tests of `study` and `analysis` reach of them by themselves.

A tracer doubles what every line of Python costs, also of what is not measured. A test of a page, of a browser or of
a whole installation passes many rules on its way without a claim about them: it runs without a tracer, and so do the
programs that it starts.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from coverage import Coverage

TESTS = Path(__file__).resolve().parent
MEASURED = ("study", "analysis", "fixtures_", "webapp/test_clock.py", "webapp/test_receipt_mail.py")
"""Folders, and of the others those that hold the claims about a module of `study.store`."""

FOR_PROGRAMS = "COVERAGE_PROCESS_CONFIG"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    if any(item.path.is_relative_to(TESTS / place) for place in MEASURED):
        return (yield)
    with unmeasured():
        return (yield)


@contextmanager
def unmeasured() -> Iterator[None]:
    """No tracer in this process or in one that it starts."""
    measuring = Coverage.current()
    if measuring is None:
        yield
        return
    measuring.stop()
    os.environ.pop(FOR_PROGRAMS, None)
    try:
        yield
    finally:
        measuring.start()  # which tells programs again
