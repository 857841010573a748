"""Topics and who watches them: what the hub, where the messages are made, and a mirror of it have in common.

Messages, one JSON object each:

    {"topic", "kind": "snapshot" | "change" | "beat", "seq", "at", "age_ms", "data"}

`seq` of a change is one more than that of the message before it; a snapshot replaces all that was known; a
beat repeats the last `seq` while nothing happens. `at` is the instant up to which the data are known, and
`age_ms` how long ago that was when the message left. A beat has no `data`.

Everything here runs on the event loop's own thread; telling neither waits nor fails because of a reader.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from core.clock import MILLISECOND, Clock, Instant, iso
from core.errors import NotFound
from web.errors import Forbidden, RouteMistake
from web.live_reader import Reader, Wish
from web.route import Principal

_log = structlog.get_logger("web.live")
Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """What may be watched, and by whom.

    `name`: `board`, or with `allowed` the family `agent`, whose members are `agent:1001`.
    `right`: needed to watch it ("" anyone signed in), or one of `wider`. `snapshot(key)`: all
    of it now; `key` is what follows the colon, "" without family.
    `allowed(person, key)`: who may watch which member of the family.
    `fresh()`: up to when the data are known; without it they are as fresh as the message.
    """

    name: str
    right: str
    snapshot: Callable[[str], Payload]
    allowed: Callable[[Principal, str], bool] | None = None
    fresh: Callable[[], Instant] | None = None
    wider: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """`data`: JSON, empty for a beat."""

    kind: str
    seq: int
    at: Instant
    data: bytes


@dataclass(slots=True)
class Stream:
    """One topic, or one member of a family, as it runs.

    For a mirror: `awaiting`, readers who have been told nothing yet; `at`, up to when the data are known;
    `lacks`, a message went astray on the way.
    """

    name: str
    key: str
    topic: Topic
    last: int
    ring: deque[Message]
    readers: set[Reader] = field(default_factory=set)
    awaiting: set[Reader] = field(default_factory=set)
    at: Instant = 0
    lacks: bool = False

    def keeps_since(self, after: int) -> bool:
        """Whether every message after that number is in the ring."""
        first_kept = self.ring[0].seq if self.ring else self.last + 1
        return first_kept - 1 <= after <= self.last


class LiveTopics(ABC):
    """Topics, their readers, and the last messages for those who come back.

    `ring`: messages of each topic kept for resuming, a tenth of it for each member of a family.
    `outbox`: frames a reader may lag behind.
    """

    def __init__(self, *, clock: Clock, ring: int = 1_000, outbox: int = 400) -> None:
        self._clock = clock
        self._ring = ring
        self._outbox = outbox
        self._topics: dict[str, Topic] = {}
        self._streams: dict[str, Stream] = {}
        self._readers: set[Reader] = set()
        self._closed = False
        self._start = clock() // MILLISECOND

    # ------------------------------------------------------------------ what there is

    def declare(self, topic: Topic) -> None:
        """Make a topic known. `RouteMistake` if it is known already."""
        if topic.name in self._topics or ":" in topic.name:
            raise RouteMistake(f"live topic {topic.name!r} is declared twice or contains ':': rename it")
        self._topics[topic.name] = topic

    def rights(self) -> dict[str, tuple[str, ...]]:
        """Topic → its rights, for the check at start-up and the documentation."""
        return {topic.name: (topic.right, *topic.wider) for topic in self._topics.values()}

    def is_family(self, topic: str) -> bool:
        """Whether the topic has members (`agent:1001`) instead of being one itself."""
        return self._topics[topic].allowed is not None

    @property
    def readers(self) -> int:
        """How many connections are open."""
        return len(self._readers)

    def watched(self, topic: str) -> bool:
        """Whether anybody watches; lets a publisher skip the work that is for screens alone."""
        stream = self._streams.get(topic)
        return stream is not None and bool(stream.readers)

    # ------------------------------------------------------------------ readers

    def check(self, person: Principal, topic: str) -> None:
        """`NotFound` or `Forbidden` unless the person may watch the topic."""
        definition, key = self._definition(topic)
        person.require(definition.right, *definition.wider)
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
            self._begin(reader, stream, wish.after)
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
            stream.awaiting.discard(reader)

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
            self._tell(stream.readers - stream.awaiting, frame)

    def end_sessions(self, ended: Callable[[Reader], str]) -> None:
        """End each reader for which `ended` gives a reason."""
        for reader in tuple(self._readers):
            if why := ended(reader):
                reader.end(why)
                self.close(reader)

    def people_changed(self, principal: Callable[[str], Principal | None]) -> None:
        """End who is not here any more, or may no longer watch what they watch; `principal()`: as of now."""

        def why(reader: Reader) -> str:
            person = principal(reader.person.staff)
            if person is None:
                return "session"
            watched = [stream.name for stream in self._streams.values() if reader in stream.readers]
            try:
                for topic in watched:
                    self.check(person, topic)
            except Forbidden:
                return "rights"
            return ""

        self.end_sessions(why)

    def shut_down(self) -> None:
        """End all readers and take no new ones."""
        self._closed = True
        self.end_sessions(lambda _reader: "shutdown")

    # ------------------------------------------------------------------ for hub and mirror

    @abstractmethod
    def _begin(self, reader: Reader, stream: Stream, after: int | None) -> None:
        """Give a new reader what comes first."""

    @abstractmethod
    def _fresh(self, stream: Stream) -> Instant:
        """Up to when the data of the stream are known."""

    def _missed(self, stream: Stream, after: int) -> list[str]:
        """The frames after that number, or a beat if there are none; the ring has to keep them."""
        now = self._clock()
        missed = [frame_of(stream, change, now) for change in stream.ring if change.seq > after]
        return missed or [self._beat_frame(stream)]

    def _tell(self, readers: set[Reader], frame: str) -> None:
        for reader in tuple(readers):
            reader.offer(frame)
            if reader.ended:
                _log.warning("live reader dropped", staff=reader.person.staff, why=reader.ended)
                self.close(reader)

    def _beat_frame(self, stream: Stream) -> str:
        return frame_of(stream, Message("beat", stream.last, self._fresh(stream), b""), self._clock())

    def _definition(self, name: str) -> tuple[Topic, str]:
        family, colon, key = name.partition(":")
        topic = self._topics.get(family)
        keyed = bool(colon)
        plain_key = key.isascii() and key.replace("-", "").isalnum()
        if topic is None or keyed != (topic.allowed is not None) or (keyed and not plain_key):
            raise NotFound(f"there is no live topic {name[:60]!r}")
        return topic, key

    def _stream(self, name: str) -> Stream:
        stream = self._streams.get(name)
        if stream is None:
            topic, key = self._definition(name)
            # A family has many members and each of them few changes.
            kept = self._ring if topic.allowed is None else max(1, self._ring // 10)
            stream = Stream(name, key, topic, self._start, deque(maxlen=kept))
            self._streams[name] = stream
        return stream


def frame_of(stream: Stream, message: Message, now: Instant) -> str:
    """The message as it goes over the wire."""
    age_ms = max(0, now - message.at) // MILLISECOND
    # Names of topics are our own and plain: the head needs no JSON encoder.
    head = (
        f'{{"topic":"{stream.name}","kind":"{message.kind}","seq":{message.seq},'
        f'"at":"{iso(message.at)}","age_ms":{age_ms}'
    )
    return f'{head},"data":{message.data.decode()}}}' if message.data else f"{head}}}"
