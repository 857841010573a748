"""Who looked at what, why and when: a chain in which no row can be changed or removed unseen (guarantee 8).

Each row carries a SHA-256 over its own content and the row before it. `record_access` belongs into the unit
of work that reads, before anything is handed out: no row, no reading. `storage.audit_chain` walks the chain.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, ColumnElement, Index, Integer, String, Table, insert, select
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Instant
from storage.schema import metadata
from storage.turns import take_turn

START = "0" * 64
"""What stands before the first link."""

access_log = Table(
    "access_log",
    metadata,
    Column("seq", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False),
    Column("at", BigInteger, nullable=False),
    Column("staff", String(8), nullable=False),
    Column("action", String(16), nullable=False),
    Column("subject", String(80), nullable=False),
    Column("purpose", String(24), nullable=False),
    Column("reason", String(200), nullable=False),
    Column("chain", String(64), nullable=False),
)
Index("ix_access_log_subject", access_log.c.subject)
Index("ix_access_log_staff", access_log.c.staff, access_log.c.at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """`action`: `read`, `play` …; `subject`: `summary:ZJ20261122-000001`; `purpose`: a code."""

    at: Instant
    staff: str
    action: str
    subject: str
    purpose: str
    reason: str = ""


async def record_access(connection: AsyncConnection, access: Access) -> int:
    """Add the next link; its number. Writers take turns: never a fork."""
    await take_turn(connection, access_log.name)
    last, before = await last_link(connection)
    seq, row = last + 1, asdict(access)
    await connection.execute(insert(access_log).values(seq=seq, chain=link(before, seq, row), **row))
    return seq


async def last_link(connection: AsyncConnection) -> tuple[int, str]:
    """Number and value of the last link; of a chain without any, 0 and START."""
    query = select(access_log.c.seq, access_log.c.chain).order_by(access_log.c.seq.desc()).limit(1)
    row = (await connection.execute(query)).first()
    return (row.seq, row.chain) if row is not None else (0, START)


async def accesses_of(connection: AsyncConnection, subject: str) -> list[Access]:
    """Every access to one thing, oldest first."""
    rows = await connection.execute(
        select(*FIELDS).where(access_log.c.subject == subject).order_by(access_log.c.seq)
    )
    return [Access(**row) for row in rows.mappings()]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSearch:
    """What is given must hold of an access; `since` counts, `until` does not. `among`: by
    one of these."""

    subject: str | None = None
    staff: str | None = None
    among: frozenset[str] | None = None
    purpose: str | None = None
    since: Instant | None = None
    until: Instant | None = None


async def find_accesses(
    connection: AsyncConnection, search: AccessSearch, *, limit: int, before: int | None = None
) -> list[tuple[int, Access]]:
    """Up to `limit` accesses with their numbers, newest first; only of numbers below `before`, if given."""
    query = select(access_log.c.seq, *FIELDS).where(*_conditions(search))
    if before is not None:
        query = query.where(access_log.c.seq < before)
    rows = (await connection.execute(query.order_by(access_log.c.seq.desc()).limit(limit))).mappings()
    return [(row["seq"], Access(**{name: row[name] for name in Access.__slots__})) for row in rows]


def _conditions(search: AccessSearch) -> list[ColumnElement[bool]]:
    conditions = [
        access_log.c[name] == wanted
        for name in ("subject", "staff", "purpose")
        if (wanted := getattr(search, name)) is not None
    ]
    if search.among is not None:
        conditions.append(access_log.c.staff.in_(sorted(search.among)))
    if search.since is not None:
        conditions.append(access_log.c.at >= search.since)
    if search.until is not None:
        conditions.append(access_log.c.at < search.until)
    return conditions


FIELDS = tuple(column for column in access_log.columns if column.name not in {"seq", "chain"})
"""What a link's value is made of, besides its number and the value before it."""


def link(before: str, seq: int, row: RowMapping | Mapping[str, Any]) -> str:
    """The value of a link: SHA-256 over its number, its content and the value of the link before it."""
    content = msgspec.json.encode([before, seq, *(row[column.name] for column in FIELDS)])
    return hashlib.sha256(content).hexdigest()
