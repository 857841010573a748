"""How far a right reaches: to one's own, one's team's, one's unit's, or everybody's.

    calls.read.own   calls.read.team   calls.read.unit   calls.read        as a role grants it

Pure. Who is of a team or a unit is `directory`'s to say (`directory/reach.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum


class Scope(IntEnum):
    """Whose records: each holds the one before it."""

    OWN = 1
    TEAM = 2
    UNIT = 3
    ALL = 4


NARROWER = (Scope.OWN, Scope.TEAM, Scope.UNIT)
Grants = Mapping[str, Scope]
"""Right → how far it reaches."""


@dataclass(frozen=True, slots=True)
class Reach:
    """The people whose records are open; `staff` None: everybody's, and those that are nobody's."""

    staff: frozenset[str] | None

    def __contains__(self, staff: str) -> bool:
        return self.staff is None or staff in self.staff


def split(grant: str) -> tuple[str, Scope]:
    """`calls.read.team` is `calls.read`, as far as the team; without a scope it is everybody's."""
    right, _, last = grant.rpartition(".")
    found = next((scope for scope in NARROWER if scope.name.lower() == last), None)
    return (right, found) if right and found else (grant, Scope.ALL)


def joined(right: str, scope: Scope) -> str:
    """A grant as it is written."""
    return right if scope is Scope.ALL else f"{right}.{scope.name.lower()}"


def widest(grants: Iterable[tuple[str, Scope]]) -> dict[str, Scope]:
    """Each right once, as far as any of the grants goes."""
    found: dict[str, Scope] = {}
    for right, scope in grants:
        found[right] = max(scope, found.get(right, scope))
    return found
