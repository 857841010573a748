"""A screen of the board, as a program: a WebSocket client that lays changes over its snapshot."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

MAPS = ("queues", "agents")


class Screen:
    """`shown` is the board as pieced together; `frames` everything received."""

    def __init__(self) -> None:
        self.shown: dict[str, Any] = {}
        self.frames: list[dict[str, Any]] = []
        self.last = 0
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    @asynccontextmanager
    async def watching(self, client: aiohttp.ClientSession) -> AsyncIterator[Screen]:
        """Connected, going on from the last number seen, if any."""
        after = {"after": str(self.last)} if self.last else {}
        async with client.ws_connect("/api/live", params={"topic": "board", **after}) as socket:
            self._socket = socket
            yield self
        self._socket = None

    async def until(self, seen: Callable[[dict[str, Any]], bool], within_s: float = 5) -> None:
        """Take frames until what is shown satisfies `seen`."""
        async with asyncio.timeout(within_s):
            while not self.shown or not seen(self.shown):
                await self.take()

    async def take(self) -> dict[str, Any]:
        assert self._socket is not None
        frame: dict[str, Any] = json.loads(await self._socket.receive_str())
        self.frames.append(frame)
        if frame["kind"] == "snapshot":
            self.shown = frame["data"]
        elif frame["kind"] == "change":
            assert frame["seq"] == self.last + 1, "a gap in the numbers"
            self._lay(frame["data"])
        self.last = frame["seq"]
        return frame

    def _lay(self, change: dict[str, Any]) -> None:
        for name, value in change.items():
            if name in MAPS:
                for key, fields in value.items():
                    self.shown[name].setdefault(key, {}).update(fields)
            elif name in ("total", "calls", "waiting"):
                self.shown[name].update(value)
            else:
                self.shown[name] = value
