"""A queue's own service level in the figures by quarter-hour.

Whoever joined before it was written with the joining is measured by ten seconds: counted again, those facts
give the digits that stand here.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "interval_queues", sa.Column("answered_in_sl", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.execute("UPDATE interval_queues SET answered_in_sl = answered_10")


def downgrade() -> None:
    with op.batch_alter_table("interval_queues", schema=None) as batch_op:
        batch_op.drop_column("answered_in_sl")
