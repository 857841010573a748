"""The people of the seed, what they may do, and the phones they sit at."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from core.names import DeviceName, StaffId, fits
from directory.model import Device, DeviceKind, Loan, Named, Role, Staff, Unit, UnitKind
from directory.places import Place
from directory.rights import GRANTS
from web.scope import split, widest

_CODE = (r"[a-z][a-z0-9_]{0,23}", "a code: small letters, digits and _, beginning with a letter")
_NUMBER = (r"\d{4,8}", "a staff number: four to eight digits")
_MOST_DEVICES = 2_000


def role(place: Place) -> tuple[str, Role]:
    """A role with its rights, each with its scope (§19 of the rule register)."""
    found = place.fields(("code", "zh", "en", "rights"))
    code = found["code"].shaped(*_CODE)
    granted = (entry.one_of(GRANTS, "right") for entry in found["rights"].entries())
    rights = MappingProxyType(widest(split(grant) for grant in granted if grant))
    return code, Role(code=code, name_zh=found["zh"].text(), name_en=found["en"].text(), rights=rights)


def devices(section: Place) -> Mapping[DeviceName, Device]:
    """The pool, written as ranges `{first: d001, last: d040, kind: sim}`."""
    table: dict[DeviceName, Device] = {}
    for place in section.entries():
        found = place.fields(("first", "last", "kind"))
        kind = found["kind"].one_of(tuple(DeviceKind), "kind of device")
        for name in _range(found["first"], found["last"]):
            if name in table:
                place.refuse(f"{name} is in another range too")
                break
            if kind:
                table[name] = Device(name=name, kind=DeviceKind(kind))
    return MappingProxyType(table)


def _range(first: Place, last: Place) -> list[DeviceName]:
    ends = []
    for place in (first, last):
        name = place.text()
        if name and not fits("device", name):
            place.refuse(f"{name!r} is not a device name: a letter and three to five digits, such as d001")
        elif name:
            ends.append(name)
    if len(ends) < 2:
        return []
    low, high = (int(name[1:]) for name in ends)
    width = len(ends[0])
    if ends[0][0] != ends[1][0] or len(ends[1]) != width or not low <= high < low + _MOST_DEVICES:
        last.refuse(f"{ends[0]} to {ends[1]} is not a range of at most {_MOST_DEVICES} devices")
        return []
    return [DeviceName(f"{ends[0][0]}{number:0{width - 1}d}") for number in range(low, high + 1)]


def units(section: Place) -> Mapping[str, Unit]:
    """Head office, branches, departments and outlets: a tree, each with the unit above it."""
    table: dict[str, Unit] = {}
    places: dict[str, Place] = {}
    for place in section.entries():
        found = place.fields(("code", "zh", "en", "kind"), ("parent",))
        code = found["code"].shaped(*_CODE)
        kind = found["kind"].one_of(tuple(UnitKind), "kind of unit")
        if code in table:
            place.refuse(f"{code!r} is defined twice")
        elif code and kind:
            places[code] = place
            table[code] = Unit(
                code=code,
                name_zh=found["zh"].text(),
                name_en=found["en"].text(),
                kind=UnitKind(kind),
                parent=found["parent"].text() if "parent" in found else "",
            )
    for code, unit in table.items():
        if unit.parent and unit.parent not in table:
            places[code].refuse(f"belongs to {unit.parent!r}, which is no unit here")
        elif code in _above(unit.parent, table):
            places[code].refuse("belongs to itself, by way of the units above it")
    return MappingProxyType(table)


def _above(code: str, table: Mapping[str, Unit]) -> list[str]:
    """The unit of that code and all above it, each once."""
    line: list[str] = []
    while code in table and code not in line:
        line.append(code)
        code = table[code].parent
    return line


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """What a person's record refers to, and the day for which it is read."""

    roles: Mapping[str, Role]
    businesses: Mapping[str, Named]
    languages: Mapping[str, Named]
    units: Mapping[str, Unit]
    today: date


def staff(section: Place, lists: Lists) -> Mapping[StaffId, Staff]:
    """All people under their numbers, in the order of the numbers."""
    table: dict[StaffId, Staff] = {}
    for place in section.entries():
        person = _person(place, lists)
        if person.number in table:
            place.refuse(f"{person.number} is the number of {table[person.number].name} already")
        elif person.number:
            table[person.number] = person
    return MappingProxyType(dict(sorted(table.items())))


_OPTIONAL = ("skills", "languages", "unit", "trainee", "since", "until", "active", "lent")


def _person(place: Place, lists: Lists) -> Staff:
    found = place.fields(("number", "name", "en", "team", "roles"), _OPTIONAL)
    number = found["number"].shaped(*_NUMBER)
    if re.fullmatch(r"0+", number):
        found["number"].refuse("a number of zeros alone is nobody's")
    mine = tuple(entry.one_of(lists.roles, "role") for entry in found["roles"].entries())
    if not any(mine):
        place.refuse("has no role, and so may do nothing: give one")
    skills = _levels(found.get("skills"), lists.businesses, "business")
    spoken = _levels(found.get("languages"), lists.languages, "language")
    if bool(skills) != bool(spoken):
        place.refuse("skills and languages go together: both or neither")
    suspended = not found["active"].yes_no() if "active" in found else False
    since, until = (found[name].day() if name in found else None for name in ("since", "until"))
    if since is not None and until is not None and until < since:
        found["until"].refuse(f"{until} lies before since, {since}")
    return Staff(
        number=StaffId(number),
        name=found["name"].text(),
        name_en=found["en"].text(),
        team=found["team"].text(longest=20),
        roles=mine,
        skills=skills,
        languages=spoken,
        unit=found["unit"].one_of(lists.units, "unit") if "unit" in found else "",
        trainee=found["trainee"].yes_no() if "trainee" in found else False,
        since=since,
        until=until,
        suspended=suspended,
        active=not suspended and (since or lists.today) <= lists.today <= (until or lists.today),
        lent=_loan(found["lent"], lists) if "lent" in found else None,
    )


def _loan(place: Place, lists: Lists) -> Loan | None:
    """None once the day is over: it may name a business that there is no more."""
    found = place.fields(("on", "skills", "languages"))
    on = found["on"].day()
    if on is None or on < lists.today:
        return None
    skills = _levels(found["skills"], lists.businesses, "business")
    spoken = _levels(found["languages"], lists.languages, "language")
    if not skills or not spoken:
        place.refuse("names no skill or no language: who is lent serves something")
    return Loan(on=on, skills=skills, languages=spoken, in_force=on == lists.today)


def _levels(place: Place | None, known: Collection[str], what: str) -> Mapping[str, int]:
    levels: dict[str, int] = {}
    if place is not None:
        for key, value in place.pairs():
            if name := key.one_of(known, what):
                levels[name] = value.whole(1, 2)
    return MappingProxyType(levels)
