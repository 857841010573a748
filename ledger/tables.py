"""The ledger's facts (in a database of their own) and what consumers keep in the main database."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table, Text

from storage.schema import ledger_metadata, metadata

Number = BigInteger().with_variant(Integer(), "sqlite")  # SQLite's row number has to be called INTEGER
"""64 bits everywhere; a table's own key on SQLite too."""

facts = Table(
    "facts",
    ledger_metadata,
    Column("seq", Number, primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("node", String(16), nullable=False),
    Column("kind", String(40), nullable=False),
    Column("call", String(36), nullable=False),
    Column("agent", String(8), nullable=False),
    Column("origin", String(80), nullable=False),
    Column("body", Text, nullable=False),
    postgresql_partition_by="RANGE (seq)",
)
Index("ix_facts_at", facts.c.at)
Index("ix_facts_call", facts.c.call, sqlite_where=facts.c.call != "", postgresql_where=facts.c.call != "")
Index(
    "ix_facts_origin",
    facts.c.origin,
    sqlite_where=facts.c.origin != "",
    postgresql_where=facts.c.origin != "",
)

# Where the ledger begins, once retention has removed its older part: one row, else none.
facts_removed = Table(
    "facts_removed",
    ledger_metadata,
    Column("upto", Number, primary_key=True, autoincrement=False),
    Column("newest_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger, nullable=False),
)

cursors = Table(
    "cursors",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Number, primary_key=True),
    Column("origin", String(80), nullable=False, unique=True),
    Column("kind", String(40), nullable=False),
    Column("body", Text, nullable=False),
)

# The list of calls: what can be searched and sorted by, and the folded record itself as JSON. A call is kept
# with its month, that of `began_at`, which is part of the key on account of that; so are its legs.
calls = Table(
    "calls",
    metadata,
    Column("call", String(36), primary_key=True),
    Column("node", String(16), nullable=False),
    Column("began_at", BigInteger, primary_key=True, autoincrement=False),
    Column("ended_at", BigInteger),
    Column("caller", String(32), nullable=False),
    Column("vip", Boolean, nullable=False),
    Column("queue", String(32), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("waited", BigInteger),
    Column("record", Text, nullable=False),
    postgresql_partition_by="RANGE (began_at)",
)
Index("ix_calls_began_at", calls.c.began_at, calls.c.call)
Index("ix_calls_caller", calls.c.caller, calls.c.began_at)

legs = Table(
    "legs",
    metadata,
    Column("leg", String(32), primary_key=True),
    Column("began_at", BigInteger, primary_key=True, autoincrement=False),
    Column("call", String(36), nullable=False),
    Column("agent", String(8), nullable=False),
    Column("queue", String(32), nullable=False),
    Column("offered_at", BigInteger),
    Column("answered_at", BigInteger),
    Column("talked", BigInteger),
    Column("satisfaction", Integer),
    Column("solved", Integer),
    postgresql_partition_by="RANGE (began_at)",
)
Index("ix_legs_call", legs.c.call)
Index("ix_legs_agent", legs.c.agent, legs.c.began_at)

# The days whose proof has been made (hotline proof), by the date of the bank's zone, `2026-11-25`.
proved_days = Table(
    "proved_days",
    metadata,
    Column("day", String(10), primary_key=True),
    Column("proved_at", BigInteger, nullable=False),
    Column("mismatches", Integer, nullable=False),
)
