"""Loading a study's folder: its files verbatim and its systems' answers, in one unit of work."""

from uuid import UUID

from sqlmodel import Session

from study.bundle import Bundle
from study.formats.answers import parse_any
from study.formats.judged import detect_format
from study.store import studies, systems
from study.store.studies import Loading

SYSTEMS = "systems/"


def load_bundle(session: Session, bundle: Bundle, *, actor_id: UUID | None, at_us: int) -> Loading:
    """Store a validated bundle whole. The same files again change nothing. Raises StudyRefuses, Faulty."""
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
    cases = list(bundle.cases)
    for path in sorted(path for path in bundle.files if path.startswith(SYSTEMS)):
        systems.import_answers(
            session,
            loading.study,
            parse_any(bundle.files[path], path, bundle.cases),
            cases,
            file_name=path,
            file_bytes=bundle.files[path],
            format=detect_format(bundle.files[path]),
            actor_id=actor_id,
            at_us=at_us,
        )
    return loading
