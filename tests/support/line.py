"""A line to a server that can be cut for whoever uses it, while others reach the server by another way.

async with Line(port=server.port) as line:
    url = ...line.port...
    line.cut()      # connections end, new ones are refused
    await line.mend()
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from types import TracebackType


class Line:
    """Passes bytes on, both ways, from a port of its own to `port` on loopback."""

    def __init__(self, port: int) -> None:
        self.port = 0
        self._to = port
        self._server: asyncio.Server | None = None
        self._running: set[asyncio.Task[None]] = set()

    def cut(self) -> None:
        """Every connection ends, and new ones are refused."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for task in self._running:
            task.cancel()

    async def mend(self) -> None:
        """It passes bytes on again, at the same port."""
        self._server = await asyncio.start_server(self._pass_on, "127.0.0.1", self.port)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def __aenter__(self) -> Line:
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        try:
            with suppress(OSError, asyncio.CancelledError):
                there, back = await asyncio.open_connection("127.0.0.1", self._to)
                try:
                    async with asyncio.TaskGroup() as both:
                        both.create_task(_carry(reader, back))
                        both.create_task(_carry(there, writer))
                finally:
                    back.transport.abort()
        finally:
            writer.transport.abort()
            self._running.discard(task)


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until one side ends; then the other does, too."""
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()
