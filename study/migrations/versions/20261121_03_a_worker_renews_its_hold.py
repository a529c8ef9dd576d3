"""A worker renews its hold on an analysis: a long one is no longer taken for abandoned."""

import sqlalchemy as sa
from alembic import op

revision = "20261121_03"
down_revision = "20261121_02"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("job", sa.Column("renewed_at_us", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("job", "renewed_at_us")
