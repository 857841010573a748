"""A WebSocket of a page, joined to one of a program beside us: text goes both ways until one side ends.

The page never learns where the other is, and the other sees nobody but us, at an address that says for whom
we speak. Frames are bounded, one is under way at a time in each direction (who reads slowly slows the sender
down), and nothing of them is looked at or logged.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    ClientWebSocketResponse,
    ClientWSTimeout,
    TCPConnector,
    WSCloseCode,
    WSMsgType,
    web,
)

from core.errors import BadInput

_log = structlog.get_logger("web.tunnel")
_PING_S = 15.0
_PATIENCE_S = 2.0
_CONNECT_S = 5.0
LONGEST = 32 * 1024
"""Bytes of one frame: an offer of sound in a page has some four thousand."""
_GONE = frozenset({int(WSCloseCode.GOING_AWAY)})
"""What a browser closes with whose page is left, loaded anew or closed (RFC 6455, 7.4.1)."""
_WORDS = (WSMsgType.TEXT, WSMsgType.BINARY)


@dataclass(frozen=True, slots=True)
class Ended:
    """`left`: the page is gone, by its browser's own word; a network that breaks says nothing. `code`: with
    which we have ended it; 0: we have not.
    """

    left: bool
    code: int = 0


class Tunnel:
    """One of them. `end` may be called at any time, before it runs as well."""

    def __init__(self, protocol: str) -> None:
        self._protocol = protocol
        self._over: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def end(self, code: int) -> None:
        """Close both sides; the page is told `code`. Once it has ended nothing happens."""
        if not self._over.done():
            self._over.set_result(code)

    async def run(
        self,
        request: web.Request,
        url: str,
        *,
        source: str,
        every_s: float,
        check: Callable[[], Awaitable[int]],
    ) -> tuple[web.WebSocketResponse, Ended]:
        """Serve the page that asks. `source`: the address of ours from which we speak to `url`. `check`:
        asked every `every_s` seconds; a code other than 0 ends it.

        `BadInput` if no WebSocket is asked for. If nobody is at `url`, the page is told 1013: try again.
        """
        page = web.WebSocketResponse(
            protocols=(self._protocol,),
            heartbeat=_PING_S,
            compress=False,
            max_msg_size=LONGEST,
            timeout=_PATIENCE_S,
        )
        if not page.can_prepare(request).ok:
            raise BadInput("header Upgrade", "this address speaks WebSocket only")
        await page.prepare(request)
        code = await check() or await self._reach(page, url, source, every_s, check)
        if code:
            await page.close(code=code)
        return page, Ended(left=not code and page.close_code in _GONE, code=code)

    async def _reach(
        self,
        page: web.WebSocketResponse,
        url: str,
        source: str,
        every_s: float,
        check: Callable[[], Awaitable[int]],
    ) -> int:
        """As `_joined`, to whoever is at `url`."""
        timeout = ClientTimeout(total=None, sock_connect=_CONNECT_S)
        closing = ClientWSTimeout(ws_close=_PATIENCE_S)
        protocols = (self._protocol,)
        try:
            async with (
                ClientSession(timeout=timeout, connector=TCPConnector(local_addr=(source, 0))) as client,
                client.ws_connect(url, protocols=protocols, timeout=closing, max_msg_size=LONGEST) as there,
            ):
                return await self._joined(page, there, every_s, check)
        except (ClientError, OSError, TimeoutError) as error:
            _log.warning("web.tunnel_leads_nowhere", problem=str(error) or type(error).__name__)
            return int(WSCloseCode.TRY_AGAIN_LATER)

    async def _joined(
        self,
        page: web.WebSocketResponse,
        there: ClientWebSocketResponse,
        every_s: float,
        check: Callable[[], Awaitable[int]],
    ) -> int:
        """The code to close the page with; 0 if the page has ended it."""
        out = asyncio.create_task(_carry(page, there))
        back = asyncio.create_task(_carry(there, page))
        try:
            while True:
                ends: tuple[asyncio.Future[Any], ...] = (out, back, self._over)
                await asyncio.wait(ends, timeout=every_s, return_when=asyncio.FIRST_COMPLETED)
                if out.done():
                    return 0
                if self._over.done():
                    return self._over.result()
                if back.done():
                    return int(WSCloseCode.TRY_AGAIN_LATER)
                if code := await check():
                    return code
        finally:
            for task in (out, back):
                task.cancel()
            await asyncio.gather(out, back, return_exceptions=True)


async def _carry(
    source: web.WebSocketResponse | ClientWebSocketResponse,
    sink: web.WebSocketResponse | ClientWebSocketResponse,
) -> None:
    """Until `source` ends; what is not text ends it, too."""
    async for message in source:
        if message.type not in _WORDS:
            return
        await sink.send_str(message.data if message.type is WSMsgType.TEXT else message.data.decode())
