"""Where the next facts go on PostgreSQL: parts of the table by ranges of numbers, made ahead of the writer.

The order of facts is their number, the number is what no two of them may share, and it does not go on while
the service is off: so a part is a range of numbers, about as many as a month brings (docs/adr/0040).
"""

from __future__ import annotations

import logging

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import DAY, Duration, Instant
from ledger.tables import facts
from storage import Database, StorageError, take_turn
from storage.partitions import Part, add_part, parts_of

log = logging.getLogger(__name__)
LEAST, MOST = 1_000_000, 250_000_000
"""Numbers in a part: fewer would be many parts, more would stay for long."""
AHEAD = LEAST // 2
"""So many numbers before the last part's end the next one is made: at 1,000 facts a second 8 minutes."""
_MONTH: Duration = 30 * DAY


class Shelves:
    """Of one ledger's database; its one writer asks."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._end = 0
        """The first number for which there is no place yet, as far as is known."""

    async def make_room(self, upto: int) -> None:
        """Returns when number `upto` has its place; room beyond it is made if it runs short.

        `StorageError` if there is no place and none can be made.
        """
        if self._database.is_sqlite or upto + AHEAD < self._end:
            return
        try:
            async with self._database.write() as connection:
                await take_turn(connection, "parts of facts")
                end = await _end(connection)
                while upto + AHEAD >= end:
                    part = await _next_part(connection, end)
                    await add_part(connection, facts, part)
                    end = part.end
            self._end = end
        except StorageError as error:
            if upto >= self._end:
                raise
            log.warning("ledger: room for facts from %d on is not made yet: %s", self._end, error)


def numbers_a_month(facts_there: int, over: Duration) -> int:
    """How many numbers the next part should hold, if the last one has taken so many facts in that time."""
    if facts_there < 2 or over <= 0:
        return LEAST
    return max(LEAST, min(MOST, facts_there * _MONTH // over))


async def _end(connection: AsyncConnection) -> int:
    there = await parts_of(connection, facts)
    return there[-1].end if there else 1


async def _next_part(connection: AsyncConnection, first: int) -> Part:
    return Part(first, first + await _wanted(connection), f"facts_from_{first}")


async def _wanted(connection: AsyncConnection) -> int:
    there = await parts_of(connection, facts)
    if not there:
        return LEAST
    query = select(facts.c.seq, facts.c.at).where(facts.c.seq >= there[-1].first)
    first = (await connection.execute(query.order_by(facts.c.seq).limit(1))).first()
    last = (await connection.execute(query.order_by(facts.c.seq.desc()).limit(1))).first()
    if first is None or last is None:
        return LEAST
    span: Instant = last.at - first.at
    return numbers_a_month(last.seq - first.seq + 1, span)
