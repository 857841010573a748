"""How long an event of 20 headers takes from bytes to message; beside it, panoramisk's own parser."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from time import perf_counter

from panoramisk.message import Message as PanoramiskMessage

from bench.report import Result, at_most
from telephony.ami.wire import BANNER_PREFIX, Framer

NAME = "ami_parse"
BARS = {"event_us": at_most(25)}
EVENTS = 30_000
ROUNDS = 3
EVENT = (
    "Event: AgentConnect\r\nPrivilege: agent,all\r\nTimestamp: 1795303227.893652\r\n"
    + "".join(f"Header{number}: some value {number}\r\n" for number in range(17))
    + "\r\n"
).encode()


def ours() -> None:
    """Framing, decoding and parsing, in segments of 100 events."""
    framer = Framer()
    framer.feed(BANNER_PREFIX + b"11.0.0\r\n")
    segment = EVENT * 100
    for _ in range(EVENTS // 100):
        framer.feed(segment)


def panoramisk() -> None:
    """Parsing alone."""
    text = EVENT[:-4].decode()
    for _ in range(EVENTS):
        PanoramiskMessage.from_line(text)


def _microseconds(run: Callable[[], None]) -> float:
    begun = perf_counter()
    run()
    return (perf_counter() - begun) / EVENTS * 1e6


def measure() -> Result:
    """Medians of three rounds, measured in turn: µs per event."""
    rounds = [(_microseconds(ours), _microseconds(panoramisk)) for _ in range(ROUNDS)]
    mine, theirs = (statistics.median(values) for values in zip(*rounds, strict=True))
    return Result(
        bench=NAME,
        figures={"event_us": round(mine, 2), "panoramisk_us": round(theirs, 2)},
        bars=BARS,
        notes=("bytes to message, 20 headers; beside it panoramisk's Message.from_line alone",),
    )
