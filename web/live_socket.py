"""/api/live: the hub over a WebSocket.

    /api/live?topic=board&after=1732237000123&topic=agent:1001&after=0

`after` stands once for each topic, in their order, or not at all; 0 means nothing is known yet. Closing
codes: 4001 the session has ended, 4003 the right was taken away, 4008 read too slowly (when it can still be
heard), 1013 nobody can be asked for the data just now, 1001 the service stops. An open connection counts as a
sign of life of its session.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

import structlog
from aiohttp import WSCloseCode, web
from pydantic import Field

from core.errors import BadInput
from storage import StorageError
from web.endpoint import Gate
from web.errors import Forbidden
from web.live_reader import Reader, Wish
from web.live_topics import LiveTopics
from web.route import ApiRequest, In, Route

_CODES = {
    "session": 4001,
    "rights": 4003,
    "slow": 4008,
    "away": int(WSCloseCode.TRY_AGAIN_LATER),
    "shutdown": int(WSCloseCode.GOING_AWAY),
}
_PING_S = 15.0
_PATIENCE_S = 2.0
_log = structlog.get_logger("web.live")
_MOST_TOPICS = 20


class LiveQuery(In):
    """Topics, and the last number seen of each."""

    topic: list[str] = Field(min_length=1, max_length=_MOST_TOPICS)
    after: list[int] = Field(default_factory=list, max_length=_MOST_TOPICS)

    def wishes(self) -> list[Wish]:
        """Topics with their numbers; `BadInput` if they do not pair up."""
        if len(set(self.topic)) != len(self.topic):
            raise BadInput("query.topic", "names a topic twice")
        if self.after and len(self.after) != len(self.topic):
            raise BadInput("query.after", "write it once for each topic, in the same order, or not at all")
        numbers: Sequence[int | None] = self.after or [None] * len(self.topic)
        return [Wish(topic, after or None) for topic, after in zip(self.topic, numbers, strict=True)]


class LiveSocket:
    """Serves the hub. `beat_s`: how often readers hear where their topics stand, and sessions are checked."""

    def __init__(self, hub: LiveTopics, gate: Gate, *, beat_s: float = 5.0) -> None:
        self._hub = hub
        self._gate = gate
        self._beat_s = beat_s
        self._open: dict[Reader, tuple[str, Sequence[Wish]]] = {}

    def route(self) -> Route:
        """The one route. Rights are those of each topic."""
        return Route(
            method="GET",
            path="/api/live",
            handler=self._serve,
            right="",
            query=LiveQuery,
            status=101,
            summary="Live topics over a WebSocket: a snapshot, then numbered changes",
            tag="live",
        )

    async def running(self, _app: web.Application) -> AsyncIterator[None]:
        """For `cleanup_ctx`: beats while the server runs."""
        task = asyncio.create_task(self._beat())
        yield
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    async def _serve(self, request: ApiRequest) -> web.StreamResponse:
        wishes = request.query.wishes()
        for wish in wishes:
            self._hub.check(request.person, wish.topic)
        socket = web.WebSocketResponse(
            heartbeat=_PING_S, compress=False, max_msg_size=1024, timeout=_PATIENCE_S
        )
        if not socket.can_prepare(request.raw).ok:
            raise BadInput("header Upgrade", "this address speaks WebSocket only")
        await socket.prepare(request.raw)
        reader = self._hub.open(request.person, request.session_id, wishes)
        self._open[reader] = (request.raw.cookies[self._gate.cookie], wishes)
        sender = asyncio.create_task(_send(socket, reader))
        closer = asyncio.create_task(_close_when_over(socket, reader, sender, request.raw.transport))
        try:
            async for _message in socket:  # nothing is expected; reading notices pongs and the end
                pass
        finally:
            del self._open[reader]
            self._hub.close(reader)
            reader.end("gone")
            await asyncio.gather(sender, closer)
        return socket

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._beat_s)
            for reader, (token, wishes) in tuple(self._open.items()):
                await self._check(reader, token, wishes)
            self._hub.beat()

    async def _check(self, reader: Reader, token: str, wishes: Sequence[Wish]) -> None:
        """End the reader if its session has ended or its person lost a right."""
        try:
            found = await self._gate.sessions.find(token)
        except StorageError as error:
            _log.warning("session of a live reader not checked", staff=reader.person.staff, error=str(error))
            return
        if found is None:
            reader.end("session")
            return
        try:
            for wish in wishes:
                self._hub.check(found[1], wish.topic)
        except Forbidden:
            reader.end("rights")


async def _send(socket: web.WebSocketResponse, reader: Reader) -> None:
    with contextlib.suppress(ConnectionError):  # the reading side notices the end
        while frames := await reader.take():
            for frame in frames:
                await socket.send_str(frame)


async def _close_when_over(
    socket: web.WebSocketResponse,
    reader: Reader,
    sender: asyncio.Task[None],
    transport: asyncio.Transport | None,
) -> None:
    """Say goodbye if the other side can still hear it; a reader that does not read is cut off."""
    await reader.over.wait()
    patience = 0.0 if reader.ended == "slow" else _PATIENCE_S
    done, _ = await asyncio.wait({sender}, timeout=patience)
    if done:
        await socket.close(code=_CODES.get(reader.ended, WSCloseCode.OK), message=reader.ended.encode())
    elif transport is not None:
        transport.abort()
