"""The tables: facts, with the rules that a database can hold by itself. Scores are never columns.

Every table that grows with a study carries `study_id`, and every key of it contains `study_id`.
Times are integer UTC microseconds. What people selected stands in `answer`, apart from `reading`, so that a page
that may show conduct but no selections (contracts, what a PI may see) never has them in reach.
"""

from enum import StrEnum
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    Text,
    UniqueConstraint,
)
from sqlmodel import Field, SQLModel

from study.answer import Kind, ResponseMode
from study.chain import GENESIS, SubjectKind
from study.progress import State

NO_STUDY = UUID(int=0)
"""Stands for the study in the events of an account, which belongs to no study."""

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
metadata: MetaData = SQLModel.metadata


class Role(StrEnum):
    OWNER = "owner"
    PI = "pi"
    STATISTICIAN = "statistician"
    READER = "reader"


STAFF = (Role.OWNER, Role.PI, Role.STATISTICIAN)


class StudyState(StrEnum):
    DRAFT = "draft"
    OPEN = "open"
    PAUSED = "paused"
    LOCKED = "locked"


class TicketPurpose(StrEnum):
    JOIN = "join"
    PASSWORD = "password"  # noqa: S105  the name of a purpose, not a secret


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class ClosedBy(StrEnum):
    READER = "reader"
    SWEEP = "sweep"
    READ = "read"


def _one_of(column: str, words: type[StrEnum], *, nullable: bool = False) -> CheckConstraint:
    listed = ", ".join(f"'{word.value}'" for word in words)
    rule = f"{column} IN ({listed})"
    return CheckConstraint(f"{column} IS NULL OR {rule}" if nullable else rule, name=column)


def _us(**options: Any) -> Any:
    return Field(sa_type=BigInteger, **options)


def _text(**options: Any) -> Any:
    return Field(sa_type=Text, **options)


class StudyRow(SQLModel, table=True):
    __tablename__ = "study"
    __table_args__ = (_one_of("state", StudyState),)

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    name: str = _text(unique=True)
    title: str = _text()
    version: str = _text()
    state: str = _text(default=StudyState.DRAFT)
    bundle_digest: str = _text()
    rubric_digest: str = _text()
    loaded_at_us: int = _us()
    opened_at_us: int | None = _us(default=None)
    locked_at_us: int | None = _us(default=None)
    event_count: int = 0
    head: str = _text(default=GENESIS)


class BundleFileRow(SQLModel, table=True):
    __tablename__ = "bundle_file"
    __table_args__ = (ForeignKeyConstraint(["study_id"], ["study.id"]),)

    study_id: UUID = Field(primary_key=True)
    path: str = _text(primary_key=True)
    sha256: str = _text()
    body: bytes = Field(sa_type=LargeBinary)


class AccountRow(SQLModel, table=True):
    __tablename__ = "account"
    __table_args__ = (_one_of("role", Role), CheckConstraint("email = lower(email)", name="email_lower"))

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    email: str = _text(unique=True)
    role: str = _text()
    password_hash: str | None = _text(default=None)
    created_at_us: int = _us()
    disabled_at_us: int | None = _us(default=None)
    event_count: int = 0
    head: str = _text(default=GENESIS)


class LoginRow(SQLModel, table=True):
    """One signed-in browser. Only the digest of its token is kept; deleting the row signs it out."""

    __tablename__ = "login"
    __table_args__ = (ForeignKeyConstraint(["account_id"], ["account.id"]),)

    token_sha256: str = _text(primary_key=True)
    account_id: UUID = Field(index=True)
    created_at_us: int = _us()
    expires_at_us: int = _us()


class RespondentRow(SQLModel, table=True):
    """A physician under a study pseudonym, or a system under its id."""

    __tablename__ = "respondent"
    __table_args__ = (
        UniqueConstraint("study_id", "label"),
        ForeignKeyConstraint(["study_id"], ["study.id"]),
        _one_of("kind", Kind),
    )

    study_id: UUID = Field(primary_key=True)
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    kind: str = _text()
    label: str = _text()


class ReaderRow(SQLModel, table=True):
    """The person behind a physician's pseudonym: the only rows besides `account` and `outbox` that name anybody."""

    __tablename__ = "reader"
    __table_args__ = (
        UniqueConstraint("study_id", "email"),
        ForeignKeyConstraint(["study_id", "respondent_id"], ["respondent.study_id", "respondent.id"]),
        ForeignKeyConstraint(["account_id"], ["account.id"]),
        CheckConstraint("email = lower(email)", name="email_lower"),
        CheckConstraint("accommodation_percent >= 100", name="accommodation"),
        Index(None, "account_id"),
    )

    study_id: UUID = Field(primary_key=True)
    respondent_id: UUID = Field(primary_key=True)
    account_id: UUID | None = None
    email: str = _text()
    full_name: str = _text(default="")
    strata: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    arm: str = _text()
    test: bool = False
    accommodation_percent: int = 100
    invited_at_us: int = _us()
    invitation_sent_at_us: int | None = _us(default=None)
    joined_at_us: int | None = _us(default=None)
    consent_sha256: str | None = _text(default=None)
    withdrawn_at_us: int | None = _us(default=None)
    withdrawn_reason: str | None = _text(default=None)
    withdrawn_by: UUID | None = None
    event_count: int = 0
    head: str = _text(default=GENESIS)


class TicketRow(SQLModel, table=True):
    """A one-time link: an invitation to a study, or to set a password. Only the digest of its token is kept."""

    __tablename__ = "ticket"
    __table_args__ = (
        ForeignKeyConstraint(["account_id"], ["account.id"]),
        ForeignKeyConstraint(["study_id", "respondent_id"], ["reader.study_id", "reader.respondent_id"]),
        _one_of("purpose", TicketPurpose),
    )

    token_sha256: str = _text(primary_key=True)
    purpose: str = _text()
    account_id: UUID | None = None
    study_id: UUID | None = None
    respondent_id: UUID | None = None
    created_at_us: int = _us()
    expires_at_us: int = _us()
    used_at_us: int | None = _us(default=None)


class ReadingRow(SQLModel, table=True):
    """One respondent, one case, one run. A physician's has a position, a clock and events; a system's has none.

    `lease` is the page that may write to it, `lease_at_us` when that page was last heard of; `credit_us` is the time
    given back after outages; `latest_at_us` the newest time that the server ever stamped on it.
    """

    __tablename__ = "reading"
    __table_args__ = (
        UniqueConstraint("study_id", "respondent_id", "case_id", "variant", "run"),
        ForeignKeyConstraint(["study_id", "respondent_id"], ["respondent.study_id", "respondent.id"]),
        _one_of("state", State),
        _one_of("closed_by", ClosedBy, nullable=True),
        CheckConstraint("(state = 'assigned') = (opened_at_us IS NULL)", name="opened"),
        CheckConstraint("(state IN ('submitted', 'expired')) = (closed_at_us IS NOT NULL)", name="closed"),
        CheckConstraint("revision >= 0 AND run >= 1", name="counts"),
        Index(None, "state", "deadline_at_us"),
    )

    study_id: UUID = Field(primary_key=True)
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    respondent_id: UUID
    case_id: str = _text()
    variant: str = _text(default="")
    run: int = 1
    arm: str = _text()
    position: int = 0
    state: str = _text(default=State.ASSIGNED)
    presented: list[str] | None = Field(default=None, sa_type=JSON)
    opened_at_us: int | None = _us(default=None)
    deadline_at_us: int | None = _us(default=None)
    grace_us: int = _us(default=0)
    extension_us: int = _us(default=0)
    session_ends_at_us: int | None = _us(default=None)
    credit_us: int = _us(default=0, sa_column_kwargs={"server_default": "0"})
    accommodation_percent: int | None = None
    saved_at_us: int | None = _us(default=None)
    first_selected_at_us: int | None = _us(default=None)
    latest_at_us: int | None = _us(default=None)
    lease: str | None = _text(default=None)
    lease_at_us: int | None = _us(default=None)
    closed_at_us: int | None = _us(default=None)
    closed_by: str | None = _text(default=None)
    revision: int = 0
    submit_key: str | None = _text(default=None)
    receipt: str | None = _text(default=None)
    void_reason: str | None = _text(default=None)
    void_by: UUID | None = None
    void_at_us: int | None = _us(default=None)
    event_count: int = 0
    head: str = _text(default=GENESIS)


class AnswerRow(SQLModel, table=True):
    """What was selected. A physician's row is the last saved draft; there is none while nothing was ever saved."""

    __tablename__ = "answer"
    __table_args__ = (
        ForeignKeyConstraint(["study_id", "reading_id"], ["reading.study_id", "reading.id"]),
        _one_of("response_mode", ResponseMode),
        CheckConstraint("confidence IS NULL OR (confidence >= 0 AND confidence <= 100)", name="confidence"),
    )

    study_id: UUID = Field(primary_key=True)
    reading_id: UUID = Field(primary_key=True)
    selected: list[str] = Field(sa_type=JSON)
    partial: list[str] | None = Field(default=None, sa_type=JSON)
    actions: list[dict[str, Any]] | None = Field(default=None, sa_type=JSON)
    graded: dict[str, bool] | None = Field(default=None, sa_type=JSON)
    response_mode: str = _text(default=ResponseMode.TICK)
    confidence: int | None = None
    rationale: str = _text(default="")
    resources: list[str] = Field(default_factory=list, sa_type=JSON)
    nothing_to_recommend: bool = False
    system_version: str | None = _text(default=None)
    prompt_sha256: str | None = _text(default=None)
    created_at: str | None = _text(default=None)
    mapper: dict[str, str] | None = Field(default=None, sa_type=JSON)


class SaveRow(SQLModel, table=True):
    """Each accepted save under the key that the browser gave it, so that a repeat changes nothing."""

    __tablename__ = "save"
    __table_args__ = (
        UniqueConstraint("study_id", "reading_id", "revision"),
        ForeignKeyConstraint(["study_id", "reading_id"], ["reading.study_id", "reading.id"]),
    )

    study_id: UUID = Field(primary_key=True)
    reading_id: UUID = Field(primary_key=True)
    key: str = _text(primary_key=True)
    revision: int
    at_us: int = _us()


class PresenceRow(SQLModel, table=True):
    """How long one page of a reading was before its reader's eyes: the page's own count, which only ever grows."""

    __tablename__ = "presence"
    __table_args__ = (ForeignKeyConstraint(["study_id", "reading_id"], ["reading.study_id", "reading.id"]),)

    study_id: UUID = Field(primary_key=True)
    reading_id: UUID = Field(primary_key=True)
    page: str = _text(primary_key=True)
    first_at_us: int = _us()
    last_at_us: int = _us()
    load_ms: int = _us()
    visible_ms: int = _us()
    active_ms: int = _us()
    hidden_count: int = 0


class LatePayloadRow(SQLModel, table=True):
    """What arrived after deadline and grace: kept apart, never dropped, never silently used."""

    __tablename__ = "late_payload"
    __table_args__ = (
        ForeignKeyConstraint(["study_id", "reading_id"], ["reading.study_id", "reading.id"]),
        UniqueConstraint("study_id", "reading_id", "key"),
    )

    study_id: UUID = Field(primary_key=True)
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    reading_id: UUID
    key: str = _text()
    at_us: int = _us()
    body: dict[str, Any] = Field(sa_type=JSON)


class EventRow(SQLModel, table=True):
    """The event chain. Triggers refuse to change or delete a row."""

    __tablename__ = "event"
    __table_args__ = (_one_of("subject_kind", SubjectKind),)

    study_id: UUID = Field(primary_key=True)
    subject_kind: str = _text(primary_key=True)
    subject_id: UUID = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    at_us: int = _us()
    kind: str = _text()
    actor_id: UUID | None = None
    payload_sha256: str = _text()
    prev: str = _text()
    hash: str = _text()


class EventPayloadRow(SQLModel, table=True):
    """The bodies of events, apart, with their salts: an erased body leaves the chain whole."""

    __tablename__ = "event_payload"
    __table_args__ = (
        ForeignKeyConstraint(
            ["study_id", "subject_kind", "subject_id", "seq"],
            ["event.study_id", "event.subject_kind", "event.subject_id", "event.seq"],
        ),
    )

    study_id: UUID = Field(primary_key=True)
    subject_kind: str = _text(primary_key=True)
    subject_id: UUID = Field(primary_key=True)
    seq: int = Field(primary_key=True)
    salt: bytes = Field(sa_type=LargeBinary)
    body: bytes = Field(sa_type=LargeBinary)


class ProblemRow(SQLModel, table=True):
    """A reader's report of a problem with a case."""

    __tablename__ = "problem"
    __table_args__ = (
        ForeignKeyConstraint(["study_id", "respondent_id"], ["reader.study_id", "reader.respondent_id"]),
        ForeignKeyConstraint(["study_id", "reading_id"], ["reading.study_id", "reading.id"]),
    )

    study_id: UUID = Field(primary_key=True)
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    respondent_id: UUID
    reading_id: UUID
    at_us: int = _us()
    text: str = _text()


class ImportedFileRow(SQLModel, table=True):
    """A file of system answers, verbatim; importing the same bytes again changes nothing."""

    __tablename__ = "imported_file"
    __table_args__ = (ForeignKeyConstraint(["study_id"], ["study.id"]),)

    study_id: UUID = Field(primary_key=True)
    sha256: str = _text(primary_key=True)
    name: str = _text()
    format: str = _text()
    answers: int
    at_us: int = _us()
    body: bytes = Field(sa_type=LargeBinary)


class JobRow(SQLModel, table=True):
    """An analysis that was asked for: queued, running, done, or failed and why."""

    __tablename__ = "job"
    __table_args__ = (
        ForeignKeyConstraint(["study_id"], ["study.id"]),
        _one_of("state", JobState),
        Index(None, "state", "asked_at_us"),
    )

    study_id: UUID = Field(primary_key=True)
    id: UUID = Field(default_factory=uuid4, primary_key=True)
    state: str = _text(default=JobState.QUEUED)
    seed: int = _us()
    profile: str = _text()
    consensus: str = _text()
    asked_by: UUID | None = None
    asked_at_us: int = _us()
    started_at_us: int | None = _us(default=None)
    renewed_at_us: int | None = _us(default=None)
    ended_at_us: int | None = _us(default=None)
    progress: str = _text(default="")
    failure: str | None = _text(default=None)


class ArtefactRow(SQLModel, table=True):
    """A file that an analysis left, so that any web host can show it."""

    __tablename__ = "artefact"
    __table_args__ = (ForeignKeyConstraint(["study_id", "job_id"], ["job.study_id", "job.id"]),)

    study_id: UUID = Field(primary_key=True)
    job_id: UUID = Field(primary_key=True)
    name: str = _text(primary_key=True)
    sha256: str = _text()
    body: bytes = Field(sa_type=LargeBinary)


class OutboxRow(SQLModel, table=True):
    """Mail to be sent. Written in the transaction that decided on it; the worker sends it."""

    __tablename__ = "outbox"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    recipient: str = _text()
    subject: str = _text()
    body: str = _text()
    created_at_us: int = _us()
    sent_at_us: int | None = _us(default=None)
    tries: int = 0
    failure: str | None = _text(default=None)


class ThrottleRow(SQLModel, table=True):
    """How often something was tried in a window: exact, and shared by every worker and host."""

    __tablename__ = "throttle"

    key: str = _text(primary_key=True)
    window_us: int = _us(primary_key=True)
    tries: int


class PulseRow(SQLModel, table=True):
    """When the web was last known to serve: one row, and a gap in it is an outage."""

    __tablename__ = "pulse"

    name: str = _text(primary_key=True)
    at_us: int = _us()


class OutageRow(SQLModel, table=True):
    """A time in which the web served nobody, and how many open readings were given it back."""

    __tablename__ = "outage"

    id: UUID = Field(default_factory=uuid4, primary_key=True)
    from_us: int = _us()
    to_us: int = _us()
    readings: int


class ClockAnchorRow(SQLModel, table=True):
    """What a host's clock said when it first served after its start: from then on time is counted, not asked."""

    __tablename__ = "clock_anchor"

    boot_id: str = _text(primary_key=True)
    offset_us: int = _us()
    noted_at_us: int = _us()
