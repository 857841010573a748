"""Jobs; on PostgreSQL with what procrastinate 3.10 needs, in a schema of its own."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_OPEN = sa.text("state = 'waiting' OR state = 'running'")
_OVER = sa.text("state = 'done' OR state = 'cancelled'")
_PROCRASTINATE = Path(__file__).with_name("0015_procrastinate.sql")
_DEFER = "procrastinate.procrastinate_defer_jobs_v1(procrastinate.procrastinate_job_to_defer_v1[])"


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("put_at", sa.BigInteger(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("doing", sa.Text(), nullable=False),
        sa.Column("result", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_jobs")),
    )
    for name, columns, where, unique in (
        ("ix_jobs_key", ["kind", "key"], _OPEN, True),
        ("ix_jobs_due", ["next_at", "number"], _OPEN, False),
        ("ix_jobs_over", ["ended_at"], _OVER, False),
    ):
        op.create_index(name, "jobs", columns, unique=unique, sqlite_where=where, postgresql_where=where)
    if op.get_bind().dialect.name == "postgresql":
        _make_procrastinate()


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP SCHEMA procrastinate CASCADE")
    op.drop_table("jobs")


def _make_procrastinate() -> None:
    """The statements of that version, not of whichever is installed: a migration is the same for ever. What
    a later version changes is a migration of its own.
    """
    connection = op.get_bind()
    before = connection.scalar(sa.text("SELECT current_setting('search_path')"))
    op.execute("CREATE SCHEMA procrastinate")
    op.execute("SET LOCAL search_path = procrastinate")
    connection.exec_driver_sql(_PROCRASTINATE.read_text("utf-8").replace("%", "%%"))
    connection.execute(sa.text("SELECT set_config('search_path', :before, true)"), {"before": before})
    # Called by whoever puts a job, in whose search path that schema is not.
    op.execute(f"ALTER FUNCTION {_DEFER} SET search_path = procrastinate, pg_temp")
