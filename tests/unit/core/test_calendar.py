"""Pure: counting in working days and in open hours, over calendars of any shape."""

from __future__ import annotations

from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.calendar import HolidayNotice, Law, Span, Special, WorkingCalendar
from core.clock import HOUR, MINUTE, SECOND, instant_on, local_day, local_minute

YEAR = date(2026, 1, 1)
NEXT_YEAR = date(2027, 1, 1)
DAY = timedelta(days=1)


def calendar(
    days: dict[date, Special] | None = None,
    *,
    week: frozenset[int] = frozenset(range(5)),
    hours: tuple[Span, ...] = (Span(8 * 60 + 30, 12 * 60), Span(13 * 60 + 30, 17 * 60 + 30)),
    zone: str = "Asia/Shanghai",
) -> WorkingCalendar:
    """A calendar that one notice of 2026 overrules on these days."""
    return WorkingCalendar(
        week=week,
        hours=hours,
        limits_end=17 * 60 + 30,
        notices=(
            HolidayNotice(
                number="notice",
                published=date(2025, 11, 4),
                since=YEAR,
                until=NEXT_YEAR - DAY,
                days=days or {},
            ),
        ),
        law=Law(number="law", days={NEXT_YEAR: "元旦"}),
        zone=ZoneInfo(zone),
    )


PLAIN = calendar()
dates = st.dates(YEAR - 100 * DAY, NEXT_YEAR + 100 * DAY)
instants = st.builds(lambda on, second: instant_on(on, 0) + second * SECOND, dates, st.integers(0, 86_399))


@st.composite
def calendars(draw: st.DrawFn) -> WorkingCalendar:
    """Any week, any holidays and make-up days, one or two stretches of hours, with summer time or not."""
    chosen = draw(st.dictionaries(dates, st.booleans(), max_size=60))
    cuts = sorted(draw(st.lists(st.integers(0, 1440), min_size=4, max_size=4, unique=True)))
    hours = (Span(cuts[0], cuts[1]), Span(cuts[2], cuts[3]))[: draw(st.integers(1, 2))]
    return calendar(
        {on: Special(works, "x") for on, works in chosen.items()},
        week=frozenset(draw(st.sets(st.integers(0, 6), min_size=1))),
        hours=hours,
        zone=draw(st.sampled_from(["Asia/Shanghai", "Europe/Berlin"])),
    )


# A busy machine is no failure.
unhurried = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])


@unhurried
@given(calendars(), dates, st.integers(0, 30), st.integers(0, 30))
def test_counting_on_is_counting_further(cal: WorkingCalendar, start: date, one: int, two: int) -> None:
    halfway = cal.add_working_days(start, one).day
    assert cal.add_working_days(halfway, two).day == cal.add_working_days(start, one + two).day


@unhurried
@given(calendars(), dates, st.integers(0, 30))
def test_a_later_start_or_a_longer_limit_never_ends_sooner(
    cal: WorkingCalendar, start: date, count: int
) -> None:
    end = cal.add_working_days(start, count).day
    assert end <= cal.add_working_days(start + DAY, count).day
    assert end < cal.add_working_days(start, count + 1).day


@unhurried
@given(calendars(), dates, st.integers(1, 30))
def test_what_was_added_lies_between_and_is_a_working_day(
    cal: WorkingCalendar, start: date, count: int
) -> None:
    later, sooner = cal.add_working_days(start, count).day, cal.add_working_days(start, -count).day
    assert cal.works(later)
    assert cal.works(sooner)
    assert cal.working_days_between(start, later) == count
    assert cal.working_days_between(sooner, start) == count - 1 + cal.works(start)
    if cal.works(start):
        assert cal.add_working_days(later, -count).day == start


@unhurried
@given(calendars(), dates, dates, dates)
def test_days_between_add_up_in_any_order(cal: WorkingCalendar, a: date, b: date, c: date) -> None:
    between = cal.working_days_between
    assert between(a, c) == between(a, b) + between(b, c)
    assert between(b, a) == -between(a, b)


@unhurried
@given(calendars(), instants, st.integers(0, 60 * 60), st.integers(0, 60 * 60))
def test_open_time_that_was_added_lies_between(cal: WorkingCalendar, start: int, one: int, two: int) -> None:
    end = cal.add_working_time(start, one * MINUTE).at
    assert cal.working_time_between(start, end) == one * MINUTE
    assert cal.add_working_time(end, two * MINUTE).at == cal.add_working_time(start, (one + two) * MINUTE).at


@unhurried
@given(calendars(), instants, instants, instants)
def test_open_time_adds_up_and_its_shares_are_in_order(cal: WorkingCalendar, a: int, b: int, c: int) -> None:
    between = cal.working_time_between
    assert between(a, c) == between(a, b) + between(b, c)
    first, last = min(a, b), max(a, b)
    assert first <= cal.share(first, last, 50) <= cal.share(first, last, 80) <= last


@unhurried
@given(calendars(), instants)
def test_the_next_open_hour_is_open_and_nothing_is_open_before_it(cal: WorkingCalendar, at: int) -> None:
    opening = cal.next_open(at)
    assert cal.working_time_between(at, opening) == 0
    assert cal.working_time_between(opening, opening + SECOND) > 0


def test_a_limit_ends_at_the_close_of_its_last_day_and_make_up_days_count() -> None:
    # Friday noon; Monday is a holiday that Saturday is worked for.
    cal = calendar({date(2026, 5, 9): Special(True, "劳动节"), date(2026, 5, 11): Special(False, "劳动节")})
    due = cal.deadline(instant_on(date(2026, 5, 8), 12 * 60), 2)
    assert (local_day(due.at), local_minute(due.at)) == (date(2026, 5, 12), 17 * 60 + 30)
    assert due.confirmed
    assert due.edition == "notice"


@pytest.mark.parametrize("taken_in_at", [0, 12 * 60, 23 * 60 + 59])
def test_the_day_of_intake_is_day_nought_at_any_hour(taken_in_at: int) -> None:
    sunday = date(2026, 6, 7)
    due = PLAIN.deadline(instant_on(sunday, taken_in_at), 1)
    assert local_day(due.at) == date(2026, 6, 8)


def test_past_the_last_notice_it_goes_on_by_law_and_says_so() -> None:
    last = date(2026, 12, 30)
    assert PLAIN.add_working_days(last, 1).confirmed
    across = PLAIN.add_working_days(last, 2)
    assert (across.day, across.confirmed) == (date(2027, 1, 4), False)
    assert PLAIN.day(NEXT_YEAR).source == "law"
    assert not PLAIN.day(NEXT_YEAR).works
    assert not PLAIN.deadline(instant_on(last, 0), 5).confirmed
    assert not PLAIN.add_working_time(instant_on(last, 0), 40 * HOUR).confirmed


def test_of_two_notices_for_one_day_the_later_counts() -> None:
    on = date(2026, 2, 1)
    first, *_ = calendar({on: Special(True, "春节")}).notices
    second = HolidayNotice(
        number="second",
        published=date(2026, 1, 26),
        since=on,
        until=on,
        days={on: Special(False, "春节")},
    )
    cal = WorkingCalendar(
        week=PLAIN.week, hours=PLAIN.hours, limits_end=0, notices=(first, second), law=PLAIN.law
    )
    assert not cal.works(on)
    assert (cal.day(on).source, cal.edition, cal.confirmed_until) == ("second", "second", date(2026, 12, 31))


def test_the_clock_on_the_wall_is_followed_through_summer_time() -> None:
    cal = calendar(week=frozenset(range(7)), hours=(Span(0, 1440),), zone="Europe/Berlin")
    changes = date(2026, 3, 29)
    opens, closes = cal.open_on(changes)[0]
    assert closes - opens == 23 * HOUR
    assert local_day(closes, cal.zone) == changes + DAY


def test_time_is_not_added_backwards_and_an_empty_calendar_is_none() -> None:
    with pytest.raises(ValueError, match="forwards only"):
        PLAIN.add_working_time(0, -1)
    with pytest.raises(ValueError, match="a calendar needs"):
        calendar(week=frozenset())


@pytest.mark.parametrize(
    ("today", "lacking"),
    [
        (date(2026, 11, 30), None),
        (date(2026, 12, 1), 2027),
        (date(2026, 12, 31), 2027),
        (date(2027, 1, 1), 2027),
        (date(2028, 6, 1), 2028),
    ],
)
def test_from_december_on_the_next_year_is_missed(today: date, lacking: int | None) -> None:
    assert calendar().year_lacking(today) == lacking
