"""Every caller is looked up as the call arrives; who is found becomes a fact, by which the line is ordered.

    CallArrived ─► Lookup (300 ms at most) ─► CustomerIdentified ─► whoever listens: telephony

The call waits for none of it: the dialplan goes on, and with the service dead its own list of VIPs counts.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from core import facts as f
from core.clock import MINUTE, Clock, Duration
from core.facts import Numbered
from customers.lookup import Lookup, Outcome

_AT_ONCE = 50
_MOST_AHEAD = 1_000
"""Callers to be looked up; more than that at one moment are ordinary."""
_FRESH: Duration = MINUTE
"""What arrived longer ago was read back after an absence: nobody waits for the answer."""


class Book(Protocol):
    """What is needed of the ledger."""

    def append(self, facts: Sequence[f.Fact]) -> int: ...
    def listen(self, listener: Callable[[Sequence[Numbered]], None]) -> Callable[[], None]: ...


class Identifier:
    """`run()` until cancelled. `source`: open while it runs, if it has to be opened."""

    def __init__(
        self,
        lookup: Lookup,
        book: Book,
        clock: Clock,
        *,
        source: AbstractAsyncContextManager[object] | None = None,
    ) -> None:
        self.lookup = lookup
        self._book = book
        self._clock = clock
        self._source = source
        self._ahead: asyncio.Queue[f.CallArrived] = asyncio.Queue(_MOST_AHEAD)
        book.listen(self._hear)

    async def run(self) -> None:
        """Looks callers up, some at once."""
        if self._source is None:
            await self._look_up_all()
            return
        async with self._source:
            await self._look_up_all()

    async def _look_up_all(self) -> None:
        async with asyncio.TaskGroup() as group:
            for number in range(_AT_ONCE):
                group.create_task(self._look_up(), name=f"look-up-{number}")

    def _hear(self, batch: Sequence[Numbered]) -> None:
        for numbered in batch:
            fact = numbered.fact
            if not isinstance(fact, f.CallArrived) or self._clock() - fact.at > _FRESH:
                continue
            if self._ahead.full():
                self.lookup.counts[Outcome.LEFT_ALONE] += 1
            else:
                self._ahead.put_nowait(fact)

    async def _look_up(self) -> None:
        while True:
            arrived = await self._ahead.get()
            answer = await self.lookup.find(arrived.caller)
            if answer.outcome is not Outcome.FOUND:
                continue
            identified = f.CustomerIdentified(
                at=max(self._clock(), arrived.at),
                node=arrived.node,
                call=arrived.call,
                customer=answer.customer,
                level=answer.level.value,
                favoured=answer.level.rank > 0,
                source=self.lookup.source,
                language=answer.language,
            )
            self._book.append([identified])
