"""Retention of facts: what is old goes, from the ledger's beginning.

The ledger loses its older end and nothing else: every number from some number on is there. On PostgreSQL a
part of the table goes as a whole, on SQLite some rows in each unit of work, with the mark of how far it has
come: whoever is killed in between goes on there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Select, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Clock, Instant, instant_on, local_day
from ledger.store import FactStore
from ledger.tables import cursors, facts, facts_removed, proved_days
from storage import Database
from storage.partitions import Part, drop_part, parts_of
from storage.retention import Outcome, What, reasons

_ROWS = 2_000
"""In one unit of work: the service writes beside us."""
_CALLS = 500
"""Names in one question: databases bound the parameters of a statement."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Facts from number `since` on have to stay, and why."""

    since: int
    why: str


class FactsRetention:
    """`owed`: what still needs its call, by call, and why. `zone`: in which days are proved."""

    what = What.FACTS

    def __init__(self, *, ledger: Database, main: Database, zone: ZoneInfo, clock: Clock) -> None:
        self._ledger, self._main = ledger, main
        self._store = FactStore(ledger)
        self._zone, self._clock = zone, clock

    async def remove(self, before: Instant, owed: Mapping[str, str], *, dry: bool) -> Outcome:
        """Remove what happened before `before`, up to the first fact that is still needed."""
        gone = await self._store.removed()
        begins = gone.upto if gone else 0
        last = await self._store.last()
        old = min(await self._older(before), last - 1)
        if old <= begins:
            return Outcome(what=self.what, before=before)
        keeps = sorted(await self._keeps(before, owed), key=lambda keep: keep.since)
        binding = [keep.why for keep in keeps if keep.since <= old]
        allowed = min([old, *(keep.since - 1 for keep in keeps)])
        return Outcome(
            what=self.what,
            before=before,
            removed=await self._remove_up_to(allowed, begins, dry=dry) - begins,
            kept=reasons(binding),
        )

    # -------------------------------------------------------------- how far

    async def _older(self, before: Instant) -> int:
        """The number up to which everything is older than `before`."""
        if self._ledger.is_sqlite:
            return await self._store.before(before)
        async with self._ledger.read() as connection:
            end = 0
            for part in await parts_of(connection, facts):
                newest = await connection.scalar(_newest(part.first, part.end - 1))
                if newest is None or newest >= before:
                    break
                end = part.end - 1
        return end

    async def _keeps(self, before: Instant, owed: Mapping[str, str]) -> list[Keep]:
        return [*await self._behind(), *await self._of_owed(owed), *await self._unproved(before)]

    async def _behind(self) -> list[Keep]:
        async with self._main.read() as connection:
            rows = (await connection.execute(select(cursors))).all()
        return [Keep(row.seq + 1, f"{row.name} has come no further than fact {row.seq}") for row in rows]

    async def _of_owed(self, owed: Mapping[str, str]) -> list[Keep]:
        found, names = [], sorted(owed)
        for first in range(0, len(names), _CALLS):
            some = facts.c.call.in_(names[first : first + _CALLS])
            query = select(facts.c.call, func.min(facts.c.seq)).where(some, facts.c.call != "")
            async with self._ledger.read() as connection:
                rows = (await connection.execute(query.group_by(facts.c.call))).all()
            found += [Keep(seq, f"call {call}: {owed[call]}") for call, seq in rows]
        return found

    async def _unproved(self, before: Instant) -> list[Keep]:
        """The first day that has facts and no proof."""
        async with self._main.read() as connection:
            proved = set((await connection.execute(select(proved_days.c.day))).scalars())
        first = await self._store.first_at()
        if first is None:
            return []
        day = local_day(first, self._zone)
        while (since := instant_on(day, 0, self._zone)) < before:
            if day.isoformat() not in proved:
                span = await self._store.span(since, instant_on(day, 1440, self._zone))
                if span is not None:
                    advice = f"hotline proof --day {day}"
                    return [Keep(span[0], f"{day} has not been proved: run `{advice}`")]
            day += timedelta(days=1)
        return []

    # -------------------------------------------------------------- removing

    async def _remove_up_to(self, upto: int, begins: int, *, dry: bool) -> int:
        """The number up to which facts are gone then."""
        gone = begins
        for first, gone, part in await self._stretches(begins, upto):
            if not dry:
                async with self._ledger.write() as connection:
                    await self._remove(connection, first, gone, part)
        return gone

    async def _stretches(self, begins: int, upto: int) -> list[tuple[int, int, Part | None]]:
        """What goes in one unit of work each: first and last number, and the part they fill if they do."""
        if self._ledger.is_sqlite:
            return [(n + 1, min(n + _ROWS, upto), None) for n in range(begins, upto, _ROWS)]
        async with self._ledger.read() as connection:
            there = await parts_of(connection, facts)
        return [(max(part.first, begins + 1), part.end - 1, part) for part in there if part.end - 1 <= upto]

    async def _remove(self, connection: AsyncConnection, first: int, last: int, part: Part | None) -> None:
        before = await connection.scalar(select(facts_removed.c.newest_at)) or 0
        newest = max(before, await connection.scalar(_newest(first, last)) or 0)
        if part is None:
            await connection.execute(delete(facts).where(facts.c.seq <= last))
        else:
            await drop_part(connection, part)
        await connection.execute(delete(facts_removed))
        mark = {"upto": last, "newest_at": newest, "removed_at": self._clock()}
        await connection.execute(insert(facts_removed).values(**mark))


def _newest(first: int, last: int) -> Select[Any]:
    return select(func.max(facts.c.at)).where(facts.c.seq.between(first, last))
