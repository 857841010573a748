"""The file of the working calendar, read: `directory/seed/calendar.yaml` shows every section.

`load(path)` returns a `core.calendar.WorkingCalendar`, or raises `SeedRefused` with all that is wrong, each
with file, line and path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from core.calendar import HolidayNotice, Law, Span, Special, WorkingCalendar
from core.clock import BANK_ZONE
from core.errors import BadInput
from directory.errors import SeedRefused
from directory.places import Place, Problems, read

SHIPPED = Path(__file__).parent / "seed" / "calendar.yaml"
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LONGEST = 31
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
    make = _calendar(top, zone) if top is not None else None
    if make is None or problems.all():
        raise SeedRefused(file, problems.all())
    return make()


def _calendar(top: Place, zone: ZoneInfo) -> Callable[[], WorkingCalendar]:
    found = top.fields(("week", "hours", "limits_end", "notices", "law"))
    week = frozenset(_week(found["week"]))
    hours, limits_end = _hours(found["hours"]), _minute(found["limits_end"])
    notices, law = _notices(found["notices"], week), _law(found["law"])
    return lambda: WorkingCalendar(
        week=week, hours=hours, limits_end=limits_end, notices=notices, law=law, zone=zone
    )


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


def _notices(section: Place, week: frozenset[int]) -> Sequence[HolidayNotice]:
    notices: list[HolidayNotice] = []
    for place in section.entries():
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
        notices.append(HolidayNotice(number=number, published=published, since=since, until=until, days=days))
    if not notices:
        section.refuse("enter at least one notice")
    return tuple(notices)


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
