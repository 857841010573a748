"""The leader's live topics in another process: the same numbers, so that a screen may come back to either.

No I/O: `web.relay` carries what is told and what is asked. A mirror makes no snapshots; it asks for one when
somebody has to be shown all of a topic, and whenever a number is missing, so that nothing that went astray on
the way is ever missed by a screen. While nothing comes, the age of the data grows in every beat.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from core.clock import SECOND, Clock, Duration, Instant
from core.errors import NotFound
from web.live_reader import Reader
from web.live_topics import LiveTopics, Message, Payload, Stream, Topic, frame_of
from web.route import Principal

SILENCE: Duration = 5 * SECOND
"""The leader says something every second; after so long without a word from it nobody new is let in."""


class LiveMirror(LiveTopics):
    """`asks`: called when `wanted()` has more in it than before; it must not block."""

    def __init__(self, *, clock: Clock, ring: int = 1_000, outbox: int = 400) -> None:
        super().__init__(clock=clock, ring=ring, outbox=outbox)
        self.asks: Callable[[], None] = lambda: None
        self._start = 0  # the leader gives the numbers: of a topic it has told nothing of, none is kept
        self._epoch = 0
        self._heard: Instant = 0

    # ------------------------------------------------------------------ the line

    @property
    def heard(self) -> Instant:
        """When the leader last said anything; 0 while there is no line to it."""
        return self._heard

    @property
    def is_away(self) -> bool:
        """Whether the leader has not been heard for longer than it is ever silent."""
        return self._clock() - self._heard > SILENCE

    def connected(self) -> None:
        """The line stands (again); the numbers of the next beats tell what was missed meanwhile."""
        self._heard = self._clock()  # from now on it has as long as ever to say something
        self.asks()

    def lost(self) -> None:
        """The line is gone; what is known stays to be shown, and grows old."""
        self._heard = 0

    def take(self, epoch: int, told: Iterable[tuple[str, Message]]) -> None:
        """What the leader has told, in its order. `epoch`: which run of it; an earlier one is not heard."""
        if epoch < self._epoch:
            return
        if epoch > self._epoch:
            self._epoch = epoch
            self.asks()  # nobody has told it yet what is watched here
        self._heard = self._clock()
        for topic, message in told:
            try:
                stream = self._stream(topic)
            except NotFound:
                continue  # a newer leader may have topics that we do not
            self._hear(stream, message)

    def wanted(self) -> tuple[list[str], list[str]]:
        """The topics that are watched here, and those of them of which a snapshot is needed."""
        watched = [stream for stream in self._streams.values() if stream.readers]
        lacking = [stream.name for stream in watched if stream.lacks or stream.awaiting]
        return [stream.name for stream in watched], lacking

    # ------------------------------------------------------------------ inside

    def _hear(self, stream: Stream, message: Message) -> None:
        stream.at = message.at
        if message.kind == "snapshot":
            self._show(stream, message)
        elif message.kind == "change" and message.seq == stream.last + 1 and not stream.lacks:
            stream.last = message.seq
            stream.ring.append(message)
            if stream.readers:
                frame = frame_of(stream, message, self._clock())
                self._tell(stream.readers - stream.awaiting, frame)
        elif message.seq != stream.last and not stream.lacks:
            stream.lacks = True
            self.asks()

    def _show(self, stream: Stream, message: Message) -> None:
        """To those who wait for it; to everybody if it holds what they have missed."""
        missed = message.seq != stream.last
        stream.last, stream.lacks = message.seq, False
        if missed:
            stream.ring.clear()
        if stream.awaiting or (missed and stream.readers):
            frame = frame_of(stream, message, self._clock())
            for reader in stream.awaiting:
                reader.prime([frame])
            if missed:
                self._tell(stream.readers - stream.awaiting, frame)
        stream.awaiting.clear()

    def _begin(self, reader: Reader, stream: Stream, after: int | None) -> None:
        if after is not None and stream.keeps_since(after):
            reader.prime(self._missed(stream, after))
        elif self.is_away:
            reader.end("away")  # nothing to show, and nobody to ask
            return
        else:
            stream.awaiting.add(reader)
        self.asks()

    def _fresh(self, stream: Stream) -> Instant:
        return stream.at


def mirrored(
    name: str,
    right: str,
    allowed: Callable[[Principal, str], bool] | None = None,
    *,
    wider: tuple[str, ...] = (),
) -> Topic:
    """A topic of the leader's: its name and who may watch it, without its data."""
    return Topic(name=name, right=right, snapshot=_elsewhere, allowed=allowed, wider=wider)


def _elsewhere(_key: str) -> Payload:
    raise NotImplementedError("a mirror asks the leader for snapshots")
