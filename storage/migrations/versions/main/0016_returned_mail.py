"""Mail that came back: addresses that are no good, and notices that are late."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_DELAYED = sa.text("why = 'delayed'")


def upgrade() -> None:
    op.create_table(
        "notice_undeliverable",
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_notice_undeliverable")),
    )
    op.create_index("ix_notices_delayed", "notices", ["id"], sqlite_where=_DELAYED, postgresql_where=_DELAYED)


def downgrade() -> None:
    op.drop_index("ix_notices_delayed", table_name="notices")
    op.drop_table("notice_undeliverable")
