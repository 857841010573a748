"""A line to Redis: publish on one channel, hear another. Nothing is kept there (docs/adr/0037).

Every failure is one of `LINE_FAILURES` and ends the line: whoever uses it opens another one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from web.redis_url import check_redis_url, place_of_redis

LINE_FAILURES = (RedisError, OSError)
_PATIENCE_S = 2.0
"""For a connection, and for each answer: a Redis that takes longer is one that is away."""
_LOOK_S = 1.0


class Joined:
    """An open line."""

    def __init__(self, client: Redis, heard: PubSub) -> None:
        self._client = client
        self._heard = heard

    async def publish(self, channel: str, message: bytes) -> None:
        """To all who listen there now."""
        await self._client.publish(channel, message)

    async def messages(self) -> AsyncIterator[bytes]:
        """What comes, for as long as the line holds."""
        while True:
            found = await self._heard.get_message(ignore_subscribe_messages=True, timeout=_LOOK_S)
            if found is not None:
                yield found["data"]


@asynccontextmanager
async def _closing(client: Redis) -> AsyncIterator[Redis]:
    """Shielded: whoever is told twice to stop would else leave a connection behind that nobody closes."""
    try:
        yield client
    finally:
        await asyncio.shield(client.aclose())


class RelayLine:
    """`url` of the Redis; `prefix` keeps several hotlines on one Redis apart."""

    def __init__(self, url: str, prefix: str) -> None:
        check_redis_url(url, "redis.url")
        self._url = url
        self.place = place_of_redis(url)
        self.live = f"{prefix}:live"
        """What the leader tells."""
        self.wants = f"{prefix}:wants"
        """What other processes ask of it."""

    @asynccontextmanager
    async def open(self, channel: str) -> AsyncIterator[Joined]:
        """A line that hears `channel`, from this moment on."""
        async with _closing(self._client()) as client, client.pubsub() as heard:
            await heard.subscribe(channel)
            if await heard.get_message(timeout=_PATIENCE_S) is None:
                raise TimeoutError(f"no answer within {_PATIENCE_S:g} s")
            yield Joined(client, heard)

    async def check(self) -> None:
        """One question and its answer, or one of `LINE_FAILURES`."""
        async with _closing(self._client()) as client:
            await client.ping()

    def _client(self) -> Redis:
        return Redis.from_url(
            self._url,
            protocol=2,
            socket_connect_timeout=_PATIENCE_S,
            socket_timeout=_PATIENCE_S,
            socket_keepalive=True,
            retry=Retry(NoBackoff(), 0),  # a line that was cut has lost messages: its users have to know
        )
