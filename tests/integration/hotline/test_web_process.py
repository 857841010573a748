"""Web processes beside the whole service, on a real PostgreSQL and Redis: one is as good as the other."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from msgspec.structs import replace

from core.clock import HOUR, system_clock
from core.errors import BadInput
from core.facts import DeviceContactChanged
from directory.changes import Line
from directory.credentials import Credentials, Login, issue
from directory.seed import DEMO, load
from hotline.assembly import assemble
from hotline.commands.check import findings
from hotline.findings import Weight
from hotline.running import Hotline, Running
from hotline.settings import DatabaseSettings, RedisSettings, Settings, WebSettings
from hotline.settings_sign_in import SessionSettings
from hotline.web_process import WebRunning, assemble_web, check_settings
from tests.integration.web.site import CHEAP, PASSWORD
from tests.support.databases import ServerDatabases
from tests.support.floor import Person
from tests.support.ports import own
from tests.support.redis import RedisServer
from web.app import LIVE
from web.oidc.model import ENDED

pytestmark = pytest.mark.postgresql
ROOT = Path(__file__).resolve().parents[3]
LEADER_PORT, WEB_PORTS = own().web, own().spare[:2]
AGENT, SHIFT_LEADER = "1001", "8001"
SESSION_ENDED = 4001
WITHIN_S = 30
NEVER_S = 3_600.0
"""Longer than a test takes: what is known nevertheless was told."""


@dataclass
class House:
    """The service, its web processes, and how to stop the service."""

    hotline: Hotline
    leader: AsyncExitStack
    settings: Settings
    credentials: Credentials


def settings_of(databases: ServerDatabases, redis: RedisServer, folder: Path, port: int) -> Settings:
    return Settings(
        data_dir=folder / "data",
        web=WebSettings(port=port, leader=f"http://127.0.0.1:{LEADER_PORT}"),
        database=DatabaseSettings(main=databases.url("main", None), ledger=databases.url("ledger", None)),
        redis=RedisSettings(url=redis.url, prefix="house"),
        session=SessionSettings(change_initial=False),
    )


@pytest.fixture
async def house(
    server_databases: ServerDatabases, redis_server: RedisServer, tmp_path: Path
) -> AsyncIterator[House]:
    directory = load(DEMO)
    kept = CHEAP.hash(PASSWORD)
    everyone = {str(number): Login(password=kept, pin_sha1="") for number in directory.staff}
    credentials = Credentials(pin_salt="", staff=everyone)
    settings = settings_of(server_databases, redis_server, tmp_path, LEADER_PORT)
    async with AsyncExitStack() as stack:
        leader = await stack.enter_async_context(AsyncExitStack())
        hotline = await assemble(settings, directory, credentials, clock=system_clock)
        await leader.enter_async_context(Running(hotline))
        for port in WEB_PORTS:
            own = settings_of(server_databases, redis_server, tmp_path, port)
            process = await assemble_web(own, directory, credentials, clock=system_clock)
            await stack.enter_async_context(WebRunning(process, look_s=NEVER_S))
            async with asyncio.timeout(WITHIN_S):
                while process.relay.problem:  # noqa: ASYNC110 - a state, not an event
                    await asyncio.sleep(0.01)
        yield House(hotline, leader, settings, credentials)


@asynccontextmanager
async def signed_in(staff: str, port: int) -> AsyncIterator[Person]:
    """Someone at that process."""
    address = f"http://127.0.0.1:{port}"
    jar = aiohttp.CookieJar(unsafe=True)
    async with aiohttp.ClientSession(address, headers={"Origin": address}, cookie_jar=jar) as client:
        async with client.post("/api/session", json={"staff": staff, "password": PASSWORD}) as response:
            answer = await response.json()
            assert response.status == 200, answer
        yield Person(client, staff, answer["csrf_token"])


async def heard(
    socket: aiohttp.ClientWebSocketResponse, found: Callable[[dict[str, Any]], bool]
) -> dict[str, Any]:
    """The first frame like that; those before it fit one another without a gap."""
    last: int | None = None
    async with asyncio.timeout(WITHIN_S):
        while True:
            frame: dict[str, Any] = await socket.receive_json()
            assert frame["kind"] != "change" or last is None or frame["seq"] == last + 1, "a gap"
            last = frame["seq"]
            if found(frame):
                return frame


def is_folded(number: int) -> Callable[[dict[str, Any]], bool]:
    return lambda frame: frame.get("data", {}).get("folded", 0) >= number


async def ready(port: int) -> tuple[int, dict[str, str]]:
    address = f"http://127.0.0.1:{port}/ready"
    async with aiohttp.ClientSession() as client, client.get(address) as response:
        return response.status, (await response.json())["checks"]


async def test_a_board_at_a_web_process_follows_the_ledger_and_outlives_its_redis(
    house: House, redis_server: RedisServer
) -> None:
    ledger = house.hotline.ledger
    seen = DeviceContactChanged(at=system_clock(), node="node1", device="d001", reachable=True)
    async with signed_in(SHIFT_LEADER, WEB_PORTS[0]) as one, one.watch("board") as board:
        snapshot = await heard(board, lambda frame: frame["kind"] == "snapshot")
        assert {"total", "queues", "agents", "names"} <= snapshot["data"].keys()
        await heard(board, is_folded(ledger.append([seen])))
        with redis_server.stopped():
            last = ledger.append([replace(seen, reachable=False)])
            async with asyncio.timeout(WITHIN_S):
                while (await ready(WEB_PORTS[0]))[1]["live feed"] == "ok":  # noqa: ASYNC110 - a state, not an event
                    await asyncio.sleep(0.05)
            assert (await ready(LEADER_PORT))[0] == 200, "calls go on"
        await heard(board, is_folded(last))
        assert await ready(WEB_PORTS[0]) == (200, dict.fromkeys(("database", "leader", "live feed"), "ok"))


async def test_what_is_asked_of_one_process_is_done_by_the_leader_and_seen_at_the_other(house: House) -> None:
    async with signed_in(AGENT, WEB_PORTS[0]) as agent, signed_in(SHIFT_LEADER, WEB_PORTS[1]) as leader:
        async with leader.watch(f"agent:{AGENT}") as screen:
            await heard(screen, lambda frame: frame["kind"] == "snapshot")
            told = await agent.post("/api/agent/login", device="d001")
            assert told["device"] == "d001"
            frame = await heard(screen, lambda frame: frame["kind"] == "change")
            assert (frame["data"]["agent"], frame["data"]["device"]) == (AGENT, "d001")
        assert (await leader.get("/api/agents"))["agents"][0]["device"] == "d001"
        assert (await leader.get("/api/openapi.json"))["paths"].keys() >= {"/api/board", "/api/session"}
        await agent.post("/api/agent/login", status=422, device="nowhere")
        await agent.post("/api/agents/1002/logout", status=403)
        assert await agent.refused_to_watch("board") == 403


async def test_a_change_of_another_site_or_without_its_token_is_refused_on_either_way(house: House) -> None:
    address = f"http://127.0.0.1:{WEB_PORTS[0]}"
    async with signed_in(AGENT, WEB_PORTS[0]) as agent:
        client = agent._client
        async with client.post("/api/agent/ready") as response:
            assert (response.status, (await response.json())["type"]) == (403, "/problems/untrusted")
        headers = agent._headers | {"Origin": "https://evil.example"}
        async with client.post("/api/agent/ready", headers=headers) as response:
            assert (response.status, (await response.json())["type"]) == (403, "/problems/untrusted")
    async with aiohttp.ClientSession(address) as nobody, nobody.get("/api/board") as response:
        assert (response.status, response.content_type) == (401, "application/problem+json")


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://127.0.0.1:1/api/board", 401),  # nobody is signed in at the leader, which is who was asked
        ("/api/../metrics", 404),
        ("/api/%2e%2e/metrics", 404),
        ("//127.0.0.1:1/api/board", 404),
    ],
)
async def test_a_request_goes_to_the_leader_or_nowhere(house: House, target: str, status: int) -> None:
    """And to nothing of the leader's that is for its own host."""
    reader, writer = await asyncio.open_connection("127.0.0.1", WEB_PORTS[0])
    writer.write(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(WITHIN_S):
        told = (await reader.read()).decode()
    writer.close()
    assert told.split()[1] == str(status)


async def test_without_a_leader_people_stay_signed_in_and_are_told_what_cannot_be_done(house: House) -> None:
    async with signed_in(AGENT, WEB_PORTS[0]) as agent:
        await house.leader.aclose()
        assert (await agent.get("/api/session"))["staff"] == AGENT
        for method in ("GET", "POST"):
            path = "/api/agent" if method == "GET" else "/api/agent/ready"
            async with agent._client.request(method, path, headers=agent._headers) as response:
                problem = await response.json()
                assert (response.status, problem["type"]) == (503, "/problems/leader-away")
                assert "try again" in problem["detail"]
                assert response.headers["Retry-After"] == "5"
        status, checks = await ready(WEB_PORTS[0])
        assert (status, checks["database"]) == (200, "ok")
        assert "does not answer" in checks["leader"]


async def test_a_change_whose_answer_is_lost_says_that_nobody_knows(house: House) -> None:
    """The leader takes the request and is gone before it answers."""
    taken = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        taken.set()
        writer.close()

    async with signed_in(AGENT, WEB_PORTS[0]) as agent:
        await house.leader.aclose()
        async with await asyncio.start_server(take, "127.0.0.1", LEADER_PORT):
            await agent.post("/api/agent/ready", status=504)
            assert taken.is_set()


async def test_both_kinds_of_process_let_the_same_people_watch_the_same_topics(house: House) -> None:
    web = WebSettings(port=WEB_PORTS[0], leader=f"http://127.0.0.1:{LEADER_PORT}")
    own = house.settings.model_copy(update={"web": web})
    process = await assemble_web(own, load(DEMO), house.credentials, clock=system_clock)
    here, there = process.app[LIVE], house.hotline.app[LIVE]
    await process.main.close()
    assert here.rights() == there.rights()
    assert {topic: here.is_family(topic) for topic in here.rights()} == {
        topic: there.is_family(topic) for topic in there.rights()
    }


async def suspend(house: House, staff: str) -> None:
    """Through the leader, as the administration does it."""
    book = house.hotline.directory
    body = (await book.entries()).entries["staff", staff]
    await book.change([Line("staff", staff, {**body, "active": False})], by="9001", reason="left")


async def session_status(person: Person) -> int:
    async with person._client.get("/api/session") as response:
        return response.status


async def closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """The code with which the other side ends it: as it was sent, the client's own is lost with the line."""
    async with asyncio.timeout(WITHIN_S):
        while (frame := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
            pass
    return frame.data if frame.type is aiohttp.WSMsgType.CLOSE else None


@pytest.mark.rule("SEC-21")
async def test_who_leaves_is_out_at_web_processes_as_soon_as_the_leader_says_so(house: House) -> None:
    async with signed_in(AGENT, WEB_PORTS[0]) as agent, signed_in(SHIFT_LEADER, WEB_PORTS[1]) as leader:
        async with agent.watch(f"agent:{AGENT}") as screen, leader.watch(f"agent:{AGENT}") as other:
            await heard(screen, lambda frame: frame["kind"] == "snapshot")
            await heard(other, lambda frame: frame["kind"] == "snapshot")
            await suspend(house, AGENT)
            assert await closed(screen) == SESSION_ENDED
            assert await session_status(agent) == 401
            assert not other.closed
        assert (await leader.get("/api/session"))["staff"] == SHIFT_LEADER


async def test_a_session_that_ends_at_the_leader_is_over_at_web_processes_at_once(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.sessions._BELIEVED", HOUR)  # nobody looks for himself meanwhile
    async with signed_in(AGENT, WEB_PORTS[0]) as agent, agent.watch(f"agent:{AGENT}") as screen:
        await heard(screen, lambda frame: frame["kind"] == "snapshot")
        headers = {**agent._headers, "Origin": f"http://127.0.0.1:{LEADER_PORT}"}
        url = f"http://127.0.0.1:{LEADER_PORT}/api/session"
        async with (
            aiohttp.ClientSession(cookie_jar=agent._client.cookie_jar) as client,
            client.delete(url, headers=headers) as response,
        ):
            assert response.status == 204
        assert await closed(screen) == SESSION_ENDED
        assert await session_status(agent) == 401


async def test_the_providers_word_is_handed_on_to_the_leader(house: House) -> None:
    url = f"http://127.0.0.1:{WEB_PORTS[0]}{ENDED}"
    async with aiohttp.ClientSession() as client, client.post(url, data={"logout_token": "x"}) as response:
        assert response.status == 401, "there is no provider in this house"
        assert (await response.json())["type"] == "/problems/unsigned"


@pytest.mark.rule("SEC-21")
async def test_without_redis_a_web_process_looks_for_itself(
    house: House, redis_server: RedisServer, tmp_path: Path
) -> None:
    web = WebSettings(port=WEB_PORTS[1] + 2, leader=f"http://127.0.0.1:{LEADER_PORT}")
    own = house.settings.model_copy(update={"web": web})
    process = await assemble_web(own, load(DEMO), house.credentials, clock=system_clock)
    known = asyncio.Event()
    process.directory.listen(lambda _before, _after: known.set())
    with redis_server.stopped():
        async with WebRunning(process, look_s=0.05), signed_in(AGENT, web.port) as agent:
            await suspend(house, AGENT)
            await asyncio.wait_for(known.wait(), WITHIN_S)
            assert await session_status(agent) == 401


@asynccontextmanager
async def command(house: House, port: int) -> AsyncIterator[asyncio.subprocess.Process]:
    """`hotline web` as its unit starts it, on the service's own settings."""
    settings = house.settings
    issue(settings.credentials_file, load(DEMO), passwords=CHEAP)
    given = {
        "DATA_DIR": str(settings.data_dir),
        "WEB__PORT": str(port),
        "WEB__LEADER": settings.web.leader,
        "DATABASE__MAIN": settings.database.main,
        "DATABASE__LEDGER": settings.database.ledger,
        "REDIS__URL": settings.redis.url,
        "REDIS__PREFIX": settings.redis.prefix,
    }
    environment = os.environ | {f"HOTLINE_{name}": value for name, value in given.items()}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "hotline", "web", cwd=ROOT, env=environment, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_the_command_serves_until_it_is_told_to_stop(house: House) -> None:
    port = WEB_PORTS[1] + 1
    async with command(house, port) as process:
        assert process.stderr is not None
        async with asyncio.timeout(WITHIN_S):
            while b"live feed joined" not in (line := await process.stderr.readline()):
                assert line, "it ended"
        assert (await ready(port))[0] == 200
        process.terminate()
        assert await asyncio.wait_for(process.wait(), WITHIN_S) == 0


def test_the_check_says_whether_the_redis_answers(redis_server: RedisServer, tmp_path: Path) -> None:
    here = Settings(data_dir=tmp_path, redis=RedisSettings(url=redis_server.url))
    nowhere = Settings(data_dir=tmp_path, redis=RedisSettings(url="redis://:secret@127.0.0.1:1"))
    found = {
        settings.redis.url: next(one for one in findings(settings) if one.about == "redis")
        for settings in (here, nowhere)
    }
    assert [one.weight for one in found.values()] == [Weight.GOOD, Weight.ERROR]
    assert "secret" not in found[nowhere.redis.url].line()


def test_a_web_process_says_which_setting_it_lacks(tmp_path: Path) -> None:
    redis = RedisSettings(url="redis://127.0.0.1")
    web = WebSettings(port=9560)
    for settings, named in (
        (Settings(data_dir=tmp_path), r"redis\.url"),
        (Settings(data_dir=tmp_path, redis=redis), r"web\.leader"),
        (Settings(data_dir=tmp_path, redis=redis, web=web), r"database\.main"),
    ):
        with pytest.raises(BadInput, match=named):
            check_settings(settings)
