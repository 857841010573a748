"""The ledger's facts in their database: rows in, facts out."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Subquery, func, select

from core.clock import Instant, moment
from core.facts import CallArrived, Numbered, OutgoingStarted
from ledger.entry import Entry, fact_of
from ledger.errors import LedgerDamaged, LedgerTaken
from ledger.shelves import Shelves
from ledger.tables import facts, facts_removed
from storage import Appender, Database
from storage.lease import Tenure

_IN_THE_INDEX = facts.c.call != ""
"""The index of calls leaves out facts of none; SQLite uses it only where a query says so, too."""


def _found_by_time(when: ColumnElement[bool]) -> Subquery:
    """Numbers of the facts of a time, to be found by the index of times.

    Without the fence (OFFSET 0) PostgreSQL looks for the smallest number by walking the ledger from its
    beginning until a fact is young enough: a second for three million, and the service waits four.
    """
    return select(facts.c.seq).where(when).offset(0).subquery()


@dataclass(frozen=True, slots=True)
class Removed:
    """Facts up to number `upto` are gone; the newest of them happened at `newest_at`."""

    upto: int
    newest_at: Instant

    def __str__(self) -> str:
        return (
            f"facts before number {self.upto + 1} (up to {moment(self.newest_at):%F %T}) "
            "have been removed by retention"
        )


class FactStore:
    """What it says is what the database holds; all it remembers is how far there is room."""

    def __init__(self, database: Database, *, tenure: Tenure | None = None) -> None:
        self._database = database
        self._appender = Appender(database, facts, tenure=tenure)
        self._shelves = Shelves(database)

    async def claim(self) -> None:
        """`LedgerTaken` if another program, on whatever machine, stores facts in this database."""
        if not await self._appender.claim():
            raise LedgerTaken(
                f"another program stores facts in {self._database.place}: "
                "stop it, or give this one a ledger's database of its own"
            )
        await self._shelves.make_room(await self.last() + 1)

    async def close(self) -> None:
        """Let go of the writer's connection."""
        await self._appender.close()

    async def add(self, entries: Sequence[Entry]) -> None:
        """All of them, durably, or an error after which they may or may not be there."""
        await self._shelves.make_room(entries[-1].seq)
        await self._appender.append(entries)

    async def add_missing(self, entries: Sequence[Entry]) -> None:
        """Those that are not there yet. `LedgerDamaged` if another fact stands under one of the numbers."""
        numbers = [entry.seq for entry in entries]
        query = select(facts.c.seq, facts.c.body).where(facts.c.seq.between(numbers[0], numbers[-1]))
        async with self._database.read() as connection:
            there = {row.seq: row.body for row in await connection.execute(query)}
        for entry in entries:
            if there.get(entry.seq, entry.body) != entry.body:
                raise LedgerDamaged(
                    f"fact {entry.seq} waits to be stored, but another one has that number already: "
                    "two programs have written this ledger; compare spool and database before going on"
                )
        missing = [entry for entry in entries if entry.seq not in there]
        if missing:
            await self.add(missing)

    async def last(self) -> int:
        """The highest number that was ever stored, or 0."""
        async with self._database.read() as connection:
            last = await connection.scalar(select(func.max(facts.c.seq)))
        return last or await self._removed_upto()

    async def first_at(self) -> Instant | None:
        """When the first fact that is stored happened; None if there is none."""
        query = select(facts.c.at).order_by(facts.c.seq).limit(1)
        async with self._database.read() as connection:
            return await connection.scalar(query)

    async def removed(self) -> Removed | None:
        """What retention has taken away from the beginning; None as long as everything is there."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(facts_removed))).first()
        return None if row is None else Removed(row.upto, row.newest_at)

    async def before(self, at: Instant) -> int:
        """The number after which every fact that happened at `at` or later is found."""
        numbers = _found_by_time(facts.c.at >= at)
        async with self._database.read() as connection:
            first = await connection.scalar(select(func.min(numbers.c.seq)))
        return await self.last() if first is None else first - 1

    async def read(
        self,
        after: int,
        limit: int = 1000,
        *,
        kinds: Collection[str] | None = None,
        call: str | None = None,
    ) -> list[Numbered]:
        """In order of their numbers; of these kinds and this call only, if given."""
        query = select(facts.c.seq, facts.c.kind, facts.c.body).where(facts.c.seq > after)
        if kinds is not None:
            query = query.where(facts.c.kind.in_(sorted(kinds)))
        if call is not None:
            query = query.where(facts.c.call == call, _IN_THE_INDEX)
        async with self._database.read() as connection:
            rows = (await connection.execute(query.order_by(facts.c.seq).limit(limit))).all()
        return [fact_of(seq, kind, body) for seq, kind, body in rows]

    async def span(self, since: Instant, until: Instant) -> tuple[int, int] | None:
        """Lowest and highest number of what happened from `since` on and before `until`; None of nothing."""
        numbers = _found_by_time((facts.c.at >= since) & (facts.c.at < until))
        query = select(func.min(numbers.c.seq), func.max(numbers.c.seq))
        async with self._database.read() as connection:
            row = (await connection.execute(query)).one()
        return None if row[0] is None else (row[0], row[1])

    async def number_before(self, seq: int) -> int:
        """The highest number below `seq` that was ever stored, or 0."""
        query = select(func.max(facts.c.seq)).where(facts.c.seq < seq)
        async with self._database.read() as connection:
            before = await connection.scalar(query)
        return before or min(await self._removed_upto(), seq - 1)

    async def numbers(self, after: int, upto: int, limit: int) -> list[tuple[int, str]]:
        """Numbers and calls (empty for facts of no call), in order: the ledger without what it says."""
        query = select(facts.c.seq, facts.c.call).where(facts.c.seq > after, facts.c.seq <= upto)
        async with self._database.read() as connection:
            rows = (await connection.execute(query.order_by(facts.c.seq).limit(limit))).all()
        return [(row.seq, row.call) for row in rows]

    async def of_calls(self, calls: Collection[str]) -> list[Numbered]:
        """Every fact of these calls, in order."""
        query = select(facts.c.seq, facts.c.kind, facts.c.body).where(
            facts.c.call.in_(sorted(calls)), _IN_THE_INDEX
        )
        async with self._database.read() as connection:
            rows = (await connection.execute(query.order_by(facts.c.seq))).all()
        return [fact_of(seq, kind, body) for seq, kind, body in rows]

    async def arrived_on(self, channel: str, since: Instant, until: Instant) -> bool:
        """Whether a call began on this customer's channel at a time between the two."""
        query = select(facts.c.seq).where(
            facts.c.at.between(since, until),
            facts.c.kind.in_((CallArrived.__name__, OutgoingStarted.__name__)),
            facts.c.body.contains(f'"{channel}"', autoescape=True),
        )
        async with self._database.read() as connection:
            return (await connection.execute(query.limit(1))).first() is not None

    async def known_origins(self, origins: Collection[str]) -> set[str]:
        """Those of `origins` that have become facts already."""
        query = select(facts.c.origin).where(facts.c.origin.in_(sorted(origins)), facts.c.origin != "")
        async with self._database.read() as connection:
            return set((await connection.execute(query)).scalars())

    async def _removed_upto(self) -> int:
        removed = await self.removed()
        return removed.upto if removed else 0
