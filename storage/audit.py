"""Who looked at what, why and when: a chain in which no row can be changed or removed unseen (guarantee 8).

Each row carries a SHA-256 over its own content and the row before it. `record_access` belongs into the unit
of work that reads, before anything is handed out: no row, no reading.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Instant
from storage.schema import metadata
from storage.turns import take_turn

_START = "0" * 64

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
    last = (
        await connection.execute(
            select(access_log.c.seq, access_log.c.chain).order_by(access_log.c.seq.desc()).limit(1)
        )
    ).first()
    seq, before = (last.seq + 1, last.chain) if last else (1, _START)
    row = asdict(access)
    await connection.execute(insert(access_log).values(seq=seq, chain=_link(before, seq, row), **row))
    return seq


async def accesses_of(connection: AsyncConnection, subject: str) -> list[Access]:
    """Every access to one thing, oldest first."""
    rows = await connection.execute(
        select(*_FIELDS).where(access_log.c.subject == subject).order_by(access_log.c.seq)
    )
    return [Access(**row) for row in rows.mappings()]


async def broken_link(connection: AsyncConnection) -> int | None:
    """The number of the first row that is not what was written, or is gone; None: the chain holds.

    Rows cut off at the very end leave no gap: keep the last `chain` value elsewhere to notice that.
    """
    before, expected = _START, 1
    for row in (await connection.execute(select(access_log).order_by(access_log.c.seq))).mappings():
        content = {column.name: row[column.name] for column in _FIELDS}
        if row["seq"] != expected or row["chain"] != _link(before, expected, content):
            return expected
        before, expected = row["chain"], expected + 1
    return None


_FIELDS = [column for column in access_log.columns if column.name not in {"seq", "chain"}]


def _link(before: str, seq: int, row: dict[str, Any]) -> str:
    content = msgspec.json.encode([before, seq, *(row[column.name] for column in _FIELDS)])
    return hashlib.sha256(content).hexdigest()
