"""AMI on the wire, pure: bytes in, messages out.

Bytes are framed first and decoded afterwards, so that a character split between two TCP segments arrives
whole. The lines of a frame are taken apart by panoramisk's `Message.from_line`, which has nothing to do
with its Manager; two habits of it are switched off here: percent-decoding of `Result`, and the
case-folding copy of every header, which costs half the time and answers '' for what is not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from panoramisk.message import Message as PanoramiskMessage

from telephony.ami.errors import ProtocolBroken

BANNER_PREFIX = b"Asterisk Call Manager/"
END_OF_LINE = b"\r\n"
END_OF_MESSAGE = b"\r\n\r\n"
LONGEST_BANNER = 128
LONGEST_LINE = 32 * 1024
LONGEST_MESSAGE = 128 * 1024
_ACCEPTING = frozenset({"Success", "Goodbye", "Pong"})


class _Lines(PanoramiskMessage):  # type: ignore[misc]  # panoramisk carries no types
    """panoramisk's parser without its dictionary: keeps the headers just as `from_line` found them."""

    quoted_keys = ()

    def __init__(self, headers: dict[str, Any], content: str = "") -> None:
        self.__dict__["parsed"] = headers


class Message:
    """One event or response; immutable.

    Headers are asked for in Asterisk's own spelling. A header that is not there (`None`, `KeyError`) is
    another thing than an empty one (`""`).
    """

    __slots__ = ("_headers", "is_event", "name", "repaired")

    _headers: dict[str, str | list[str]]
    name: str
    """The event's name, or the word of a response (`Success`, `Error`, `Goodbye`)."""
    is_event: bool
    repaired: bool
    """Some bytes were not UTF-8 and have been replaced by U+FFFD."""

    def __init__(self, headers: dict[str, str | list[str]], *, repaired: bool = False) -> None:
        is_event = "Event" in headers
        name = headers["Event" if is_event else "Response"]
        put = object.__setattr__
        put(self, "_headers", headers)
        put(self, "is_event", is_event)
        put(self, "name", name if isinstance(name, str) else name[0])
        put(self, "repaired", repaired)

    def __setattr__(self, attribute: str, value: object) -> None:
        raise AttributeError(f"an AMI message is not changed: {attribute}")

    def __contains__(self, header: str) -> bool:
        return header in self._headers

    def __getitem__(self, header: str) -> str:
        """The first value of `header`; KeyError with the message's name when it is missing."""
        try:
            value = self._headers[header]
        except KeyError:
            raise KeyError(f"{self.name} without {header}") from None
        return value if isinstance(value, str) else value[0]

    def get(self, header: str) -> str | None:
        """The first value of `header`, None if it is missing."""
        value = self._headers.get(header)
        return value[0] if isinstance(value, list) else value

    def all(self, header: str) -> tuple[str, ...]:
        """Every value of a header that may be repeated, in order."""
        value = self._headers.get(header)
        if value is None:
            return ()
        return (value,) if isinstance(value, str) else tuple(value)

    def items(self) -> Iterator[tuple[str, str]]:
        """Headers and values in order of first appearance."""
        for header in self._headers:
            for value in self.all(header):
                yield header, value

    @property
    def accepted(self) -> bool:
        """Whether a response says yes."""
        return not self.is_event and self.name in _ACCEPTING

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Message) and self._headers == other._headers

    def __hash__(self) -> int:
        return hash(tuple(self.items()))

    def __repr__(self) -> str:
        # Never the values: events carry what callers keyed in, and their numbers.
        return f"<{'event' if self.is_event else 'response'} {self.name}: {', '.join(self._headers)}>"


def parse(frame: bytes) -> Message | None:
    """The message of one frame (without its blank line); None if it is neither event nor response."""
    try:
        text, repaired = frame.decode(), False
    except UnicodeDecodeError:
        text, repaired = frame.decode(errors="replace"), True
    lines = _Lines.from_line(text)
    return None if lines is None else Message(lines.parsed, repaired=repaired)


class Framer:
    """Cuts the byte stream of one connection into messages, however it is chunked.

    Raises `ProtocolBroken` on a foreign banner, an over-long line or an over-long message; the connection
    cannot be trusted any more then.
    """

    def __init__(self) -> None:
        self.banner: str | None = None
        self.repaired = 0
        self.strange = 0
        """Frames that were neither event nor response, and were left out."""
        self._buffer = bytearray()
        self._searched = 0

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes, in order."""
        self._buffer += data
        if self.banner is None and not self._take_banner():
            return []
        messages = []
        for frame in self._frames():
            message = self._message(frame)
            if message is not None:
                messages.append(message)
        return messages

    def _take_banner(self) -> bool:
        end = self._buffer.find(END_OF_LINE)
        line = bytes(self._buffer[: end if end >= 0 else LONGEST_BANNER + 1])
        begun = end < 0 and BANNER_PREFIX.startswith(line)
        if len(line) > LONGEST_BANNER or not (begun or line.startswith(BANNER_PREFIX)):
            raise ProtocolBroken(
                f"the peer greets with {line[:40]!r}, not as an Asterisk manager: check host and port"
            )
        if end < 0:
            return False
        self.banner = self._buffer[:end].decode(errors="replace")
        del self._buffer[: end + len(END_OF_LINE)]
        return True

    def _frames(self) -> Iterator[bytes]:
        buffer, start = self._buffer, 0
        while (end := buffer.find(END_OF_MESSAGE, max(start, self._searched))) >= 0:
            if end - start > LONGEST_MESSAGE:
                break
            yield bytes(buffer[start:end])
            start = end + len(END_OF_MESSAGE)
        del buffer[:start]
        if len(buffer) > LONGEST_MESSAGE:
            raise ProtocolBroken(f"a message of more than {LONGEST_MESSAGE} bytes: the connection is ended")
        self._searched = max(0, len(buffer) - len(END_OF_MESSAGE) + 1)

    def _message(self, frame: bytes) -> Message | None:
        if len(frame) > LONGEST_LINE and max(map(len, frame.split(END_OF_LINE))) > LONGEST_LINE:
            raise ProtocolBroken(f"a line of more than {LONGEST_LINE} bytes: the connection is ended")
        message = parse(frame)
        if message is None:
            self.strange += 1
        elif message.repaired:
            self.repaired += 1
        return message
