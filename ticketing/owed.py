"""Calls that somebody still owes something: retention leaves them alone, and says why."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.tables import callback_tasks, summary_duties, tickets

OVER: frozenset[str] = frozenset()
"""States in which a work order needs its call no longer. Its life after the agent's desk is not here yet."""


async def owed_calls(connection: AsyncConnection) -> dict[str, str]:
    """Call → what is owed: a summary, a call-back, a work order that is open."""
    duties, tasks, orders = summary_duties.c, callback_tasks.c, tickets.c
    summaries = select(duties.call, duties.agent).where(
        duties.ended_at.is_not(None), duties.settled_at.is_(None)
    )
    callbacks = select(tasks.call, tasks.owner).where(tasks.done_at.is_(None))
    still_open = select(orders.call, orders.number).where(orders.state.not_in(OVER))
    found: dict[str, str] = {}
    for query, sentence in (
        (summaries, "agent {} owes its summary"),
        (callbacks, "{} owes its customer a call"),
        (still_open, "work order {} is open"),
    ):
        for call, who in await connection.execute(query):
            found[call] = sentence.format(who)
    return found
