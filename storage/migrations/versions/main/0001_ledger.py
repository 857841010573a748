"""How far each consumer of the ledger has come, facts on their way into it, and the list of calls."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cursors",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_cursors"),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("origin", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sa.UniqueConstraint("origin", name="uq_outbox_origin"),
    )
    op.create_table(
        "calls",
        sa.Column("call", sa.String(36), nullable=False),
        sa.Column("node", sa.String(16), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("caller", sa.String(32), nullable=False),
        sa.Column("vip", sa.Boolean(), nullable=False),
        sa.Column("queue", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("waited", sa.BigInteger()),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("call", name="pk_calls"),
    )
    op.create_index("ix_calls_began_at", "calls", ["began_at", "call"])
    op.create_index("ix_calls_caller", "calls", ["caller", "began_at"])
    op.create_table(
        "legs",
        sa.Column("leg", sa.String(32), nullable=False),
        sa.Column("call", sa.String(36), nullable=False),
        sa.Column("agent", sa.String(8), nullable=False),
        sa.Column("queue", sa.String(32), nullable=False),
        sa.Column("offered_at", sa.BigInteger()),
        sa.Column("answered_at", sa.BigInteger()),
        sa.Column("talked", sa.BigInteger()),
        sa.Column("satisfaction", sa.Integer()),
        sa.Column("solved", sa.Integer()),
        sa.PrimaryKeyConstraint("leg", name="pk_legs"),
    )
    op.create_index("ix_legs_call", "legs", ["call"])
    op.create_index("ix_legs_agent", "legs", ["agent", "answered_at"])


def downgrade() -> None:
    op.drop_table("legs")
    op.drop_table("calls")
    op.drop_table("outbox")
    op.drop_table("cursors")
