"""The command line. Exit 0; 1 on a refused input, one line a fault on standard error; 2 on wrong usage."""

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from study.errors import Faulty, StudyError
from webapp.commands import numbers, operations, people, planning, scores, studies
from webapp.commands.output import note, say
from webapp.commands.versions import version
from webapp.demo import command as demo

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Physicians and AI systems, the same cases, the identical harm rubric.",
)
app.command("demo")(demo.demo)
app.command("serve")(operations.serve)
app.command("worker")(operations.worker)
app.command("migrate")(operations.migrate)
app.command("doctor")(operations.doctor)
app.add_typer(people.staff, name="staff")
app.command("password-link")(people.password_link)
app.command("invite")(people.invite)
app.add_typer(studies.study, name="study")
app.add_typer(studies.systems, name="systems")
app.command("score")(scores.score)
app.command("compare")(numbers.compare)
app.command("analyse")(numbers.analyse)
app.command("plan")(planning.plan)
app.add_typer(operations.audit, name="audit")


def _say_version(wanted: bool) -> None:
    if wanted:
        say(f"primum {version()}")
        raise typer.Exit


@app.callback()
def primum(
    _version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say which version this is.")
    ] = False,
) -> None:
    """Physicians and AI systems, the same cases, the identical harm rubric."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The door of `primum`. Always raises SystemExit. What a command leaves is its owner's alone to read."""
    before = os.umask(0o077)
    try:
        app(None if arguments is None else list(arguments))
    except Faulty as faulty:
        for fault in faulty.faults:
            note(" ".join(str(fault).split("\n")))
        sys.exit(1)
    except StudyError as refusal:
        note(" ".join(str(refusal).split("\n")))
        sys.exit(1)
    except OSError as error:
        note(f"{error.filename or 'primum'}: {error.strerror or error}")
        sys.exit(1)
    finally:
        os.umask(before)


if __name__ == "__main__":
    main()
