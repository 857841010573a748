"""The ledger's facts in their database: rows in, facts out."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import func, select

from core.clock import Instant
from core.facts import Numbered
from ledger.entry import Entry, fact_of
from ledger.errors import LedgerDamaged, LedgerTaken
from ledger.tables import facts
from storage import Appender, Database


class FactStore:
    """Knows no state of its own: what it says is what the database holds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._appender = Appender(database, facts)

    async def claim(self) -> None:
        """`LedgerTaken` if another program, on whatever machine, stores facts in this database."""
        if not await self._appender.claim():
            raise LedgerTaken(
                f"another program stores facts in {self._database.place}: "
                "stop it, or give this one a ledger's database of its own"
            )

    async def close(self) -> None:
        """Let go of the writer's connection."""
        await self._appender.close()

    async def add(self, entries: Sequence[Entry]) -> None:
        """All of them, durably, or an error after which they may or may not be there."""
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
        """The highest number stored, or 0."""
        async with self._database.read() as connection:
            return await connection.scalar(select(func.max(facts.c.seq))) or 0

    async def before(self, at: Instant) -> int:
        """The number after which every fact that happened at `at` or later is found."""
        async with self._database.read() as connection:
            first = await connection.scalar(select(func.min(facts.c.seq)).where(facts.c.at >= at))
        return await self.last() if first is None else first - 1

    async def read(
        self, after: int, limit: int, kinds: Collection[str] | None, call: str | None
    ) -> list[Numbered]:
        """In order of their numbers; of these kinds and this call only, if given."""
        query = select(facts.c.seq, facts.c.kind, facts.c.body).where(facts.c.seq > after)
        if kinds is not None:
            query = query.where(facts.c.kind.in_(sorted(kinds)))
        if call is not None:
            query = query.where(facts.c.call == call)
        async with self._database.read() as connection:
            rows = (await connection.execute(query.order_by(facts.c.seq).limit(limit))).all()
        return [fact_of(seq, kind, body) for seq, kind, body in rows]

    async def known_origins(self, origins: Collection[str]) -> set[str]:
        """Those of `origins` that have become facts already."""
        query = select(facts.c.origin).where(facts.c.origin.in_(sorted(origins)), facts.c.origin != "")
        async with self._database.read() as connection:
            return set((await connection.execute(query)).scalars())
