"""Sessions and failed sign-ins."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table

from storage.schema import metadata

sessions = Table(
    "sessions",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("token_sha256", String(64), nullable=False, unique=True),
    Column("staff", String(8), nullable=False),
    Column("started", BigInteger, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Column("address", String(45), nullable=False),
    Column("client", String(200), nullable=False),
)
Index("ix_sessions_staff", sessions.c.staff)

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("staff", String(8), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("locked_until", BigInteger, nullable=False),
)
