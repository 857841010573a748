"""`board`: how long after Asterisk speaks of it a thing is on the team leader's screen, at 40 calls a second.

Measured from Asterisk's own timestamp of the event to the moment in which a WebSocket client, in a process of
its own, has the message that covers it: the first whose `folded` reaches the fact's number in the ledger. All
clocks are this machine's.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import aiohttp
import msgspec
from sqlalchemy import select

from bench.report import Result, at_most
from bench.site import Site, Wants, site, take_our_core
from bench.traffic import Traffic, play
from core.clock import MILLISECOND, Instant, system_clock
from ledger.tables import facts
from storage import Database

NAME = "board"
BARS = {"p99_ms": at_most(100)}
RATE = 40.0
SECONDS = 60.0
ROUNDS = 3
AGENTS = 250
SHOWN = ("CallArrived", "CallerQueued", "CallerLeftQueue", "AgentOffered", "AgentAnswered", "TalkEnded")
"""Facts that an event of Asterisk has just told and that change the board at once."""
_STORED_S = 3.0


class _Data(msgspec.Struct):
    folded: int


class _Message(msgspec.Struct):
    data: _Data | None = None


class Screen:
    """A client of the board. `covered`: numbers of facts, rising, and `at`: when each was on the screen."""

    def __init__(self) -> None:
        self.covered: list[int] = []
        self.at: list[Instant] = []
        self.ready = asyncio.Event()
        self._decode = msgspec.json.Decoder(_Message).decode

    async def run(self, client: aiohttp.ClientSession) -> None:
        """Watch until cancelled."""
        async with client.ws_connect("/api/live", params={"topic": "board"}, max_msg_size=0) as socket:
            async for message in socket:
                now = system_clock()
                data = self._decode(message.data).data
                if data is not None:
                    self.covered.append(data.folded)
                    self.at.append(now)
                    self.ready.set()

    def age(self, seq: int, at: Instant) -> float | None:
        """ms from `at` until fact `seq` was on the screen; None if it never was."""
        place = bisect_left(self.covered, seq)
        return (self.at[place] - at) / MILLISECOND if place < len(self.covered) else None


@asynccontextmanager
async def watched(there: Site) -> AsyncIterator[Screen]:
    """A screen that shows the board from here on."""
    screen = Screen()
    async with there.leader() as client:
        watching = asyncio.create_task(screen.run(client))
        await asyncio.wait_for(screen.ready.wait(), 10)
        try:
            yield screen
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)


async def ages_on(there: Site, screen: Screen) -> list[float]:
    """The ages of all facts of the load, smallest first."""
    first = screen.covered[0]
    query = select(facts.c.seq, facts.c.at).where(facts.c.seq > first, facts.c.kind.in_(SHOWN))
    database = Database(there.settings.ledger_url, name="ledger")
    await database.open()
    try:
        async with database.read() as connection:
            rows = (await connection.execute(query)).all()
    finally:
        await database.close()
    ages = (screen.age(row.seq, row.at) for row in rows)
    return sorted(age for age in ages if age is not None)


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


async def _round(wrapper: Sequence[str], load: Traffic) -> list[float]:
    async with site(Wants(agents=AGENTS), wrapper=wrapper) as there:
        await there.start_service()
        async with watched(there) as screen:
            outcome = await play(there, load)
            await asyncio.sleep(_STORED_S)  # the ledger stores behind the board
        ages = await ages_on(there, screen)
    print(
        f"{load.calls} calls, {outcome.failed} failed, {len(ages)} facts: "
        f"p50 {percentile(ages, 0.5):.1f} ms, p99 {percentile(ages, 0.99):.1f} ms, longest {ages[-1]:.1f} ms",
        file=sys.stderr,
        flush=True,
    )
    return ages


async def _measure() -> Result:
    wrapper = take_our_core()
    began = time.monotonic()
    load = Traffic(rate=RATE, seconds=SECONDS)
    rounds = [await _round(wrapper, load) for _ in range(ROUNDS)]
    figures = {
        name: round(statistics.median(percentile(ages, share) for ages in rounds), 1)
        for name, share in (("p50_ms", 0.5), ("p99_ms", 0.99), ("longest_ms", 1.0))
    }
    return Result(
        bench=NAME,
        figures=figures,
        bars=BARS,
        notes=(
            f"{RATE:g} calls/s for {SECONDS:g} s, {AGENTS} agents, {ROUNDS} rounds, "
            f"{time.monotonic() - began:.0f} s in all",
        ),
    )


def measure() -> Result:
    """The whole bench."""
    return asyncio.run(_measure())
