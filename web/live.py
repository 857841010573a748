"""The live hub: topics that people watch. First a snapshot, then numbered changes, without a gap.

Each topic counts its own messages. The count starts at the clock's milliseconds, so that it keeps growing
over a restart and a number from an earlier run is never taken for one of this run. What a message looks like:
`web.live_topics`. Other processes watch through a relay (`web.relay`), which taps what is told here.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import structlog

from core.clock import SECOND, Clock, Duration, Instant
from web.live_reader import Reader, Wish
from web.live_topics import LiveTopics, Message, Payload, Stream, Topic, frame_of

__all__ = ["WANTED_FOR", "LiveHub", "Payload", "Reader", "Topic", "Wish"]
_encode = msgspec.json.Encoder().encode
_log = structlog.get_logger("web.live")
WANTED_FOR: Duration = 10 * SECOND
"""How long a topic counts as watched after another process has said that somebody there watches it."""
RESET = "reset"
"""To the tap alone: what was known is void, ask for a snapshot."""
Tap = Callable[[str, Message], None]


class LiveHub(LiveTopics):
    """Where messages are made: `publish` tells a change, `reset` that the picture was made anew."""

    def __init__(self, *, clock: Clock, ring: int = 1_000, outbox: int = 400) -> None:
        super().__init__(clock=clock, ring=ring, outbox=outbox)
        self._wanted: dict[str, Instant] = {}
        self._tap: Tap = lambda _topic, _message: None

    @property
    def epoch(self) -> int:
        """Tells this run's messages from those of an earlier one: it is greater."""
        return self._start

    def last(self, topic: str) -> int:
        """The number of the topic's last message."""
        return self._stream(topic).last

    def watched(self, topic: str) -> bool:
        """Whether anybody watches, here or in another process."""
        return super().watched(topic) or self._wanted.get(topic, 0) > self._clock()

    def publish(self, topic: str, payload: Payload, *, at: Instant | None = None) -> int:
        """Tell all who watch; returns the message's number. `at`: when what is told was so (default: now).

        Encoded once, whoever watches. NotFound for a topic nobody has declared.
        """
        stream = self._stream(topic)
        now = self._clock()
        stream.last += 1
        change = Message("change", stream.last, now if at is None else at, _encode(payload))
        stream.ring.append(change)
        self._tap(topic, change)
        if stream.readers:
            self._tell(stream.readers, frame_of(stream, change, now))
        return stream.last

    def reset(self, topic: str) -> None:
        """The picture was made anew: forget the changes, send every reader a snapshot."""
        stream = self._stream(topic)
        stream.last += 1
        stream.ring.clear()
        self._tap(topic, Message(RESET, stream.last, self._clock(), b""))
        if stream.readers:
            self._tell(stream.readers, self._snapshot_frame(stream))

    # ------------------------------------------------------------------ for other processes

    def tap(self, tap: Tap) -> None:
        """Have `tap` called with every change and reset, in order. It must neither block nor raise."""
        self._tap = tap

    def want(self, topic: str) -> None:
        """Somebody in another process watches it. NotFound for a topic nobody has declared."""
        self._wanted[self._stream(topic).name] = self._clock() + WANTED_FOR

    def snapshot(self, topic: str) -> Message:
        """All of it now; changes that this brings to light are told first. Raises what the topic raises."""
        return self._snapshot(self._stream(topic))

    def beats(self) -> list[tuple[str, Message]]:
        """Where the topics stand that are watched in other processes."""
        now = self._clock()
        for gone in [topic for topic, until in self._wanted.items() if until <= now]:
            del self._wanted[gone]
        found = []
        for topic in self._wanted:
            stream = self._stream(topic)
            try:
                found.append((topic, Message("beat", stream.last, self._fresh(stream), b"")))
            except Exception:  # noqa: BLE001  one topic's mistake must not silence the others
                _log.exception("live topic cannot say how fresh it is", topic=topic)
        return found

    # ------------------------------------------------------------------ inside

    def _begin(self, reader: Reader, stream: Stream, after: int | None) -> None:
        if after is None or not stream.keeps_since(after):
            reader.prime([self._snapshot_frame(stream)])
        else:
            reader.prime(self._missed(stream, after))

    def _snapshot(self, stream: Stream) -> Message:
        data = _encode(stream.topic.snapshot(stream.key))  # first: it may tell changes
        return Message("snapshot", stream.last, self._fresh(stream), data)

    def _snapshot_frame(self, stream: Stream) -> str:
        message = self._snapshot(stream)
        return frame_of(stream, message, self._clock())

    def _fresh(self, stream: Stream) -> Instant:
        return stream.topic.fresh() if stream.topic.fresh is not None else self._clock()
