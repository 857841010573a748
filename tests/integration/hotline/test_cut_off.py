"""A leader that alone does not reach the database any more, beside a standby that does.

Programs of their own on a real PostgreSQL, one of them by a line that the test cuts. Each has a node
(`quiet_node`) that keeps what it is told.
"""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from directory.credentials import issue
from directory.seed import DEMO, load
from tests.integration.hotline.test_standby import RENEW_S, TERM_S, WITHIN_S, House, Program
from tests.integration.hotline.test_standby import house as house  # noqa: PLC0414 - a fixture
from tests.integration.telephony.ami.quiet_node import node_settings, quiet_node
from tests.integration.telephony.ami.scripted_peer import ScriptedPeer
from tests.integration.web.site import CHEAP
from tests.support.line import Line

pytestmark = pytest.mark.postgresql
_COMMANDS = frozenset({"Setvar", "QueueAdd", "QueueRemove", "QueuePause", "Redirect", "Originate", "Hangup"})


@dataclass
class Service:
    """`hotline serve`, its node, and a browser in which an agent is signed in."""

    program: Program
    node: ScriptedPeer
    folder: Path
    client: aiohttp.ClientSession

    async def figure(self, name: str) -> float | None:
        """Of `/metrics`; None: there is none."""
        async with self.client.get("/metrics") as answer:
            found = re.search(rf"^{re.escape(name)} (\S+)$", await answer.text(), re.MULTILINE)
        return None if found is None else float(found[1])

    async def until(self, name: str, wanted: float) -> None:
        async with asyncio.timeout(WITHIN_S):
            while await self.figure(name) != wanted:  # noqa: ASYNC110 - a state, not an event
                await asyncio.sleep(0.02)

    async def refused(self, command: str) -> None:
        """Returns when a command of that kind has been refused."""
        name = f'hotline_commands_total{{command="{command}",node="node1",outcome="refused"}}'
        async with asyncio.timeout(WITHIN_S):
            while not await self.figure(name):  # noqa: ASYNC110 - a state, not an event
                await asyncio.sleep(0.02)

    def drop(self, account: str) -> None:
        """The node ends that account's session."""
        for talk in self.node.talks:
            if talk.received[:1] and talk.received[0].get("Username") == account:
                talk.close()

    async def ready(self) -> tuple[int, str]:
        """The status of `/ready`, and what it says of the lease."""
        async with self.client.get("/ready") as answer:
            return answer.status, str((await answer.json())["checks"]["lease"])

    async def sign_in(self, password: str) -> None:
        async with self.client.post("/api/session", json={"staff": "1001", "password": password}) as answer:
            assert answer.status == 200, await answer.text()
            self.client.headers["X-CSRF-Token"] = (await answer.json())["csrf_token"]

    async def logs_in(self) -> tuple[int, str]:
        """Status and sentence of the answer to an agent who wants to take calls."""
        async with self.client.post("/api/agent/login", json={"device": "d031"}) as answer:
            return answer.status, str((await answer.json()).get("detail", ""))

    def told(self) -> int:
        """Commands that its node has been given."""
        return sum(action in _COMMANDS for action in self.node.actions())

    def beat(self) -> int:
        """When it gave its last sign of life, ns."""
        return (self.folder / "heartbeat").stat().st_mtime_ns


class Floor:
    """A leader `a` by the line, a standby `b` by the server's own port."""

    def __init__(self, house: House, line: Line, stack: AsyncExitStack, folder: Path) -> None:
        self.line = line
        self._house, self._stack, self._folder = house, stack, folder
        self._passwords: dict[str, str] = {}

    async def serves(self, name: str) -> Service:
        """The program of that name, started."""
        settings = self._house.settings(name)
        node = await self._stack.enter_async_context(quiet_node())
        nodes = [node_settings(f"node{'ab'.index(name) + 1}", node.port, self._folder)]
        issued = issue(settings.credentials_file, load(DEMO), passwords=CHEAP)
        self._passwords[name] = issued.passwords["1001"]
        urls = (settings.database.main, settings.database.ledger)
        if name == "a":
            port = f":{self._house.databases.server.port}/"
            urls = tuple(url.replace(port, f":{self.line.port}/") for url in urls)
        given = {
            "DATA_DIR": str(settings.data_dir),
            "WEB__PORT": str(settings.web.port),
            "LEASE__TERM_S": str(TERM_S),
            "LEASE__RENEW_S": str(RENEW_S),
            "DATABASE__MAIN": urls[0],
            "DATABASE__LEDGER": urls[1],
            "SESSION__CHANGE_INITIAL": "false",
            "NODES": json.dumps(nodes, default=str),
            "LOG__FORM": "json",
        }
        environment = {f"HOTLINE_{key}": value for key, value in given.items()}
        program = await self._house.begin("-m", "hotline", "serve", environment=environment)
        address = f"http://127.0.0.1:{settings.web.port}"
        client = aiohttp.ClientSession(
            address,
            headers={"Origin": address},
            cookie_jar=aiohttp.CookieJar(unsafe=True),
            timeout=aiohttp.ClientTimeout(WITHIN_S),
        )
        await self._stack.enter_async_context(client)
        return Service(program, node, nodes[0]["directory"], client)

    async def leader_and_standby(self) -> tuple[Service, Service]:
        """Both run; an agent is signed in at the leader, and the leader knows that somebody stands by."""
        leader = await self.serves("a")
        await leader.program.says("hotline serves")
        await leader.node.answered("Setvar", 1)
        await leader.sign_in(self._passwords["a"])
        standby = await self.serves("b")
        await standby.program.says("stands by")
        await leader.until("hotline_lease_stood_by", 1)
        return leader, standby


@pytest.fixture
async def floor(house: House, tmp_path: Path) -> AsyncIterator[Floor]:
    async with AsyncExitStack() as stack:
        line = await stack.enter_async_context(Line(house.databases.server.port))
        yield Floor(house, line, stack, tmp_path)


async def test_cut_off_alone_it_leaves_the_telephones_to_whoever_takes_over(floor: Floor) -> None:
    """From a full term on, and before the other one leads; it goes on hearing and keeps what it hears."""
    old, new = await floor.leader_and_standby()
    assert (await old.ready())[1] == "ok"
    assert (await old.logs_in())[0] == 200
    floor.line.cut()
    await new.program.says("hotline serves")
    assert await old.figure("hotline_lease_cut_off") == 1, "both told the nodes something at the same time"
    await new.node.answered("Setvar", 1)
    last, told = old.beat(), old.told()
    status, word = await old.ready()
    assert (status, "another program stood by: it may lead by now" in word) == (503, True), word
    assert (await old.logs_in())[0] == 409
    old.drop("commands")  # it looks at the node again, and finds that the agent is in no queue there
    await old.refused("AddMember")
    await old.until('hotline_alarms{alarm="database_down"}', 2)  # ledger and lease: the board's banner
    beat = new.beat()
    async with asyncio.timeout(WITHIN_S):
        while new.beat() == beat:  # noqa: ASYNC110 - a file, not an event
            await asyncio.sleep(0.02)
    assert (old.beat(), old.told()) == (last, told)
    assert await new.figure("hotline_lease_fence") == 2
    await floor.line.mend()
    assert await old.program.ends() == 2
    assert old.told() == told


async def test_where_nobody_has_taken_over_it_looks_at_the_nodes_and_goes_on(floor: Floor) -> None:
    leader, standby = await floor.leader_and_standby()
    standby.program.sent(signal.SIGSTOP)
    floor.line.cut()
    await leader.until("hotline_lease_cut_off", 1)
    silent, told, looks = leader.beat(), leader.told(), leader.node.actions().count("QueueStatus")
    assert (await leader.logs_in())[0] == 409
    await floor.line.mend()
    await leader.until("hotline_lease_cut_off", 0)
    await leader.node.answered("QueueStatus", looks + 1)
    await leader.node.answered("Setvar", leader.node.actions().count("Setvar") + 1)
    assert leader.told() > told
    assert leader.beat() > silent
    assert (await leader.ready())[1] == "ok"
    assert (await leader.logs_in())[0] == 200
    assert await leader.figure("hotline_lease_fence") == 1
