"""Tables of the directory: what it says now, and every change with what was before and after."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from storage.schema import metadata

directory_changes = Table(
    "directory_changes",
    metadata,
    Column("number", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("by", String(8), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("effective_on", String(10), nullable=False),
    Column("state", String(12), nullable=False),
    Column("applied_at", BigInteger),
    Column("problem", Text, nullable=False),
)
"""`by`: a staff number, or "" for the seed. `effective_on`: an ISO date of the bank's calendar."""
Index("ix_directory_changes_state", directory_changes.c.state, directory_changes.c.effective_on)

directory_lines = Table(
    "directory_lines",
    metadata,
    Column(
        "change",
        BigInteger().with_variant(Integer(), "sqlite"),
        ForeignKey("directory_changes.number"),
        primary_key=True,
    ),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("section", String(24), nullable=False),
    Column("key", String(40), nullable=False),
    Column("before", Text),
    Column("after", Text),
)
"""`before` and `after`: JSON; None where there was, or is to be, nothing."""
Index("ix_directory_lines_entry", directory_lines.c.section, directory_lines.c.key)

directory_entries = Table(
    "directory_entries",
    metadata,
    Column("section", String(24), primary_key=True),
    Column("key", String(40), primary_key=True),
    Column("position", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("change", BigInteger, nullable=False),
)
"""`position`: order within all entries. `change`: the number of the last one that touched it."""
