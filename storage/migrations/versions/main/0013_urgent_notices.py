"""What waits is found by its lane: urgent notices have one of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_NAME = "ix_notices_waiting"
_WAITING = sa.text("state = 'waiting'")


def upgrade() -> None:
    _index("channel", "urgent", "next_at", "id")


def downgrade() -> None:
    _index("channel", "next_at", "id")


def _index(*columns: str) -> None:
    op.drop_index(_NAME, table_name="notices")
    op.create_index(_NAME, "notices", columns, sqlite_where=_WAITING, postgresql_where=_WAITING)
