"""The live hub: topics that people watch. First a snapshot, then numbered changes, without a gap.

Each topic counts its own messages. The count starts at the clock's milliseconds, so that it keeps growing
over a restart and a number from an earlier run is never taken for one of this run. Everything here runs on
the event loop's own thread; `publish` neither waits nor fails because of a reader.

Messages, one JSON object each:

    {"topic", "kind": "snapshot" | "change" | "beat", "seq", "at", "age_ms", "data"}

`seq` of a change is one more than that of the message before it; a snapshot replaces all that was known; a
beat repeats the last `seq` while nothing happens. `at` is the instant up to which the data are known, and
`age_ms` how long ago that was when the message left. A beat has no `data`.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import structlog

from core.clock import MILLISECOND, Clock, Instant, iso
from core.errors import NotFound
from web.errors import Forbidden, RouteMistake
from web.route import Principal

_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger("web.live")
Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What may be watched, and by whom.

    `name`: `board`, or with `allowed` the family `agent`, whose members are `agent:1001`.
    `right`: needed to watch it ("" anyone signed in). `snapshot(key)`: all of it now; `key` is what follows
    the colon, "" without family.
    `allowed(person, key)`: who may watch which member of the family.
    `fresh()`: up to when the data are known; without it they are as fresh as the message.
    """

    name: str
    right: str
    snapshot: Callable[[str], Payload]
    allowed: Callable[[Principal, str], bool] | None = None
    fresh: Callable[[], Instant] | None = None


@dataclass(frozen=True, slots=True)
class _Message:
    kind: str
    seq: int
    at: Instant
    data: bytes


@dataclass(slots=True)
class _Stream:
    name: str
    key: str
    topic: Topic
    last: int
    ring: deque[_Message]
    readers: set[Reader] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Wish:
    """A topic someone wants, and the last number they have seen of it (None: they know nothing)."""

    topic: str
    after: int | None = None


class Reader:
    """One connection's outbox. `ended` says why it is over: `slow`, `session`, `rights`, `shutdown`."""

    def __init__(self, person: Principal, session_id: str, *, limit: int) -> None:
        self.person = person
        self.session_id = session_id
        self.ended = ""
        self.over = asyncio.Event()
        self._limit = limit
        self._frames: deque[str] = deque()
        self._wake = asyncio.Event()

    def prime(self, frames: Sequence[str]) -> None:
        """The first frames: they are ours to give and do not count as lagging behind."""
        self._limit += len(frames)
        self._frames.extend(frames)
        self._wake.set()

    def offer(self, frame: str) -> None:
        """Queue a frame; a reader whose outbox is full is ended, others are not held up."""
        if self.ended:
            return
        if len(self._frames) >= self._limit:
            self.end("slow")
            return
        self._frames.append(frame)
        self._wake.set()

    def end(self, why: str) -> None:
        """No more frames; what is still queued is thrown away. The first reason stays."""
        self.ended = self.ended or why
        self._frames.clear()
        self._wake.set()
        self.over.set()

    async def take(self) -> list[str]:
        """All frames that are ready, at least one; empty means the reader has ended."""
        while not self._frames and not self.ended:
            self._wake.clear()
            await self._wake.wait()
        frames = list(self._frames)
        self._frames.clear()
        return frames


class LiveHub:
    """Topics, their readers, and the last messages for those who come back.

    `ring`: messages of each topic kept for resuming, a tenth of it for each member of a family.
    `outbox`: frames a reader may lag behind.
    """

    def __init__(self, *, clock: Clock, ring: int = 1_000, outbox: int = 400) -> None:
        self._clock = clock
        self._ring = ring
        self._outbox = outbox
        self._topics: dict[str, Topic] = {}
        self._streams: dict[str, _Stream] = {}
        self._readers: set[Reader] = set()
        self._closed = False
        self._start = clock() // MILLISECOND

    def declare(self, topic: Topic) -> None:
        """Make a topic known. `RouteMistake` if it is known already."""
        if topic.name in self._topics or ":" in topic.name:
            raise RouteMistake(f"live topic {topic.name!r} is declared twice or contains ':': rename it")
        self._topics[topic.name] = topic

    def rights(self) -> dict[str, str]:
        """Topic → right, for the check at start-up and the documentation."""
        return {topic.name: topic.right for topic in self._topics.values()}

    def is_family(self, topic: str) -> bool:
        """Whether the topic has members (`agent:1001`) instead of being one itself."""
        return self._topics[topic].allowed is not None

    def last(self, topic: str) -> int:
        """The number of the topic's last message."""
        return self._stream(topic).last

    @property
    def readers(self) -> int:
        """How many connections are open."""
        return len(self._readers)

    def watched(self, topic: str) -> bool:
        """Whether anybody watches; lets a publisher skip the work that is for screens alone."""
        stream = self._streams.get(topic)
        return stream is not None and bool(stream.readers)

    def publish(self, topic: str, payload: Payload, *, at: Instant | None = None) -> int:
        """Tell all who watch; returns the message's number. `at`: when what is told was so (default: now).

        Encoded once, whoever watches. NotFound for a topic nobody has declared.
        """
        stream = self._stream(topic)
        now = self._clock()
        stream.last += 1
        change = _Message("change", stream.last, now if at is None else at, _encode(payload))
        stream.ring.append(change)
        if stream.readers:
            frame = _frame(stream, change, now)
            for reader in tuple(stream.readers):
                self._offer(reader, frame)
        return stream.last

    def reset(self, topic: str) -> None:
        """The picture was made anew: forget the changes, send every reader a snapshot."""
        stream = self._stream(topic)
        stream.last += 1
        stream.ring.clear()
        if stream.readers:
            frame = self._snapshot_frame(stream)
            for reader in tuple(stream.readers):
                self._offer(reader, frame)

    def check(self, person: Principal, topic: str) -> None:
        """`NotFound` or `Forbidden` unless the person may watch the topic."""
        definition, key = self._definition(topic)
        person.require(definition.right)
        if definition.allowed is not None and not definition.allowed(person, key):
            raise Forbidden(f"{topic} is not for {person.staff}")

    def open(self, person: Principal, session_id: str, wishes: Sequence[Wish]) -> Reader:
        """A reader with its first frames queued: what it missed or, where that is not kept, a snapshot."""
        for wish in wishes:
            self.check(person, wish.topic)
        reader = Reader(person, session_id, limit=self._outbox)
        if self._closed:
            reader.end("shutdown")
            return reader
        streams = [self._stream(wish.topic) for wish in wishes]
        for stream, wish in zip(streams, wishes, strict=True):
            reader.prime(self._first_frames(stream, wish.after))
        # Only now: a snapshot that fails leaves nobody half connected.
        self._readers.add(reader)
        for stream in streams:
            stream.readers.add(reader)
        return reader

    def close(self, reader: Reader) -> None:
        """The connection is gone."""
        self._readers.discard(reader)
        for stream in self._streams.values():
            stream.readers.discard(reader)

    def beat(self) -> None:
        """Tell every reader where its topics stand; the web server calls this every few seconds."""
        for stream in self._streams.values():
            if not stream.readers:
                continue
            try:
                frame = self._beat_frame(stream)
            except Exception:  # noqa: BLE001  one topic's mistake must not silence the others
                _log.exception("live topic cannot say how fresh it is", topic=stream.name)
                continue
            for reader in tuple(stream.readers):
                self._offer(reader, frame)

    def end_sessions(self, ended: Callable[[Reader], str]) -> None:
        """End each reader for which `ended` gives a reason."""
        for reader in tuple(self._readers):
            if why := ended(reader):
                reader.end(why)
                self.close(reader)

    def shut_down(self) -> None:
        """End all readers and take no new ones."""
        self._closed = True
        self.end_sessions(lambda _reader: "shutdown")

    def _offer(self, reader: Reader, frame: str) -> None:
        reader.offer(frame)
        if reader.ended:
            _log.warning("live reader dropped", staff=reader.person.staff, why=reader.ended)
            self.close(reader)

    def _first_frames(self, stream: _Stream, after: int | None) -> list[str]:
        if after is None or not self._kept_since(stream, after):
            return [self._snapshot_frame(stream)]
        now = self._clock()
        missed = [_frame(stream, change, now) for change in stream.ring if change.seq > after]
        return missed or [self._beat_frame(stream)]

    @staticmethod
    def _kept_since(stream: _Stream, after: int) -> bool:
        first_kept = stream.ring[0].seq if stream.ring else stream.last + 1
        return first_kept - 1 <= after <= stream.last

    def _snapshot_frame(self, stream: _Stream) -> str:
        data = _encode(stream.topic.snapshot(stream.key))
        return _frame(stream, _Message("snapshot", stream.last, self._fresh(stream), data), self._clock())

    def _beat_frame(self, stream: _Stream) -> str:
        return _frame(stream, _Message("beat", stream.last, self._fresh(stream), b""), self._clock())

    def _fresh(self, stream: _Stream) -> Instant:
        return stream.topic.fresh() if stream.topic.fresh is not None else self._clock()

    def _definition(self, name: str) -> tuple[Topic, str]:
        family, colon, key = name.partition(":")
        topic = self._topics.get(family)
        keyed = bool(colon)
        plain_key = key.isascii() and key.replace("-", "").isalnum()
        if topic is None or keyed != (topic.allowed is not None) or (keyed and not plain_key):
            raise NotFound(f"there is no live topic {name[:60]!r}")
        return topic, key

    def _stream(self, name: str) -> _Stream:
        stream = self._streams.get(name)
        if stream is None:
            topic, key = self._definition(name)
            # A family has many members and each of them few changes.
            kept = self._ring if topic.allowed is None else max(1, self._ring // 10)
            stream = _Stream(name, key, topic, self._start, deque(maxlen=kept))
            self._streams[name] = stream
        return stream


def _frame(stream: _Stream, message: _Message, now: Instant) -> str:
    age_ms = max(0, now - message.at) // MILLISECOND
    # Names of topics are our own and plain: the head needs no JSON encoder.
    head = (
        f'{{"topic":"{stream.name}","kind":"{message.kind}","seq":{message.seq},'
        f'"at":"{iso(message.at)}","age_ms":{age_ms}'
    )
    return f'{head},"data":{message.data.decode()}}}' if message.data else f"{head}}}"
