"""How long to wait before the next attempt: doubling, capped, with full jitter."""

from __future__ import annotations

from collections.abc import Callable

from core.clock import Duration


class Backoff:
    """`random` answers in [0, 1). Full jitter: the many clients of one node do not come back at once."""

    def __init__(self, first: Duration, most: Duration, random: Callable[[], float]) -> None:
        self._first = first
        self._most = most
        self._random = random
        self._attempt = 0

    def next(self) -> Duration:
        """The wait before the next attempt, in µs: at least a tenth of the first step, at most the cap."""
        ceiling = min(self._most, self._first << self._attempt)
        if ceiling < self._most:
            self._attempt += 1
        return max(self._first // 10, round(self._random() * ceiling))

    def reset(self) -> None:
        """The connection has proved itself: begin small again."""
        self._attempt = 0
