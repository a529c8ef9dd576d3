"""A reading has a lease, a newest stamp and its credit; presence, pulse, outages and the anchor of the clock."""

import sqlalchemy as sa
from alembic import op

revision = "20261121_04"
down_revision = "20261121_03"
branch_labels = None
depends_on = None

NULLABLE = {
    "session_ends_at_us": sa.BigInteger,
    "accommodation_percent": sa.Integer,
    "first_selected_at_us": sa.BigInteger,
    "latest_at_us": sa.BigInteger,
    "lease": sa.Text,
    "lease_at_us": sa.BigInteger,
}
STAMPS = ("closed_at_us", "saved_at_us", "opened_at_us")


def upgrade() -> None:
    # Added one by one: rebuilding the table, as a batch would, drops what answers refer to.
    op.add_column("reading", sa.Column("credit_us", sa.BigInteger(), nullable=False, server_default="0"))
    for name, kind in NULLABLE.items():
        op.add_column("reading", sa.Column(name, kind(), nullable=True))
    # What was begun before has the stamps that it has; its accommodation is the one of its reader.
    op.execute(f"UPDATE reading SET latest_at_us = COALESCE({', '.join(STAMPS)})")
    op.execute(
        "UPDATE reading SET accommodation_percent = (SELECT reader.accommodation_percent FROM reader "
        "WHERE reader.study_id = reading.study_id AND reader.respondent_id = reading.respondent_id) "
        "WHERE opened_at_us IS NOT NULL"
    )
    op.create_table(
        "presence",
        sa.Column("study_id", sa.Uuid(), nullable=False),
        sa.Column("reading_id", sa.Uuid(), nullable=False),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("first_at_us", sa.BigInteger(), nullable=False),
        sa.Column("last_at_us", sa.BigInteger(), nullable=False),
        sa.Column("load_ms", sa.BigInteger(), nullable=False),
        sa.Column("visible_ms", sa.BigInteger(), nullable=False),
        sa.Column("active_ms", sa.BigInteger(), nullable=False),
        sa.Column("hidden_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id", "reading_id"], ["reading.study_id", "reading.id"], name="fk_presence_study_id_reading_id"
        ),
        sa.PrimaryKeyConstraint("study_id", "reading_id", "page", name="pk_presence"),
    )
    op.create_table(
        "pulse",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_pulse"),
    )
    op.create_table(
        "outage",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("from_us", sa.BigInteger(), nullable=False),
        sa.Column("to_us", sa.BigInteger(), nullable=False),
        sa.Column("readings", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outage"),
    )
    op.create_table(
        "clock_anchor",
        sa.Column("boot_id", sa.Text(), nullable=False),
        sa.Column("offset_us", sa.BigInteger(), nullable=False),
        sa.Column("noted_at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("boot_id", name="pk_clock_anchor"),
    )


def downgrade() -> None:
    for table in ("clock_anchor", "outage", "pulse", "presence"):
        op.drop_table(table)
    for name in (*NULLABLE, "credit_us"):
        op.drop_column("reading", name)
