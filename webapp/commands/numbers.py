"""`primum compare` and `primum analyse`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from webapp.commands.answers import read_file
from webapp.commands.database import configured, opened
from webapp.commands.output import note, progress, say, say_json

if TYPE_CHECKING:
    from study.cut import Cut

Word = TypeVar("Word", bound=StrEnum)

METHOD_HELP = (
    "two-way (unless said), semivariance, bootstrap, reml, orh or two-way-robust; under their own label cases, "
    "readers, case-bootstrap, sign-flip or runs; two systems: cases (unless said), case-bootstrap or sign-flip. "
    "Outcomes of 0 and 1 in pairs that share nothing: newcombe or tango."
)


def compare(
    scores: Annotated[Path, typer.Argument(metavar="SCORES.csv")],
    test: Annotated[str, typer.Option(metavar="M", help="The modality that is tested.")],
    control: Annotated[str, typer.Option(metavar="C", help="The modality it is compared with.")],
    method: Annotated[str | None, typer.Option(help=METHOD_HELP)] = None,
    measure: Annotated[str | None, typer.Option(help="Which measure, where the file has several.")] = None,
    better: Annotated[str | None, typer.Option(help="higher or lower.")] = None,
    margin: Annotated[float | None, typer.Option(help="Non-inferiority margin, positive.")] = None,
    equivalence: Annotated[bool, typer.Option("--equivalence", help="The margin bounds both sides.")] = False,
    estimand: Annotated[str | None, typer.Option(help="E7 or E8: how often M beats readers of C.")] = None,
    weights: Annotated[str | None, typer.Option(help="pair (unless said), case or reader.")] = None,
    strata: Annotated[Path | None, typer.Option(metavar="FILE", help="caseID,stratum.")] = None,
    level: Annotated[float, typer.Option(help="Of the interval.")] = 0.95,
    seed: Annotated[int, typer.Option(help="Of what is drawn.")] = 0,
    draws: Annotated[int, typer.Option(help="How often is drawn.")] = 10_000,
    common_cases: Annotated[bool, typer.Option("--common-cases", help="Leave out cases without an answer.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """How far M stands from C (M − C), from a table of scores alone."""
    from analysis.compare import EVERY_METHOD, Estimand, Question, comparison_json
    from analysis.compare import compare as compared
    from analysis.inference.estimate import Method, Weighting
    from analysis.inference.refusals import few_readers
    from analysis.report.compared import comparison_lines
    from analysis.scores.scoretable import parse_scores
    from analysis.scores.strata import parse_strata
    from study.profile import Better

    if method is not None and method not in EVERY_METHOD:
        raise typer.BadParameter(f"{method!r} is not one of {', '.join(EVERY_METHOD)}.", param_hint="--method")
    question = Question(
        test=test,
        control=control,
        method=None if method is None else Method(method),
        measure=measure,
        better=None if better is None else word(Better, better, "--better"),
        margin=margin,
        equivalence=equivalence,
        estimand=None if estimand is None else word(Estimand, estimand, "--estimand"),
        weights=None if weights is None else word(Weighting, weights, "--weights"),
        level=level,
        seed=seed,
        draws=draws,
        common_cases=common_cases,
    )
    drawn = None if strata is None else parse_strata(read_file(strata), strata.name)
    answered = compared(parse_scores(read_file(scores), scores.name), question, drawn)
    if not as_json:
        for line in comparison_lines(answered):
            say(line)
        return
    for warning in (answered.estimate.label, few_readers(answered.estimate)):
        if warning:
            note(warning)
    say_json(comparison_json(answered), indent=1)


def word(words: type[Word], given: str, option: str) -> Word:
    """One of a fixed list of words, or wrong usage."""
    try:
        return words(given)
    except ValueError:
        raise typer.BadParameter(f"{given!r} is not one of {', '.join(words)}.", param_hint=option) from None


def analyse(
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the report is written.")],
    name: Annotated[str | None, typer.Option("--study", metavar="ID", help="A study of the database.")] = None,
    bundle: Annotated[Path | None, typer.Option("--bundle", metavar="FILE.zip", help="An export.")] = None,
    seed: Annotated[int | None, typer.Option(help="Another seed than the study's.")] = None,
    draws: Annotated[int, typer.Option(help="Bootstrap replicates.")] = 10_000,
    profile: Annotated[str | None, typer.Option(help="Another profile than the study's.")] = None,
    consensus: Annotated[str | None, typer.Option(help="Another consensus rule than the study's.")] = None,
    rehearsal: Annotated[bool, typer.Option("--rehearsal", help="Test readers only, before the lock.")] = False,
    reproduce: Annotated[
        str | None, typer.Option(metavar="KIT", help="Beside it the published kit's own table: noharm-2026-07.")
    ] = None,
) -> None:
    """Write the whole report of a locked study, from the database or from its export alike."""
    from analysis.analyse import analyse as analysed
    from analysis.outcomes.reproduced import KITS, reproduced_files
    from webapp.commands.studies import written

    if (name is None) == (bundle is None):
        raise typer.BadParameter("Name a study with --study, or an export with --bundle.", param_hint="--study")
    if bundle is not None and rehearsal:
        raise typer.BadParameter("A rehearsal reads the database: name the study.", param_hint="--rehearsal")
    if reproduce is not None and reproduce not in KITS:
        raise typer.BadParameter(f"{reproduce!r} is not one of {', '.join(KITS)}.", param_hint="--reproduce")
    cut = cut_of_export(bundle) if bundle is not None else cut_of_study(name or "", rehearsal=rehearsal)
    with progress("analysis") as advance:
        report = analysed(
            cut,
            seed=cut.protocol.seed if seed is None else seed,
            draws=draws,
            profile=profile,
            consensus=consensus,
            progress=advance,
        )
        kit = {} if reproduce is None else reproduced_files(cut, advance)
    files = {**report.files, **kit}
    for path in sorted(files):
        written(out / path, files[path])
    for path in sorted(files):
        say(str(out / path))


def cut_of_export(path: Path) -> "Cut":
    from study.export import cut_from_export

    return cut_from_export(path)


def cut_of_study(name: str, *, rehearsal: bool) -> "Cut":
    from study.store.cuts import cut

    with opened(configured()) as database, database.read() as session:
        return cut(session, name, rehearsal=rehearsal)
