"""Whoever stores something on account of a fact: reads the ledger by its numbers, once each.

The cursor moves in the same transaction as the effects, so a crash between a fact and its effect loses
nothing and doubles nothing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.errors import Conflict
from core.facts import Fact, Numbered
from ledger.ledger import Ledger
from ledger.tables import cursors
from ledger.watermark import Watermark
from storage import Database

log = logging.getLogger(__name__)
Handle = Callable[[AsyncConnection, Sequence[Numbered]], Awaitable[None]]

_RETRY_FIRST_S = 0.2
_RETRY_LONGEST_S = 30.0
_MANY = 20
_LONGEST_LINGER_S = 1.0
_IDLE_STRIDE = 5_000  # facts of no interest after which the cursor is moved all the same


class Consumer:
    """`handle(connection, facts)` stores its effects through `connection`, nothing else; it may be called
    again with the same facts if the transaction fails. `kinds`: the facts it wants, None for all; `wants`: of
    these, where few of them matter: no transaction is spent on the others. `linger_s`: how long facts may
    gather before a transaction is worth its cost; under load they gather longer, up to a second.

    A handler that fails is tried again for ever, ever more slowly and fact by fact: `problem` says so.
    """

    def __init__(
        self,
        *,
        name: str,
        ledger: Ledger,
        database: Database,
        handle: Handle,
        kinds: Collection[str] | None = None,
        wants: Callable[[Fact], bool] | None = None,
        batch: int = 500,
        linger_s: float = 0.1,
    ) -> None:
        self.name = name
        self.problem = ""
        self._ledger = ledger
        self._database = database
        self._handle = handle
        self._kinds = None if kinds is None else frozenset(kinds)
        self._wants = wants
        self._batch = batch
        self._linger_s = linger_s
        self._gathering_s = linger_s
        self._done = Watermark()
        self._cursor = 0
        self._careful_to = 0
        self._hurry = asyncio.Event()
        self._known = False

    @property
    def position(self) -> int:
        """The last fact whose effects are stored."""
        return self._done.value

    async def caught_up(self, seq: int) -> None:
        """Returns when the effects of every fact up to `seq` are stored."""
        self._hurry.set()
        await self._done.reached(seq)

    async def run(self) -> None:
        """Work until cancelled; a transaction under way is then undone as a whole."""
        retry_s, failed_at = 0.0, -1
        while True:
            try:
                await self._load_cursor()
                await self._next_round()
                self.problem = ""
            except Exception as error:
                self._known = False  # the transaction may have been kept, or another program moved the cursor
                again = failed_at == self.position
                retry_s = min(2 * retry_s, _RETRY_LONGEST_S) if again else _RETRY_FIRST_S
                failed_at, self._careful_to = self.position, self._ledger.last_stored
                self.problem = f"{self.name} is stuck after fact {self.position}: {error}"
                log.exception("consumer %s, next try in %.1f s", self.problem, retry_s)
                await asyncio.sleep(retry_s)

    async def _next_round(self) -> None:
        await self._ledger.readable(self.position + 1)
        if self.position < self._careful_to:
            await self._take(1)  # as far as possible towards the fact that fails
            return
        if self._ledger.last_stored - self.position < self._batch:
            with suppress(TimeoutError):  # wait_for would swallow a cancellation that comes with the hurry
                async with asyncio.timeout(self._gathering_s):
                    await self._hurry.wait()
        self._hurry.clear()
        await self._take(self._batch)

    async def _load_cursor(self) -> None:
        if self._known:
            return
        query = select(cursors.c.seq).where(cursors.c.name == self.name)
        async with self._database.write() as connection:
            seq = await connection.scalar(query)
            if seq is None:
                await connection.execute(insert(cursors).values(name=self.name, seq=0))
        self._cursor = seq or 0
        removed = await self._ledger.removed()
        if removed is not None and self._cursor < removed.upto:
            log.warning("consumer %s goes on after fact %d: %s", self.name, removed.upto, removed)
        self._done.rise(self._cursor)
        self._known = True

    async def _take(self, limit: int) -> None:
        seen = self._ledger.last_stored
        facts = await self._ledger.read(self.position, limit, kinds=self._kinds)
        reaches = facts[-1].seq if len(facts) == limit else max(seen, facts[-1].seq if facts else 0)
        if self._wants is not None:
            facts = [numbered for numbered in facts if self._wants(numbered.fact)]
        if facts or reaches - self._cursor >= _IDLE_STRIDE:
            async with self._database.write() as connection:
                await self._move_cursor(
                    connection, reaches
                )  # first: whoever comes second has no effect at all
                if facts:
                    await self._handle(connection, facts)
            self._cursor = reaches
        self._done.rise(reaches)
        self._gathering_s = gathering_s(self._linger_s, len(facts))

    async def _move_cursor(self, connection: AsyncConnection, to: int) -> None:
        mine = (cursors.c.name == self.name) & (cursors.c.seq == self._cursor)
        moved = await connection.execute(update(cursors).where(mine).values(seq=to))
        if moved.rowcount != 1:
            raise Conflict(
                f"the cursor of {self.name} is no longer at {self._cursor}: "
                "another program consumes the same facts; run one of them only"
            )


def gathering_s(linger_s: float, taken: int) -> float:
    """How long facts may gather after a round that took so many: a transaction costs as much as twenty of
    them, and whoever has something to wait for hurries (`caught_up`)."""
    return max(linger_s, min(linger_s * (1 + taken / _MANY), _LONGEST_LINGER_S))
