"""One connection's outbox: frames go in from the hub, and out over the WebSocket."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from web.route import Principal


@dataclass(frozen=True, slots=True)
class Wish:
    """A topic someone wants, and the last number they have seen of it (None: they know nothing)."""

    topic: str
    after: int | None = None


class Reader:
    """One connection's outbox.

    `ended` says why it is over: `slow`, `session`, `rights`, `away`, `shutdown`.
    """

    def __init__(self, person: Principal, session_id: str, *, limit: int) -> None:
        self.person = person
        self.session_id = session_id
        self.ended = ""
        self.over = asyncio.Event()
        self._limit = limit
        self._frames: deque[str] = deque()
        self._wake = asyncio.Event()

    def prime(self, frames: Sequence[str]) -> None:
        """The first frames: they are ours to give and do not count as lagging behind."""
        self._limit += len(frames)
        self._frames.extend(frames)
        self._wake.set()

    def offer(self, frame: str) -> None:
        """Queue a frame; a reader whose outbox is full is ended, others are not held up."""
        if self.ended:
            return
        if len(self._frames) >= self._limit:
            self.end("slow")
            return
        self._frames.append(frame)
        self._wake.set()

    def end(self, why: str) -> None:
        """No more frames; what is still queued is thrown away. The first reason stays."""
        self.ended = self.ended or why
        self._frames.clear()
        self._wake.set()
        self.over.set()

    async def take(self) -> list[str]:
        """All frames that are ready, at least one; empty means the reader has ended."""
        while not self._frames and not self.ended:
            self._wake.clear()
            await self._wake.wait()
        frames = list(self._frames)
        self._frames.clear()
        return frames
