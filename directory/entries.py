"""The directory in pieces that can be changed one by one: an entry per person, queue figure, reason, number.

    Directory ⇄ Entries: (section, key) → body, in order        bodies in the seed's own words

The working calendar, a file of its own beside the seed, is a section and a list here: what is so in every
year, and an entry for each notice.

`entries_of` writes every record in its one canonical form, `directory_of` checks all of them against each
other with the seed's own reader, so that nothing can be said here that could not stand in a seed. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

from core.clock import BANK_ZONE
from directory import seed
from directory.calendar import notice_as_entry, plain_week
from directory.errors import Problem, Refused
from directory.lookup import Directory
from directory.model import Device, Queue, Staff
from directory.places import Problems, given
from web.scope import joined

Key = tuple[str, str]
"""Section and key: `("staff", "1001")`."""
Body = Mapping[str, Any]
Entries = Mapping[Key, Body]

LISTS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "languages": "code",
        "businesses": "code",
        "units": "code",
        "roles": "code",
        "devices": "first",
        "reasons": "code",
        "hold_reasons": "code",
        "ticket_kinds": "code",
        "urgencies": "code",
        "call_types": "code",
        "thresholds": "alarm",
        "vip_numbers": "number",
        "staff": "number",
        "holiday_notices": "number",
    }
)
"""Sections that are lists, each with the field that is its entries' key."""
DEFAULTS: Final = "defaults"
"""Key of the queues' figures where a business has none of its own."""
ALONE: Final = ("survey", "calendar")
"""The sections of a single entry, whose name is its key too."""
SECTIONS: Final = (*LISTS, "queues", *ALONE)
_CALENDAR, _NOTICES = "calendar", "holiday_notices"
_FIGURES = tuple(name for name in Queue.__slots__ if name.endswith("_s") or name in {"weight", "priority"})
_PLACE = re.compile(r"(\w+)\[(\d+)\]\.?(.*)")


def directory_of(entries: Entries, today: date, zone: ZoneInfo = BANK_ZONE) -> Directory:
    """The directory these entries make up on `today`; `Refused` with every problem of every entry."""
    document = _document(entries)
    problems = Problems("")
    directory = seed.directory_of(given(document, problems), today, zone=zone)
    if found := problems.all():
        raise Refused([_at_its_entry(problem, entries) for problem in found])
    return directory


def entries_of(directory: Directory) -> dict[Key, Body]:
    """Every record in its canonical form, in the order of the sections.

    ValueError if the queues of one business differ: their figures are the business's.
    """
    written: dict[str, list[Body]] = {
        "languages": [_named(one) for one in directory.languages.values()],
        "businesses": [_named(one) for one in directory.businesses.values()],
        "units": [
            {**_named(one), "kind": one.kind.value} | ({"parent": one.parent} if one.parent else {})
            for one in directory.units.values()
        ],
        "roles": [
            {**_named(one), "rights": sorted(joined(*grant) for grant in one.rights.items())}
            for one in directory.roles.values()
        ],
        "devices": _ranges(directory.devices.values()),
        "reasons": [
            {
                **_named(one),
                "roles": list(one.roles),
                "max_minutes": one.max_minutes,
                "digit": one.digit,
                "on_duty": one.on_duty,
            }
            for one in directory.reasons.values()
        ],
        "hold_reasons": [_named(one) for one in directory.hold_reasons.values()],
        "ticket_kinds": [_named(one) for one in directory.ticket_kinds.values()],
        "urgencies": [
            {**_named(one), "working_days": one.working_days} for one in directory.urgencies.values()
        ],
        "call_types": [
            {
                **_named(one),
                "mandatory": list(one.mandatory),
                "ticket_kinds": list(one.ticket_kinds),
                "callback": one.callback,
                "report": one.report,
            }
            for one in directory.call_types.values()
        ],
        "thresholds": [
            {
                "alarm": one.alarm,
                "zh": one.name_zh,
                "en": one.name_en,
                "severity": one.severity,
                "raise_at": int(one.raise_at),
                "clear_at": int(one.clear_at),
            }
            | ({"window": one.window} if one.window else {})
            for one in directory.thresholds.values()
        ],
        "vip_numbers": [{"number": number} for number in sorted(directory.vip_numbers)],
        "staff": [_person(one) for one in directory.staff.values()],
        _NOTICES: [notice_as_entry(one) for one in directory.calendar.notices],
    }
    entries: dict[Key, Body] = {}
    for section, bodies in written.items():
        entries |= {(section, str(body[LISTS[section]])): body for body in bodies}
    entries |= {("queues", key): body for key, body in _queue_figures(directory).items()}
    survey = directory.survey
    entries["survey", "survey"] = {name: getattr(survey, name) for name in type(survey).__slots__}
    entries[_CALENDAR, _CALENDAR] = plain_week(directory.calendar)
    return entries


def calendar_lacking(entries: Entries, seed_file: Directory) -> dict[Key, Body]:
    """The seed's calendar, for what was kept before a calendar was; nothing if there is one."""
    if (_CALENDAR, _CALENDAR) in entries:
        return {}
    return {key: body for key, body in entries_of(seed_file).items() if key[0] in (_CALENDAR, _NOTICES)}


def same(one: object, other: object) -> bool:
    """Whether two bodies say the same: `1` and `"1"` do, as they would in a seed."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(same(one[name], other[name]) for name in one)
    if _is_list(one) and _is_list(other):
        mine, theirs = list(one), list(other)  # type: ignore[call-overload]
        return len(mine) == len(theirs) and all(map(same, mine, theirs))
    return _written(one) == _written(other)


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# ------------------------------------------------------------------ into the seed's sections


def _document(entries: Entries) -> dict[str, Any]:
    document: dict[str, Any] = {section: [] for section in LISTS}
    document["queues"] = {"businesses": {}}
    for (section, key), body in entries.items():
        if section == "queues" and key == DEFAULTS:
            document["queues"][DEFAULTS] = body
        elif section == "queues":
            document["queues"]["businesses"][key] = body
        elif section in ALONE:
            document[section] = dict(body)
        elif section == "vip_numbers":
            document[section].append(key)
        else:
            document[section].append({**body, LISTS[section]: key})
    document.pop(_NOTICES)
    if notices := _notices(entries):
        document.setdefault(_CALENDAR, {})["notices"] = [{**body, "number": key} for key, body in notices]
    return document


def _notices(entries: Entries) -> list[tuple[str, Body]]:
    """In the order they were published, whenever they were entered."""
    found = [(key, body) for (section, key), body in entries.items() if section == _NOTICES]
    return sorted(found, key=lambda one: str(one[1].get("published", "")))


def _at_its_entry(problem: Problem, entries: Entries) -> Problem:
    """`staff[3].roles[0]` becomes `staff 1004`, `roles[0]`."""
    if match := _PLACE.fullmatch(problem.path.removeprefix(f"{_CALENDAR}.")):
        if match[1] == "notices":
            return Problem(f"{_NOTICES} {_notices(entries)[int(match[2])][0]}", match[3], problem.text)
        if problem.path.startswith(_CALENDAR):
            return Problem(_CALENDAR, problem.path.removeprefix(f"{_CALENDAR}."), problem.text)
        keys = [key for section, key in entries if section == match[1]]
        return Problem(f"{match[1]} {keys[int(match[2])]}", match[3], problem.text)
    section, _, rest = problem.path.removeprefix("queues.businesses.").partition(".")
    if problem.path.startswith("queues.businesses."):
        return Problem(f"queues {section}", rest, problem.text)
    return Problem(section or "directory", rest, problem.text)


# ------------------------------------------------------------------ records in their canonical form


def _named(one: Any) -> dict[str, Any]:
    return {"code": one.code, "zh": one.name_zh, "en": one.name_en}


def _person(one: Staff) -> dict[str, Any]:
    body: dict[str, Any] = {
        "number": one.number,
        "name": one.name,
        "en": one.name_en,
        "team": one.team,
        "roles": list(one.roles),
    }
    optional: dict[str, Any] = {
        "skills": dict(one.skills),
        "languages": dict(one.languages),
        "unit": one.unit,
        "trainee": one.trainee,
        "since": one.since and one.since.isoformat(),
        "until": one.until and one.until.isoformat(),
    }
    if one.lent is not None:
        lent = {"skills": dict(one.lent.skills), "languages": dict(one.lent.languages)}
        optional["lent"] = {"on": one.lent.on.isoformat(), **lent}
    body |= {name: value for name, value in optional.items() if value}
    return body | ({"active": False} if one.suspended else {})


def _ranges(devices: Iterable[Device]) -> list[Body]:
    """Telephones that follow each other and are of one kind, as a range."""
    found: list[list[Device]] = []
    for device in devices:
        last = found[-1][-1] if found else None
        if last is not None and last.kind is device.kind and _next(last.name) == device.name:
            found[-1].append(device)
        else:
            found.append([device])
    return [{"first": run[0].name, "last": run[-1].name, "kind": run[0].kind.value} for run in found]


def _next(name: str) -> str:
    return f"{name[0]}{int(name[1:]) + 1:0{len(name) - 1}d}"


def _queue_figures(directory: Directory) -> dict[str, Body]:
    """Figures that all businesses share are the defaults; a business keeps what differs from them."""
    of: dict[str, dict[str, int]] = {}
    for queue in directory.queues.values():
        figures = {name: getattr(queue, name) for name in _FIGURES}
        if of.setdefault(queue.business, figures) != figures:
            raise ValueError(f"the queues of {queue.business} differ: figures belong to a business")
    defaults = {name: _commonest([figures[name] for figures in of.values()]) for name in _FIGURES}
    own = {
        business: {name: value for name, value in figures.items() if value != defaults[name]}
        for business, figures in of.items()
    }
    return {DEFAULTS: defaults, **{business: body for business, body in own.items() if body}}


def _commonest(values: Sequence[int]) -> int:
    return max(values, key=lambda value: (values.count(value), -value), default=0)
