"""Time, in one place: UTC is kept, the bank's own zone is applied at the edges.

An `Instant` is a whole number of microseconds since 1970-01-01T00:00:00Z. Whole numbers make every sum of
durations exact, so that a figure computed twice has the same digits. A `Duration` is in microseconds too.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from datetime import time as time_of_day
from zoneinfo import ZoneInfo

Instant = int
Duration = int
Clock = Callable[[], Instant]

MILLISECOND: Duration = 1_000
SECOND: Duration = 1_000_000
MINUTE: Duration = 60 * SECOND
HOUR: Duration = 60 * MINUTE
DAY: Duration = 24 * HOUR
"""Not every day of the wall: where clocks change there is one of 23 hours, and one of 25."""
BANK_ZONE = ZoneInfo("Asia/Shanghai")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def system_clock() -> Instant:
    """The machine's own clock. Everything but the front door takes its clock as an argument."""
    return time.time_ns() // 1_000


def instant(moment: datetime) -> Instant:
    """The instant of an aware datetime; a naive one is a mistake and raises ValueError."""
    if moment.tzinfo is None:
        raise ValueError(f"{moment!r} has no time zone: say which one it is in")
    return (moment - _EPOCH) // timedelta(microseconds=1)


def moment(at: Instant, zone: ZoneInfo = BANK_ZONE) -> datetime:
    """The aware datetime of an instant, in the bank's zone unless told otherwise."""
    return (_EPOCH + timedelta(microseconds=at)).astimezone(zone)


def local_day(at: Instant, zone: ZoneInfo = BANK_ZONE) -> date:
    """The date that the calendar on the wall shows at an instant."""
    return moment(at, zone).date()


def local_minute(at: Instant, zone: ZoneInfo = BANK_ZONE) -> int:
    """The minute of the day that the clock on the wall shows at an instant: 0 to 1439."""
    there = moment(at, zone)
    return there.hour * 60 + there.minute


def instant_on(day: date, minute: int, zone: ZoneInfo = BANK_ZONE) -> Instant:
    """The instant at which the clock on the wall shows that minute of that day; 1440 is the day's end."""
    return instant(datetime.combine(day, time_of_day(), zone) + timedelta(minutes=minute))


def iso(at: Instant) -> str:
    """RFC 3339 in UTC with microseconds: the form in which instants leave the program."""
    return moment(at, ZoneInfo("UTC")).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def ami_timestamp(text: str) -> Instant:
    """The instant of AMI's `Timestamp` header (`1700000000.123456`, seconds); ValueError if it is not one."""
    seconds, _, fraction = text.partition(".")
    return int(seconds) * SECOND + int(fraction[:6].ljust(6, "0") or "0")
