"""Facts for those who have given an order and wait for what comes of it. A listener of the ledger.

    with awaited.watch(lambda fact: ...) as told:
        await telephony.order(...)
        fact = await told.next(5.0)

Watching begins before the order is given, so that nothing is missed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from core.facts import Fact, Numbered

Wanted = Callable[[Fact], bool]


class Told:
    """What was told since the watching began, in its order."""

    def __init__(self, wanted: Wanted) -> None:
        self.wanted = wanted
        self._facts: asyncio.Queue[Fact] = asyncio.Queue()

    def put(self, fact: Fact) -> None:
        """A fact that is wanted."""
        self._facts.put_nowait(fact)

    async def next(self, within_s: float) -> Fact | None:
        """The next one; None if there is none in time."""
        try:
            async with asyncio.timeout(within_s):
                return await self._facts.get()
        except TimeoutError:
            return None


class Awaited:
    """Costs nothing while nobody waits."""

    def __init__(self) -> None:
        self._watching: list[Told] = []

    def hear(self, batch: Sequence[Numbered]) -> None:
        """To be given to `Ledger.listen`."""
        for told in self._watching:
            for numbered in batch:
                if told.wanted(numbered.fact):
                    told.put(numbered.fact)

    @contextmanager
    def watch(self, wanted: Wanted) -> Iterator[Told]:
        """From now on, until the end of the block."""
        told = Told(wanted)
        self._watching.append(told)
        try:
            yield told
        finally:
            self._watching.remove(told)
