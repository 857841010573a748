"""Retention of the figures over time: a day of quarter-hours in each unit of work."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete, func, select

from board.tables import interval_agents, interval_gaps, interval_queues
from core.clock import DAY, Instant
from storage import Database
from storage.retention import Outcome, What

_TABLES = (interval_queues, interval_agents)


class IntervalsRetention:
    """`remove` takes what was counted in quarter-hours that began before a limit."""

    what = What.INTERVALS

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remove(self, before: Instant, _owed: Mapping[str, str], *, dry: bool) -> Outcome:
        """Remove the days before `before`. Nothing that is owed needs them."""
        days, start = 0, await self._first()
        while start is not None and start < before:
            end = min(start + DAY, before)
            if not dry:
                await self._remove(end)
            days += 1
            start = await self._first(end)
        if days and not dry:
            async with self._database.write() as connection:
                await connection.execute(delete(interval_gaps).where(interval_gaps.c.until < before))
        return Outcome(what=self.what, before=before, removed=days)

    async def _first(self, since: Instant = 0) -> Instant | None:
        """The first quarter-hour from `since` on in which anything was counted."""
        async with self._database.read() as connection:
            found = [
                await connection.scalar(select(func.min(table.c.start)).where(table.c.start >= since))
                for table in _TABLES
            ]
        return min((start for start in found if start is not None), default=None)

    async def _remove(self, end: Instant) -> None:
        async with self._database.write() as connection:
            for table in _TABLES:
                await connection.execute(delete(table).where(table.c.start < end))
