"""What is counted by quarter-hour: sums and counts only, times in µs. Where there is no row, all is 0."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, String, Table, Text

from board.model import COUNTERS, LEG_COUNTERS, LOGGED_IN
from core.facts import AgentState
from storage.schema import metadata

STATE_COLUMNS: dict[str, AgentState] = {f"{state}_us": state for state in LOGGED_IN}
"""Where the time an agent spends in each state is kept."""


def _counter(name: str) -> Column[int]:
    return Column(name, BigInteger, nullable=False)


interval_queues = Table(
    "interval_queues",
    metadata,
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("queue", String(32), primary_key=True),
    *(_counter(name) for name in COUNTERS),
)

interval_agents = Table(
    "interval_agents",
    metadata,
    Column("start", BigInteger, primary_key=True, autoincrement=False),
    Column("agent", String(8), primary_key=True),
    *(_counter(name) for name in (*LEG_COUNTERS, *STATE_COLUMNS)),
)

# What was open when the last facts had been counted (board.tally.Held), as JSON: one row.
interval_held = Table(
    "interval_held",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("body", Text, nullable=False),
)

interval_gaps = Table(
    "interval_gaps",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("node", String(16), nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("cause", Text, nullable=False),
)
Index("ix_interval_gaps_until", interval_gaps.c.until)
