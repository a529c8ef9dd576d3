"""`primum study …` and `primum systems …`: folders, files and the states of a study."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from webapp.commands.database import acting, configured, now_us, opened
from webapp.commands.output import note, progress, say, show

if TYPE_CHECKING:
    from rich.table import Table
    from sqlmodel import Session

    from study.store.systems import Reconciliation

study = typer.Typer(no_args_is_help=True, help="Study folders, and the studies in the database.")
foreign = typer.Typer(no_args_is_help=True, help="Turn other tools' files into a study folder.")
study.add_typer(foreign, name="import")
systems = typer.Typer(no_args_is_help=True, help="Answers of systems.")

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The study's folder.")]
Name = Annotated[str, typer.Argument(metavar="ID", help="The study's id.")]


@study.command()
def validate(folder: Folder) -> None:
    """Report every fault of a study folder at once; nothing is stored."""
    from study.bundle import parse_bundle, read_folder

    bundle = parse_bundle(read_folder(folder))
    for warning in bundle.warnings:
        note(f"warning: {warning}")
    options = sum(len(case.options) for case in bundle.cases.values())
    say(f"{bundle.protocol.id}: {len(bundle.cases)} cases, {options} options, {len(bundle.ratings)} ratings: valid")
    say(f"digest {bundle.digest}")


@study.command()
def load(folder: Folder, then_open: Annotated[bool, typer.Option("--open", help="Open it too.")] = False) -> None:
    """Store a study folder, or another version of a draft. The same files again change nothing."""
    from study.bundle import parse_bundle, read_folder
    from study.store.loading import load_bundle, system_files
    from study.store.studies import change_state
    from study.tables import StudyState

    bundle = parse_bundle(read_folder(folder))
    name, answers = bundle.protocol.id, system_files(bundle)
    with acting(configured()) as database:
        at_us = now_us()

        def work(session: "Session") -> tuple[bool, str]:
            loading = load_bundle(session, bundle, answers, actor_id=None, at_us=at_us)
            if then_open and loading.study.state != StudyState.OPEN:
                change_state(session, name, StudyState.OPEN, protocol=bundle.protocol, actor_id=None, at_us=at_us)
            return loading.changed, loading.study.state

        changed, state = database.write(work)
    for warning in bundle.warnings:
        note(f"warning: {warning}")
    say(f"{name}: {'loaded' if changed else 'unchanged'}, {state}")


@study.command("list")
def listed() -> None:
    """The studies in the database."""
    from rich.table import Table

    from study.store.studies import all_studies

    table = Table("id", "title", "version", "state", "bundle digest")
    with opened(configured()) as database, database.read() as session:
        for row in all_studies(session):
            table.add_row(row.name, row.title, row.version, row.state, row.bundle_digest[:12])
    show(table)


@study.command("open")
def open_study(name: Name) -> None:
    """Let readers begin. Needs the primary comparison in study.toml."""
    _change(name, "open")


@study.command()
def pause(name: Name, reason: Annotated[str, typer.Option(help="Why.")] = "") -> None:
    """No further case can be begun until the study is opened again; open ones go on."""
    _change(name, "paused", reason)


@study.command()
def lock(
    name: Name, reason: Annotated[str, typer.Option(help="Why now; it stands on every report from here on.")]
) -> None:
    """End the study for good. From here on it can be analysed; nothing can be added."""
    from study.errors import StudyError

    if not reason.strip():
        raise StudyError("A lock needs its reason: it stands on every report from here on.")
    _change(name, "locked", " ".join(reason.split()))


def _change(name: str, wanted: str, reason: str = "") -> None:
    from study.bundle_content import parse_content
    from study.store import studies
    from study.tables import StudyState

    with acting(configured()) as database:

        def work(session: "Session") -> str:
            found = studies.by_name(session, name)
            protocol = parse_content(studies.files(session, found.id))[0]
            state = StudyState(wanted)
            return studies.change_state(
                session, name, state, protocol=protocol, actor_id=None, at_us=now_us(), reason=reason
            ).state

        say(f"{name}: {database.write(work)}")


@study.command()
def export(
    name: Name, out: Annotated[Path, typer.Option("--out", metavar="FILE.zip", help="Where to write it.")]
) -> None:
    """One archive from which every number can be made again. Before the lock: protocol, roster counts, allocation."""
    import hashlib

    from study.export import export as archive_of
    from study.store.people import command_line, note_export
    from study.store.records import study_record
    from study.store.studies import by_name
    from webapp.commands.versions import version

    with acting(configured()) as database, progress("export"):
        with database.read() as session:
            found = by_name(session, name)
            archive = archive_of(study_record(session, found), version=version())
        sha256 = hashlib.sha256(archive).hexdigest()

        def note_it(session: "Session") -> None:
            account, at_us = command_line(session, at_us=now_us()), now_us()
            note_export(session, account, found, sha256=sha256, actor_id=None, at_us=at_us)

        database.write(note_it)
    written(out, archive)
    say(str(out))


def written(path: Path, body: bytes) -> None:
    """Write a file whole or not at all. Raises StudyError where it cannot stand."""
    from study.errors import StudyError

    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(body)
        beside.replace(path)
    except OSError as error:
        raise StudyError(f"{path}: cannot be written: {error.strerror}") from error


@foreign.command()
def noharm(
    source: Annotated[Path, typer.Argument(metavar="SRC", help="The folder that holds rubrics/*.json.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="The study folder to write.")],
) -> None:
    """Turn the official NOHARM files into a complete study folder."""
    from study.bundle import write_folder
    from study.formats.noharm import import_rubrics

    imported = import_rubrics(read_source(source))
    write_folder(imported.files, out)
    for field in imported.dropped:
        say(f"not kept: {field}")
    say(f"{out}: {len(imported.files)} files")


def read_source(source: Path) -> dict[str, bytes]:
    """`rubrics/*.json` below a folder. Raises Faulty where there is none."""
    from study.errors import Fault, Faulty

    files = {f"rubrics/{path.name}": path.read_bytes() for path in sorted((source / "rubrics").glob("*.json"))}
    if not files:
        raise Faulty([Fault(str(source), "holds no rubrics/*.json")])
    return files


@systems.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Answers, one JSON object a line.")],
    name: Annotated[str, typer.Option("--study", metavar="ID", help="The study's id.")],
    format: Annotated[str, typer.Option(help="auto, canonical or noharm-judged.")] = "auto",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="The table only; nothing is stored.")] = False,
) -> None:
    """Show who answered what, then store a file of answers."""
    import hashlib

    from study.bundle_content import parse_content
    from study.store import studies
    from study.store import systems as store
    from webapp.commands.answers import read_answers, read_file

    data = read_file(file)
    with acting(configured()) as database:
        with database.read() as session:
            found = studies.by_name(session, name)
            protocol, cases, _ = parse_content(studies.files(session, found.id))
        answers, spoken = read_answers(data, file, cases, format)
        digest = hashlib.sha256(data).hexdigest()
        ids = list(cases)
        show(reconciliation_table(store.reconcile(answers, ids, file_name=file.name, sha256=digest)))
        if dry_run:
            return

        def work(session: "Session") -> "Reconciliation":
            return store.import_answers(
                session,
                studies.by_name(session, name, for_update=True),
                answers,
                ids,
                arms=[arm.id for arm in protocol.arms],
                file_name=file.name,
                file_bytes=data,
                format=spoken,
                actor_id=None,
                at_us=now_us(),
            )

        with progress(f"{len(answers)} answers"):
            done = database.write(work)
    say(f"{file.name}: {done.answers} answers {'stored' if done.changed else 'stood here already: nothing changed'}")


def reconciliation_table(reconciled: "Reconciliation") -> "Table":
    """Per system: runs, cases answered, what is missing."""
    from rich.table import Table

    table = Table("respondent", "kind", "answers", "runs", "cases", "missing", "variants", "response mode")
    for line in reconciled.lines:
        missing = [f"{case} run {run}" for case, run in line.missing]
        listed_ = ", ".join(missing[:6]) + (f" and {len(missing) - 6} more" if len(missing) > 6 else "")
        runs = f"{len(line.runs)} ({line.runs[0]}–{line.runs[-1]})"
        cells = [line.respondent, line.kind.value, str(line.answers), runs, f"{line.cases} of {line.of_cases}"]
        table.add_row(*cells, listed_ or "none", ", ".join(line.variants) or "none", ", ".join(line.response_modes))
    return table
