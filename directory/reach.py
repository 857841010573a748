"""Whose records are those of a person's team and of their unit (SEC-04, SEC-05). Pure.

    people → (asker, scope) → staff numbers          own ⊆ team ⊆ unit ⊆ all

A team is a part of one unit: people of another unit are another team, whatever it is called. A unit's people
are its own and those of every unit beneath it: head office → branch → outlet. Who belongs to no unit reaches
as far as their team. People who have left still count: their calls and summaries are looked after by those
who are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from directory.model import Staff, Unit
from web.scope import Reach, Scope


def beneath(unit: str, units: Mapping[str, Unit]) -> frozenset[str]:
    """The unit and all beneath it, at any depth. Ends on a circle, too, which the reader refuses."""
    children: dict[str, list[str]] = {}
    for one in units.values():
        children.setdefault(one.parent, []).append(one.code)
    found, ahead = {unit}, [unit]
    while ahead:
        fresh = [code for code in children.get(ahead.pop(), ()) if code not in found]
        found.update(fresh)
        ahead += fresh
    return frozenset(found)


def within(asker: Staff, scope: Scope, staff: Iterable[Staff], units: Mapping[str, Unit]) -> Reach:
    """The people whose records are open to `asker` as far as `scope` goes; always themselves."""
    if scope is Scope.ALL:
        return Reach(None)
    reaches = circle(asker, scope, units)
    found = {asker.number, *(one.number for one in staff if reaches(one.unit, one.team))}
    return Reach(frozenset(map(str, found)))


def circle(asker: Staff, scope: Scope, units: Mapping[str, Unit]) -> Callable[[str, str], bool]:
    """Whether `scope` opens the people of a unit and team, themselves apart, to `asker`."""
    if scope is Scope.ALL:
        return lambda _unit, _team: True
    if scope is Scope.UNIT and asker.unit:
        codes = beneath(asker.unit, units)
        return lambda unit, _team: unit in codes
    if scope is Scope.OWN or not asker.team:
        return lambda _unit, _team: False
    return lambda unit, team: (unit, team) == (asker.unit, asker.team)
