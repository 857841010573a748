"""Sleeping until the next row is due, and waking when an earlier one is written."""

from __future__ import annotations

import asyncio

from core.clock import SECOND, Clock, Instant

NEVER: Instant = 1 << 62
"""Later than every instant."""
_LOOK_AGAIN_S = 30.0
"""At the latest: the machine's clock may be set, and a program that died may leave its rows to us."""
_UNCOMMITTED_S = (0.05, 0.2, 1.0, 5.0)
"""On a server we hear of a new row while its unit of work still runs, and have to look again for it."""


class Waker:
    """One per task that works off rows in the order of their instants.

    Whoever writes a row calls `tell`, inside the unit of work; the task calls `sleep` after each look.
    """

    def __init__(self, *, clock: Clock, look_again_s: float = _LOOK_AGAIN_S) -> None:
        self._clock = clock
        self._look_again_s = look_again_s
        self._woken = asyncio.Event()
        self._asleep_until = NEVER
        self._looks = 0
        self.earliest = NEVER
        """Of the instants told of since whoever reads this set it back."""

    def tell(self, due: Instant) -> None:
        """A row is being written that is due then."""
        self.earliest = min(self.earliest, due)
        if due < self._asleep_until:
            self._woken.set()

    async def sleep(self, until: Instant, *, late_commits: bool) -> None:
        """Returns at `until`, or as soon as an earlier row is told of, or to look again all the same.

        `late_commits`: a row may become visible some time after it was told of. (On SQLite it may not: the
        next look is a unit of work, which queues up behind that of the row.)
        """
        seconds = min(self._look_again_s, max(0.001, (until - self._clock()) / SECOND))
        if late_commits and self._looks < len(_UNCOMMITTED_S):
            seconds = min(seconds, _UNCOMMITTED_S[self._looks])
        self._looks += 1
        self._asleep_until = until
        try:
            async with asyncio.timeout(seconds):
                await self._woken.wait()
            self._looks = 0
        except TimeoutError:
            pass
        finally:
            self._asleep_until = NEVER  # awake: whatever is written from now on asks for another look
            self._woken.clear()
