"""A manager interface that misbehaves on purpose.

For what a real Asterisk cannot be made to do at will: freeze, cut a list, answer late, split a character.
Each connection runs the script; what it received is kept for the test to look at.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from types import TracebackType

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
Received = dict[str, str]


class Talk:
    """One connection as the script sees it. Pings are answered while an action is waited for."""

    def __init__(
        self,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        came: asyncio.Condition,
    ) -> None:
        self.number = number
        self.received: list[Received] = []
        self.node_time: str | None = None
        self._reader = reader
        self._writer = writer
        self._came = came

    def raw(self, data: bytes) -> None:
        """Sends bytes as they are."""
        self._writer.write(data)

    def say(self, *lines: str) -> None:
        """Sends one message."""
        self.raw(("\r\n".join(lines) + "\r\n\r\n").encode())

    def reply(self, action: Received, *lines: str) -> None:
        """Sends one message with the ActionID of `action`."""
        self.say(lines[0], f"ActionID: {action['ActionID']}", *lines[1:])

    async def flush(self) -> None:
        """Returns when what was said has left, as a segment of its own."""
        await self._writer.drain()
        await asyncio.sleep(0.01)  # so that the kernel does not join it with what follows

    async def action(self) -> Received:
        """The next action that is no Ping; IncompleteReadError when the other side has closed."""
        while (action := await self._next())["Action"] == "Ping":
            self._pong(action)
        return action

    async def ping(self) -> None:
        """Waits for the next Ping and answers it."""
        action = await self._next()
        assert action["Action"] == "Ping", action["Action"]
        self._pong(action)

    async def _next(self) -> Received:
        frame = await self._reader.readuntil(b"\r\n\r\n")
        action = dict(line.split(": ", 1) for line in frame.decode().split("\r\n") if line)
        async with self._came:
            self.received.append(action)
            self._came.notify_all()
        return action

    async def pinged(self, times: int) -> None:
        """Returns when `times` more pings have come."""
        seen = len(self.received)
        async with self._came, asyncio.timeout(30):
            await self._came.wait_for(
                lambda: sum(action["Action"] == "Ping" for action in self.received[seen:]) >= times
            )

    def _pong(self, ping: Received) -> None:
        stamp = () if self.node_time is None else (f"Timestamp: {self.node_time}",)
        self.reply(ping, "Response: Success", "Ping: Pong", *stamp)

    async def accept(self, *, uptime: int | None = None) -> Received:
        """Greets and accepts the log-in; with `uptime`, says that it is fully booted."""
        self.raw(BANNER)
        login = await self.action()
        self.reply(login, "Response: Success", "Message: Authentication accepted")
        if uptime is not None:
            self.say("Event: FullyBooted", f"Uptime: {uptime}")
        return login

    async def stay(self) -> None:
        """Accepts whatever comes until the other side closes."""
        while True:
            action = await self.action()
            if action["Action"] == "Logoff":
                self.reply(action, "Response: Goodbye")
            else:
                self.reply(action, "Response: Success")

    def close(self) -> None:
        """Ends the connection."""
        self._writer.transport.abort()


Script = Callable[[Talk], Awaitable[None]]


class ScriptedPeer:
    """`async with ScriptedPeer(script) as peer`: listens on loopback, on a port of the system's choice."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._server: asyncio.Server | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._came = asyncio.Condition()
        self.talks: list[Talk] = []
        self.failures: list[BaseException] = []

    @property
    def port(self) -> int:
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def actions(self) -> list[str]:
        """The names of everything received on all connections, pings left out."""
        return [a["Action"] for talk in self.talks for a in talk.received if a["Action"] != "Ping"]

    async def connections(self, count: int) -> None:
        """Returns when there have been `count` connections."""
        async with self._came, asyncio.timeout(30):
            await self._came.wait_for(lambda: len(self.talks) >= count)

    async def answered(self, name: str, times: int) -> None:
        """Returns when an action of that name has come `times` times, on whatever connection."""
        async with self._came, asyncio.timeout(30):
            await self._came.wait_for(lambda: self.actions().count(name) >= times)

    async def __aenter__(self) -> ScriptedPeer:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._server.wait_closed()
        if error is None and self.failures:
            raise self.failures[0]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        talk = Talk(len(self.talks) + 1, reader, writer, self._came)
        async with self._came:
            self.talks.append(talk)
            self._came.notify_all()
        try:
            with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
                await self._script(talk)
        except asyncio.CancelledError:
            pass  # the test is over
        except BaseException as failure:  # noqa: BLE001  # raised again where the test ends
            self.failures.append(failure)
        finally:
            self._running.discard(task)
            talk.close()
