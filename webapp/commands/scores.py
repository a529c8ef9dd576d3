"""`primum score`: an answers file against a study folder, without any database."""

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from study.answer import Answer, Kind
from study.errors import Fault, Faulty
from study.profile import MeasureKind, Profile, not_one_score_a_reading
from webapp.commands.answers import read_answers, read_bundle, read_file
from webapp.commands.output import note, say, say_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from study.rubric import Rubric
    from study.scoring import Scores

HEADER = ["readerID", "caseID", "modalityID", "run", "score", "measure"]


def score(
    bundle: Annotated[Path, typer.Argument(metavar="BUNDLE", help="The study's folder.")],
    answers: Annotated[Path, typer.Argument(metavar="ANSWERS", help="Answers, one JSON object a line.")],
    measures: Annotated[list[str] | None, typer.Argument(metavar="[MEASURE]...", help="With --long.")] = None,
    profile: Annotated[str | None, typer.Option(metavar="P", help="Another profile than the study's.")] = None,
    consensus: Annotated[str | None, typer.Option(metavar="R", help="Another consensus rule.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON lines, one an answer.")] = False,
    long: Annotated[bool, typer.Option("--long", help="A table of these measures for other tools.")] = False,
    format: Annotated[str, typer.Option(help="auto, canonical or noharm-judged.")] = "auto",
) -> None:
    """Score answers: JSON lines with every measure and harm, or a long table of the measures named."""
    if as_json == long:
        raise typer.BadParameter("Say how to write it: --json, or --long MEASURE….", param_hint="--json")
    if long != bool(measures):
        raise typer.BadParameter("Measures are named with --long, and only there.", param_hint="MEASURE")
    study = read_bundle(bundle)
    rubric = study.rubric(profile, consensus)
    read, _ = read_answers(read_file(answers), answers, study.cases, format)
    from study.scoring import score_readings

    scores = score_readings(rubric, [answer.case_id for answer in read], [answer.response for answer in read])
    if as_json:
        for line in json_lines(read, scores, rubric):
            say_json(line)
        return
    say(long_table(read, scores, measures or (), rubric.profile).rstrip("\n"))


def json_lines(answers: "Sequence[Answer]", scores: "Scores", rubric: "Rubric") -> "Iterator[dict[str, Any]]":
    """One document an answer, in the order of the file. What is undefined is null, with its reason beside it."""
    for at, answer in enumerate(answers):
        measured = {name: _number(float(scored.value[at])) for name, scored in scores.measures.items()}
        yield {
            "case_id": answer.case_id,
            "variant": answer.variant,
            "respondent": answer.respondent,
            "run": answer.run,
            "profile": rubric.profile.id,
            "consensus": str(rubric.consensus),
            "rubric_digest": rubric.digest,
            "measures": measured,
            "undefined": {name: scores.measures[name].reason[at] for name, value in measured.items() if value is None},
            "harms": [
                {"option_id": harm.option_id, "kind": harm.kind.value, "severity": harm.severity.value}
                for harm in scores.harms(at)
            ],
        }


def long_table(answers: "Sequence[Answer]", scores: "Scores", measures: "Sequence[str]", profile: Profile) -> str:
    """`readerID,caseID,modalityID,run,score,measure`; a system is its own modality. Undefined scores are left out.

    Means only: a ratio of sums, or what is made of them, is not the mean of one score a reading.
    """
    unknown = [measure for measure in measures if measure not in scores.measures]
    if unknown:
        known = ", ".join(scores.measures)
        raise Faulty([Fault("--long", f"{measure!r} is not a measure of this profile: {known}") for measure in unknown])
    folded = [ours for measure in measures if (ours := profile.by_name[measure]).kind is not MeasureKind.MEAN]
    if folded:
        raise Faulty([Fault("--long", f"{ours.name} {not_one_score_a_reading(ours)}") for ours in folded])
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    left_out = 0
    for measure in measures:
        for answer, value in zip(answers, scores.measures[measure].value.tolist(), strict=True):
            number = _number(value)
            if number is None:
                left_out += 1
                continue
            writer.writerow([answer.respondent, _case(answer), _modality(answer), answer.run, number, measure])
    if left_out:
        note(f"{left_out} undefined {'score is' if left_out == 1 else 'scores are'} left out")
    return text.getvalue()


def _case(answer: Answer) -> str:
    """A variant is not the case that readers read: it keeps an id of its own, spelled as the official files do."""
    return str(answer.case_id) if answer.variant is None else f"{answer.case_id}-{answer.variant}"


def _modality(answer: Answer) -> str:
    if answer.kind is Kind.PHYSICIAN:
        return answer.arm or Kind.PHYSICIAN.value
    return answer.respondent


def _number(value: float) -> float | None:
    """12 significant digits; None: undefined."""
    return None if value != value else float(f"{value:.12g}") + 0.0
