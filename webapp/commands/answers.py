"""Files that a command is given: read whole, or refused in a sentence."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from study.errors import Fault, Faulty

if TYPE_CHECKING:
    from study.answer import Answer
    from study.bundle import Bundle
    from study.case import Case, CaseId

FORMATS = ("auto", "canonical", "noharm-judged")


def read_file(path: Path) -> bytes:
    """The bytes of a file. Raises Faulty where it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise Faulty([Fault(str(path), f"cannot be read: {error.strerror}")]) from error


def read_bundle(path: Path) -> "Bundle":
    """A study folder. Raises Faulty with every fault."""
    from study.bundle import parse_bundle, read_folder

    return parse_bundle(read_folder(path))


def read_answers(
    data: bytes, path: Path, cases: "Mapping[CaseId, Case]", format: str = "auto"
) -> "tuple[list[Answer], str]":
    """The answers of a file and the format that it is in. Raises Faulty with every fault."""
    from study.formats.canonical import parse_answers
    from study.formats.judged import JUDGED, detect_format, parse_judged

    if format not in FORMATS:
        raise typer.BadParameter(f"{format!r} is not one of {', '.join(FORMATS)}.", param_hint="--format")
    spoken = detect_format(data) if format == "auto" else format
    parse = parse_judged if spoken == JUDGED else parse_answers
    answers = parse(data, path.name, cases)
    if not answers:
        raise Faulty([Fault(f"{path.name}:1", "the file holds no answer")])
    return answers, spoken
