"""What the identity provider calls each session, and the logout tokens that it has sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_OF_SESSIONS = ("provider_subject", "provider_session")


def upgrade() -> None:
    for name in _OF_SESSIONS:
        op.add_column("sessions", sa.Column(name, sa.String(length=64), nullable=False, server_default=""))
    op.create_table(
        "logout_tokens",
        sa.Column("token_sha256", sa.String(length=64), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("token_sha256", name=op.f("pk_logout_tokens")),
    )


def downgrade() -> None:
    op.drop_table("logout_tokens")
    for name in _OF_SESSIONS:
        with op.batch_alter_table("sessions", schema=None) as batch_op:
            batch_op.drop_column(name)
