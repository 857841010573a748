"""The live feed of one process watched in others, over a real Redis that is killed and frozen under it.

Screens are real WebSockets; what a page does with numbers, they do.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType
from redis.asyncio import Redis

from core.clock import Instant, system_clock
from tests.integration.web.site import FakePeople, Site, running_site
from tests.support.redis import RedisServer
from web.app import WebOptions
from web.live import LiveHub, Topic
from web.live_mirror import LiveMirror, mirrored
from web.relay import RelayIn, RelayOut
from web.relay_line import RelayLine

PEOPLE = FakePeople({"8001": {"board.read"}, "1001": set()})
WITHIN_S = 30


@dataclass
class Leader:
    """A hub whose picture is one number, as told by the process that counts it."""

    value: int = 0
    hub: LiveHub = field(default_factory=lambda: LiveHub(clock=system_clock))

    def __post_init__(self) -> None:
        self.hub.declare(Topic(name="board", right="board.read", snapshot=lambda _: {"n": self.value}))
        self.hub.declare(
            Topic(
                name="agent",
                right="",
                snapshot=lambda key: {"of": key},
                allowed=lambda person, key: person.staff == key,
            )
        )

    def step(self, at: Instant | None = None) -> int:
        self.value += 1
        return self.hub.publish("board", {"n": self.value}, at=at)


class Screen:
    """What a page knows: the last number, the picture, and how old it is."""

    def __init__(self, site: Site, after: int = 0) -> None:
        self._site = site
        self._after = after
        self.last = after
        self.n: int | None = None
        self.age_ms = 0
        self.kinds: list[str] = []

    async def __aenter__(self) -> Screen:
        query = f"topic=board&after={self._after}"
        self._socket: ClientWebSocketResponse = await self._site.client.ws_connect(
            f"{self._site.url}api/live?{query}"
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()

    async def until(self, found: Callable[[Screen], bool]) -> Screen:
        """Take frames until `found`; a change that does not fit is a gap, and an error."""
        async with asyncio.timeout(WITHIN_S):
            while not found(self):
                self._take(await self._socket.receive_json())
        return self

    async def closed(self) -> int | None:
        """The code with which the service ends it."""
        async with asyncio.timeout(WITHIN_S):
            while (await self._socket.receive()).type is WSMsgType.TEXT:
                pass
        return self._socket.close_code

    def _take(self, frame: dict[str, Any]) -> None:
        assert frame["kind"] != "change" or frame["seq"] == self.last + 1, "a gap"
        self.kinds.append(frame["kind"])
        self.last, self.age_ms = frame["seq"], frame["age_ms"]
        self.n = frame["data"]["n"] if "data" in frame else self.n


@asynccontextmanager
async def at_work(relay: RelayIn | RelayOut) -> AsyncIterator[None]:
    task = asyncio.create_task(relay.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def made(folder: Path) -> Path:
    folder.mkdir()
    return folder


@pytest.fixture
async def leader(redis_server: RedisServer) -> AsyncIterator[Leader]:
    leader = Leader()
    async with at_work(RelayOut(RelayLine(redis_server.url, "t"), leader.hub)):
        yield leader


@asynccontextmanager
async def web_process(redis_server: RedisServer, folder: Path) -> AsyncIterator[Site]:
    """Pages and sockets as `hotline web` serves them, with a leader to be signed in."""
    mirror = LiveMirror(clock=system_clock)
    mirror.declare(mirrored("board", "board.read"))
    mirror.declare(mirrored("agent", "", lambda person, key: person.staff == key))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(at_work(RelayIn(RelayLine(redis_server.url, "t"), mirror)))
        options = WebOptions(beat_s=0.05)
        site = await stack.enter_async_context(
            running_site(tmp_path=folder, people=PEOPLE, hub=mirror, options=options)
        )
        async with asyncio.timeout(WITHIN_S):
            while mirror.is_away:  # noqa: ASYNC110 - a state, not an event
                await asyncio.sleep(0.01)
        await site.sign_in("8001")
        yield site


async def test_screens_of_two_processes_hear_the_same_and_may_change_places(
    redis_server: RedisServer, leader: Leader, tmp_path: Path
) -> None:
    leader.step()
    async with (
        web_process(redis_server, made(tmp_path / "a")) as one,
        web_process(redis_server, made(tmp_path / "b")) as two,
        Screen(one) as here,
        Screen(two) as there,
    ):
        await here.until(lambda screen: screen.n == 1)
        await there.until(lambda screen: screen.n == 1)
        seen = leader.step()
        await here.until(lambda screen: screen.last == seen)
        assert leader.hub.watched("board")
        leader.step()
        last = leader.step()
        await here.until(lambda screen: screen.last == last)
        await there.until(lambda screen: screen.last == last)
        async with Screen(two, after=seen) as moved:
            await moved.until(lambda screen: screen.last == last)
            assert moved.kinds == ["change", "change"]
        assert [screen.n for screen in (here, there, moved)] == [4, 4, 4]


async def test_a_redis_that_dies_under_a_screen_costs_it_time_and_nothing_else(
    redis_server: RedisServer, leader: Leader, tmp_path: Path
) -> None:
    async with web_process(redis_server, tmp_path) as site, Screen(site) as screen:
        await screen.until(lambda screen: screen.n == 0)
        seen = leader.step()
        await screen.until(lambda screen: screen.last == seen)
        with redis_server.stopped():
            await screen.until(lambda screen: screen.age_ms > 300)  # it says that it grows old
            leader.step()
            async with Screen(site, after=seen - 1) as back:  # what is kept here is still told
                await back.until(lambda screen: screen.last == seen)
                await back.until(lambda screen: screen.age_ms > 300)
            async with Screen(site) as new:  # nothing to show, and nobody to ask
                assert await new.closed() == 1013
            last = leader.step()
        await screen.until(lambda screen: screen.last == last)
        assert screen.n == 3
        last = leader.step()
        await screen.until(lambda screen: screen.last == last and screen.kinds[-1] == "change")
        assert screen.n == 4
        await screen.until(lambda screen: screen.kinds[-1] == "beat" and screen.age_ms < 3_000)


async def test_a_redis_that_hangs_is_one_that_is_away(
    redis_server: RedisServer, leader: Leader, tmp_path: Path
) -> None:
    async with web_process(redis_server, tmp_path) as site, Screen(site) as screen:
        seen = leader.step()
        await screen.until(lambda screen: screen.last == seen)
        with redis_server.frozen():
            last = leader.step()
            await screen.until(lambda screen: screen.age_ms > 2_500)  # longer than one answer is waited for
            assert screen.last == seen
        await screen.until(lambda screen: screen.last == last and screen.n == leader.value)


async def test_a_leader_that_is_replaced_shows_by_a_new_picture(
    redis_server: RedisServer, tmp_path: Path
) -> None:
    line = RelayLine(redis_server.url, "t")
    first, second = Leader(value=10), None
    async with web_process_with(first, line, redis_server, tmp_path) as (site, stop), Screen(site) as screen:
        await screen.until(lambda screen: screen.n == 10)
        await stop()
        second = Leader(value=20)
        async with at_work(RelayOut(line, second.hub)):
            await screen.until(lambda screen: screen.n == 20)
            last = second.step()
            await screen.until(lambda screen: screen.last == last and screen.n == 21)


@asynccontextmanager
async def web_process_with(
    leader: Leader, line: RelayLine, redis_server: RedisServer, folder: Path
) -> AsyncIterator[tuple[Site, Callable[[], Any]]]:
    """A web process, and a leader that the test stops itself."""
    async with AsyncExitStack() as leading:
        await leading.enter_async_context(at_work(RelayOut(line, leader.hub)))
        async with web_process(redis_server, folder) as site:
            yield site, leading.aclose


async def test_what_strangers_say_on_the_channels_harms_nobody(
    redis_server: RedisServer, leader: Leader, tmp_path: Path
) -> None:
    async with web_process(redis_server, tmp_path) as site, Screen(site) as screen:
        await screen.until(lambda screen: screen.n == 0)
        async with Redis.from_url(redis_server.url) as stranger:
            for channel in ("t:live", "t:wants"):
                await stranger.publish(channel, b"\xff{")
                await stranger.publish(channel, b'{"epoch": 1}')
            await stranger.publish(
                "t:wants", b'{"topics": ["nothing"], "snapshots": ["nothing", "agent:x y"]}'
            )
            told = b'{"epoch": 99999999999999, "told": [["nothing", "change", 1, 0, null]]}'
            await stranger.publish("other:live", told)
        last = leader.step()
        await screen.until(lambda screen: screen.last == last)


async def test_it_can_be_stopped_at_any_moment(redis_server: RedisServer) -> None:
    """Also as a message has just gone out, when Redis' client does not hear that it is to stop."""
    leader = Leader()
    relay = RelayOut(RelayLine(redis_server.url, "t"), leader.hub)
    for turns in range(150):
        async with asyncio.timeout(WITHIN_S), at_work(relay):
            while relay.problem:  # noqa: ASYNC110 - a state, not an event
                await asyncio.sleep(0)
            for _ in range(turns % 30):
                leader.step()
                await asyncio.sleep(0)
