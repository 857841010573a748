"""Months are UTC's, one after the other without gap."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.clock import Instant, instant
from storage.months import FIRST_MONTH, LAST_MONTH_END, has_month, month_of, months, name_of, shifted


def at(*when: int) -> Instant:
    return instant(datetime(*when, tzinfo=UTC))


def test_a_month_begins_at_midnight_of_its_first_day_in_utc() -> None:
    assert month_of(at(2026, 11, 30, 23, 59, 59)) == at(2026, 11, 1)
    assert month_of(at(2026, 12, 1)) == at(2026, 12, 1)
    assert name_of(at(2026, 12, 1)) == "2026-12"


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        (0, at(2026, 11, 1)),
        (2, at(2027, 1, 1)),
        (-10, at(2026, 1, 1)),
        (-11, at(2025, 12, 1)),
        (-23, at(2024, 12, 1)),
    ],
)
def test_months_are_counted_over_the_turn_of_a_year(by: int, expected: Instant) -> None:
    assert shifted(at(2026, 11, 1), by) == expected


def test_only_months_that_have_ended_are_listed() -> None:
    assert list(months(at(2025, 11, 20), at(2026, 2, 1))) == [
        at(2025, 11, 1),
        at(2025, 12, 1),
        at(2026, 1, 1),
    ]
    assert list(months(at(2025, 11, 20), at(2025, 11, 30))) == []


def test_what_a_clock_gone_mad_has_stamped_has_no_month() -> None:
    assert [has_month(one) for one in (FIRST_MONTH - 1, FIRST_MONTH, LAST_MONTH_END - 1, LAST_MONTH_END)] == [
        False,
        True,
        True,
        False,
    ]
