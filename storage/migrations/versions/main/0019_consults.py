"""Time in consults in the figures by quarter-hour: what was counted before knows of none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_NEW = (
    ("interval_queues", "consult_us"),
    ("interval_agents", "consult_us"),
    ("interval_agents", "consulting_us"),
)


def upgrade() -> None:
    for table, name in _NEW:
        op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=False, server_default="0"))


def downgrade() -> None:
    for table, name in reversed(_NEW):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.drop_column(name)
