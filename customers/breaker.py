"""When to leave a source alone that does not answer. Pure.

closed ─so many failures in a row─► open ─its time is over─► half open, one probe ─► closed, or open again
"""

from __future__ import annotations

from enum import StrEnum

from core.clock import Duration, Instant


class State(StrEnum):
    """Whether the source is asked."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Breaker:
    """`failures`: so many in a row open it, for `open_for`. Whoever is admitted says how it ended."""

    def __init__(self, *, failures: int, open_for: Duration) -> None:
        self._most = failures
        self._open_for = open_for
        self._in_a_row = 0
        self._opened_at: Instant | None = None
        self._probing = False

    def state(self, now: Instant) -> State:
        """As it stands."""
        if self._opened_at is None:
            return State.CLOSED
        return State.OPEN if now - self._opened_at < self._open_for else State.HALF_OPEN

    def admits(self, now: Instant) -> bool:
        """Whether the source may be asked now; half open, only by one at a time."""
        state = self.state(now)
        if state is State.HALF_OPEN and not self._probing:
            self._probing = True
            return True
        return state is State.CLOSED

    def succeeded(self) -> bool:
        """The source has answered; True if that closes an open breaker."""
        was_open = self._opened_at is not None
        self._in_a_row, self._opened_at, self._probing = 0, None, False
        return was_open

    def failed(self, now: Instant) -> bool:
        """It has not; True if that opens a closed breaker."""
        was_open, self._probing = self._opened_at is not None, False
        self._in_a_row += 1
        if self._in_a_row >= self._most and (not was_open or self.state(now) is State.HALF_OPEN):
            self._opened_at = now
        return not was_open and self._opened_at is not None

    def given_up(self) -> None:
        """Nobody waited for how it ended: that says nothing of the source."""
        self._probing = False
