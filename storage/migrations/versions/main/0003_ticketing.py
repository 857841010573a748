"""Summaries and what is owed, call-backs, work orders, and the series of their numbers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "number_series",
        sa.Column("series", sa.String(length=2), nullable=False),
        sa.Column("day", sa.String(length=8), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("series", "day", name=op.f("pk_number_series")),
    )
    op.create_table(
        "summaries",
        sa.Column("number", sa.String(length=24), nullable=False),
        sa.Column("leg", sa.String(length=40), nullable=False),
        sa.Column("call", sa.String(length=36), nullable=False),
        sa.Column("agent", sa.String(length=8), nullable=False),
        sa.Column("queue", sa.String(length=32), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.Column("saved_by", sa.String(length=8), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.String(length=100), nullable=False),
        sa.Column("customer_name", sa.String(length=100), nullable=False),
        sa.Column("contact", sa.String(length=100), nullable=False),
        sa.Column("account", sa.String(length=100), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("follow_up", sa.Text(), nullable=False),
        sa.Column("nature", sa.String(length=20), nullable=True),
        sa.Column("urgency", sa.String(length=20), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("suggestion", sa.Boolean(), nullable=False),
        sa.Column("read_back", sa.Boolean(), nullable=False),
        sa.Column("hang_up_reason", sa.Text(), nullable=False),
        sa.Column("reported_to", sa.String(length=8), nullable=False),
        sa.Column("callback_to", sa.String(length=40), nullable=False),
        sa.Column("callback_due", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_summaries")),
        sa.UniqueConstraint("leg", name=op.f("uq_summaries_leg")),
    )
    with op.batch_alter_table("summaries", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_summaries_call"), ["call"], unique=False)

    op.create_table(
        "summary_duties",
        sa.Column("leg", sa.String(length=40), nullable=False),
        sa.Column("call", sa.String(length=36), nullable=False),
        sa.Column("agent", sa.String(length=8), nullable=False),
        sa.Column("queue", sa.String(length=32), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("settled_at", sa.BigInteger(), nullable=True),
        sa.Column("summary", sa.String(length=24), nullable=True),
        sa.PrimaryKeyConstraint("leg", name=op.f("pk_summary_duties")),
    )
    with op.batch_alter_table("summary_duties", schema=None) as batch_op:
        batch_op.create_index(
            "ix_summary_duties_owed",
            ["agent", "ended_at"],
            unique=False,
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        )

    op.create_table(
        "callback_tasks",
        sa.Column("summary", sa.String(length=24), nullable=False),
        sa.Column("call", sa.String(length=36), nullable=False),
        sa.Column("owner", sa.String(length=8), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["summary"], ["summaries.number"], name=op.f("fk_callback_tasks_summary_summaries")
        ),
        sa.PrimaryKeyConstraint("summary", name=op.f("pk_callback_tasks")),
    )
    with op.batch_alter_table("callback_tasks", schema=None) as batch_op:
        batch_op.create_index("ix_callback_tasks_owner", ["owner", "due_at"], unique=False)

    op.create_table(
        "summary_revisions",
        sa.Column("number", sa.String(length=24), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("saved_at", sa.BigInteger(), nullable=False),
        sa.Column("saved_by", sa.String(length=8), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["number"], ["summaries.number"], name=op.f("fk_summary_revisions_number_summaries")
        ),
        sa.PrimaryKeyConstraint("number", "version", name=op.f("pk_summary_revisions")),
    )
    op.create_table(
        "tickets",
        sa.Column("number", sa.String(length=24), nullable=False),
        sa.Column("summary", sa.String(length=24), nullable=False),
        sa.Column("call", sa.String(length=36), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("urgency", sa.String(length=20), nullable=True),
        sa.Column("customer_name", sa.String(length=100), nullable=False),
        sa.Column("gender", sa.String(length=8), nullable=False),
        sa.Column("contact", sa.String(length=100), nullable=False),
        sa.Column("account", sa.String(length=100), nullable=False),
        sa.Column("intake_type", sa.String(length=100), nullable=False),
        sa.Column("business", sa.String(length=100), nullable=False),
        sa.Column("product", sa.String(length=100), nullable=False),
        sa.Column("channel", sa.String(length=100), nullable=False),
        sa.Column("channel_concerned", sa.String(length=100), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("branch", sa.String(length=100), nullable=False),
        sa.Column("unit", sa.String(length=100), nullable=False),
        sa.Column("attachment", sa.String(length=100), nullable=False),
        sa.Column("limit_told", sa.Boolean(), nullable=False),
        sa.Column("reply_limit", sa.String(length=40), nullable=False),
        sa.Column("agent", sa.String(length=8), nullable=False),
        sa.Column("agent_name", sa.String(length=100), nullable=False),
        sa.Column("opened_at", sa.BigInteger(), nullable=False),
        sa.Column("limit_told_at", sa.BigInteger(), nullable=True),
        sa.Column("submitted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["summary"], ["summaries.number"], name=op.f("fk_tickets_summary_summaries")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_tickets")),
    )
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_tickets_call"), ["call"], unique=False)
        batch_op.create_index(batch_op.f("ix_tickets_summary"), ["summary"], unique=False)

    op.create_table(
        "ticket_events",
        sa.Column("ticket", sa.String(length=24), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(length=8), nullable=False),
        sa.Column("before", sa.String(length=16), nullable=False),
        sa.Column("after", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["ticket"], ["tickets.number"], name=op.f("fk_ticket_events_ticket_tickets")),
        sa.PrimaryKeyConstraint("ticket", "step", name=op.f("pk_ticket_events")),
    )


def downgrade() -> None:
    op.drop_table("ticket_events")
    with op.batch_alter_table("tickets", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_tickets_summary"))
        batch_op.drop_index(batch_op.f("ix_tickets_call"))

    op.drop_table("tickets")
    op.drop_table("summary_revisions")
    with op.batch_alter_table("callback_tasks", schema=None) as batch_op:
        batch_op.drop_index("ix_callback_tasks_owner")

    op.drop_table("callback_tasks")
    with op.batch_alter_table("summary_duties", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_summary_duties_owed",
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        )

    op.drop_table("summary_duties")
    with op.batch_alter_table("summaries", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_summaries_call"))

    op.drop_table("summaries")
    op.drop_table("number_series")
