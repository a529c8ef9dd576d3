"""The first schema"""

import sqlalchemy as sa
from alembic import op

revision = "20261121_01"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "account",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("disabled_at_us", sa.BigInteger(), nullable=True),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.CheckConstraint("role IN ('owner', 'pi', 'statistician', 'reader')", name=op.f("ck_account_role")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_account_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("email", name=op.f("uq_account_email")),
    )
    op.create_table(
        "event",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("payload_sha256", sa.Text(), nullable=False),
        sa.Column("prev", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "subject_kind IN ('reading', 'reader', 'study', 'account')", name=op.f("ck_event_subject_kind")
        ),
        sa.PrimaryKeyConstraint("study_id", "subject_kind", "subject_id", "seq", name=op.f("pk_event")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("sent_at_us", sa.BigInteger(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_table(
        "study",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("bundle_digest", sa.Text(), nullable=False),
        sa.Column("rubric_digest", sa.Text(), nullable=False),
        sa.Column("loaded_at_us", sa.BigInteger(), nullable=False),
        sa.Column("opened_at_us", sa.BigInteger(), nullable=True),
        sa.Column("locked_at_us", sa.BigInteger(), nullable=True),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('draft', 'open', 'paused', 'locked')", name=op.f("ck_study_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_study")),
        sa.UniqueConstraint("name", name=op.f("uq_study_name")),
    )
    op.create_table(
        "throttle",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("window_us", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "window_us", name=op.f("pk_throttle")),
    )
    op.create_table(
        "bundle_file",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_bundle_file_study_id")),
        sa.PrimaryKeyConstraint("study_id", "path", name=op.f("pk_bundle_file")),
    )
    op.create_table(
        "event_payload",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id", "subject_kind", "subject_id", "seq"],
            ["event.study_id", "event.subject_kind", "event.subject_id", "event.seq"],
            name=op.f("fk_event_payload_study_id_subject_kind_subject_id_seq"),
        ),
        sa.PrimaryKeyConstraint("study_id", "subject_kind", "subject_id", "seq", name=op.f("pk_event_payload")),
    )
    op.create_table(
        "imported_file",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_imported_file_study_id")),
        sa.PrimaryKeyConstraint("study_id", "sha256", name=op.f("pk_imported_file")),
    )
    op.create_table(
        "job",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seed", sa.BigInteger(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("consensus", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("asked_at_us", sa.BigInteger(), nullable=False),
        sa.Column("started_at_us", sa.BigInteger(), nullable=True),
        sa.Column("ended_at_us", sa.BigInteger(), nullable=True),
        sa.Column("progress", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('queued', 'running', 'done', 'failed')", name=op.f("ck_job_state")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_job_study_id")),
        sa.PrimaryKeyConstraint("study_id", "id", name=op.f("pk_job")),
    )
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_job_state_asked_at_us"), ["state", "asked_at_us"], unique=False)

    op.create_table(
        "login",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_login_account_id")),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_login")),
    )
    with op.batch_alter_table("login", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_login_account_id"), ["account_id"], unique=False)

    op.create_table(
        "respondent",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.CheckConstraint("kind IN ('physician', 'system', 'policy')", name=op.f("ck_respondent_kind")),
        sa.ForeignKeyConstraint(["study_id"], ["study.id"], name=op.f("fk_respondent_study_id")),
        sa.PrimaryKeyConstraint("study_id", "id", name=op.f("pk_respondent")),
        sa.UniqueConstraint("study_id", "label", name=op.f("uq_respondent_study_id_label")),
    )
    op.create_table(
        "artefact",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("job_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id", "job_id"], ["job.study_id", "job.id"], name=op.f("fk_artefact_study_id_job_id")
        ),
        sa.PrimaryKeyConstraint("study_id", "job_id", "name", name=op.f("pk_artefact")),
    )
    op.create_table(
        "reader",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("respondent_id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("strata", sa.JSON(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("test", sa.Boolean(), nullable=False),
        sa.Column("accommodation_percent", sa.Integer(), nullable=False),
        sa.Column("invited_at_us", sa.BigInteger(), nullable=False),
        sa.Column("invitation_sent_at_us", sa.BigInteger(), nullable=True),
        sa.Column("joined_at_us", sa.BigInteger(), nullable=True),
        sa.Column("consent_sha256", sa.Text(), nullable=True),
        sa.Column("withdrawn_at_us", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_reason", sa.Text(), nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.CheckConstraint("accommodation_percent >= 100", name=op.f("ck_reader_accommodation")),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_reader_email_lower")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_reader_account_id")),
        sa.ForeignKeyConstraint(
            ["study_id", "respondent_id"],
            ["respondent.study_id", "respondent.id"],
            name=op.f("fk_reader_study_id_respondent_id"),
        ),
        sa.PrimaryKeyConstraint("study_id", "respondent_id", name=op.f("pk_reader")),
        sa.UniqueConstraint("study_id", "email", name=op.f("uq_reader_study_id_email")),
    )
    with op.batch_alter_table("reader", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reader_account_id"), ["account_id"], unique=False)

    op.create_table(
        "reading",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("respondent_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Text(), nullable=False),
        sa.Column("variant", sa.Text(), nullable=False),
        sa.Column("run", sa.Integer(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("presented", sa.JSON(), nullable=True),
        sa.Column("opened_at_us", sa.BigInteger(), nullable=True),
        sa.Column("deadline_at_us", sa.BigInteger(), nullable=True),
        sa.Column("grace_us", sa.BigInteger(), nullable=False),
        sa.Column("extension_us", sa.BigInteger(), nullable=False),
        sa.Column("saved_at_us", sa.BigInteger(), nullable=True),
        sa.Column("closed_at_us", sa.BigInteger(), nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("submit_key", sa.Text(), nullable=True),
        sa.Column("receipt", sa.Text(), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.Column("void_by", sa.Uuid(), nullable=True),
        sa.Column("void_at_us", sa.BigInteger(), nullable=True),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("head", sa.Text(), nullable=False),
        sa.CheckConstraint("(state = 'assigned') = (opened_at_us IS NULL)", name=op.f("ck_reading_opened")),
        sa.CheckConstraint(
            "(state IN ('submitted', 'expired')) = (closed_at_us IS NOT NULL)", name=op.f("ck_reading_closed")
        ),
        sa.CheckConstraint(
            "closed_by IS NULL OR closed_by IN ('reader', 'sweep', 'read')", name=op.f("ck_reading_closed_by")
        ),
        sa.CheckConstraint("state IN ('assigned', 'open', 'submitted', 'expired')", name=op.f("ck_reading_state")),
        sa.CheckConstraint("revision >= 0 AND run >= 1", name=op.f("ck_reading_counts")),
        sa.ForeignKeyConstraint(
            ["study_id", "respondent_id"],
            ["respondent.study_id", "respondent.id"],
            name=op.f("fk_reading_study_id_respondent_id"),
        ),
        sa.PrimaryKeyConstraint("study_id", "id", name=op.f("pk_reading")),
        sa.UniqueConstraint(
            "study_id",
            "respondent_id",
            "case_id",
            "variant",
            "run",
            name=op.f("uq_reading_study_id_respondent_id_case_id_variant_run"),
        ),
    )
    with op.batch_alter_table("reading", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reading_state_deadline_at_us"), ["state", "deadline_at_us"], unique=False)

    op.create_table(
        "answer",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("reading_id", sa.Uuid(), nullable=False),
        sa.Column("selected", sa.JSON(), nullable=False),
        sa.Column("partial", sa.JSON(), nullable=True),
        sa.Column("actions", sa.JSON(), nullable=True),
        sa.Column("graded", sa.JSON(), nullable=True),
        sa.Column("response_mode", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Integer(), nullable=True),
        sa.Column("rationale", sa.Text(), nullable=False),
        sa.Column("resources", sa.JSON(), nullable=False),
        sa.Column("nothing_to_recommend", sa.Boolean(), nullable=False),
        sa.Column("system_version", sa.Text(), nullable=True),
        sa.Column("prompt_sha256", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Text(), nullable=True),
        sa.Column("mapper", sa.JSON(), nullable=True),
        sa.CheckConstraint(
            "response_mode IN ('tick', 'grade_all', 'free_text_mapped')", name=op.f("ck_answer_response_mode")
        ),
        sa.CheckConstraint(
            "confidence IS NULL OR (confidence >= 0 AND confidence <= 100)", name=op.f("ck_answer_confidence")
        ),
        sa.ForeignKeyConstraint(
            ["study_id", "reading_id"], ["reading.study_id", "reading.id"], name=op.f("fk_answer_study_id_reading_id")
        ),
        sa.PrimaryKeyConstraint("study_id", "reading_id", name=op.f("pk_answer")),
    )
    op.create_table(
        "late_payload",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reading_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id", "reading_id"],
            ["reading.study_id", "reading.id"],
            name=op.f("fk_late_payload_study_id_reading_id"),
        ),
        sa.PrimaryKeyConstraint("study_id", "id", name=op.f("pk_late_payload")),
        sa.UniqueConstraint("study_id", "reading_id", "key", name=op.f("uq_late_payload_study_id_reading_id_key")),
    )
    op.create_table(
        "problem",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("respondent_id", sa.Uuid(), nullable=False),
        sa.Column("reading_id", sa.Uuid(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id", "reading_id"], ["reading.study_id", "reading.id"], name=op.f("fk_problem_study_id_reading_id")
        ),
        sa.ForeignKeyConstraint(
            ["study_id", "respondent_id"],
            ["reader.study_id", "reader.respondent_id"],
            name=op.f("fk_problem_study_id_respondent_id"),
        ),
        sa.PrimaryKeyConstraint("study_id", "id", name=op.f("pk_problem")),
    )
    op.create_table(
        "save",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("reading_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id", "reading_id"], ["reading.study_id", "reading.id"], name=op.f("fk_save_study_id_reading_id")
        ),
        sa.PrimaryKeyConstraint("study_id", "reading_id", "key", name=op.f("pk_save")),
        sa.UniqueConstraint("study_id", "reading_id", "revision", name=op.f("uq_save_study_id_reading_id_revision")),
    )
    op.create_table(
        "ticket",
        sa.Column("token_sha256", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("study_id", sa.Uuid(), nullable=True),
        sa.Column("respondent_id", sa.Uuid(), nullable=True),
        sa.Column("created_at_us", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_us", sa.BigInteger(), nullable=False),
        sa.Column("used_at_us", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("purpose IN ('join', 'password')", name=op.f("ck_ticket_purpose")),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_ticket_account_id")),
        sa.ForeignKeyConstraint(
            ["study_id", "respondent_id"],
            ["reader.study_id", "reader.respondent_id"],
            name=op.f("fk_ticket_study_id_respondent_id"),
        ),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_ticket")),
    )


def downgrade() -> None:
    op.drop_table("ticket")
    op.drop_table("save")
    op.drop_table("problem")
    op.drop_table("late_payload")
    op.drop_table("answer")
    with op.batch_alter_table("reading", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reading_state_deadline_at_us"))

    op.drop_table("reading")
    with op.batch_alter_table("reader", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reader_account_id"))

    op.drop_table("reader")
    op.drop_table("artefact")
    op.drop_table("respondent")
    with op.batch_alter_table("login", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_login_account_id"))

    op.drop_table("login")
    with op.batch_alter_table("job", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_job_state_asked_at_us"))

    op.drop_table("job")
    op.drop_table("imported_file")
    op.drop_table("event_payload")
    op.drop_table("bundle_file")
    op.drop_table("throttle")
    op.drop_table("study")
    op.drop_table("outbox")
    op.drop_table("event")
    op.drop_table("account")
