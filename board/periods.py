"""Days, quarter-hours and minutes: the periods figures are counted in. Pure.

A day is the bank's own, midnight to midnight. Quarter-hours and minutes start at the same instants in every
zone whose offset is a whole number of quarter-hours, as all of today's are: so a day begins with one.
"""

from __future__ import annotations

from datetime import datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from core.clock import BANK_ZONE, MINUTE, Instant, instant, moment

QUARTER = 15 * MINUTE
WINDOW = 15 * MINUTE
"""Length of the sliding window of `sl10_recent` and `offered_recent`."""


def minute_start(at: Instant) -> Instant:
    """The beginning of the minute that contains `at`."""
    return at - at % MINUTE


def quarter_start(at: Instant) -> Instant:
    """The beginning of the quarter-hour that contains `at`."""
    return at - at % QUARTER


def day_start(at: Instant, zone: ZoneInfo = BANK_ZONE) -> Instant:
    """The midnight in `zone` at or before `at`."""
    return _day_start(quarter_start(at), zone)


@lru_cache(maxsize=4096)
def _day_start(quarter: Instant, zone: ZoneInfo) -> Instant:
    return instant(datetime.combine(moment(quarter, zone).date(), time(), zone))


def window_start(now: Instant) -> Instant:
    """Where the sliding window begins: it slides in whole minutes, the current one included."""
    return minute_start(now) - (WINDOW - MINUTE)
