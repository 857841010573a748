"""Who sits at which telephone in a page, and in which tab, over HTTP. An echo is in Asterisk's place."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestServer

from core.names import DeviceName
from directory.model import DeviceKind
from directory.seed import DEMO, load
from telephony import agents as a
from telephony import page_api
from tests.integration.telephony.ami.quiet_node import node_settings
from tests.integration.web.program import SECRET, Program, running_program

FIRST, SECOND = "first-tab", "second-tab"
DIRECTORY = load(DEMO)
OF_PAGES = [name for name, device in DIRECTORY.devices.items() if device.kind is DeviceKind.WEB]


@dataclass
class Desks:
    """The program, and the browser of whoever signed in last."""

    program: Program

    async def sit(self, tab: str = FIRST, *, take: bool = False) -> tuple[int, dict[str, Any]]:
        """Status and body of the answer."""
        body, headers = {"tab": tab, "take": take}, {"X-CSRF-Token": self.program.csrf}
        url = self.program.url / "api/agent/phone"
        async with self.program.client.post(url, json=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)

    @asynccontextmanager
    async def line(self, tab: str = FIRST) -> AsyncIterator[ClientWebSocketResponse]:
        url = self.program.url / "api/agent/phone/line"
        query = {"node": "node1", "tab": tab}
        async with self.program.client.ws_connect(url, params=query, protocols=("sip",)) as socket:
            yield socket

    def wish(self, staff: str, wish: Any) -> None:
        self.program.hotline.telephony.wish(staff, wish)


@pytest.fixture
async def desks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desks]:
    async def echo(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(protocols=("sip",))
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    monkeypatch.setattr(page_api, "_EVERY_S", 0.05)
    node = web.Application()
    node.router.add_get("/ws", echo)
    async with TestServer(node) as there:
        nodes = [node_settings("node1", 9, tmp_path) | {"page_port": there.port}]
        async with running_program(DIRECTORY, tmp_path, nodes=nodes) as program:
            yield Desks(program)


async def speaks(line: ClientWebSocketResponse) -> bool:
    """Whether what is said on it arrives."""
    await line.send_str("REGISTER")
    return await line.receive_str(timeout=30) == "REGISTER"


async def ended(line: ClientWebSocketResponse) -> int:
    message = await line.receive(timeout=30)
    assert message.type is WSMsgType.CLOSE, message
    return int(message.data)


async def test_each_agent_gets_a_telephone_of_his_own_and_keeps_it(desks: Desks) -> None:
    await desks.program.sign_in("1001")
    status, seat = await desks.sit()
    assert (status, seat["device"], seat["nodes"]) == (200, OF_PAGES[0], ["node1"])
    assert seat["secret"] == SECRET
    assert (await desks.sit())[1] == seat
    async with desks.line() as line:
        assert await speaks(line)
    for staff, device in zip(("1002", "1003", "1004"), OF_PAGES[1:], strict=True):
        await desks.program.sign_in(staff)
        assert (await desks.sit())[1]["device"] == device
    await desks.program.sign_in("1005")
    status, refused = await desks.sit()
    assert (status, "every telephone for pages is taken" in refused["detail"]) == (409, True)


async def test_a_second_tab_may_have_it_if_it_says_so(desks: Desks) -> None:
    await desks.program.sign_in("1001")
    await desks.sit()
    async with desks.line() as first:
        assert await speaks(first)
        status, refused = await desks.sit(SECOND)
        assert (status, refused["type"]) == (409, "/problems/elsewhere")
        async with desks.line(SECOND) as second:
            assert await ended(second) == 4009
        assert await speaks(first)
        status, seat = await desks.sit(SECOND, take=True)
        assert (status, seat["device"]) == (200, OF_PAGES[0])
        assert await ended(first) == 4009
        async with desks.line(SECOND) as second:
            assert await speaks(second)


async def test_a_line_ends_with_the_seat_and_with_the_session(desks: Desks) -> None:
    await desks.program.sign_in("1001")
    async with desks.line() as nowhere:
        assert await ended(nowhere) == 4010
    await desks.sit()
    async with desks.line() as line:
        assert await speaks(line)
        desks.wish("1001", a.LogOut)
        assert await ended(line) == 4010
    await desks.sit()
    async with desks.line() as line:
        assert await speaks(line)
        headers = {"X-CSRF-Token": desks.program.csrf}
        async with desks.program.client.delete(
            desks.program.url / "api/session", headers=headers
        ) as response:
            assert response.status == 204
        assert await ended(line) == 4001


async def test_who_sits_at_a_desk_is_not_moved_to_the_page(desks: Desks) -> None:
    await desks.program.sign_in("1001")
    desks.wish("1001", lambda at: a.LogIn(at, DeviceName("d001")))
    status, refused = await desks.sit()
    assert (status, "logged in at d001" in refused["detail"]) == (409, True)
    async with desks.line() as line:
        assert await ended(line) == 4010


async def test_the_tab_that_comes_back_after_our_start_has_the_telephone(desks: Desks) -> None:
    """Who sat where is in the ledger; in which tab is not."""
    await desks.program.sign_in("1001")
    desks.wish("1001", lambda at: a.LogIn(at, OF_PAGES[0]))
    async with desks.line() as first:
        assert await speaks(first)
        async with desks.line(SECOND) as second:
            assert await ended(second) == 4009
        assert await speaks(first)
