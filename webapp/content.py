"""What a study's files say, as the pages need it: the protocol, the cases, the consent. Never a rating."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from threading import Lock
from uuid import UUID

from markdown_it import MarkdownIt
from markupsafe import Markup

from study.bundle_content import parse_content
from study.case import Case, CaseId
from study.db import Database
from study.protocol import Arm, Protocol, Stage
from study.store import studies

_MARKDOWN = MarkdownIt("commonmark", {"html": False})


@dataclass(frozen=True)
class Content:
    protocol: Protocol
    cases: Mapping[CaseId, Case]
    consent: str
    bundle_digest: str = ""

    @cached_property
    def consent_html(self) -> Markup:
        return Markup(_MARKDOWN.render(self.consent))  # noqa: S704  the renderer escapes HTML

    @cached_property
    def consent_sha256(self) -> str:
        return sha256(self.consent.encode()).hexdigest()

    @property
    def cases_per_reader(self) -> int:
        wanted = self.protocol.allocation.cases_per_reader
        return len(self.cases) if wanted is None else wanted

    def arm(self, name: str) -> Arm:
        return next(arm for arm in self.protocol.arms if arm.id == name)

    def stage(self, arm: str) -> Stage:
        """The stage that a reading of this arm is answered in."""
        return self.arm(arm).stages[0]


class Library:
    """Parsed contents by digest: what stands under one digest never changes, so nothing ever goes stale.

    A study's digest is read with its files, from one state of the database. Where the study has other files by now than
    the caller saw, it gets those, under the digest that is theirs.
    """

    def __init__(self) -> None:
        self._shelf: dict[str, Content] = {}
        self._guard = Lock()

    def content(self, database: Database, study_id: UUID, bundle_digest: str) -> Content:
        with self._guard:
            found = self._shelf.get(bundle_digest)
        if found is None:
            with database.read() as session:
                digest, files = studies.digest(session, study_id), studies.files(session, study_id)
            found = Content(*parse_content(files), bundle_digest=digest)
            with self._guard:
                self._shelf[digest] = found
        return found
