"""The directory: what it says now, and every change of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "directory_changes",
        sa.Column(
            "number",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=False,
            nullable=False,
        ),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("effective_on", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("applied_at", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_directory_changes")),
    )
    op.create_index("ix_directory_changes_state", "directory_changes", ["state", "effective_on"])
    op.create_table(
        "directory_lines",
        sa.Column("change", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("section", sa.String(length=24), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["change"], ["directory_changes.number"], name=op.f("fk_directory_lines_change_directory_changes")
        ),
        sa.PrimaryKeyConstraint("change", "position", name=op.f("pk_directory_lines")),
    )
    op.create_index("ix_directory_lines_entry", "directory_lines", ["section", "key"])
    op.create_table(
        "directory_entries",
        sa.Column("section", sa.String(length=24), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("section", "key", name=op.f("pk_directory_entries")),
    )


def downgrade() -> None:
    """The seed file is the directory again; what was changed since is lost with its history."""
    op.drop_table("directory_entries")
    op.drop_table("directory_lines")
    op.drop_table("directory_changes")
