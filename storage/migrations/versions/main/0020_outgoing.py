"""Calls that we make, each written down before anybody is dialled."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_UNDER_WAY = sa.text("outcome IS NULL")


def upgrade() -> None:
    op.create_table(
        "outgoing_calls",
        sa.Column("call", sa.String(length=36), nullable=False),
        sa.Column("about", sa.String(length=8), nullable=False),
        sa.Column("record", sa.String(length=60), nullable=False),
        sa.Column("agent", sa.String(length=8), nullable=False),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("begun_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("call", name=op.f("pk_outgoing_calls")),
    )
    op.create_index(
        "ix_outgoing_calls_record", "outgoing_calls", ["about", "record", "begun_at"], unique=False
    )
    op.create_index(
        "ix_outgoing_calls_under_way",
        "outgoing_calls",
        ["about", "record"],
        unique=True,
        sqlite_where=_UNDER_WAY,
        postgresql_where=_UNDER_WAY,
    )


def downgrade() -> None:
    op.drop_index("ix_outgoing_calls_under_way", table_name="outgoing_calls")
    op.drop_index("ix_outgoing_calls_record", table_name="outgoing_calls")
    op.drop_table("outgoing_calls")
