"""Who sits at which telephone in a page, and in which tab, over HTTP. An echo is in Asterisk's place."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, web
from aiohttp.test_utils import TestServer
from msgspec import structs

from core.clock import Duration, Instant, system_clock
from core.facts import AgentState, AgentStateChanged
from core.names import DeviceName, StaffId
from directory.lookup import Directory
from directory.model import DeviceKind
from directory.seed import DEMO, load
from telephony import agents as a
from telephony import page_api
from telephony.agents import Agent
from telephony.calls import Call, Leg
from telephony.page_phones import GRACE
from telephony.seat_address import seat_address
from tests.integration.hotline.test_readiness import until
from tests.integration.telephony.ami.quiet_node import node_settings, quiet_node
from tests.integration.ticketing.conftest import running
from tests.integration.web.program import SECRET, Program, running_program
from tests.unit.telephony.story import CALL, CUSTOMER, leg

FIRST, SECOND = "first-tab", "second-tab"
DIRECTORY = load(DEMO)
OF_PAGES = [name for name, device in DIRECTORY.devices.items() if device.kind is DeviceKind.WEB]


@dataclass
class Desks:
    """The program, and the browser of whoever signed in last. `ahead`: of the time that it really is.
    `sources`: from where lines have come to the node.
    """

    folder: Path
    nodes: list[dict[str, Any]]
    sources: list[str | None]
    directory: Directory = DIRECTORY
    ahead: Duration = 0
    _program: list[Program] = field(default_factory=list)

    @property
    def program(self) -> Program:
        return self._program[-1]

    @asynccontextmanager
    async def served(self) -> AsyncIterator[Desks]:
        """By a program of its own on the same data, as after a start."""
        async with running_program(
            self.directory, self.folder, clock=self.clock, nodes=self.nodes
        ) as program:
            self._program.append(program)
            yield self

    def clock(self) -> Instant:
        return system_clock() + self.ahead

    def agent(self, staff: str = "1001") -> Agent:
        return self.program.hotline.telephony.switchboard.agent(staff)

    def look(self) -> Agent:
        """Seats are looked for whose pages are gone; 1001 as he is then."""
        self.program.hotline.phones.give_seats_back()
        return self.agent()

    async def is_left(self, tab: str) -> None:
        """Returns once the program knows that the line of another tab has ended, and `tab` has the seat."""
        async with asyncio.timeout(30):
            while (await self.sit(tab))[0] != 200:  # noqa: ASYNC110 - it is told to nobody
                await asyncio.sleep(0.02)

    async def sign_out(self) -> None:
        headers = {"X-CSRF-Token": self.program.csrf}
        async with self.program.client.delete(self.program.url / "api/session", headers=headers) as response:
            assert response.status == 204

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


@asynccontextmanager
async def desks_on(folder: Path, ami_port: int, directory: Directory = DIRECTORY) -> AsyncIterator[Desks]:
    sources: list[str | None] = []

    async def echo(request: web.Request) -> web.StreamResponse:
        sources.append(request.remote)
        socket = web.WebSocketResponse(protocols=("sip",))
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data)
        return socket

    node = web.Application()
    node.router.add_get("/ws", echo)
    async with TestServer(node) as there:
        nodes = [node_settings("node1", ami_port, folder) | {"page_port": there.port}]
        async with Desks(folder, nodes, sources, directory).served() as desks:
            yield desks


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page_api, "_EVERY_S", 0.05)


@pytest.fixture
async def desks(tmp_path: Path) -> AsyncIterator[Desks]:
    async with desks_on(tmp_path, 9) as desks:
        yield desks


async def speaks(line: ClientWebSocketResponse) -> bool:
    """Whether what is said on it arrives."""
    await line.send_str("REGISTER")
    return await line.receive_str(timeout=30) == "REGISTER"


async def ended(line: ClientWebSocketResponse) -> int:
    async with asyncio.timeout(30):  # what `receive` is given begins anew with each ping
        message = await line.receive()
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
        await desks.sign_out()
        assert await ended(line) == 4001


async def test_who_serves_no_queue_takes_no_seat_anywhere(tmp_path: Path) -> None:
    number = StaffId("1001")
    idle = {**DIRECTORY.staff, number: replace(DIRECTORY.staff[number], skills={}, languages={})}
    async with desks_on(tmp_path, 9, replace(DIRECTORY, staff=idle)) as desks:
        await desks.program.sign_in(number)
        for path, body in (("phone", {"tab": FIRST}), ("login", {"device": "d001"})):
            url, headers = desks.program.url / "api/agent" / path, {"X-CSRF-Token": desks.program.csrf}
            async with desks.program.client.post(url, json=body, headers=headers) as response:
                told = await response.json(content_type=None)
            assert (response.status, "1001 serves no queue" in str(told)) == (422, True), told


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


async def test_who_is_signed_out_in_a_talk_leaves_the_customer_to_others(tmp_path: Path) -> None:
    """At once, as one whose telephone fell silent."""
    async with quiet_node() as node, desks_on(tmp_path, node.port) as desks:
        telephony = desks.program.hotline.telephony
        await telephony.start()
        async with running(telephony.run()):
            try:
                await until(desks.program, lambda checks: checks["node node1"] == "ok")
                await desks.program.sign_in("1001")
                await desks.sit()
                async with desks.line() as line:
                    assert await speaks(line)
                    _talks(desks, "PJSIP/d037-00000002")
                    await desks.sign_out()
                    assert await ended(line) == 4001
                    await node.answered("Hangup", 1)
            finally:
                await telephony.stop()
        told = [action for talk in node.talks for action in talk.received if action["Action"] == "Hangup"]
    assert [(action["Channel"], action["Cause"]) for action in told] == [("PJSIP/d037-00000002", "44")]


def _talks(desks: Desks, channel: str) -> None:
    """1001 has a customer, who came as the real ones do but for the telling."""
    board, now = desks.program.hotline.telephony.switchboard, desks.clock()
    seat = desks.agent().device
    mine = Leg(leg(2), "1001", seat, "card-cmn", channel, offered_at=now, answered_at=now)
    board.remember_call(Call(CALL, "node1", CUSTOMER, "PJSIP/trunk-00000001", now, legs=(mine,)))
    talking = {"state": AgentState.TALKING, "call": CALL, "leg": leg(2), "node": "node1"}
    board.remember_agent(structs.replace(desks.agent(), **talking))


async def test_each_page_speaks_from_the_address_of_its_own_seat(desks: Desks) -> None:
    for staff in ("1001", "1002"):
        await desks.program.sign_in(staff)
        await desks.sit()
        async with desks.line() as line:
            assert await speaks(line)
    assert desks.sources == [seat_address(device) for device in OF_PAGES[:2]]


async def test_who_gets_a_seat_is_alone_there_from_then_on(
    desks: Desks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line of whoever had it before is not left to its next check."""
    monkeypatch.setattr(page_api, "_EVERY_S", 600)
    await desks.program.sign_in("1001")
    await desks.sit()
    async with desks.line() as line:
        assert await speaks(line)
        desks.wish("1001", a.LogOut)
        await desks.program.sign_in("1002")
        assert (await desks.sit())[1]["device"] == OF_PAGES[0]
        assert await ended(line) == 4010


async def test_a_line_does_not_follow_its_agent_to_another_seat(desks: Desks) -> None:
    await desks.program.sign_in("1001")
    await desks.sit()
    async with desks.line() as line:
        assert await speaks(line)
        desks.wish("1001", a.LogOut)
        desks.wish("1001", lambda at: a.LogIn(at, OF_PAGES[1]))
        assert await ended(line) == 4010
    async with desks.line() as line:
        assert await speaks(line)
    assert desks.sources[-1] == seat_address(OF_PAGES[1])


async def test_a_seat_is_given_back_when_its_page_has_been_away_for_long(desks: Desks) -> None:
    told: list[AgentStateChanged] = []
    desks.program.hotline.ledger.listen(
        lambda batch: told.extend(x.fact for x in batch if isinstance(x.fact, AgentStateChanged))
    )
    await desks.program.sign_in("1001")
    await desks.sit()
    async with desks.line() as line:
        assert await speaks(line)
        desks.ahead += 2 * GRACE
        assert desks.look().device == OF_PAGES[0], "its page is there"
    await desks.is_left(SECOND)
    desks.ahead += GRACE // 2
    assert desks.look().device == OF_PAGES[0], "it may come back"
    desks.ahead += GRACE
    assert desks.look().state is AgentState.LOGGED_OUT
    assert (told[-1].agent, told[-1].reason, told[-1].device) == ("1001", "page_gone", OF_PAGES[0])
    async with desks.line(SECOND) as late:
        assert await ended(late) == 4010
    await desks.program.sign_in("1002")
    assert (await desks.sit())[1]["device"] == OF_PAGES[0]


@pytest.mark.parametrize("state", [AgentState.TALKING, AgentState.WRAP_UP, AgentState.CONSULTING])
async def test_who_has_a_call_on_hand_keeps_the_seat(desks: Desks, state: AgentState) -> None:
    """The sound goes on without a line."""
    await desks.program.sign_in("1001")
    await desks.sit()
    board = desks.program.hotline.telephony.switchboard
    board.remember_agent(structs.replace(desks.agent(), state=state))
    desks.ahead += 2 * GRACE
    assert desks.look().device == OF_PAGES[0]


async def test_a_telephone_on_a_desk_is_nobodys_page(desks: Desks) -> None:
    desks.wish("1001", lambda at: a.LogIn(at, DeviceName("d001")))
    desks.ahead += 2 * GRACE
    assert desks.look().device == "d001"


async def test_a_page_has_as_long_to_come_back_after_a_start_of_ours(tmp_path: Path) -> None:
    """Who sat where is read back, and so is who does no more."""
    async with desks_on(tmp_path, 9) as desks:
        await desks.program.sign_in("1001")
        await desks.sit()
    desks.ahead += 2 * GRACE
    async with desks.served():
        await desks.program.hotline.telephony.start()
        assert desks.look().device == OF_PAGES[0]
        desks.ahead += GRACE
        assert desks.look().state is AgentState.LOGGED_OUT
    async with desks.served():
        await desks.program.hotline.telephony.start()
        assert (desks.agent().state, desks.agent().device) == (AgentState.LOGGED_OUT, "")
