"""`ingest`: how many events a second go all the way on one core: bytes, folds, ledger on disk, board.

The events are those of a recorded call with survey, as the service is sent them, with ids and times of their
own for each of many calls. The way is the service's: framing, translating, the switchboard, the ledger with
its writer on SQLite, and a board that is told of every fact and works out what changed. It is over when the
last fact is on the disk and the board has counted every call.
"""

from __future__ import annotations

import asyncio
import os
import re
import statistics
import tempfile
import uuid
from pathlib import Path
from time import perf_counter

from bench.fold import CAPTURE, events
from bench.report import Result, at_least
from board.service import Board
from core.clock import MINUTE, SECOND, system_clock
from core.errors import HotlineError
from directory import seed
from ledger.ledger import Ledger
from storage import Database
from storage.migrate import migrate
from telephony.agents import Duties
from telephony.ami.wire import BANNER_PREFIX, Framer
from telephony.switchboard import Switchboard
from telephony.translate import translate
from web.live import LiveHub

NAME = "ingest"
BARS = {"events_per_s": at_least(10_000)}
CALLS = 1_500
ROUNDS = 3
_NODE = "node1"
_SEGMENT = 64 * 1024
_CALL = re.compile(rb"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_LEG = re.compile(rb"node1-\d+\.(\d+)")
_TIME = re.compile(rb"Timestamp: (\d+\.\d+)")
_JOINED = re.compile(rb"JoinedUs: (\d+)")


class NotIngested(HotlineError):
    """Not every call arrived at the board: the figure would be one of something else."""


def traffic(calls: int) -> tuple[bytes, int]:
    """The events of so many calls of a second each, one after the other up to now; and how many they are."""
    one = events(CAPTURE.read_text(encoding="utf-8"))
    began = float(_TIME.search(one)[1])  # type: ignore[index]
    now = system_clock() / SECOND
    parts = []
    for number in range(calls):
        call, shift = str(uuid.uuid4()).encode(), now - calls + number - began
        text = _CALL.sub(call, one)
        text = _LEG.sub(lambda match, n=number: b"node1-%d.%s" % (1_700_000_000 + n, match[1]), text)  # type: ignore[misc]
        text = _TIME.sub(lambda match, s=shift: b"Timestamp: %.6f" % (float(match[1]) + s), text)  # type: ignore[misc]
        text = _JOINED.sub(
            lambda match, s=shift: b"JoinedUs: %d" % (int(match[1]) + round(s * SECOND)),  # type: ignore[misc]
            text,
        )
        parts.append(text)
    return b"".join(parts), one.count(b"\r\n\r\n") * calls


async def _ingested(wire: bytes, folder: Path) -> float:
    """Seconds for all of it."""
    facts = Database(f"sqlite+aiosqlite:///{folder}/ledger.db", name="ledger")
    await facts.open()
    await migrate(facts, "ledger")
    ledger = Ledger(facts, spool=folder / "ledger.spool")
    await ledger.open()
    board = Board(
        ledger=ledger, hub=LiveHub(clock=system_clock), directory=seed.load(seed.DEMO), clock=system_clock
    )
    await board.start()
    running = asyncio.create_task(board.run())
    switchboard = Switchboard(
        Duties(memberships=lambda number: (), wrapup_limit=lambda queue: MINUTE, nodes=(_NODE,))
    )
    framer = Framer()
    framer.feed(BANNER_PREFIX + b"11.0.0\r\n")
    begun = perf_counter()
    for start in range(0, len(wire), _SEGMENT):
        found = []
        for message in framer.feed(wire[start : start + _SEGMENT]):
            signal = translate(message, _NODE, 0)
            if signal is not None:
                found += switchboard.hear(signal).facts
        ledger.append(found)
        await asyncio.sleep(0)  # as between two readings of a socket: writer and board have their turns
    await ledger.readable(ledger.last)
    counted = board.figures().total.offered
    took = perf_counter() - begun
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await ledger.close()
    await facts.close()
    if counted != CALLS:
        raise NotIngested(f"{counted} of {CALLS} calls were counted by the board")
    return took


def measure() -> Result:
    """Median of three rounds, all on one core."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    wire, count = traffic(CALLS)
    rounds = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(prefix="hotline-bench-") as folder:
            rounds.append(asyncio.run(_ingested(wire, Path(folder))))
    took = statistics.median(rounds)
    return Result(
        bench=NAME,
        figures={
            "events_per_s": round(count / took),
            "calls_per_s": round(CALLS / took),
            "event_us": round(took / count * 1e6, 1),
        },
        bars=BARS,
        notes=(f"{CALLS} calls of {count // CALLS} events each, SQLite, one core for all of it",),
    )
