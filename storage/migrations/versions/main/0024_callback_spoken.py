"""Call-backs know of a later call in which their customer was answered; those that are there know of none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, length in (("spoken_in", 36), ("spoken_by", 8)):
        column = sa.Column(name, sa.String(length=length), nullable=False, server_default="")
        op.add_column("callback_tasks", column)
    op.add_column("callback_tasks", sa.Column("spoken_at", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("callback_tasks", schema=None) as batch_op:
        for name in ("spoken_in", "spoken_by", "spoken_at"):
            batch_op.drop_column(name)
