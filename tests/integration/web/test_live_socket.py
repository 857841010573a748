"""Real WebSockets: what readers are told, who is let in, and how a connection ends."""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from core.clock import MINUTE, system_clock
from tests.integration.web.site import FakePeople, Site, running_site
from tests.support.databases import Databases
from web.app import WebOptions
from web.live import LiveHub, Topic

BEAT_S = 0.05


def make_hub() -> LiveHub:
    hub = LiveHub(clock=system_clock, ring=50, outbox=20)
    hub.declare(Topic(name="board", right="board.read", snapshot=lambda _: {"all": True}))
    hub.declare(
        Topic(name="agent", right="", snapshot=lambda key: {"of": key}, allowed=lambda p, key: p.staff == key)
    )
    return hub


@pytest.fixture
async def site(databases: Databases) -> AsyncIterator[Site]:
    people = FakePeople({"8001": {"board.read"}, "1001": set()})
    options = WebOptions(beat_s=BEAT_S)
    url = databases.url("main")
    async with running_site(url=url, people=people, hub=make_hub(), options=options) as site:
        yield site


async def connect(site: Site, query: str, **headers: str) -> ClientWebSocketResponse:
    return await site.client.ws_connect(f"{site.url}api/live?{query}", headers=headers)


async def hear(socket: ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """The next message of that kind; others may come before it."""
    async with asyncio.timeout(30):
        while True:
            message: dict[str, Any] = await socket.receive_json()
            if message["kind"] == kind:
                return message


async def end_of(socket: ClientWebSocketResponse) -> int | None:
    async with asyncio.timeout(30):
        while (await socket.receive()).type not in {WSMsgType.CLOSE, WSMsgType.CLOSED, WSMsgType.ERROR}:
            pass
    return socket.close_code


async def refused(site: Site, query: str, **headers: str) -> int:
    with pytest.raises(WSServerHandshakeError) as error:
        await connect(site, query, **headers)
    return error.value.status


async def test_a_snapshot_then_changes_then_resuming_without_a_gap(site: Site) -> None:
    await site.sign_in("8001")
    socket = await connect(site, "topic=board")
    snapshot = await hear(socket, "snapshot")
    assert snapshot["data"] == {"all": True}
    site.hub.publish("board", {"n": 1})
    seen = (await hear(socket, "change"))["seq"]
    assert seen == snapshot["seq"] + 1
    await socket.close()
    for n in (2, 3):
        site.hub.publish("board", {"n": n})
    again = await connect(site, f"topic=board&after={seen}")
    messages = [await again.receive_json() for _ in range(2)]
    assert [(m["kind"], m["seq"], m["data"]["n"]) for m in messages] == [
        ("change", seen + 1, 2),
        ("change", seen + 2, 3),
    ]


async def test_too_long_away_means_a_new_snapshot(site: Site) -> None:
    await site.sign_in("8001")
    seen = site.hub.publish("board", {})
    for _ in range(60):
        site.hub.publish("board", {})
    socket = await connect(site, f"topic=board&after={seen}")
    first = await socket.receive_json()
    assert (first["kind"], first["seq"]) == ("snapshot", seen + 60)


async def test_several_topics_over_one_connection(site: Site) -> None:
    await site.sign_in("8001")
    seen = site.hub.publish("board", {})
    socket = await connect(site, f"topic=agent:8001&after=0&topic=board&after={seen}")
    kinds = {m["topic"]: m["kind"] for m in [await socket.receive_json() for _ in range(2)]}
    assert kinds == {"agent:8001": "snapshot", "board": "beat"}


async def test_while_nothing_happens_beats_come_with_the_last_number(site: Site) -> None:
    await site.sign_in("8001")
    seq = site.hub.publish("board", {})
    socket = await connect(site, "topic=board")
    beats = [await hear(socket, "beat") for _ in range(2)]
    assert [beat["seq"] for beat in beats] == [seq, seq]
    assert max(beat["age_ms"] for beat in beats) < 1000


@pytest.mark.rule("SEC-11")
async def test_who_may_not_watch_is_not_let_in(site: Site) -> None:
    assert await refused(site, "topic=board") == 401
    await site.sign_in("1001")
    assert await refused(site, "topic=board") == 403
    assert await refused(site, "topic=agent:8001") == 403
    assert await refused(site, "topic=agent:1001&topic=board") == 403
    socket = await connect(site, "topic=agent:1001")
    assert (await hear(socket, "snapshot"))["data"] == {"of": "1001"}


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 422),
        ("topic=nothing", 404),
        ("topic=board&after=x", 422),
        ("topic=board&after=1&after=2", 422),
        ("topic=board&topic=board", 422),
        ("topic=board&more=1", 422),
        ("&".join(f"topic=agent:{n}" for n in range(21)), 422),
    ],
)
async def test_wishes_that_make_no_sense(site: Site, query: str, status: int) -> None:
    await site.sign_in("8001")
    assert await refused(site, query) == status


async def test_a_page_of_another_site_is_not_let_in(site: Site) -> None:
    await site.sign_in("8001")
    assert await refused(site, "topic=board", Origin="https://evil.example") == 403
    await (await connect(site, "topic=board", Origin=str(site.url.origin()))).close()


async def test_an_ordinary_request_is_told_to_speak_websocket(site: Site) -> None:
    await site.sign_in("8001")
    status, problem = await site.call("GET", "/api/live?topic=board")
    assert (status, problem["errors"][0]["where"]) == (422, "header Upgrade")


async def test_signing_out_ends_the_connection(site: Site) -> None:
    await site.sign_in("8001")
    socket = await connect(site, "topic=board")
    await hear(socket, "snapshot")
    await site.call("DELETE", "/api/session")
    assert await end_of(socket) == 4001
    assert not site.hub.watched("board")


async def test_an_open_connection_keeps_its_session_until_it_is_too_old(site: Site) -> None:
    await site.sign_in("8001")
    socket = await connect(site, "topic=board")
    for _ in range(3):
        site.clock.offset += 20 * MINUTE
        await hear(socket, "beat")
        await hear(socket, "beat")
    assert (await site.call("GET", "/api/session"))[0] == 200
    site.clock.offset += 12 * 60 * MINUTE
    assert await end_of(socket) == 4001


async def test_losing_the_right_ends_the_connection(site: Site) -> None:
    await site.sign_in("8001")
    socket = await connect(site, "topic=board")
    await hear(socket, "snapshot")
    site.people.rights["8001"] = set()
    assert await end_of(socket) == 4003


def _broken(_key: str = "") -> Any:
    raise ZeroDivisionError


async def test_a_topic_that_fails_harms_nobody_else(site: Site) -> None:
    site.hub.declare(Topic(name="nothing", right="", snapshot=_broken))
    site.hub.declare(Topic(name="aged", right="", snapshot=lambda _: {}, fresh=_Once()))
    await site.sign_in("8001")
    assert await end_of(await connect(site, "topic=board&topic=nothing")) == 1006
    assert not site.hub.watched("board"), "nobody may stay half connected"
    aged = await connect(site, "topic=aged")
    board = await connect(site, "topic=board")
    await hear(aged, "snapshot")
    for _ in range(2):
        await hear(board, "beat")


class _Once:
    """Knows how fresh it is for the snapshot, and never again."""

    def __init__(self) -> None:
        self._asked = False

    def __call__(self) -> int:
        if self._asked:
            raise ZeroDivisionError
        self._asked = True
        return system_clock()


async def test_a_message_too_long_ends_only_who_sent_it(site: Site) -> None:
    await site.sign_in("8001")
    rude, polite = await connect(site, "topic=board"), await connect(site, "topic=board")
    await polite.send_str("hello")
    await rude.send_str("x" * 5000)
    assert await end_of(rude) == 1009
    site.hub.publish("board", {"n": 1})
    assert (await hear(polite, "change"))["data"] == {"n": 1}


async def test_when_the_service_stops_readers_are_told_and_do_not_hold_it_up(site: Site) -> None:
    await site.sign_in("8001")
    socket = await connect(site, "topic=board")
    await hear(socket, "snapshot")
    async with asyncio.timeout(30):
        _, code = await asyncio.gather(site.stop(), end_of(socket))
    assert code == 1001


async def test_who_does_not_read_is_cut_off_and_the_others_hear_everything(site: Site) -> None:
    await site.sign_in("8001")
    quick = await connect(site, "topic=board")
    await hear(quick, "snapshot")
    reader, writer = await frozen_reader(site)
    payload = {"pad": "x" * 200_000}
    heard, sent = 0, 0
    async with asyncio.timeout(20):
        while site.hub.readers == 2:
            site.hub.publish("board", payload)
            sent += 1
            assert (await hear(quick, "change"))["data"] == payload
            heard += 1
    assert sent == heard < 300
    async with asyncio.timeout(30):
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            while True:
                await reader.readexactly(65_536)
    writer.close()


async def frozen_reader(site: Site) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A browser that opened the connection and then stopped: it reads nothing more."""
    cookies = site.client.cookie_jar.filter_cookies(site.url)
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    reader, writer = await asyncio.open_connection("127.0.0.1", site.url.port, limit=1024)
    head = [
        "GET /api/live?topic=board HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
        "Cookie: " + "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items()),
    ]
    writer.write(("\r\n".join(head) + "\r\n\r\n").encode())
    await writer.drain()
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    assert await reader.readexactly(1) == b"\x81", "the first text frame: the snapshot"
    return reader, writer


async def test_forty_changes_a_second_reach_fifty_readers_each_once_and_in_order(site: Site) -> None:
    """How soon they are there, `./run bench board` measures."""
    await site.sign_in("8001")
    sockets = [await connect(site, "topic=board") for _ in range(50)]
    rounds = 80

    async def heard_by(socket: ClientWebSocketResponse) -> list[int]:
        heard: list[int] = []
        while len(heard) < rounds:
            message = json.loads((await socket.receive()).data)
            if message["kind"] == "change":
                heard.append(message["data"]["round"])
        return heard

    listeners = [asyncio.create_task(heard_by(socket)) for socket in sockets]
    for n in range(rounds):
        site.hub.publish("board", {"round": n, "queues": [{"name": "card-cmn", "waiting": 3}] * 10})
        await asyncio.sleep(1 / 40)
    async with asyncio.timeout(20):
        for heard in await asyncio.gather(*listeners):
            assert heard == list(range(rounds))
