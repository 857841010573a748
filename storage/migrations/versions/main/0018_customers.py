"""Customers with their numbers, every change of them, and notes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def _belongs_to(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_customer_customers")
    return sa.ForeignKeyConstraint(["customer"], ["customers.id"], name=name)


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("changed_by", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("level", sa.String(length=12), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("until", sa.String(length=10), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
    )
    op.create_table(
        "customer_numbers",
        sa.Column("customer", sa.String(length=24), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("number", sa.String(length=24), nullable=False),
        _belongs_to("customer_numbers"),
        sa.PrimaryKeyConstraint("customer", "position", name=op.f("pk_customer_numbers")),
    )
    op.create_index("ix_customer_numbers_number", "customer_numbers", ["number"])
    op.create_table(
        "customer_changes",
        sa.Column("customer", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("before", sa.Text(), nullable=True),
        sa.Column("after", sa.Text(), nullable=False),
        _belongs_to("customer_changes"),
        sa.PrimaryKeyConstraint("customer", "version", name=op.f("pk_customer_changes")),
    )
    op.create_table(
        "customer_notes",
        sa.Column("customer", sa.String(length=24), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=8), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        _belongs_to("customer_notes"),
        sa.PrimaryKeyConstraint("customer", "number", name=op.f("pk_customer_notes")),
    )


def downgrade() -> None:
    """Whom we know is forgotten, and the history of it; who looked at it stays in the chain of accesses."""
    op.drop_table("customer_notes")
    op.drop_table("customer_changes")
    op.drop_table("customer_numbers")
    op.drop_table("customers")
