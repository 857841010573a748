"""Addresses that mail came back from for good: nothing more is sent there until somebody lifts it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock, Instant
from storage.notices.tables import notice_undeliverable as table
from storage.upsert import insert_into


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocked:
    """An address, since when, and what the far end said."""

    address: str
    since: Instant
    detail: str


async def block(connection: AsyncConnection, address: str, detail: str, *, clock: Clock) -> bool:
    """Send nothing more there; False: that was so already. What the first mail that came back said stays."""
    row = {"address": address.lower(), "since": clock(), "detail": detail}
    statement = insert_into(connection, table).values(**row).on_conflict_do_nothing()
    return await connection.scalar(statement.returning(table.c.address)) is not None


async def lift(connection: AsyncConnection, address: str) -> bool:
    """Send there again; False: nothing held it back."""
    mine = delete(table).where(table.c.address == address.lower())
    return (await connection.execute(mine)).rowcount == 1


async def blocked_since(connection: AsyncConnection, address: str) -> Instant | None:
    """Since when nothing is sent there; None if it is."""
    query = select(table.c.since).where(table.c.address == address.lower())
    return await connection.scalar(query)


async def all_blocked(connection: AsyncConnection, limit: int = 100) -> list[Blocked]:
    """Every such address, the latest first."""
    rows = await connection.execute(
        select(table).order_by(table.c.since.desc(), table.c.address).limit(limit)
    )
    return [Blocked(address=row.address, since=row.since, detail=row.detail) for row in rows]
