"""The list of calls by months, and what retention has to know: days proved, recordings held, what it did."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _END = (datetime(year, 1, 1, tzinfo=UTC) for year in (2000, 2200))
_CALLS = "call, node, began_at, ended_at, caller, vip, queue, outcome, waited, record"
_LEGS = "leg, call, agent, queue, offered_at, answered_at, talked, satisfaction, solved"


def upgrade() -> None:
    _set_aside("calls", "began_at", "caller")
    _set_aside("legs", "call", "agent")
    _create(by_month=True)
    if op.get_bind().dialect.name == "postgresql":
        _create_months()
    op.execute(f"INSERT INTO calls ({_CALLS}) SELECT {_CALLS} FROM calls_before")  # noqa: S608
    given = ", ".join(f"l.{column}" for column in _LEGS.split(", "))
    op.execute(
        f"INSERT INTO legs ({_LEGS}, began_at) "  # noqa: S608
        f"SELECT {given}, coalesce(c.began_at, l.offered_at, l.answered_at, 0) "
        "FROM legs_before l LEFT JOIN calls_before c ON c.call = l.call"
    )
    op.drop_table("calls_before")
    op.drop_table("legs_before")
    _create_books()


def downgrade() -> None:
    for name in ("retention_runs", "recording_holds", "proved_days"):
        op.drop_table(name)
    _set_aside("calls", "began_at", "caller")
    _set_aside("legs", "call", "agent")
    _create(by_month=False)
    op.execute(f"INSERT INTO calls ({_CALLS}) SELECT {_CALLS} FROM calls_before")  # noqa: S608
    op.execute(f"INSERT INTO legs ({_LEGS}) SELECT {_LEGS} FROM legs_before")  # noqa: S608
    op.drop_table("calls_before")
    op.drop_table("legs_before")


def _set_aside(table: str, *indexes: str) -> None:
    for name in indexes:
        op.drop_index(f"ix_{table}_{name}", table_name=table)
    op.rename_table(table, f"{table}_before")
    if op.get_bind().dialect.name == "postgresql":  # an index's name is the schema's, not the table's
        op.execute(f"ALTER INDEX pk_{table} RENAME TO pk_{table}_before")


def _create(*, by_month: bool) -> None:
    key = ["began_at"] if by_month else []
    parts = "RANGE (began_at)" if by_month else None
    op.create_table(
        "calls",
        sa.Column("call", sa.String(36), nullable=False),
        sa.Column("node", sa.String(16), nullable=False),
        sa.Column("began_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("caller", sa.String(32), nullable=False),
        sa.Column("vip", sa.Boolean(), nullable=False),
        sa.Column("queue", sa.String(32), nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("waited", sa.BigInteger()),
        sa.Column("record", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("call", *key, name="pk_calls"),
        postgresql_partition_by=parts,
    )
    op.create_index("ix_calls_began_at", "calls", ["began_at", "call"])
    op.create_index("ix_calls_caller", "calls", ["caller", "began_at"])
    began = [sa.Column("began_at", sa.BigInteger(), autoincrement=False, nullable=False)] if by_month else []
    op.create_table(
        "legs",
        sa.Column("leg", sa.String(32), nullable=False),
        *began,
        sa.Column("call", sa.String(36), nullable=False),
        sa.Column("agent", sa.String(8), nullable=False),
        sa.Column("queue", sa.String(32), nullable=False),
        sa.Column("offered_at", sa.BigInteger()),
        sa.Column("answered_at", sa.BigInteger()),
        sa.Column("talked", sa.BigInteger()),
        sa.Column("satisfaction", sa.Integer()),
        sa.Column("solved", sa.Integer()),
        sa.PrimaryKeyConstraint("leg", *key, name="pk_legs"),
        postgresql_partition_by=parts,
    )
    op.create_index("ix_legs_call", "legs", ["call"])
    op.create_index("ix_legs_agent", "legs", ["agent", "began_at" if by_month else "answered_at"])


def _create_months() -> None:
    """The months of what is there, and of what lies outside of all sensible time."""
    first, end = _micros(_FIRST), _micros(_END)
    found: set[datetime] = set()
    for query in (
        "SELECT DISTINCT began_at / 86400000000 FROM calls_before",
        "SELECT DISTINCT coalesce(c.began_at, l.offered_at, l.answered_at, 0) / 86400000000 "
        "FROM legs_before l LEFT JOIN calls_before c ON c.call = l.call",
    ):
        for (day,) in op.get_bind().execute(sa.text(query)):
            if first <= day * 86_400_000_000 < end:
                found.add((_EPOCH + timedelta(days=day)).replace(day=1))
    for table in ("calls", "legs"):
        _part(table, "before_2000", "MINVALUE", str(first))
        _part(table, "from_2200", str(end), "MAXVALUE")
        for month in sorted(found):
            following = (month + timedelta(days=31)).replace(day=1)
            _part(table, f"{month:%Y_%m}", str(_micros(month)), str(_micros(following)))


def _part(table: str, name: str, first: str, end: str) -> None:
    op.execute(f"CREATE TABLE {table}_{name} PARTITION OF {table} FOR VALUES FROM ({first}) TO ({end})")


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _create_books() -> None:
    op.create_table(
        "proved_days",
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("proved_at", sa.BigInteger(), nullable=False),
        sa.Column("mismatches", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", name="pk_proved_days"),
    )
    op.create_table(
        "recording_holds",
        sa.Column("call", sa.String(36), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("by", sa.String(8), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("call", name="pk_recording_holds"),
    )
    op.create_table(
        "retention_runs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("began_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger()),
        sa.Column("what", sa.String(16), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("removed", sa.BigInteger(), nullable=False),
        sa.Column("kept", sa.Text(), nullable=False),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_retention_runs"),
    )
    op.create_index("ix_retention_runs_what", "retention_runs", ["what", "id"])
