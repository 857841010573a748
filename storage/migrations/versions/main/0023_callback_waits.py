"""Waits that ended with a call-back in the figures by quarter-hour: what was counted before knows of none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "interval_queues", sa.Column("callback", sa.BigInteger(), nullable=False, server_default="0")
    )


def downgrade() -> None:
    with op.batch_alter_table("interval_queues", schema=None) as batch_op:
        batch_op.drop_column("callback")
