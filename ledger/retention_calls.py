"""Retention of the list of calls: a month goes as a whole, or stays while a call of it is needed."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Instant
from ledger.tables import calls, legs
from storage import Database
from storage.months import FIRST_MONTH, months, name_of, shifted
from storage.partitions import drop_part, has_parts, month_part
from storage.retention import Outcome, What, reasons

_ROWS = 500
"""Calls in one unit of work on SQLite, and names in one question anywhere."""


class CallsRetention:
    """`remove` takes months that have ended by a limit, with the legs of their calls."""

    what = What.CALLS

    def __init__(self, database: Database) -> None:
        self._database = database

    async def remove(self, before: Instant, owed: Mapping[str, str], *, dry: bool) -> Outcome:
        """Remove the months before `before`; `owed`: what still needs its call, by call, and why."""
        removed, kept = 0, list[str]()
        for month in await self._months(before):
            async with self._database.read() as connection:
                needed = await _needed(connection, month, owed)
                there = await connection.scalar(select(func.count()).where(_in(month))) or 0
            if needed:
                kept.append(f"{name_of(month)}: call {needed[0]}: {owed[needed[0]]}{_more(needed)}")
            elif there:
                if not dry:
                    await self._remove(month)
                removed += there
        return Outcome(what=self.what, before=before, removed=removed, kept=reasons(kept))

    async def _months(self, before: Instant) -> list[Instant]:
        query = select(func.min(calls.c.began_at)).where(calls.c.began_at >= FIRST_MONTH)
        async with self._database.read() as connection:
            first = await connection.scalar(query)
        return [] if first is None else list(months(first, before))

    async def _remove(self, month: Instant) -> None:
        while True:
            async with self._database.write() as connection:
                if has_parts(connection):
                    for table in (legs, calls):
                        await drop_part(connection, month_part(table, month))
                    return
                some = select(calls.c.call).where(_in(month)).limit(_ROWS)
                names = list((await connection.execute(some)).scalars())
                for table in (legs, calls):
                    await connection.execute(
                        delete(table).where(table.c.call.in_(names), table.c.began_at < shifted(month, 1))
                    )
            if len(names) < _ROWS:
                return


async def _needed(connection: AsyncConnection, month: Instant, owed: Mapping[str, str]) -> list[str]:
    names, found = sorted(owed), list[str]()
    for first in range(0, len(names), _ROWS):
        some = calls.c.call.in_(names[first : first + _ROWS])
        found += (await connection.execute(select(calls.c.call).where(_in(month), some))).scalars()
    return found


def _in(month: Instant) -> ColumnElement[bool]:
    return (calls.c.began_at >= month) & (calls.c.began_at < shifted(month, 1))


def _more(needed: list[str]) -> str:
    return f", and {len(needed) - 1} more" if len(needed) > 1 else ""
