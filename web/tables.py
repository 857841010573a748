"""Sessions, passwords, and every try to sign in."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table

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
    Column("way", String(8), nullable=False, server_default="password"),
    Column("must_change", String(8), nullable=False, server_default=""),
    Column("before_at", BigInteger, nullable=False, server_default="0"),
    Column("before_address", String(45), nullable=False, server_default=""),
    Column("before_failed", Integer, nullable=False, server_default="0"),
    Column("provider_subject", String(64), nullable=False, server_default=""),
    Column("provider_session", String(64), nullable=False, server_default=""),
)
Index("ix_sessions_staff", sessions.c.staff)

logout_tokens = Table(
    "logout_tokens",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("until", BigInteger, nullable=False),
)
"""By which the identity provider has ended sessions: none counts twice; `until`: then it is too old."""

sign_in_failures = Table(
    "sign_in_failures",
    metadata,
    Column("staff", String(8), primary_key=True),
    Column("failures", Integer, nullable=False),
    Column("last_at", BigInteger, nullable=False),
    Column("locked_until", BigInteger, nullable=False),
)

sign_ins = Table(
    "sign_ins",
    metadata,
    Column("staff", String(8), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("address", String(45), nullable=False),
    Column("failed", Integer, nullable=False),
    Column("by_provider", Boolean, nullable=False),
)
"""The last sign-in of each person, and how many tries have failed since."""

passwords = Table(
    "passwords",
    metadata,
    Column("staff", String(8), primary_key=True),
    Column("hash", String(200), nullable=False),
    Column("initial", Boolean, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)

former_passwords = Table(
    "former_passwords",
    metadata,
    Column("staff", String(8), primary_key=True),
    Column("changed_at", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", String(200), nullable=False),
)
"""What nobody may take again; `changed_at`: when it began to be good."""
