"""Taking turns: for the few things that two units of work must not do at the same moment."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection


async def take_turn(connection: AsyncConnection, what: str) -> None:
    """Wait until no other unit of work is past this line for the same `what`; the turn ends with this one.

    Call it before reading what the decision rests on, and once per unit of work: two turns taken in
    different orders would wait for each other. On SQLite units of work come one at a time anyway.
    `DatabaseDown` if the turn does not come in time.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(what, 0))))
