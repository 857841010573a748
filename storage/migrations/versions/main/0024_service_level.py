"""A queue's own service level in the figures by quarter-hour; what the identity provider calls each session.

Whoever joined before it was written with the joining is measured by ten seconds: counted again, those facts
give the digits that stand here.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0020"
branch_labels = None
depends_on = None

_OF_SESSIONS = ("provider_subject", "provider_session")


def upgrade() -> None:
    op.add_column(
        "interval_queues", sa.Column("answered_in_sl", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.execute("UPDATE interval_queues SET answered_in_sl = answered_10")
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
    with op.batch_alter_table("interval_queues", schema=None) as batch_op:
        batch_op.drop_column("answered_in_sl")
