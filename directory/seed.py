"""The seed file: everything the directory holds, as YAML that people write and check.

`load(path)` returns a `Directory` in which every name is defined, or raises `SeedRefused` with all that is
wrong, each with file, line and path. `directory/seed/demo.yaml` shows every section.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from core.calendar import WorkingCalendar
from core.clock import BANK_ZONE, local_day, system_clock
from core.dialling import known
from core.errors import BadInput
from core.names import fits
from directory import seed_lists, seed_people
from directory.calendar import calendar_of, shipped
from directory.errors import SeedRefused
from directory.lookup import Directory
from directory.places import Place, Problems, read

DEMO = Path(__file__).parent / "seed" / "demo.yaml"
_SECTIONS = (
    "languages",
    "businesses",
    "queues",
    "roles",
    "devices",
    "reasons",
    "ticket_kinds",
    "urgencies",
    "call_types",
    "thresholds",
    "vip_numbers",
    "survey",
    "staff",
)
_OPTIONAL = ("units", "calendar", "hold_reasons")
T = TypeVar("T")


def load(path: Path, *, today: date | None = None, calendar: WorkingCalendar | None = None) -> Directory:
    """The directory of a seed file, as it is on `today` (by the bank's clock).

    `calendar`: that of a file that says nothing of it; without it, what the program has with it.
    `BadInput` if it cannot be read, `SeedRefused` if it is wrong.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(str(path), f"the seed file cannot be read ({error})") from error
    return parse(text, path.name, today=today, calendar=calendar)


def parse(
    text: str, file: str, *, today: date | None = None, calendar: WorkingCalendar | None = None
) -> Directory:
    """The directory of a seed text; `file` is what its problems call it."""
    problems = Problems(file)
    top = read(text, file, problems)
    given, day = calendar or shipped(), today or local_day(system_clock())
    directory = directory_of(top, day, zone=given.zone, calendar=given) if top is not None else None
    if directory is None or problems.all():
        raise SeedRefused(file, problems.all())
    return directory


def directory_of(
    top: Place, today: date, *, zone: ZoneInfo = BANK_ZONE, calendar: WorkingCalendar | None = None
) -> Directory:
    """The directory of data that has the seed's sections, as it is on `today`; `calendar` as in `load`.

    Only good for something if no problem was noted meanwhile.
    """
    section = top.fields(_SECTIONS, _OPTIONAL)
    own = calendar_of(section["calendar"], zone) if "calendar" in section else None
    languages = _table(section["languages"], seed_lists.language)
    businesses = _table(section["businesses"], seed_lists.named)
    roles = _table(section["roles"], seed_people.role)
    kinds = _table(section["ticket_kinds"], seed_lists.ticket_kind)
    thresholds = _table(section["thresholds"], seed_lists.threshold)
    seed_lists.check_thresholds(section["thresholds"], thresholds)
    reasons = _table(section["reasons"], lambda place: seed_lists.reason(place, roles))
    seed_lists.check_digits(section["reasons"], reasons)
    units = seed_people.units(section["units"]) if "units" in section else {}
    holds = _table(section["hold_reasons"], seed_lists.named) if "hold_reasons" in section else {}
    return Directory(
        languages=languages,
        businesses=businesses,
        queues=seed_lists.queues(section["queues"], businesses, languages),
        roles=roles,
        devices=seed_people.devices(section["devices"]),
        reasons=reasons,
        ticket_kinds=kinds,
        urgencies=_table(section["urgencies"], seed_lists.urgency),
        call_types=_table(section["call_types"], lambda place: seed_lists.call_type(place, kinds)),
        thresholds=thresholds,
        vip_numbers=_numbers(section["vip_numbers"]),
        survey=seed_lists.survey(section["survey"]),
        staff=seed_people.staff(
            section["staff"],
            seed_people.Lists(
                roles=roles, businesses=businesses, languages=languages, units=units, today=today
            ),
        ),
        units=units,
        hold_reasons=holds,
        calendar=own or calendar or shipped(),
    )


def _table(section: Place, record: Callable[[Place], tuple[str, T]]) -> Mapping[str, T]:
    """The records of a list under their codes; a code that is used twice is refused."""
    table: dict[str, T] = {}
    for place in section.entries():
        code, value = record(place)
        if code in table:
            place.refuse(f"{code!r} is defined twice")
        elif code:
            table[code] = value
    return table


def _numbers(section: Place) -> frozenset[str]:

    found: set[str] = set()
    for place in section.entries():
        number = known(place.text())
        if number in found:
            place.refuse(f"{number} stands here twice")
        elif number and not fits("telephone", number):
            place.refuse(f"{number!r} is not a telephone number")
        elif number:
            found.add(number)
    return frozenset(found)
