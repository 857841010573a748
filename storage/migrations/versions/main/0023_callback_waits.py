"""Call-backs asked for in the figures by quarter-hour: what was counted before knows of none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


_NEW = ("callback", "called_back", "called_back_us")


def upgrade() -> None:
    for name in _NEW:
        op.add_column("interval_queues", sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("interval_queues", schema=None) as batch_op:
        for name in _NEW:
            batch_op.drop_column(name)
