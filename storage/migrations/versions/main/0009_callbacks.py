"""Call-backs of every cause, with what came of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_NEW = "id, cause, call, leg, summary, owner, number, due_at, created_at, done_at, done_by, outcome"
_OLD = "summary, call, owner, number, due_at, created_at, done_at"


def upgrade() -> None:
    op.execute(
        "CREATE TABLE callback_tasks_before AS "
        "SELECT 'summary:' || t.summary AS id, 'promise' AS cause, t.call, s.leg, t.summary, t.owner, "
        "t.number, t.due_at, t.created_at, t.done_at, '' AS done_by, '' AS outcome "
        "FROM callback_tasks t JOIN summaries s ON s.number = t.summary"
    )
    op.drop_index("ix_callback_tasks_owner", table_name="callback_tasks")
    op.drop_table("callback_tasks")
    op.create_table(
        "callback_tasks",
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("cause", sa.String(length=12), nullable=False),
        sa.Column("call", sa.String(length=36), nullable=False),
        sa.Column("leg", sa.String(length=40), nullable=False),
        sa.Column("summary", sa.String(length=24), nullable=True),
        sa.Column("owner", sa.String(length=8), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("done_at", sa.BigInteger(), nullable=True),
        sa.Column("done_by", sa.String(length=8), nullable=False),
        sa.Column("outcome", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["summary"], ["summaries.number"], name=op.f("fk_callback_tasks_summary_summaries")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callback_tasks")),
    )
    op.create_index("ix_callback_tasks_owner", "callback_tasks", ["owner", "due_at"], unique=False)
    _take_over(_NEW)


def downgrade() -> None:
    """Call-backs that no summary promised are unknown to the program before; they go."""
    op.execute(
        f"CREATE TABLE callback_tasks_before AS SELECT {_OLD} FROM callback_tasks WHERE summary IS NOT NULL"  # noqa: S608
    )
    op.drop_index("ix_callback_tasks_owner", table_name="callback_tasks")
    op.drop_table("callback_tasks")
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
    op.create_index("ix_callback_tasks_owner", "callback_tasks", ["owner", "due_at"], unique=False)
    _take_over(_OLD)


def _take_over(columns: str) -> None:
    op.execute(f"INSERT INTO callback_tasks ({columns}) SELECT {columns} FROM callback_tasks_before")  # noqa: S608
    op.execute("DROP TABLE callback_tasks_before")
