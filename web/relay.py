"""The live feed between processes: the leader tells what its hub tells, web processes say what they watch.

    leader:  LiveHub ──tap──► RelayOut ──{epoch, told}──► Redis ──► RelayIn ──► LiveMirror      web process
                                 ▲ snapshots, beats          ◄── {topics, snapshots} ──┘ what is watched

Redis keeps nothing and may go at any moment: numbers show what went astray, and snapshots mend it. The leader
says where its topics stand every second, so that silence means that nobody knows any more. With it goes the
`edition` of what web processes read for themselves, so that they know when to read it again, and the sessions
that have just ended.
"""

from __future__ import annotations

import asyncio
import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any

import msgspec
import structlog

from core.errors import NotFound
from web.live import LiveHub
from web.live_mirror import LiveMirror
from web.live_topics import Message
from web.relay_line import LINE_FAILURES, Joined, RelayLine

_log = structlog.get_logger("web.relay")
_BEAT_S = 1.0
_ASK_S = 1.0
"""What is watched is said again so often; a leader believes it for longer (`web.live.WANTED_FOR`)."""
_GATHER_S = 0.02
"""What is told within this goes as one message: one costs Redis and us as much as twenty. Nobody sees it."""
_MOST = 20_000
_RETRY_FIRST_S, _RETRY_LONGEST_S = 0.1, 3.0
_CANCEL_AGAIN_S = 0.1


class _Told(msgspec.Struct, array_like=True):
    topic: str
    kind: str
    seq: int
    at: int
    data: msgspec.Raw


class _Batch(msgspec.Struct):
    epoch: int
    told: list[_Told]
    edition: int = 0
    ended: list[str] = []


class _Wants(msgspec.Struct):
    topics: list[str]
    snapshots: list[str]


_encode = msgspec.json.Encoder().encode
_batch = msgspec.json.Decoder(_Batch).decode
_wants = msgspec.json.Decoder(_Wants).decode
_NOTHING = msgspec.Raw(b"null")


class Relay(ABC):
    """`run` is the task. `problem`: why there is no line, "" while there is one; `place`: where Redis is."""

    def __init__(self, line: RelayLine) -> None:
        self.problem = "not connected yet"
        self.place = line.place
        self._line = line
        self._wait_s = _RETRY_FIRST_S

    async def run(self) -> None:
        """Keep the line until cancelled; without it the program does its work, and screens grow old."""
        while True:
            try:
                await _until_one_ends(self._hold())
            except LINE_FAILURES as error:
                self._broken(f"Redis at {self.place} does not answer: {error or type(error).__name__}")
            except Exception as error:  # noqa: BLE001  screens are not worth the end of the service
                _log.exception("live feed failed")
                self._broken(f"a fault of the program, see the log: {error}")
            await asyncio.sleep(self._wait_s * (0.5 + random.random() / 2))
            self._wait_s = min(2 * self._wait_s, _RETRY_LONGEST_S)

    async def _hold(self) -> None:
        async with self._line.open(self._channel) as joined:
            _log.info("live feed joined", redis=self.place)
            self.problem, self._wait_s = "", _RETRY_FIRST_S
            await self._use(joined)

    @property
    @abstractmethod
    def _channel(self) -> str: ...

    @abstractmethod
    async def _use(self, joined: Joined) -> None:
        """Until the line breaks."""

    def _broken(self, why: str) -> None:
        if not self.problem or self.problem == "not connected yet":
            _log.warning("live feed broken", problem=why)
        self.problem = why


class RelayOut(Relay):
    """The leader's end. `edition()` grows with each change of what web processes read for themselves."""

    def __init__(self, line: RelayLine, hub: LiveHub, edition: Callable[[], int] = lambda: 0) -> None:
        super().__init__(line)
        self._hub = hub
        self._edition = edition
        self._queue: deque[_Told] = deque(maxlen=_MOST)  # an overflow shows as a gap, and is mended like one
        self._wake = asyncio.Event()
        self._ended: list[str] = []
        self._joined = False
        hub.tap(self._put)

    def edition_changed(self) -> None:
        """Tell the edition now instead of with the next beat."""
        self._wake.set()

    def session_ended(self, session_id: str) -> None:
        """Tell it at once; whom the word does not reach finds out by the database, some seconds later."""
        if self._joined:
            self._ended.append(session_id)
            self._wake.set()

    @property
    def _channel(self) -> str:
        return self._line.wants

    async def _use(self, joined: Joined) -> None:
        self._queue.clear()
        self._ended.clear()
        self._joined = True
        try:
            await _until_one_ends(self._listen(joined), self._talk(joined))
        finally:
            self._joined = False

    def _put(self, topic: str, message: Message) -> None:
        if self._joined:
            data = msgspec.Raw(message.data) if message.data else _NOTHING
            self._queue.append(_Told(topic, message.kind, message.seq, message.at, data))
            self._wake.set()

    async def _talk(self, joined: Joined) -> None:
        loop = asyncio.get_running_loop()
        beat_at = loop.time()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(beat_at):
                    await self._wake.wait()
                await asyncio.sleep(_GATHER_S)
            if loop.time() >= beat_at:
                beat_at = loop.time() + _BEAT_S
                self._beat()
            self._wake.clear()
            told = list(self._queue)
            self._queue.clear()
            ended, self._ended = self._ended, []
            batch = _Batch(self._hub.epoch, told, self._edition(), ended)
            await joined.publish(self._line.live, _encode(batch))

    def _beat(self) -> None:
        for topic, message in self._hub.beats():
            self._put(topic, message)

    async def _listen(self, joined: Joined) -> None:
        async for message in joined.messages():
            try:
                wants = _wants(message)
            except msgspec.MsgspecError as error:
                _log.warning("live feed: a wish that nobody here understands", error=str(error))
                continue
            for topic in wants.topics:
                with suppress(NotFound):  # a newer process may know topics that we do not
                    self._hub.want(topic)
            for topic in wants.snapshots:
                self._show(topic)
            self._beat()

    def _show(self, topic: str) -> None:
        try:
            self._put(topic, self._hub.snapshot(topic))
        except Exception:  # noqa: BLE001  one topic's mistake must not silence the others
            _log.exception("live topic cannot be shown", topic=topic[:60])


class RelayIn(Relay):
    """A web process's end. `hears`: called with the leader's edition whenever it says it; `ends`: with the
    sessions that have ended there. Neither may block.
    """

    def __init__(self, line: RelayLine, mirror: LiveMirror) -> None:
        super().__init__(line)
        self.hears: Callable[[int], None] = lambda _edition: None
        self.ends: Callable[[list[str]], None] = lambda _sessions: None
        self._mirror = mirror
        self._asked = asyncio.Event()
        mirror.asks = self._asked.set

    @property
    def _channel(self) -> str:
        return self._line.live

    async def _use(self, joined: Joined) -> None:
        self._mirror.connected()
        try:
            await _until_one_ends(self._listen(joined), self._talk(joined))
        finally:
            self._mirror.lost()

    async def _talk(self, joined: Joined) -> None:
        while True:
            self._asked.clear()
            topics, snapshots = self._mirror.wanted()
            await joined.publish(self._line.wants, _encode(_Wants(topics, snapshots)))
            with suppress(TimeoutError):
                async with asyncio.timeout(_ASK_S):
                    await self._asked.wait()
                await asyncio.sleep(_GATHER_S)  # a hundred screens come back at once after a restart

    async def _listen(self, joined: Joined) -> None:
        async for message in joined.messages():
            try:
                batch = _batch(message)
            except msgspec.MsgspecError as error:
                _log.warning("live feed: a message that nobody here understands", error=str(error))
                continue
            self._mirror.take(batch.epoch, [(one.topic, _message_of(one)) for one in batch.told])
            self.hears(batch.edition)
            if batch.ended:
                self.ends(batch.ended)


def _message_of(told: _Told) -> Message:
    data = bytes(told.data)
    return Message(told.kind, told.seq, told.at, b"" if data == b"null" else data)


async def _until_one_ends(*work: Coroutine[Any, Any, None]) -> None:
    """Raises what the first of them raises; the others are cancelled."""
    tasks = [asyncio.create_task(one) for one in work]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await _cancelled(tasks)


async def _cancelled(tasks: list[asyncio.Task[None]]) -> None:
    # Redis' client sends within asyncio.wait_for, which loses a cancellation that comes as the sending ends
    # (until Python 3.12): once is not enough.
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_CANCEL_AGAIN_S)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # seen: another one's is what is raised
