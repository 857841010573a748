"""How old what we hear is, pure.

Asterisk up to 22.10.1 can deliver events late (its issue 2145): a ping wakes the session, and the age of
every event is measured against the node's own clock, whose distance from ours the pings tell.
"""

from __future__ import annotations

from collections import deque

from core.clock import Duration, Instant, ami_timestamp

_SAMPLES = 16


class Lag:
    """Round trips and ages of one session. Durations in µs."""

    def __init__(self) -> None:
        self._samples: deque[tuple[Duration, Duration]] = deque(maxlen=_SAMPLES)
        self.round_trip: Duration | None = None
        self.clock_offset: Duration = 0
        """The node's clock minus ours, from the quickest of the last pings."""
        self.event_age: Duration = 0
        """Of the latest event: from its making at the node to its arrival here; never below 0."""
        self._oldest: Duration = 0

    def ponged(self, sent: Instant, took: Duration, node_time: str | None) -> None:
        """A ping sent at `sent` (our clock) was answered after `took` with the node's time."""
        self.round_trip = took
        made = _instant(node_time)
        if made is None:
            return
        offset = made - (sent + took // 2)
        self._samples.append((took, offset))
        self.clock_offset = min(self._samples)[1]

    def heard(self, timestamp: str | None, now: Instant) -> None:
        """An event of that `Timestamp` (node's clock), if it has one, has arrived at `now` (ours)."""
        made = _instant(timestamp)
        if made is None or not self._samples:  # before the first ping nobody knows how far the clocks differ
            return
        self.event_age = max(0, now + self.clock_offset - made)
        self._oldest = max(self._oldest, self.event_age)

    def oldest(self) -> Duration:
        """The greatest age since this was last asked."""
        oldest, self._oldest = self._oldest, 0
        return oldest


def _instant(timestamp: str | None) -> Instant | None:
    if timestamp is None:
        return None
    try:
        return ami_timestamp(timestamp)
    except ValueError:  # a measure that cannot be taken must not cost us the event
        return None
