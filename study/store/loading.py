"""Loading a study's folder: its files verbatim and its systems' answers, in one unit of work."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import Session

from study.answer import Answer
from study.bundle import Bundle
from study.formats.answers import parse_any
from study.formats.judged import detect_format
from study.store import studies, systems
from study.store.studies import Loading

SYSTEMS = "systems/"


@dataclass(frozen=True, slots=True)
class SystemFile:
    """One file of system answers, parsed."""

    path: str
    body: bytes
    format: str
    answers: tuple[Answer, ...]


def system_files(bundle: Bundle) -> tuple[SystemFile, ...]:
    """The bundle's answers file by file. It takes its time, so it is done before anybody waits for the database."""
    return tuple(
        SystemFile(path, body, detect_format(body), tuple(parse_any(body, path, bundle.cases)))
        for path, body in sorted(bundle.files.items())
        if path.startswith(SYSTEMS)
    )


def load_bundle(
    session: Session, bundle: Bundle, files: Sequence[SystemFile], *, actor_id: UUID | None, at_us: int
) -> Loading:
    """Store a validated bundle whole, with its `system_files`. The same files again change nothing.

    Raises StudyRefuses, Faulty.
    """
    loading = studies.load(
        session,
        bundle.protocol,
        bundle.files,
        bundle_digest=bundle.digest,
        rubric_digest=bundle.rubric_digest,
        actor_id=actor_id,
        at_us=at_us,
    )
    if not loading.changed:
        return loading
    cases, arms = list(bundle.cases), [arm.id for arm in bundle.protocol.arms]
    for file in files:
        systems.import_answers(
            session,
            loading.study,
            file.answers,
            cases,
            arms=arms,
            file_name=file.path,
            file_bytes=file.body,
            format=file.format,
            actor_id=actor_id,
            at_us=at_us,
        )
    return loading
