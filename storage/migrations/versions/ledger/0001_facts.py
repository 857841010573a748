"""The facts in their order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "facts",
        sa.Column(
            "seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("node", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("call", sa.String(36), nullable=False),
        sa.Column("agent", sa.String(8), nullable=False),
        sa.Column("origin", sa.String(80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_facts"),
    )
    op.create_index("ix_facts_at", "facts", ["at"])
    for column in ("call", "origin"):  # most facts of agents have no call, most facts no origin
        given = sa.text(f"{column} != ''")
        op.create_index(f"ix_facts_{column}", "facts", [column], sqlite_where=given, postgresql_where=given)


def downgrade() -> None:
    op.drop_table("facts")
