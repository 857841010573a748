"""Reports as they are asked for: the rows of the main database, brought up to date, read as one state."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

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
from board.tally import Held
from core.clock import Clock, Instant
from core.errors import BadInput
from ledger.consumer import Consumer
from ledger.ledger import Ledger
from storage import Database

C = TypeVar("C")
R = TypeVar("R")
MOST_ROWS = 15_000
"""A month of hours of every queue, of days of 450 agents. That takes a second; more would hold others up."""
MOST_SHEET_ROWS = 8_000
"""A month of days of 250 agents; a sheet takes four times as long as the same figures alone."""


@dataclass(frozen=True, slots=True)
class Basis:
    """What a report rests on: all facts up to number `counted`. `gaps`: where it may not be whole."""

    counted: int
    gaps: tuple[GapFigures, ...]


@dataclass(frozen=True, slots=True)
class Rows(Generic[C]):
    """What a report is made of, read as one state."""

    counted: list[tuple[Instant, str, C]]
    held: Held
    gaps: tuple[GapFigures, ...]


async def read_rows(
    database: Database,
    asked: Asked,
    most: int,
    sums: Callable[[AsyncConnection, Asked, int], Awaitable[list[tuple[Instant, str, C]]]],
) -> Rows[C]:
    """The sums of `asked`, what is open, and the gaps. `BadInput` if there are more than `most` rows."""
    async with database.read() as connection:
        counted = await sums(connection, asked, most + 1)
        held, gaps = await read_held(connection), await gaps_of(connection, asked)
    _check_size(len(counted), most)
    return Rows(counted, held, tuple(gaps))


class Reports:
    """`consumer.run()` keeps the rows up. A report waits `patience_s` for it at the most; should it be stuck,
    the report says up to which fact it counts."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        database: Database,
        clock: Clock,
        linger_s: float = LINGER_S,
        patience_s: float = 2.0,
    ) -> None:
        self._ledger, self._database, self._clock = ledger, database, clock
        self._patience_s = patience_s
        self.consumer = Consumer(
            name=CONSUMER,
            ledger=ledger,
            database=database,
            handle=follow,
            kinds=KINDS,
            batch=BATCH,
            linger_s=linger_s,
        )

    async def of_queues(self, asked: Asked, most: int = MOST_ROWS) -> tuple[QueueReport, Basis]:
        """Per queue. `BadInput` if there are more than `most` rows."""
        return await self._made(asked, most, sums_of_queues, queue_report)

    async def of_agents(self, asked: Asked, most: int = MOST_ROWS) -> tuple[AgentReport, Basis]:
        """Per agent, likewise."""
        return await self._made(asked, most, sums_of_agents, agent_report)

    async def _made(
        self,
        asked: Asked,
        most: int,
        sums: Callable[[AsyncConnection, Asked, int], Awaitable[list[tuple[Instant, str, C]]]],
        make: Callable[[Asked, list[tuple[Instant, str, C]], Held, Instant], R],
    ) -> tuple[R, Basis]:
        last = await self.bring_up()
        rows = await read_rows(self._database, asked, most, sums)
        report = await asyncio.to_thread(make, asked, rows.counted, rows.held, self._clock())
        return report, Basis(last, rows.gaps)

    async def bring_up(self) -> int:
        """The number of a fact up to which all are counted: of the last one, unless counting is stuck."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.consumer.caught_up(self._ledger.last), self._patience_s)
        return self.consumer.position


def _check_size(rows: int, most: int) -> None:
    if rows > most:
        raise BadInput(
            "query.to",
            f"the report would have more than {most} rows: take a longer step, a shorter time, or name "
            "the queues or agents it is about",
        )
