"""Intervals counted again from the ledger, while the service goes on counting.

All facts up to the consumer's cursor are counted aside. Then, in one short transaction that holds the cursor,
those that came meanwhile are counted too and what is open is put in place: from there on the service counts
with what the rebuild has found. After that each day's rows are replaced where they differ, a day a
transaction: nobody sees half a day, and nobody waits for longer than a day's rows take. Stopped half way, it
leaves some days right and the others as they were: begin again.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Table, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from board.intervals import CONSUMER, KINDS, agent_rows, gap_rows, queue_rows, write_held
from board.periods import QUARTER, day_start
from board.tables import interval_agents, interval_gaps, interval_queues
from board.tally import Tally
from core.clock import BANK_ZONE, DAY, Instant, local_day
from core.errors import BadInput, NotFound
from ledger.store import FactStore
from ledger.tables import cursors
from storage import Database, insert_new

WARM_UP = DAY
"""No call is longer: so far before the first interval its facts are read."""
_STANDING = frozenset({"AgentStateChanged"})
_PAGE = 2_000


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """`facts` were read; of the `rows` there are now, `mended` were missing or wrong; `removed`: too many."""

    facts: int
    rows: int
    mended: int
    removed: int


class Rebuild:
    """`since`: only intervals that begin then or later (a border of a quarter-hour); None: all whose facts
    are there. `zone`: in which days begin.

    `progress(done, of)` is told fact numbers as they are read.
    """

    def __init__(
        self,
        *,
        database: Database,
        facts: FactStore,
        since: Instant | None = None,
        zone: ZoneInfo = BANK_ZONE,
        progress: Callable[[int, int], None] = lambda done, of: None,
    ) -> None:
        self._database, self._facts, self._progress = database, facts, progress
        self._since, self._zone = since, zone
        self._tally = Tally()
        self._gaps: list[dict[str, Any]] = []
        self._position = 0
        self._read = 0

    async def run(self) -> Rebuilt:
        """Count again, put in place. `NotFound` if the service has counted nothing yet.

        Intervals whose facts retention has removed stay as they are; `BadInput` if `since` asks for such.
        """
        self._since = await self._first_known()
        cursor = await self._cursor_now()
        await self._warm_up(cursor)
        await self._count_to(cursor)
        async with self._caught_up() as connection:
            await write_held(connection, self._tally.held())
            await insert_new(connection, interval_gaps, self._gaps)
        rows = mended = removed = 0
        for first in [day async for day in self._days()]:
            async with self._caught_up() as connection:
                for table, right in self._right(first):
                    changed = await _put(connection, table, right, first)
                    rows, mended, removed = rows + len(right), mended + changed[0], removed + changed[1]
        return Rebuilt(self._read, rows, mended, removed)

    # -------------------------------------------------------------- counting

    async def _first_known(self) -> Instant | None:
        """`since`, or the first midnight before which a day of facts is known; None: all of them are."""
        removed = await self._facts.removed()
        if removed is None:
            return self._since
        known = day_start(removed.newest_at + WARM_UP, self._zone) + DAY
        if self._since is not None and self._since < known:
            raise BadInput(
                "--since", f"{removed}: name a day from {local_day(known, self._zone)} on, or none"
            )
        return self._since or known

    async def _warm_up(self, cursor: int) -> None:
        """Stand where the facts of the first interval begin, knowing what every agent does then."""
        if self._since is not None:
            first = await self._facts.before(self._since - WARM_UP)
            await self._count_to(min(first, cursor), _STANDING)

    async def _count_to(self, upto: int, kinds: Collection[str] = KINDS) -> None:
        while page := await self._facts.read(self._position, _PAGE, kinds=kinds):
            wanted = [numbered for numbered in page if numbered.seq <= upto]
            for numbered in wanted:
                self._tally.count(numbered)
            self._gaps += gap_rows(wanted)
            self._read += len(wanted)
            if len(wanted) < len(page):
                break
            self._position = page[-1].seq
            self._progress(self._position, upto)
        self._position = upto

    @asynccontextmanager
    async def _caught_up(self) -> AsyncIterator[AsyncConnection]:
        """A unit of work in which the tally knows exactly the facts that the service has counted."""
        async with self._database.write() as connection:
            await self._count_to(await _cursor(connection, hold=True))
            yield connection

    async def _cursor_now(self) -> int:
        async with self._database.read() as connection:
            return await _cursor(connection)

    # -------------------------------------------------------------- putting in place

    async def _days(self) -> AsyncIterator[Instant]:
        """Every stretch of a day in which anything is counted now or stands in the tables, in order."""
        base = self._since or 0
        days = {(start - base) // DAY for start in (*self._tally.quarters, *self._tally.agent_quarters)}
        async with self._database.read() as connection:
            for table in (interval_queues, interval_agents):
                stands = select((table.c.start - base) // DAY).where(table.c.start >= base).distinct()
                days.update((await connection.execute(stands)).scalars())
        for day in sorted(days):
            if self._since is None or day >= 0:
                yield base + day * DAY

    def _right(self, first: Instant) -> Iterator[tuple[Table, list[dict[str, Any]]]]:
        """The rows as they should be, of the day from `first` on."""
        quarters, agent_quarters = self._tally.quarters, self._tally.agent_quarters
        day = range(first, first + DAY, QUARTER)
        yield interval_queues, list(queue_rows({at: quarters[at] for at in day if at in quarters}))
        yield (
            interval_agents,
            list(agent_rows({at: agent_quarters[at] for at in day if at in agent_quarters})),
        )


async def _cursor(connection: AsyncConnection, *, hold: bool = False) -> int:
    """How far the service has counted; with `hold` it counts no further before this transaction ends."""
    query = select(cursors.c.seq).where(cursors.c.name == CONSUMER)
    seq = await connection.scalar(query.with_for_update() if hold else query)
    if not seq:
        raise NotFound(
            "nothing has been counted in these data yet: start the service, it counts all there is by itself"
        )
    return int(seq)


async def _put(
    connection: AsyncConnection, table: Table, right: list[dict[str, Any]], first: Instant
) -> tuple[int, int]:
    """Make a day's rows those that are right; how many were wrong or missing, and how many too many."""
    start, name = table.primary_key.columns
    of_day = (start >= first) & (start < first + DAY)
    there = {
        (row[start.name], row[name.name]): dict(row)
        for row in (await connection.execute(select(table).where(of_day))).mappings()
    }
    there = {key: row for key, row in there.items() if _says_something(row)}
    mended = sum(there.get((row[start.name], row[name.name])) != row for row in right)
    removed = len(there.keys() - {(row[start.name], row[name.name]) for row in right})
    if mended or removed:
        await connection.execute(delete(table).where(of_day))
        if right:
            await connection.execute(insert(table), right)
    return mended, removed


def _says_something(row: dict[str, Any]) -> bool:
    """A row of zeros is as good as none: a caller was counted there and moved to another queue."""
    return any(isinstance(value, int) and value for column, value in row.items() if column != "start")
