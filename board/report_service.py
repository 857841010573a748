"""Reports as they are asked for: the rows of the main database, brought up to date, read as one state."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from board.figures import GapFigures
from board.intervals import (
    BATCH,
    CONSUMER,
    KINDS,
    LINGER_S,
    follow,
    gaps_of,
    read_held,
    sums_of_agents,
    sums_of_queues,
)
from board.reports import AgentReport, Asked, QueueReport, agent_report, queue_report
from core.clock import Clock
from core.errors import BadInput
from ledger.consumer import Consumer
from ledger.ledger import Ledger
from ledger.tables import cursors
from storage import Database

MOST_ROWS = 5_000
"""A day of quarter-hours of every queue, a week of hours. More would hold the service up while it is sent."""
_PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Basis:
    """What a report rests on. `counted`: number of the last fact in it. `gaps`: where it may not be whole."""

    counted: int
    gaps: tuple[GapFigures, ...]


class Reports:
    """`consumer.run()` keeps the rows up; should it be stuck, a report says up to which fact it counts."""

    def __init__(
        self, *, ledger: Ledger, database: Database, clock: Clock, linger_s: float = LINGER_S
    ) -> None:
        self._ledger, self._database, self._clock = ledger, database, clock
        self.consumer = Consumer(
            name=CONSUMER,
            ledger=ledger,
            database=database,
            handle=follow,
            kinds=KINDS,
            batch=BATCH,
            linger_s=linger_s,
        )

    async def of_queues(self, asked: Asked) -> tuple[QueueReport, Basis]:
        """Per queue. `BadInput` if there is more than anyone should get at once."""
        await self._bring_up()
        async with self._database.read() as connection:
            counted = await sums_of_queues(connection, asked, MOST_ROWS + 1)
            held, basis = await read_held(connection), await _basis(connection, asked)
        _check_size(len(counted))
        return await asyncio.to_thread(queue_report, asked, counted, held, self._clock()), basis

    async def of_agents(self, asked: Asked) -> tuple[AgentReport, Basis]:
        """Per agent, likewise."""
        await self._bring_up()
        async with self._database.read() as connection:
            counted = await sums_of_agents(connection, asked, MOST_ROWS + 1)
            held, basis = await read_held(connection), await _basis(connection, asked)
        _check_size(len(counted))
        return await asyncio.to_thread(agent_report, asked, counted, held, self._clock()), basis

    async def _bring_up(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.consumer.caught_up(self._ledger.last), _PATIENCE_S)


async def _basis(connection: AsyncConnection, asked: Asked) -> Basis:
    cursor = await connection.scalar(select(cursors.c.seq).where(cursors.c.name == CONSUMER))
    return Basis(cursor or 0, tuple(await gaps_of(connection, asked)))


def _check_size(rows: int) -> None:
    if rows > MOST_ROWS:
        raise BadInput(
            "query.to",
            f"the report would have more than {MOST_ROWS} rows: take a longer step, a shorter time, or name "
            "the queues or agents it is about",
        )
