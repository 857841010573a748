"""How old the board's news are when they reach a screen: measured by one that looks like any other.

The age of a fact on the screen = the moment its number is covered by a received message (`folded`) minus the
fact's own time, which is Asterisk's timestamp of the event it came from; both clocks are this machine's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import aiohttp
import msgspec

from core.clock import MILLISECOND, Clock, Instant
from core.facts import AgentAnswered, AgentOffered, CallerLeftQueue, CallerQueued, Numbered, TalkEnded

SHOWN = (CallerQueued, CallerLeftQueue, AgentOffered, AgentAnswered, TalkEnded)
"""Facts that an event of Asterisk has just told and that change a figure on the board at once."""


class Watch:
    """Feed `hear` with the ledger's facts, `run` a screen; then ask for percentiles."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: deque[tuple[int, Instant]] = deque()
        self.ages_ms: list[float] = []

    def hear(self, batch: Sequence[Numbered]) -> None:
        """A listener of the ledger."""
        for numbered in batch:
            if isinstance(numbered.fact, SHOWN):
                self._due.append((numbered.seq, numbered.fact.at))

    async def run(self, client: aiohttp.ClientSession, ready: Callable[[], None]) -> None:
        """Watch the board with a signed-in client until the connection ends. `ready` at the first message."""
        async with client.ws_connect("/api/live", params={"topic": "board"}, heartbeat=10) as socket:
            async for message in socket:
                now = self._clock()
                body = msgspec.json.decode(message.data)
                if body["kind"] == "snapshot":
                    self._due.clear()
                    ready()
                elif body["kind"] == "change":
                    self._covered(body["data"]["folded"], now)

    def _covered(self, folded: int, now: Instant) -> None:
        while self._due and self._due[0][0] <= folded:
            self.ages_ms.append((now - self._due.popleft()[1]) / MILLISECOND)

    def percentile(self, share: float) -> float:
        """The age in ms that `share` of all facts did not exceed; 0 if none was seen."""
        if not self.ages_ms:
            return 0.0
        ordered = sorted(self.ages_ms)
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
