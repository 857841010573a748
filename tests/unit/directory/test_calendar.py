"""Pure: the shipped calendar is what the notices say, and a wrong file is refused with its lines."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import chinese_calendar
import holidays
import pytest

from core.calendar import WorkingCalendar
from core.clock import instant_on, local_day
from core.errors import BadInput
from directory.calendar import SHIPPED, load, parse
from directory.errors import SeedRefused

TEXT = SHIPPED.read_text(encoding="utf-8")
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def shipped() -> WorkingCalendar:
    return load(SHIPPED)


def days_of(first: int, last: int) -> list[date]:
    start = date(first, 1, 1)
    return [start + n * DAY for n in range((date(last + 1, 1, 1) - start).days)]


def test_it_agrees_with_chinesecalendar_on_every_day_of_seven_years(shipped: WorkingCalendar) -> None:
    every = days_of(2020, 2026)
    assert len(every) == 2557
    assert [on for on in every if shipped.works(on) != chinese_calendar.is_workday(on)] == []
    assert (shipped.confirmed_since, shipped.confirmed_until) == (every[0], every[-1])


def test_it_agrees_with_holidays_where_that_knows_make_up_days(shipped: WorkingCalendar) -> None:
    other = holidays.country_holidays("CN", years=range(2020, 2027))
    assert len(other.weekend_workdays) > 40, "the library no longer knows make-up days"
    assert [on for on in days_of(2020, 2026) if shipped.works(on) != other.is_working_day(on)] == []


def test_the_years_to_come_have_the_holidays_of_the_law_and_are_provisional(shipped: WorkingCalendar) -> None:
    for year in (2027, 2028):
        named = {
            on
            for on, name in holidays.country_holidays("CN", years=year).items()
            if "observed" not in name and "休息日" not in name
        }
        assert {on for on in shipped.law.days if on.year == year} == named
    assert not any(shipped.day(on).confirmed for on in days_of(2027, 2028))


def test_who_says_so_is_told(shipped: WorkingCalendar) -> None:
    made_up = shipped.day(date(2026, 2, 28))
    assert (made_up.works, made_up.name, made_up.source) == (True, "春节", "国办发明电〔2025〕7号")
    taken_back = shipped.day(date(2020, 2, 1))
    assert (taken_back.works, taken_back.source) == (False, "国办发明电〔2020〕1号")
    assert shipped.edition == "国办发明电〔2025〕7号"


@pytest.mark.rule("TICKET-21")
def test_limits_over_the_spring_festival_and_over_the_border_of_the_year(shipped: WorkingCalendar) -> None:
    eve = instant_on(date(2026, 2, 13), 16 * 60)  # Friday; Saturday 14 is worked, 15 to 23 are off
    assert [local_day(shipped.deadline(eve, days).at) for days in (2, 3, 5)] == [
        date(2026, 2, 24),
        date(2026, 2, 25),
        date(2026, 2, 27),
    ]
    late = shipped.deadline(instant_on(date(2026, 12, 28), 600), 5)
    assert (local_day(late.at), late.confirmed) == (date(2027, 1, 5), False)


def problems(old: str, new: str) -> list[str]:
    assert old in TEXT, f"the shipped calendar no longer contains {old!r}"
    with pytest.raises(SeedRefused) as refused:
        parse(TEXT.replace(old, new, 1), "calendar.yaml")
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "path", "says"),
    [
        ("week: [mon,", "week: [moon,", "week[0]", "no weekday 'moon'"),
        ("week: [mon,", "week: [mon, mon,", "week[1]", "mon stands here twice"),
        ("08:30-12:00", "8-12", "hours[0]", "opening hours such as"),
        ("08:30-12:00", "12:00-08:30", "hours[0]", "closes before it opens"),
        ("13:30-17:30", "11:30-17:30", "hours[1]", "begins before the entry above it ends"),
        ("13:30-17:30", "13:30-25:00", "hours[1]", "25:00 is no time of the day"),
        ('limits_end: "17:30"', 'limits_end: "17:75"', "limits_end", "17:75 is no time of the day"),
        ("off: 2020-01-01}", "off: 2020-02-30}", "notices[0].days[0].off", "'2020-02-30' is no date"),
        ("2020-01-24..2020-01-30", "2020-01-30..2020-01-24", "notices[0].days[1].off", "no stretch of"),
        ("off: 2020-01-01}", "off: 2021-01-01}", "notices[0].days[0].off", "lies outside what the notice"),
        ("off: 2020-01-01}", "off: 2020-01-24}", "notices[0].days[1].off", "spoken of twice"),
        ("work: [2020-06-28]", "work: [2020-06-29]", "notices[0].days[4].work[0]", "(mon) works in any"),
        ("published: 2020-01-26", "published: 2019-01-26", "notices[1].published", "older than the notice"),
        ("since: 2021-01-01", "since: 2021-01-02", "notices[2].since", "nothing covers 2021-01-01 to"),
        ("since: 2021-01-01", "since: 2019-01-01", "notices[2].since", "begins before the first notice"),
        ("until: 2021-12-31", "until: 2020-12-31", "notices[2].until", "lies before since"),
        ("until: 2026-12-31", "until: 2026-12-30", "notices[7].until", "not the end of a year"),
        ("off: 2027-01-01}", "off: 2026-07-01}", "notices[7].days", "2026-07-01 (元旦) is off by law"),
        ("off: 2027-01-01}", "off: 2026-09-20}", "notices[7].days", "2026-09-20 (元旦) is off by law"),
        ("国办发明电〔2020〕27号", "国办发明电〔2020〕1号", "notices[2].number", "stands here twice"),
        ("  - number: 国办发明电〔2019〕16号\n", "  - nummer: x\n", "notices[0].nummer", "is not known here"),
        ("off: 2027-01-01}", "on: 2027-01-01}", "law.days[0].on", "is not known here"),
    ],
)
def test_a_mistake_is_told_with_file_line_and_path(old: str, new: str, path: str, says: str) -> None:
    found = problems(old, new)
    matching = [line for line in found if f" {path}: " in line and says in line]
    assert matching, found
    assert matching[0].startswith("calendar.yaml:")


def test_the_line_is_the_right_one() -> None:
    line = TEXT[: TEXT.index("2026-09-20")].count("\n") + 1
    assert problems("2026-09-20", "2026-09-21") == [
        f"calendar.yaml:{line} notices[7].days[6].work[0]: "
        "2026-09-21 (mon) works in any case: it is no make-up day"
    ]


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=r"gone\.yaml.*cannot be read"):
        load(tmp_path / "gone.yaml")
