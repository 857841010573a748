"""Whom somebody may keep in the directory, and with which rights (SEC-05). Pure.

    directory.change           everything: lists, queues, roles, everybody
    directory.change.unit      the people of one's unit and of those beneath it, and nothing else; .team alike

Nobody brings people in from where the right does not reach, or sends them there; nobody gives a role, or
takes one, that allows more than they may themselves; and nobody moves themselves. What does not hold refuses
a change whole, line by line. Of what is read, those who reach not everybody see the people they reach and
the lists that pages show anyhow, but no customers' numbers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from core.names import StaffId
from directory.changes import Line
from directory.entries import Body, Entries
from directory.errors import Problem
from directory.lookup import Directory
from directory.model import Role, Staff, Unit
from directory.reach import circle
from directory.rights import CHANGE
from web.scope import Grants, Scope, joined

PEOPLE: Final = "staff"
CLOSED: Final = frozenset({"vip_numbers"})
"""Sections that are about customers: for those alone whose right reaches everybody."""
_ACCESS: Final = ("roles", "active", "since", "until", "unit", "team")
"""Fields of a person that say what they may do, or whose records their rights reach."""
_ASK: Final = f"ask somebody who has {CHANGE!r} for everybody"


@dataclass(frozen=True, slots=True)
class Sight:
    """What somebody sees whose right to read reaches `staff` alone; what they planned themselves, too."""

    by: str
    staff: frozenset[str]

    def shows(self, section: str, key: str) -> bool:
        """Whether the entry is open to them."""
        return key in self.staff if section == PEOPLE else section not in CLOSED


@dataclass(frozen=True, slots=True)
class Remit:
    """Who changes something, with all of their rights."""

    asker: Staff
    rights: Grants
    units: Mapping[str, Unit]

    @property
    def whole(self) -> bool:
        """Whether they may change everything."""
        return self.rights.get(CHANGE) is Scope.ALL

    def outside(self, lines: Iterable[Line], entries: Entries) -> list[Problem]:
        """What of `lines` is not theirs to change, before anything is made of it: nothing of it is told."""
        scope = self.rights.get(CHANGE)
        if scope is None:
            return [Problem(f"{PEOPLE} {self.asker.number}", "", f"has no right {CHANGE!r} any more: {_ASK}")]
        if scope is Scope.ALL:
            return []
        reaches, found = circle(self.asker, scope, self.units), []
        for line in lines:
            before = entries.get(line.entry)
            if line.section != PEOPLE:
                problem = f"the right {joined(CHANGE, scope)!r} is for people alone: {_ASK}"
            elif before is not None and not self._is_me(line) and not reaches(*_place(before)):
                problem = f"the right {joined(CHANGE, scope)!r} does not reach them: {_ASK}"
            else:
                continue
            found.append(Problem(f"{line.section} {line.key}", "", problem))
        return found

    def beyond(self, lines: Iterable[Line], after: Directory) -> list[Problem]:
        """What the lines of a change that fits otherwise make of people, and more than the asker may."""
        scope = self.rights.get(CHANGE)
        if scope is None or scope is Scope.ALL:
            return []
        reaches, found = circle(self.asker, scope, after.units), []
        for line in lines:
            where, before, body = f"{PEOPLE} {line.key}", line.before or {}, line.after or {}
            if self._is_me(line):
                if _place(before) != _place(body):
                    found.append(Problem(where, "unit", f"nobody moves themselves: {_ASK}"))
            elif not reaches(*_place(body)):
                held = joined(CHANGE, scope)
                found.append(Problem(where, "unit", f"the right {held!r} does not reach there: {_ASK}"))
            if line.before is None or any(before.get(name) != body.get(name) for name in _ACCESS):
                roles = dict.fromkeys([*before.get("roles", ()), *body.get("roles", ())])
                found += [
                    Problem(where, "roles", f"{role.code!r} allows {more!r}, more than you may: {_ASK}")
                    for role in (after.roles[code] for code in roles if code in after.roles)
                    if (more := self._lacks(role))
                ]
        return found

    def could_make(self, lines: Sequence[Line], present: Directory) -> bool:
        """Whether a change of these lines, with what was before them, is one the asker might make."""
        before = {line.entry: line.before for line in lines if line.before is not None}
        return not (self.outside(lines, before) or self.beyond(lines, present))

    def _is_me(self, line: Line) -> bool:
        return line.key == self.asker.number

    def _lacks(self, role: Role) -> str:
        """A right of the role that goes further than the asker's, as it is granted; "" if none does."""
        more = (grant for grant in sorted(role.rights.items()) if self.rights.get(grant[0], 0) < grant[1])
        return next((joined(*grant) for grant in more), "")


def remit_of(directory: Directory, staff: str) -> Remit | None:
    """That of a person as the directory has it; None if nobody has that number."""
    person = directory.staff.get(StaffId(staff))
    return None if person is None else Remit(person, directory.rights(staff), directory.units)


def _place(body: Body) -> tuple[str, str]:
    return str(body.get("unit", "")), str(body.get("team", ""))
