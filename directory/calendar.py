"""The working calendar, read and written in the words of its file: `directory/seed/calendar.yaml` shows all.

`load(path)` returns a `core.calendar.WorkingCalendar`, or raises `SeedRefused` with all that is wrong, each
with file, line and path; `calendar_of` reads the same from what came as entries, and `plain_week` and
`notice_as_entry` write entries in their one form.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from core.calendar import HolidayNotice, Law, Span, Special, WorkingCalendar
from core.clock import BANK_ZONE
from core.errors import BadInput
from directory.errors import SeedRefused
from directory.places import Place, Problems, read

SHIPPED = Path(__file__).parent / "seed" / "calendar.yaml"
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST = 31
_YEAR_ENDS = (12, 31)
_DAY = timedelta(days=1)


def load(path: Path, zone: ZoneInfo = BANK_ZONE) -> WorkingCalendar:
    """The calendar of a file. `BadInput` if it cannot be read, `SeedRefused` if it is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(str(path), f"the calendar cannot be read ({error})") from error
    return parse(text, path.name, zone)


def parse(text: str, file: str, zone: ZoneInfo = BANK_ZONE) -> WorkingCalendar:
    """The calendar of a text; `file` is what its problems call it."""
    problems = Problems(file)
    top = read(text, file, problems)
    calendar = calendar_of(top, zone) if top is not None else None
    if calendar is None or problems.all():
        raise SeedRefused(file, problems.all())
    return calendar


@cache
def shipped() -> WorkingCalendar:
    """The calendar that comes along with the program."""
    return load(SHIPPED)


def calendar_of(top: Place, zone: ZoneInfo) -> WorkingCalendar | None:
    """The calendar of data that has the file's sections; None after a problem that leaves none to count by.

    Only good for something if no problem was noted meanwhile.
    """
    found = top.fields(("week", "hours", "limits_end", "notices", "law"))
    week = frozenset(_week(found["week"]))
    hours, limits_end = _hours(found["hours"]), _minute(found["limits_end"])
    entered, law = _notices(found["notices"], week), _law(found["law"])
    if not week or not hours or not entered:
        return None
    _check_years(entered, week, law)
    notices = tuple(notice for _, notice in entered)
    return WorkingCalendar(week=week, hours=hours, limits_end=limits_end, notices=notices, law=law, zone=zone)


def _week(section: Place) -> list[int]:
    days: list[int] = []
    for place in section.entries():
        if name := place.one_of(_WEEKDAYS, "weekday"):
            if _WEEKDAYS.index(name) in days:
                place.refuse(f"{name} stands here twice")
            days.append(_WEEKDAYS.index(name))
    if not days:
        section.refuse("name at least one weekday that works")
    return days


def _hours(section: Place) -> tuple[Span, ...]:
    spans: list[Span] = []
    for place in section.entries():
        text = place.shaped(r"\d\d:\d\d-\d\d:\d\d", "opening hours such as 08:30-12:00")
        if not text:
            continue
        opens, closes = (_clock(place, part) for part in text.split("-"))
        if opens >= closes:
            place.refuse(f"{text} closes before it opens: hours over midnight are two entries")
        elif spans and opens < spans[-1].closes:
            place.refuse(f"{text} begins before the entry above it ends")
        else:
            spans.append(Span(opens, closes))
    if not spans:
        section.refuse("name at least one stretch of open hours")
    return tuple(spans)


def _minute(place: Place) -> int:
    text = place.shaped(r"\d\d:\d\d", "a time of the day such as 17:30")
    return _clock(place, text) if text else 0


def _clock(place: Place, text: str) -> int:
    hour, minute = int(text[:2]), int(text[3:])
    if minute > 59 or hour * 60 + minute > 24 * 60:
        place.refuse(f"{text} is no time of the day: 00:00 to 24:00")
    return hour * 60 + minute


_Entered = tuple[Mapping[str, Place], HolidayNotice]
"""A notice with the places of its fields."""


def _notices(section: Place, week: frozenset[int]) -> Sequence[_Entered]:
    entered: list[_Entered] = []
    for place in section.entries():
        notices = [notice for _, notice in entered]
        found = place.fields(("number", "published", "since", "until", "days"))
        number, published = found["number"].text(), found["published"].day()
        since, until = found["since"].day(), found["until"].day()
        days = _days(found["days"], since, until, week)
        if published is None or since is None or until is None:
            continue
        if any(number == other.number for other in notices):
            found["number"].refuse(f"{number} stands here twice")
        if until < since:
            found["until"].refuse("lies before since")
        if notices and published < notices[-1].published:
            found["published"].refuse("is older than the notice above it: keep them in their order")
        if notices and since > (covered := max(other.until for other in notices)) + _DAY:
            found["since"].refuse(
                f"nothing covers {covered + _DAY} to {since - _DAY}: enter that notice first"
            )
        if notices and since < notices[0].since:
            found["since"].refuse(f"begins before the first notice does, {notices[0].since}")
        notice = HolidayNotice(number=number, published=published, since=since, until=until, days=days)
        entered.append((found, notice))
    if not entered:
        section.refuse("enter at least one notice")
    return entered


def _check_years(entered: Sequence[_Entered], week: frozenset[int], law: Law) -> None:
    """No year is given by half: the last one whole, and what the law makes a holiday is one in each."""
    found, last = max(entered, key=lambda one: one[1].until)
    if (last.until.month, last.until.day) != _YEAR_ENDS:
        found["until"].refuse(f"{last.until} is not the end of a year: enter the whole of it, or nothing")
    said = {on: special for _, notice in entered for on, special in notice.days.items()}
    for on, name in law.days.items():
        covering = [found for found, notice in entered if notice.since <= on <= notice.until]
        works = said[on].works if on in said else on.weekday() in week
        if covering and works:
            covering[-1]["days"].refuse(f"{on} ({name}) is off by law, and this makes it a working day")


def _days(
    section: Place, since: date | None, until: date | None, week: frozenset[int]
) -> Mapping[date, Special]:
    days: dict[date, Special] = {}

    def enter(place: Place, on: date, special: Special) -> None:
        if since is not None and until is not None and not since <= on <= until:
            place.refuse(f"{on} lies outside what the notice covers, {since} to {until}")
        elif on in days:
            place.refuse(f"{on} is spoken of twice in this notice")
        elif special.works and on.weekday() in week:
            place.refuse(f"{on} ({_WEEKDAYS[on.weekday()]}) works in any case: it is no make-up day")
        days[on] = special

    for place in section.entries():
        found = place.fields(("name", "off"), ("work",))
        name = found["name"].text()
        for on in _range(found["off"]):
            enter(found["off"], on, Special(works=False, name=name))
        for entry in found["work"].entries() if "work" in found else ():
            if (day := entry.day()) is not None:
                enter(entry, day, Special(works=True, name=name))
    return days


def _law(section: Place) -> Law:
    found = section.fields(("number", "days"))
    days: dict[date, str] = {}
    for place in found["days"].entries():
        entry = place.fields(("name", "off"))
        days |= dict.fromkeys(_range(entry["off"]), entry["name"].text())
    return Law(number=found["number"].text(), days=days)


def _range(place: Place) -> list[date]:
    """`2026-01-01` or `2026-01-01..2026-01-03`; none after a problem."""
    first, _, last = place.text().partition("..")
    begins = place.day_of(first)
    ends = place.day_of(last) if last else begins
    if begins is None or ends is None:
        return []
    if not begins <= ends < begins + _LONGEST * _DAY:
        place.refuse(f"{first}..{last} is no stretch of 1 to {_LONGEST} days")
        return []
    return [begins + n * _DAY for n in range((ends - begins).days + 1)]


# ------------------------------------------------------------------ written


def plain_week(calendar: WorkingCalendar) -> dict[str, Any]:
    """All but the notices: week, hours, and the holidays of the law."""
    days = [
        {"name": name, "off": _written(first, last)} for name, first, last in _stretches(calendar.law.days)
    ]
    return {
        "week": [_WEEKDAYS[day] for day in sorted(calendar.week)],
        "hours": [f"{_time(span.opens)}-{_time(span.closes)}" for span in calendar.hours],
        "limits_end": _time(calendar.limits_end),
        "law": {"number": calendar.law.number, "days": days},
    }


def notice_as_entry(notice: HolidayNotice) -> dict[str, Any]:
    """A notice; the make-up days of a holiday stand with its first stretch of days off."""
    works: dict[str, list[str]] = {}
    for on in sorted(on for on, special in notice.days.items() if special.works):
        works.setdefault(notice.days[on].name, []).append(on.isoformat())
    off = {on: special.name for on, special in notice.days.items() if not special.works}
    days: list[dict[str, Any]] = []
    for name, first, last in _stretches(off):
        days.append({"name": name, "off": _written(first, last)})
        if made_up := works.pop(name, None):
            days[-1]["work"] = made_up
    return {
        "number": notice.number,
        "published": notice.published.isoformat(),
        "since": notice.since.isoformat(),
        "until": notice.until.isoformat(),
        "days": days,
    }


def _stretches(days: Mapping[date, str]) -> Iterator[tuple[str, date, date]]:
    """Days of one name that follow each other, as name, first and last; none longer than may be written."""
    run: list[date] = []
    for on in sorted(days):
        if run and (on - run[-1] > _DAY or days[on] != days[run[0]] or len(run) == _LONGEST):
            yield days[run[0]], run[0], run[-1]
            run = []
        run.append(on)
    if run:
        yield days[run[0]], run[0], run[-1]


def _written(first: date, last: date) -> str:
    return first.isoformat() if first == last else f"{first}..{last}"


def _time(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"
