"""Which days work, and what follows: limits in working days, working time, the next hour somebody is there.

In China a holiday is lengthened by working on a weekend day for it (调休), and which days these are is laid
down by a notice every year, for the next one only. So the calendar is data: a plain week, and notices that
overrule it date by date, each with its number and the day it was published. Past the last notice it goes on
by the plain week and the holidays that the law names, and says of every such answer that it is provisional.

Pure. Dates are the bank's own; `core.clock` alone turns them into instants.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from core.clock import BANK_ZONE, Duration, Instant, instant_on, local_day

_DAY = timedelta(days=1)
_LAST_MONTH = 12


@dataclass(frozen=True, slots=True)
class Special:
    """What a notice says of one date. `works`: a make-up day; `name`: of the holiday, 春节."""

    works: bool
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HolidayNotice:
    """One announcement. It is the last word on every date from `since` to `until`, both included."""

    number: str
    published: date
    since: date
    until: date
    days: Mapping[date, Special]


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """The holidays there will be in any case, for years without a notice; `days`: date → name."""

    number: str
    days: Mapping[date, str]


@dataclass(frozen=True, slots=True)
class Span:
    """Open from minute `opens` of the day up to, not including, minute `closes`; 1440 is midnight."""

    opens: int
    closes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """One date. `name`: of the holiday it belongs to, "" for a plain day; `source`: who says so."""

    works: bool
    confirmed: bool
    name: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Reckoned:
    """A date that was counted out. `confirmed`: no date that was counted may still be changed by a notice."""

    day: date
    confirmed: bool


@dataclass(frozen=True, slots=True)
class Due:
    """An instant that was counted out. `confirmed`: as in `Reckoned`; `edition`: of the calendar."""

    at: Instant
    confirmed: bool
    edition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingCalendar:
    """`week`: the weekdays that work, 0 is Monday. `notices`: in the order they were published, covering one
    stretch of dates without a gap; of two that name the same date the later one counts.
    `hours`: when a working day is open, in order, not overlapping. `limits_end`: the minute of its last day
    at which a limit in working days is over.
    """

    week: frozenset[int]
    hours: tuple[Span, ...]
    limits_end: int
    notices: Sequence[HolidayNotice]
    law: Law
    zone: ZoneInfo = BANK_ZONE
    _said: Mapping[date, tuple[Special, HolidayNotice]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.week or not self.hours or not self.notices:
            raise ValueError("a calendar needs a day that works, an hour that is open and a notice")
        said = {on: (special, notice) for notice in self.notices for on, special in notice.days.items()}
        object.__setattr__(self, "_said", MappingProxyType(said))

    @property
    def confirmed_since(self) -> date:
        """The first date a notice covers."""
        return min(notice.since for notice in self.notices)

    @property
    def confirmed_until(self) -> date:
        """The last date a notice covers."""
        return max(notice.until for notice in self.notices)

    @property
    def edition(self) -> str:
        """The number of the newest notice; what was counted by an older edition may be counted anew."""
        return self.notices[-1].number

    def year_lacking(self, today: date) -> int | None:
        """The year that nobody has entered though it is time: this one, or from 1 December on the next."""
        year = today.year + (today.month == _LAST_MONTH)
        return None if self.confirmed_until >= date(year, _LAST_MONTH, 31) else year

    # -------------------------------------------------------------- dates

    def day(self, on: date) -> Day:
        """What kind of day it is, and who says so."""
        confirmed = self.confirmed_since <= on <= self.confirmed_until
        if (said := self._said.get(on)) is not None:
            special, notice = said
            return Day(works=special.works, confirmed=confirmed, name=special.name, source=notice.number)
        if not confirmed and on in self.law.days:
            return Day(works=False, confirmed=False, name=self.law.days[on], source=self.law.number)
        return Day(works=on.weekday() in self.week, confirmed=confirmed)

    def works(self, on: date) -> bool:
        """Whether the date is a working day, make-up days among them."""
        return self.day(on).works

    def add_working_days(self, start: date, count: int) -> Reckoned:
        """The `count`-th working day after `start`, before it if negative; `start` itself is day 0."""
        step = _DAY if count >= 0 else -_DAY
        on, left = start, abs(count)
        while left:
            on += step
            left -= self.works(on)
        return Reckoned(on, self._confirmed(start, on))

    def working_days_between(self, start: date, end: date) -> int:
        """Working days after `start` up to and including `end`; negative if `end` comes first."""
        if end < start:
            return -self.working_days_between(end, start)
        return sum(self.works(on) for on in _dates(start + _DAY, end))

    def deadline(self, since: Instant, working_days: int) -> Due:
        """When a limit in working days is over that began at `since`.

        The day it began is day 0, whatever the hour and even on a holiday.
        """
        reckoned = self.add_working_days(local_day(since, self.zone), working_days)
        at = instant_on(reckoned.day, self.limits_end, self.zone)
        return Due(at, reckoned.confirmed, self.edition)

    # -------------------------------------------------------------- hours

    def open_on(self, on: date) -> tuple[tuple[Instant, Instant], ...]:
        """The open hours of a date as (from, to); none on a day that does not work."""
        if not self.works(on):
            return ()
        return tuple(
            (instant_on(on, span.opens, self.zone), instant_on(on, span.closes, self.zone))
            for span in self.hours
        )

    def next_open(self, at: Instant) -> Instant:
        """`at` itself inside open hours, else the next opening."""
        return max(at, next(self._open_from(at))[0])

    def working_time_between(self, start: Instant, end: Instant) -> Duration:
        """The open time from `start` to `end`; negative if `end` comes first."""
        if end < start:
            return -self.working_time_between(end, start)
        total = 0
        for opens, closes in self._open_from(start):
            if opens >= end:
                break
            total += min(closes, end) - max(opens, start)
        return total

    def add_working_time(self, start: Instant, amount: Duration) -> Due:
        """When `amount` of open time has passed since `start`: a closing hour, not the next opening.

        ValueError for a negative amount.
        """
        if amount < 0:
            raise ValueError(f"working time is added forwards only, not {amount} µs")
        at, left = start, amount
        spans = self._open_from(start)
        while left:
            opens, closes = next(spans)
            begins = max(opens, start)
            at = min(closes, begins + left)
            left -= at - begins
        confirmed = self._confirmed(local_day(start, self.zone), local_day(at, self.zone))
        return Due(at, confirmed, self.edition)

    def share(self, since: Instant, until: Instant, percent: int) -> Instant:
        """When that part of the open time from `since` to `until` has passed (NOTIFY-06)."""
        whole = self.working_time_between(since, until)
        return self.add_working_time(since, max(0, whole) * percent // 100).at

    def _open_from(self, at: Instant) -> Iterator[tuple[Instant, Instant]]:
        """Every open span that ends after `at`, without end."""
        on = local_day(at, self.zone)
        while True:
            yield from ((opens, closes) for opens, closes in self.open_on(on) if closes > at)
            on += _DAY

    def _confirmed(self, one: date, other: date) -> bool:
        return self.confirmed_since <= min(one, other) and max(one, other) <= self.confirmed_until


def _dates(first: date, last: date) -> Iterator[date]:
    on = first
    while on <= last:
        yield on
        on += _DAY
