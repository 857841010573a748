"""Rights of the shipped roles that nobody holds: a hotline whose roles are kept gets none by an upgrade.

They are told, by `hotline check` and at the service's start, and never given by themselves: who may do what
is the bank's to say.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import cache

from directory.lookup import Directory
from directory.seed import DEMO, load
from web.scope import joined

Unheld = Mapping[str, tuple[str, ...]]
"""Shipped role → its grants of which nobody here holds the right, however far."""


def unheld(directory: Directory, shipped: Directory | None = None) -> Unheld:
    """What of the shipped roles' rights no active person of `directory` has. `shipped`: else the demo's."""
    active = (person.number for person in directory.staff.values() if person.active)
    held = {right for number in active for right in directory.rights(number)}
    lacking: defaultdict[str, list[str]] = defaultdict(list)
    for role in (shipped or _shipped()).roles.values():
        for right, scope in sorted(role.rights.items()):
            if right not in held:
                lacking[role.code].append(joined(right, scope))
    return {code: tuple(grants) for code, grants in lacking.items()}


def told(found: Unheld) -> str:
    """In words: `leader: calls.join.team, calls.move; qa: …`."""
    return "; ".join(f"{role}: {', '.join(grants)}" for role, grants in found.items())


REMEDY = (
    "give those that are wanted to a role: GET /api/directory/entries?section=roles&key=ROLE, add them to "
    "its `rights`, POST that to /api/directory/changes"
)


@cache
def _shipped() -> Directory:
    return load(DEMO)
