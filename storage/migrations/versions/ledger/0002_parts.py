"""Facts in parts by ranges of numbers (PostgreSQL), and where the ledger begins once older parts are gone.

What is there becomes the first part as it stands: nothing is copied.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_LEAST = 1_000_000
_INDEXES = ("at", "call", "origin")
_COLUMNS = "seq, at, node, kind, call, agent, origin, body"


def upgrade() -> None:
    op.create_table(
        "facts_removed",
        sa.Column(
            "upto", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("newest_at", sa.BigInteger(), nullable=False),
        sa.Column("removed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("upto", name="pk_facts_removed"),
    )
    if op.get_bind().dialect.name == "postgresql":
        last = op.get_bind().scalar(sa.text("SELECT max(seq) FROM facts")) or 0
        end = (last // _LEAST + 1) * _LEAST + 1
        op.rename_table("facts", "facts_from_1")
        op.execute("ALTER INDEX pk_facts RENAME TO facts_from_1_pkey")
        for name in _INDEXES:
            op.execute(f"ALTER INDEX ix_facts_{name} RENAME TO facts_from_1_{name}_idx")
        _create(partitioned=True)
        op.execute(f"ALTER TABLE facts ATTACH PARTITION facts_from_1 FOR VALUES FROM (1) TO ({end})")


def downgrade() -> None:
    """The numbers of facts go on where they are; that older ones were removed is known no longer."""
    if op.get_bind().dialect.name == "postgresql":
        op.rename_table("facts", "facts_in_parts")
        op.execute("ALTER INDEX pk_facts RENAME TO pk_facts_in_parts")
        for name in _INDEXES:
            op.execute(f"ALTER INDEX ix_facts_{name} RENAME TO ix_facts_in_parts_{name}")
        _create(partitioned=False)
        op.execute(f"INSERT INTO facts ({_COLUMNS}) SELECT {_COLUMNS} FROM facts_in_parts")  # noqa: S608
        op.drop_table("facts_in_parts")
    op.drop_table("facts_removed")


def _create(*, partitioned: bool) -> None:
    op.create_table(
        "facts",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("node", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("call", sa.String(36), nullable=False),
        sa.Column("agent", sa.String(8), nullable=False),
        sa.Column("origin", sa.String(80), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_facts"),
        postgresql_partition_by="RANGE (seq)" if partitioned else None,
    )
    op.create_index("ix_facts_at", "facts", ["at"])
    for column in ("call", "origin"):
        given = sa.text(f"{column} != ''")
        op.create_index(f"ix_facts_{column}", "facts", [column], postgresql_where=given)
