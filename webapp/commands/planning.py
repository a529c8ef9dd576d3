"""`primum plan`: how large a study must be."""

import re
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from study.errors import Fault, Faulty
from webapp.commands.answers import read_file
from webapp.commands.output import note, progress, say, say_json

if TYPE_CHECKING:
    from analysis.inference.estimate import Components
    from analysis.plan import Plan
    from analysis.report.planned import Table
    from analysis.scores.assignment import Assignment
    from analysis.scores.pilot import Pilot

READERS = "5,10,15,20,30,50,75,100"
MEMBER, MEMBER_MOST = "allocation.csv", 16 << 20
SIZES = re.compile(r"[1-9]\d{0,5}(,[1-9]\d{0,5})*", re.ASCII)


def plan(
    reader_sd: Annotated[
        float | None, typer.Option(min=0, help="Between readers, of one reading's difference.")
    ] = None,
    case_sd: Annotated[float | None, typer.Option(min=0, help="Between cases.")] = None,
    cell_sd: Annotated[float | None, typer.Option(min=0, help="Of the rest: one reader on one case.")] = None,
    pilot: Annotated[
        Path | None, typer.Option("--from", metavar="FILE.json", help="A comparison, or a report's results.json.")
    ] = None,
    difference: Annotated[str | None, typer.Option(metavar="ID", help="Of results.json; else its primary.")] = None,
    readers: Annotated[str, typer.Option(metavar="N,N…", help="Sizes to try.")] = READERS,
    cases: Annotated[str | None, typer.Option(metavar="N,N…", help="Cases in the study.")] = None,
    cases_per_reader: Annotated[str | None, typer.Option(metavar="N,N…", help="Every case, if not given.")] = None,
    allocation: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Who reads what: a table of readers and cases, or an export.")
    ] = None,
    effect: Annotated[
        list[float] | None, typer.Option(metavar="D", help="A difference to detect; may be repeated.")
    ] = None,
    margin: Annotated[float | None, typer.Option(help="Non-inferiority margin, positive.")] = None,
    level: Annotated[float, typer.Option(help="Of the interval.")] = 0.95,
    simulate: Annotated[int, typer.Option(metavar="N", help="Studies to invent for each size.")] = 0,
    seed: Annotated[int, typer.Option(help="Of the simulation.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    curve: Annotated[
        Path | None, typer.Option(metavar="FILE.svg", help="Half-width and power against readers.")
    ] = None,
) -> None:
    """How sure a study would be: half-width and power for readers × cases × cases of each reader.

    The variation comes from a pilot (--from) or is stated, in the measure's units.
    """
    from analysis.plan import PlanQuestion
    from analysis.plan import plan as planned
    from analysis.report.plancurve import plan_curve
    from analysis.report.planned import plan_json

    _refuse_usage(pilot, difference, (reader_sd, case_sd, cell_sd), cases, cases_per_reader, allocation, curve)
    known = None if pilot is None else _pilot(pilot, difference)
    question = PlanQuestion(
        components=_stated(reader_sd, case_sd, cell_sd) if known is None else known.components,
        readers=_sizes(readers, "--readers"),
        cases=() if cases is None else _sizes(cases, "--cases"),
        per_reader=None if cases_per_reader is None else _sizes(cases_per_reader, "--cases-per-reader"),
        effects=tuple(effect or ()),
        margin=margin,
        level=level,
        studies=simulate,
        seed=seed,
        pilot=known,
    )
    assignment = None if allocation is None else _assignment(allocation)
    with progress("plan") as advance:
        found = planned(question, assignment, advance)
    if curve is not None:
        from webapp.commands.studies import written

        written(curve, f'<?xml version="1.0" encoding="utf-8"?>\n{plan_curve(found)}\n'.encode())
        note(str(curve))
    if as_json:
        say_json(plan_json(found), indent=1)
    else:
        _show(found)


def _refuse_usage(
    pilot: Path | None,
    difference: str | None,
    sds: tuple[float | None, ...],
    cases: str | None,
    cases_per_reader: str | None,
    allocation: Path | None,
    curve: Path | None,
) -> None:
    """What may not stand together, and what must."""
    stated = [sd is not None for sd in sds]
    if pilot is not None and any(stated):
        raise typer.BadParameter("Either state the variation, or take it from a file.", param_hint="--from")
    if pilot is None and not all(stated):
        raise typer.BadParameter("State all three of --reader-sd, --case-sd and --cell-sd.", param_hint="--reader-sd")
    if pilot is None and difference is not None:
        raise typer.BadParameter("Names a difference of the file given with --from.", param_hint="--difference")
    if allocation is not None and (cases is not None or cases_per_reader is not None):
        raise typer.BadParameter("The table says who reads what: sizes are not needed.", param_hint="--allocation")
    if allocation is not None and curve is not None:
        raise typer.BadParameter("One assignment has no curve over the number of readers.", param_hint="--curve")
    if allocation is None and cases is None:
        raise typer.BadParameter("How many cases? Or a table with --allocation.", param_hint="--cases")


def _sizes(given: str, option: str) -> tuple[int, ...]:
    """Whole numbers with commas between, each once, in order."""
    if not SIZES.fullmatch(given):
        raise typer.BadParameter(f"{given!r} is not a list of whole numbers such as 10,20,50.", param_hint=option)
    return tuple(sorted({int(size) for size in given.split(",")}))


def _stated(reader_sd: float | None, case_sd: float | None, cell_sd: float | None) -> "Components":
    from analysis.inference.estimate import Components

    case, reader, cell = case_sd or 0.0, reader_sd or 0.0, cell_sd or 0.0
    return Components(case=case * case, reader=reader * reader, cell=cell * cell)


def _pilot(path: Path, difference: str | None) -> "Pilot":
    from analysis.scores.pilot import parse_pilot

    return parse_pilot(read_file(path), path.name, difference)


def _assignment(path: Path) -> "Assignment":
    """From a table, or from the allocation that an export holds, before the lock and after it."""
    from analysis.scores.assignment import parse_assignment

    if path.suffix.casefold() == ".zip":
        return parse_assignment(_member(path), f"{path.name}:{MEMBER}")
    return parse_assignment(read_file(path), path.name)


def _member(path: Path) -> bytes:
    """The allocation of an export, and not more of it than an allocation may be."""
    try:
        with zipfile.ZipFile(path) as packed, packed.open(MEMBER) as opened:
            found = opened.read(MEMBER_MOST + 1)
    except KeyError:
        raise Faulty([Fault(f"{path.name}:{MEMBER}", "is missing")]) from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Faulty([Fault(path.name, f"is not an export of a study: {error}")]) from error
    if len(found) > MEMBER_MOST:
        raise Faulty([Fault(f"{path.name}:{MEMBER}", f"is larger than {MEMBER_MOST >> 20} MiB")])
    return found


def _show(found: "Plan") -> None:
    """The sizes as a table, what was invented for them, and what must be said beside it, a sentence a line."""
    from analysis.report.planned import invented, larger, notes, sizes

    for line in _lines(sizes(found)):
        say(line)
    say("")
    if found.question.studies:
        _show_table("Invented studies:", invented(found))
    if len(larger(found)) > 1:
        _show_table("Power if all three variances are larger than in the pilot:", larger(found))
    for sentence in notes(found):
        say(sentence)


def _show_table(title: str, table: "Table") -> None:
    say(title)
    for line in _lines(table):
        say(line)
    say("")


def _lines(table: "Table") -> list[str]:
    """Cells flush right, heads broken where they may be: no digit is cut off, however narrow the window."""
    heads = [head.split("\n") for head in table[0]]
    deep = max(len(head) for head in heads)
    rows = [tuple(([""] * (deep - len(head)) + head)[level] for head in heads) for level in range(deep)]
    rows += table[1:]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    return ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
