"""A study as a folder of plain files: read whole, validated whole, kept verbatim."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from study.answer import POLICY_NAMES, Answer, Kind
from study.bundle_content import CASES, CONSENT, PROTOCOL, case_id_of, parse_content, read_content
from study.bundle_digest import bundle_digest, digest_lines
from study.bundle_rubric import RATINGS, STRUCTURE, parse_ratings, parse_structure
from study.bundle_text import decode, is_id
from study.case import Case, CaseId
from study.consensus import BENEFIT
from study.errors import Fault, Faulty, StudyError
from study.formats.answers import parse_any
from study.profile import PROFILES
from study.protocol import Protocol, not_ready
from study.rubric import OptionStructure, Rating, Rubric, build_rubric, consensus_scores, rubric_digest

__all__ = ["Bundle", "bundle_digest", "parse_bundle", "parse_content", "read_folder", "write_folder"]

RUBRIC, SYSTEMS = "rubric/", "systems/"


@dataclass(frozen=True, slots=True, eq=False)
class Bundle:
    """A valid bundle. `files` are its bytes by path; `answers` come from its `systems/`; warnings refuse nothing."""

    files: Mapping[str, bytes]
    protocol: Protocol
    cases: Mapping[CaseId, Case]
    ratings: tuple[Rating, ...]
    structure: tuple[OptionStructure, ...]
    consent: str
    answers: tuple[Answer, ...]
    warnings: tuple[Fault, ...]
    digest: str
    rubric_digest: str

    def rubric(self, profile: str | None = None, consensus: str | None = None) -> Rubric:
        """The rubric under the protocol's profile and consensus rule, or under others.

        Raises `StudyError` where there is no such profile, or the rule does not suit the number of raters.
        """
        named = profile or self.protocol.scoring.profile
        if named not in PROFILES:
            raise StudyError(f"no profile is called {named!r}; there are {', '.join(PROFILES)}")
        return build_rubric(
            self.cases,
            self.ratings,
            self.structure,
            profile=PROFILES[named],
            consensus=consensus or self.protocol.scoring.consensus,
            source=digest_lines(self.files, RUBRIC),
        )


def parse_bundle(files: Mapping[str, bytes]) -> Bundle:
    """A bundle's files as a `Bundle`. Raises `Faulty` with every fault of every file."""
    faults = [Fault(name or "(no name)", "does not belong to a bundle") for name in sorted(files) if not _belongs(name)]
    protocol, read, consent = read_content(files, faults)
    ratings, structure = _rubric_rows(files, read, protocol, faults)
    cases = {case_id: case for case_id, case in read.items() if case is not None}
    # Where a case could not be read, its answers would be faulted for options that it may well have.
    answers = _system_answers(files, cases, protocol, faults) if len(cases) == len(read) else ()
    if protocol is None or faults:
        raise Faulty(faults)
    scoring, source = protocol.scoring, digest_lines(files, RUBRIC)
    return Bundle(
        files=dict(files),
        protocol=protocol,
        cases=cases,
        ratings=ratings,
        structure=structure,
        consent=consent,
        answers=answers,
        warnings=(
            *_nothing_right(cases, ratings, scoring.consensus),
            *_no_effect(structure),
            *_nobody(protocol, answers),
            *_not_ready(protocol),
        ),
        digest=bundle_digest(files),
        rubric_digest=rubric_digest(source, scoring.profile, scoring.consensus),
    )


def _not_ready(protocol: Protocol) -> list[Fault]:
    """What is wrong with a protocol that could be opened otherwise. One without [primary] is still being written."""
    sentence = None if protocol.primary is None else not_ready(protocol)
    return [] if sentence is None else [Fault(PROTOCOL, f"{sentence} It cannot be opened as it is.")]


def _belongs(name: str) -> bool:
    if name in (PROTOCOL, CONSENT, RATINGS, STRUCTURE) or case_id_of(name) is not None:
        return True
    stem = name.removeprefix(SYSTEMS).removesuffix(".jsonl")
    return name == f"{SYSTEMS}{stem}.jsonl" and is_id(stem)


def _rubric_rows(
    files: Mapping[str, bytes], cases: Mapping[CaseId, Case | None], protocol: Protocol | None, faults: list[Fault]
) -> tuple[tuple[Rating, ...], tuple[OptionStructure, ...]]:
    faults += [Fault(name, "is missing") for name in (RATINGS, STRUCTURE) if name not in files]
    rule = protocol.scoring.consensus if protocol is not None else None
    ratings = parse_ratings(files[RATINGS], cases, rule, faults) if RATINGS in files else ()
    structure = parse_structure(files[STRUCTURE], cases, faults) if STRUCTURE in files else ()
    return ratings, structure


def _system_answers(
    files: Mapping[str, bytes], cases: Mapping[CaseId, Case], protocol: Protocol | None, faults: list[Fault]
) -> tuple[Answer, ...]:
    """The answers of every file of systems, no two of them under one key."""
    arms = {arm.id for arm in protocol.arms} if protocol is not None else set()
    answers: list[Answer] = []
    seen: dict[object, str] = {}
    for name in sorted(name for name in files if name.startswith(SYSTEMS) and _belongs(name)):
        try:
            found = parse_any(files[name], name, cases) if decode(files[name], name, faults) else []
        except Faulty as faulty:
            faults += faulty.faults
            continue
        for answer in found:
            before = seen.setdefault(answer.key, name)
            if before != name:
                faults.append(
                    Fault(name, f"{answer.case_id}, run {answer.run} of {answer.respondent} is also in {before}")
                )
        for respondent in sorted({answer.respondent for answer in found} & arms):
            faults.append(Fault(name, f"{respondent} is the id of an arm, and cannot be a system's too"))
        systems = {answer.respondent for answer in found if answer.kind is not Kind.POLICY}
        for respondent in sorted(systems & POLICY_NAMES):
            faults.append(Fault(name, f"{respondent} is the name of a reference policy, and cannot be a system's too"))
        for respondent in sorted({answer.respondent for answer in found if answer.kind is Kind.PHYSICIAN}):
            faults.append(Fault(name, f"{respondent} is a physician; here are the answers of systems"))
        answers += found
    return tuple(answers)


def _nothing_right(cases: Mapping[CaseId, Case], ratings: tuple[Rating, ...], rule: str) -> list[Fault]:
    """Cases in which F1 would be 0 for everybody."""
    scores = consensus_scores(ratings, rule)
    what = "no option of this case has a score of 7 or more: F1 is 0 for everybody"
    return [Fault(f"{CASES}{case_id}.toml", what) for case_id in cases if max(scores[case_id].values()) < BENEFIT]


def _no_effect(structure: tuple[OptionStructure, ...]) -> list[Fault]:
    return [
        Fault(STRUCTURE, f"{row.case_id} {row.option_id}: group {row.group!r} has no group_kind, and no effect")
        for row in structure
        if row.group is not None and row.group_kind is None
    ]


def _nobody(protocol: Protocol, answers: tuple[Answer, ...]) -> list[Fault]:
    """The test of the primary comparison may still come, but a misspelt one never does."""
    primary = protocol.primary
    if primary is None or not answers or primary.test in {answer.respondent for answer in answers}:
        return []
    return [Fault(f"{PROTOCOL}:primary.test", f"{primary.test} has no answers in systems/; will it be imported later?")]


def read_folder(path: Path) -> dict[str, bytes]:
    """Every file of a folder by its path inside; what is hidden (`.git`, `.DS_Store`) is no part of a bundle."""
    if not path.is_dir():
        raise Faulty([Fault(str(path), "is not a folder")])
    inside = {file.relative_to(path): file for file in sorted(path.rglob("*")) if file.is_file()}
    return {
        name.as_posix(): file.read_bytes()
        for name, file in inside.items()
        if not any(part.startswith(".") for part in name.parts)
    }


def write_folder(files: Mapping[str, bytes], path: Path) -> None:
    """Write the files, byte for byte, into a folder that is new or empty."""
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise Faulty([Fault(str(path), "is there already, and is not an empty folder")])
    for name in files:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise Faulty([Fault(name, "does not lie inside of the folder")])
    for name, data in files.items():
        target = path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
