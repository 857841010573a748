"""Figures by quarter-hour, per queue and per agent, and what was open when they were last counted.

The names of the counters stand here in full: a migration does not change with the program.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_OF_LEGS = (
    "offers",
    "offers_unanswered",
    "rings",
    "ring_us",
    "talks",
    "talk_us",
    "hold_us",
    "agent_first",
    "wrapups",
    "wrapup_us",
    "surveys_asked",
    "surveys_answered",
    "satisfaction_sum",
    "solved_answers",
    "solved_yes",
)
_OF_WAITS = (
    "offered",
    "answered",
    "answered_10",
    "answered_20",
    "abandoned_5",
    "abandoned_10",
    "abandoned_later",
    "timed_out",
    "nobody_on_duty",
    "node_lost",
    "ended_by_us",
    "turned_away",
    "answer_us",
    "answer_max_us",
)
_OF_STATES = ("ready_us", "not_ready_us", "reserved_us", "ringing_us", "talking_us", "wrap_up_us")


def upgrade() -> None:
    op.create_table(
        "interval_queues",
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("queue", sa.String(length=32), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in (*_OF_LEGS, *_OF_WAITS)),
        sa.PrimaryKeyConstraint("start", "queue", name=op.f("pk_interval_queues")),
    )
    op.create_table(
        "interval_agents",
        sa.Column("start", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("agent", sa.String(length=8), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in (*_OF_LEGS, *_OF_STATES)),
        sa.PrimaryKeyConstraint("start", "agent", name=op.f("pk_interval_agents")),
    )
    op.create_table(
        "interval_held",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_interval_held")),
    )
    op.create_table(
        "interval_gaps",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("node", sa.String(length=16), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_interval_gaps")),
    )
    with op.batch_alter_table("interval_gaps", schema=None) as batch_op:
        batch_op.create_index("ix_interval_gaps_until", ["until"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("interval_gaps", schema=None) as batch_op:
        batch_op.drop_index("ix_interval_gaps_until")

    op.drop_table("interval_gaps")
    op.drop_table("interval_held")
    op.drop_table("interval_agents")
    op.drop_table("interval_queues")
