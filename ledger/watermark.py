"""A number that only rises, and those who wait for it."""

from __future__ import annotations

import asyncio
import heapq
import itertools


class Watermark:
    """`value` is what has been reached; `reached(n)` returns once it is at least n."""

    def __init__(self, value: int = 0) -> None:
        self.value = value
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._order = itertools.count()
        self._failure: Exception | None = None

    def rise(self, to: int) -> None:
        """Wake everyone who waits for `to` or less."""
        self.value = max(self.value, to)
        while self._waiting and self._waiting[0][0] <= self.value:
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                future.set_result(None)

    def fail(self, error: Exception) -> None:
        """`error` for everyone who waits or will wait: the value will not rise any more."""
        self._failure = error
        waiting, self._waiting = self._waiting, []
        for *_, future in waiting:
            if not future.done():
                future.set_exception(error)

    async def reached(self, number: int) -> None:
        """Returns when the value is `number` or more."""
        if self.value < number:
            if self._failure is not None:
                raise self._failure
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(self._waiting, (number, next(self._order), future))
            await future
