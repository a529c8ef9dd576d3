"""What every page about one study begins with, whoever looks at it."""

from dataclasses import dataclass

from study.store import studies
from study.tables import StudyRow, StudyState
from webapp import deps
from webapp.content import Content


@dataclass(frozen=True, slots=True)
class StudyPage:
    """One study, and what its files say."""

    study: StudyRow
    content: Content

    @property
    def locked(self) -> bool:
        return self.study.state == StudyState.LOCKED


def study_page(name: str) -> StudyPage:
    """Raises NoSuchStudy."""
    with deps.database().read() as session:
        study = studies.by_name(session, name)
    return StudyPage(study, deps.content(study.id, study.bundle_digest))
