"""A cut from the database: what an analysis needs of a locked study, or of a rehearsal on test readers."""

from sqlmodel import Session

from study.bundle import parse_bundle
from study.cut import Cut
from study.record import cut_of
from study.store import records, studies
from study.store.studies import StudyRefuses


def cut(session: Session, name: str, *, rehearsal: bool = False) -> Cut:
    """Everything that an analysis needs of one study.

    A rehearsal takes the test readers' readings and nobody else's, at any time. Raises NoSuchStudy, and
    StudyRefuses before the lock.
    """
    study = studies.by_name(session, name)
    if study.locked_at_us is None and not rehearsal:
        raise StudyRefuses(
            f"Study {name!r} is {study.state}: nothing is analysed before the lock. "
            "Run `primum study lock`, or rehearse on test readers with --rehearsal."
        )
    bundle = parse_bundle(studies.files(session, study.id))
    found = records.readings(session, study.id, test=rehearsal)
    return cut_of(
        bundle,
        [record.reading for record in found],
        records.system_answers(session, study.id),
        locked_at_us=None if rehearsal else study.locked_at_us,
        lock_reason=None if rehearsal else records.lock_reason(session, study.id),
        withdrawn=(
            reader.label
            for reader in records.readers(session, study.id)
            if reader.test == rehearsal and reader.withdrawn_at_us is not None
        ),
    )
