"""`fold`: what one whole call costs from the bytes of its events to the facts in hand, no I/O.

The events are a recorded call with survey; beside the whole way, its first part alone (bytes to messages), so
that the ratio says what the folds add whatever the machine.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from time import perf_counter

from bench.report import Result
from core.clock import MINUTE, Instant
from telephony.agents import Duties
from telephony.ami.accounts import EVENT_INCLUDE
from telephony.ami.wire import BANNER_PREFIX, Framer, Message
from telephony.switchboard import Switchboard
from telephony.translate import translate

NAME = "fold"
CAPTURE = Path(__file__).parent.parent / "tests/scenarios/captures/normal_with_survey.txt"
CALLS = 400
ROUNDS = 3
_NODE = "node1"
_NOW: Instant = 0


def events(capture: str) -> bytes:
    """The recorded events that the service is sent, as they were on the wire."""
    wanted = []
    for block in capture.split("\n\n"):
        lines = [line for line in block.splitlines() if line and line[0] not in "+#>"]
        if lines and lines[0].removeprefix("Event: ") in EVENT_INCLUDE:
            wanted.append("".join(f"{line}\r\n" for line in lines) + "\r\n")
    return "".join(wanted).encode()


def parsed(wire: bytes) -> list[Message]:
    """Bytes to messages."""
    framer = Framer()
    framer.feed(BANNER_PREFIX + b"11.0.0\r\n")
    return framer.feed(wire)


def folded(messages: list[Message]) -> int:
    """Messages to facts; how many."""
    board = Switchboard(
        Duties(memberships=lambda number: (), wrapup_limit=lambda queue: MINUTE, nodes=(_NODE,))
    )
    facts = 0
    for message in messages:
        signal = translate(message, _NODE, _NOW)
        if signal is not None:
            facts += len(board.hear(signal).facts)
    return facts


def _round(wire: bytes) -> tuple[float, float]:
    """µs a call: bytes to messages, messages to facts."""
    parse_s = fold_s = 0.0
    for _ in range(CALLS):
        begun = perf_counter()
        messages = parsed(wire)
        between = perf_counter()
        folded(messages)
        parse_s += between - begun
        fold_s += perf_counter() - between
    return parse_s / CALLS * 1e6, fold_s / CALLS * 1e6


def measure() -> Result:
    """Medians of three rounds."""
    wire = events(CAPTURE.read_text(encoding="utf-8"))
    messages = parsed(wire)
    rounds = [_round(wire) for _ in range(ROUNDS)]
    parse, fold = (statistics.median(values) for values in zip(*rounds, strict=True))
    return Result(
        bench=NAME,
        figures={
            "call_us": round(parse + fold, 1),
            "parse_us": round(parse, 1),
            "fold_us": round(fold, 1),
            "fold_to_parse": round(fold / parse, 2),
            "event_us": round((parse + fold) / len(messages), 2),
        },
        bars={},
        notes=(f"a recorded call of {len(messages)} events, {folded(messages)} facts",),
    )
