"""What every command says, and where: results on standard output, everything else on standard error."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

Advance = Callable[[str, int, int], None]


def say(line: str) -> None:
    """One line on standard output, as it is: never wrapped, never coloured."""
    sys.stdout.write(f"{line}\n")


def note(line: str) -> None:
    """One line on standard error, as it is."""
    sys.stderr.write(f"{line}\n")


def say_json(document: object, *, indent: int | None = None) -> None:
    say(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=indent))


def show(table: Table) -> None:
    """A table for people. Where nobody looks it is as wide as it needs."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=200, soft_wrap=False)
    console.print(table)


@contextmanager
def progress(what: str) -> Iterator[Advance]:
    """Progress on standard error for whatever may take longer than a second: (step, done, of how many)."""
    console = Console(stderr=True)
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bars:
        task = bars.add_task(what, total=None)

        def advance(step: str, done: int, of: int) -> None:
            bars.update(task, description=f"{what}: {step}", completed=done, total=of)

        yield advance
