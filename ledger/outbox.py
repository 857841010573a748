"""Facts that a feature's own transaction gives rise to: written with it, in the ledger exactly once.

    async with database.write() as connection:
        ...                                            # the summary itself
        await outbox.put(connection, SummarySaved(...), origin="summary:ZJ20260101-000001")

`origin` names the cause; the fact carries it into the ledger, so that a crash between "in the ledger" and
"out of the box" is noticed and the fact is not appended again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from sqlalchemy import Row, delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from core.facts import Fact, decode, encode
from ledger.ledger import Ledger
from ledger.tables import outbox
from ledger.watermark import Watermark
from storage import Database, after_commit

log = logging.getLogger(__name__)

_BATCH = 200
_LINGER_S = 0.05  # summaries come one at a time; carrying them together spares both databases
_LOOK_AGAIN_S = 1.0  # for rows of other programs, whose wake-up we do not hear
_RETRY_S = 0.5


class Outbox:
    """One per main database; `run` is its only carrier."""

    def __init__(self, *, ledger: Ledger, database: Database) -> None:
        self.problem = ""
        self._ledger = ledger
        self._database = database
        self._wake = asyncio.Event()
        self._carried: set[str] = set()
        self._rounds = Watermark()

    async def put(self, connection: AsyncConnection, fact: Fact, *, origin: str) -> None:
        """Send `fact` when the transaction of `connection` commits, never when it is undone.

        `sqlalchemy.exc.IntegrityError` while a fact of the same origin is still in the box.
        """
        await self.put_all(connection, [(fact, origin)])

    async def put_all(self, connection: AsyncConnection, sent: Sequence[tuple[Fact, str]]) -> None:
        """The same for several facts, each with its origin, in one statement."""
        rows = []
        for fact, origin in sent:
            kind, body = encode(fact)
            rows.append({"origin": origin, "kind": kind, "body": body.decode()})
        if rows:
            await connection.execute(insert(outbox), rows)
            after_commit(connection, self._wake.set)

    async def emptied(self) -> None:
        """Returns when everything committed before this call is in the ledger and out of the box."""
        wanted = self._rounds.value + 2  # the round under way may have looked before that commit
        while self._rounds.value < wanted:
            self._wake.set()
            await self._rounds.reached(self._rounds.value + 1)

    async def run(self) -> None:
        """Carry facts until cancelled."""
        await self._ledger.readable(self._ledger.last)  # what waits in the spool has its origins too
        while True:
            try:
                self._wake.clear()
                while await self._carry():
                    pass
                self.problem = ""
                self._rounds.rise(self._rounds.value + 1)
                with suppress(TimeoutError):  # wait_for would swallow a cancellation that comes then
                    async with asyncio.timeout(_LOOK_AGAIN_S):
                        await self._wake.wait()
                    await asyncio.sleep(_LINGER_S)
            except Exception as error:
                self.problem = f"the outbox is stuck: {error}"
                log.exception("outbox: next try in %.1f s", _RETRY_S)
                await asyncio.sleep(_RETRY_S)

    async def _carry(self) -> bool:
        async with self._database.read() as connection:
            query = select(outbox).order_by(outbox.c.id).limit(_BATCH)
            rows = (await connection.execute(query)).all()
        if not rows:
            return False
        await self._into_ledger(rows)
        async with self._database.write() as connection:
            await connection.execute(delete(outbox).where(outbox.c.id.in_([row.id for row in rows])))
        self._carried.difference_update(row.origin for row in rows)
        return True

    async def _into_ledger(self, rows: Sequence[Row[tuple[int, str, str, str]]]) -> None:
        known = await self._ledger.known_origins([row.origin for row in rows]) | self._carried
        last = 0
        for row in rows:
            if row.origin not in known:
                last = self._ledger.append([decode(row.kind, row.body)], origin=row.origin)
                self._carried.add(row.origin)
        await self._ledger.stored(last)
        # Out of the box only what is in the database: a spool is this program's own, and another may lead.
        await self._ledger.readable(last)
