"""The bounded, ordered way from a reader to its consumer.

The reader must never wait: Asterisk ends a session that does not read. So when the consumer falls behind,
what comes in is dropped, and a `Gap` stands in its place that says since when.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from core.clock import Clock, Instant

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Messages between `since` and `until` (our clock) may be missing. `dropped`: how many, -1 if unknown."""

    since: Instant
    until: Instant
    cause: str
    dropped: int = -1


class Inbox(Generic[T]):
    """At most `capacity` messages; items put with `put_always` (few: gaps, connections) come on top."""

    def __init__(self, capacity: int, clock: Clock) -> None:
        self._capacity = capacity
        self._clock = clock
        self._items: deque[T | Gap] = deque()
        self._gap_since: Instant | None = None
        self._gap_dropped = 0
        self._filled = asyncio.Event()
        self._closed = False
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T) -> bool:
        """Takes `item` in, or drops it (False) when full and, after that, until half of it is free."""
        if self._gap_since is None:
            if len(self._items) < self._capacity:
                self._items.append(item)
                self._filled.set()
                return True
            self._gap_since = self._clock()
        elif len(self._items) <= self._capacity // 2:
            self._close_gap()
            self._items.append(item)
            return True
        self._gap_dropped += 1
        self.dropped += 1
        return False

    def put_always(self, item: T | Gap) -> None:
        """Takes in what must not be lost, in its place."""
        self._close_gap()
        self._items.append(item)
        self._filled.set()

    async def take(self, most: int = 1_000) -> list[T | Gap]:
        """The next items in order, at least one; an empty list once closed and empty."""
        while not self._items:
            if self._gap_since is not None:
                self._close_gap()
            elif self._closed:
                return []
            else:
                self._filled.clear()
                await self._filled.wait()
        items = self._items
        if len(items) <= most:
            taken = list(items)
            items.clear()
            return taken
        return [items.popleft() for _ in range(most)]

    def close(self) -> None:
        """No more will come: `take` empties the rest and then answers with nothing."""
        self._closed = True
        self._filled.set()

    def _close_gap(self) -> None:
        if self._gap_since is None:
            return
        cause = f"we read more slowly than the node speaks: {self._gap_dropped} messages dropped"
        gap = Gap(since=self._gap_since, until=self._clock(), cause=cause, dropped=self._gap_dropped)
        self._gap_since, self._gap_dropped = None, 0
        self._items.append(gap)
        self._filled.set()
