"""Callers whom nobody served and who are called back have a name of their own in the figures by quarter-hour.

What was counted before stands in `turned_away`, until it is counted again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

_NEW = "callback_unserved"


def upgrade() -> None:
    op.add_column("interval_queues", sa.Column(_NEW, sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("interval_queues", schema=None) as batch_op:
        batch_op.drop_column(_NEW)
