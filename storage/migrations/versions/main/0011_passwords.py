"""Passwords in the database, the last sign-in of each person, and what a session was begun with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_OF_A_SESSION = ("way", "must_change", "before_at", "before_address", "before_failed")


def upgrade() -> None:
    for column in (
        sa.Column("way", sa.String(8), nullable=False, server_default="password"),
        sa.Column("must_change", sa.String(8), nullable=False, server_default=""),
        sa.Column("before_at", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("before_address", sa.String(45), nullable=False, server_default=""),
        sa.Column("before_failed", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("sessions", column)
    op.create_table(
        "sign_ins",
        sa.Column("staff", sa.String(8), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("by_provider", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("staff", name="pk_sign_ins"),
    )
    op.create_table(
        "passwords",
        sa.Column("staff", sa.String(8), nullable=False),
        sa.Column("hash", sa.String(200), nullable=False),
        sa.Column("initial", sa.Boolean(), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("staff", name="pk_passwords"),
    )
    op.create_table(
        "former_passwords",
        sa.Column("staff", sa.String(8), nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("staff", "changed_at", name="pk_former_passwords"),
    )


def downgrade() -> None:
    op.drop_table("former_passwords")
    op.drop_table("passwords")
    op.drop_table("sign_ins")
    for name in reversed(_OF_A_SESSION):
        op.drop_column("sessions", name)
