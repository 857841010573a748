"""The catalogue. Times and lengths in µs, sizes in bytes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, String, Table, Text

from storage.schema import metadata

recordings = Table(
    "recordings",
    metadata,
    Column("leg", String(40), primary_key=True),
    Column("call", String(36), nullable=False, index=True),
    Column("agent", String(8), nullable=False),
    Column("queue", String(32), nullable=False),
    Column("node", String(16), nullable=False),
    Column("base", String(80), nullable=False),
    Column("started_at", BigInteger),
    Column("ended_at", BigInteger),
    Column("filed_at", BigInteger),
    Column("status", String(12), nullable=False),
    Column("why", Text, nullable=False),
)
"""One row per recorded leg. `why`: what is wrong with it, for people."""
Index("ix_recordings_status", recordings.c.status, recordings.c.ended_at)

recording_files = Table(
    "recording_files",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("leg", String(40), ForeignKey("recordings.leg"), nullable=False, index=True),
    Column("part", String(12), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("length", BigInteger, nullable=False),
    Column("channels", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
)

recording_holds = Table(
    "recording_holds",
    metadata,
    Column("call", String(36), primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("by", String(8), nullable=False),
    Column("reason", String(200), nullable=False),
)
"""Calls of which nothing may be removed, however old: a complaint, a court."""
