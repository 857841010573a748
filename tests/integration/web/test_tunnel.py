"""A page's WebSocket joined to one beside us: what passes, what does not, how each side learns of the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientWebSocketResponse, WSCloseCode, WSMsgType, web
from aiohttp.test_utils import TestServer

from tests.integration.web.site import Site, running_site
from web.route import ApiRequest, Route
from web.tunnel import LONGEST, Ended, Tunnel

SOURCE = "127.0.0.9"


@dataclass
class Passage:
    """A server beside us that says everything back, and the tunnel to it. `code`: what its check answers."""

    site: Site
    there: TestServer
    url: str
    heard: list[str] = field(default_factory=list)
    sources: list[str | None] = field(default_factory=list)
    tunnels: list[Tunnel] = field(default_factory=list)
    ends: asyncio.Queue[Ended] = field(default_factory=asyncio.Queue)
    code: int = 0

    async def page(self) -> ClientWebSocketResponse:
        return await self.site.client.ws_connect(f"{self.site.url}api/line", protocols=("sip",))

    async def ended(self) -> Ended:
        return await asyncio.wait_for(self.ends.get(), 30)


@pytest.fixture
async def passage(tmp_path: Path) -> AsyncIterator[Passage]:
    found: list[Passage] = []

    async def echo(request: web.Request) -> web.StreamResponse:
        found[0].sources.append(request.remote)
        socket = web.WebSocketResponse(protocols=("sip",))
        await socket.prepare(request)
        async for message in socket:
            found[0].heard.append(message.data)
            await socket.send_str(message.data)
        return socket

    async def check() -> int:
        return found[0].code

    async def line(request: ApiRequest) -> web.StreamResponse:
        tunnel = Tunnel("sip")
        found[0].tunnels.append(tunnel)
        socket, ended = await tunnel.run(request.raw, found[0].url, source=SOURCE, every_s=0.05, check=check)
        found[0].ends.put_nowait(ended)
        return socket

    beside = web.Application()
    beside.router.add_get("/ws", echo)
    route = Route(method="GET", path="/api/line", handler=line, right="", status=101, summary="", tag="")
    async with TestServer(beside) as there, running_site([route], tmp_path) as site:
        found.append(Passage(site, there, str(there.make_url("/ws"))))
        await site.sign_in("1001")
        yield found[0]


async def test_what_the_page_says_comes_back_from_beside_us(passage: Passage) -> None:
    page = await passage.page()
    assert page.protocol == "sip"
    await page.send_str("REGISTER")
    assert await page.receive_str(timeout=30) == "REGISTER"
    await page.close()
    assert await passage.ended() == Ended(left=False)
    assert passage.sources == [SOURCE]


async def test_a_page_that_goes_is_told_from_a_network_that_breaks(passage: Passage) -> None:
    goes = await passage.page()
    await goes.close(code=WSCloseCode.GOING_AWAY)
    assert await passage.ended() == Ended(left=True)
    breaks = await passage.page()
    await breaks.send_str("REGISTER")
    await breaks.receive_str(timeout=30)
    transport = breaks._response.connection
    assert transport is not None
    assert transport.transport is not None
    transport.transport.abort()
    assert await passage.ended() == Ended(left=False)


async def test_a_frame_longer_than_any_of_a_telephones_ends_it(passage: Passage) -> None:
    page = await passage.page()
    await page.send_str("x" * (LONGEST + 1))
    message = await page.receive(timeout=30)
    assert (message.type, message.data) == (WSMsgType.CLOSE, WSCloseCode.MESSAGE_TOO_BIG)
    assert passage.heard == []


async def test_it_ends_by_order_and_when_its_check_says_so(passage: Passage) -> None:
    by_order = await passage.page()
    passage.tunnels[0].end(4009)
    assert (await by_order.receive(timeout=30)).data == 4009
    by_check = await passage.page()
    passage.code = 4001
    assert (await by_check.receive(timeout=30)).data == 4001
    refused = await passage.page()
    assert (await refused.receive(timeout=30)).data == 4001
    assert [(await passage.ended()).code for _ in range(3)] == [4009, 4001, 4001]


async def test_where_nobody_is_beside_us_the_page_may_try_again(passage: Passage) -> None:
    await passage.there.close()
    page = await passage.page()
    assert (await page.receive(timeout=30)).data == WSCloseCode.TRY_AGAIN_LATER
