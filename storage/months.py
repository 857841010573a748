"""Whole months, by which old rows are kept together and go together. Pure.

They are UTC's: a partition's borders must not move when somebody sets another zone.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from core.clock import Instant, instant, moment

FIRST_MONTH, LAST_MONTH_END = (instant(datetime(year, 1, 1, tzinfo=UTC)) for year in (2000, 2200))
"""Months lie between these; what a clock gone mad has stamped lies before or after."""


def month_of(at: Instant) -> Instant:
    """The start of the month that contains `at`, which `has_month`."""
    there = moment(at).astimezone(UTC)
    return instant(datetime(there.year, there.month, 1, tzinfo=UTC))


def has_month(at: Instant) -> bool:
    """Whether `at` lies where months are."""
    return FIRST_MONTH <= at < LAST_MONTH_END


def shifted(month: Instant, by: int) -> Instant:
    """The start of the month that begins `by` months after (before, if negative) the one starting then."""
    there = moment(month).astimezone(UTC)
    year, number = divmod(there.year * 12 + there.month - 1 + by, 12)
    return instant(datetime(year, number + 1, 1, tzinfo=UTC))


def months(since: Instant, until: Instant) -> Iterator[Instant]:
    """The starts of the months from the one that contains `since` on that have ended by `until`."""
    month = month_of(since)
    while (following := shifted(month, 1)) <= until:
        yield month
        month = following


def name_of(month: Instant) -> str:
    """As it is written for people: 2026-11."""
    return f"{moment(month).astimezone(UTC):%Y-%m}"
