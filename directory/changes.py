"""What a change of the directory is, and what it makes of the entries. Pure.

planned ─its day has come─► applied          refused: on its day it did not fit any more
       └─withdrawn                           and everything else is as if it had never been made
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

import msgspec

from core.clock import BANK_ZONE, Instant
from core.dialling import known
from core.errors import BadInput, Conflict
from directory.entries import (
    ALONE,
    DEFAULTS,
    LISTS,
    SECTIONS,
    Body,
    Entries,
    Key,
    directory_of,
    entries_of,
    same,
)
from directory.errors import Problem, Refused
from directory.lookup import Directory
from directory.rights import CHANGE
from web.scope import Scope

MOST_LINES = 5_000


class ChangeState(StrEnum):
    """What became of a change."""

    PLANNED = "planned"
    APPLIED = "applied"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class Line:
    """One entry of a change. `before`, `after`: None where there was, or is to be, nothing.

    `seen`: number of the change that last touched the entry when it was looked at; None: not checked.
    """

    section: str
    key: str
    after: Body | None
    before: Body | None = None
    seen: int | None = None

    @property
    def entry(self) -> Key:
        """Which entry."""
        return self.section, self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """`number` counts from 1, without holes. `by`: staff number, "" for the seed. `problem`: why refused."""

    number: int
    at: Instant
    by: str
    reason: str
    effective_on: date
    state: ChangeState
    lines: tuple[Line, ...]
    applied_at: Instant | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Present:
    """The entries as they are, and the number of the change that last touched each."""

    entries: Entries
    touched: Mapping[Key, int]


@dataclass(frozen=True, slots=True)
class Applied:
    """What came of it: the lines that change something, with what was before, and the whole as it is then."""

    lines: tuple[Line, ...]
    entries: Entries
    directory: Directory


def apply(present: Present, lines: Sequence[Line], today: date, zone: ZoneInfo = BANK_ZONE) -> Applied:
    """Carry `lines` out on the entries, all of them or none.

    `BadInput`: a line that names no place, or all that changes nothing. `Conflict`: an entry has been changed
    since it was looked at. `Refused`: what would come out does not hold together.
    """
    if not 0 < len(lines) <= MOST_LINES:
        raise BadInput("lines", f"a change has 1 to {MOST_LINES} lines, not {len(lines)}")
    for number, line in enumerate(lines):
        _check_line(line, f"lines[{number}]", present)
    if len({line.entry for line in lines}) < len(lines):
        raise BadInput("lines", "an entry stands there twice: say once what is to become of it")
    entries = dict(present.entries)
    _carry_out(lines, entries)
    directory = directory_of(entries, today, zone)
    if not any(
        directory.rights(one.number).get(CHANGE) is Scope.ALL
        for one in directory.staff.values()
        if one.active
    ):
        raise Refused([Problem("staff", "", f"nobody would be left with the right {CHANGE!r} for everybody")])
    canonical = entries_of(directory)
    settled = [replace(line, after=_settled(line, canonical)) for line in lines]
    done = tuple(
        replace(line, before=before)
        for line in settled
        if not same(before := present.entries.get(line.entry), line.after)
    )
    if not done:
        raise BadInput("lines", "nothing would change: everything is as these lines say already")
    _carry_out(done, entries)
    return Applied(done, entries, directory)


def _carry_out(lines: Sequence[Line], entries: dict[Key, Body]) -> None:
    for line in lines:
        if line.after is None:
            entries.pop(line.entry, None)
        else:
            entries[line.entry] = line.after


def _settled(line: Line, canonical: Entries) -> Body | None:
    """What is kept of a line that fits: figures of queues and ranges of telephones as they were given."""
    if line.after is None:
        return None
    if line.section == "queues":
        return {name: int(value) for name, value in line.after.items()}
    if line.section == "devices":
        return {name: str(value) for name, value in line.after.items()}
    return canonical[line.entry]


def _check_line(line: Line, where: str, present: Present) -> None:
    if line.section not in SECTIONS:
        raise BadInput(f"{where}.section", f"there is no {line.section!r}; known: {', '.join(SECTIONS)}")
    if not line.key:
        raise BadInput(f"{where}.key", "is empty: say which entry")
    if line.section in ALONE and line.key != line.section:
        raise BadInput(f"{where}.key", f"{line.section} is one entry, whose key is {line.section}")
    if line.section == "vip_numbers" and line.key != (plain := known(line.key)):
        raise BadInput(f"{where}.key", f"write the number as {plain}: as it is dialled within the country")
    named = None if line.after is None else line.after.get(LISTS.get(line.section, ""))
    if named is not None and str(named) != line.key:
        raise BadInput(f"{where}.entry", f"is that of {named}, not of {line.key}")
    there = line.entry in present.entries
    if line.after is None and not there:
        raise BadInput(where, f"{line.section} has no {line.key}: nothing to remove")
    if line.after is None and line.section == "staff":
        raise BadInput(
            where, f"{line.key} stays in the books (calls and scores name it): give it `until` instead"
        )
    if line.after is None and (line.section in ALONE or line.entry == ("queues", DEFAULTS)):
        raise BadInput(where, f"{line.section} {line.key} cannot be removed, only changed")
    if line.seen is not None and line.seen != present.touched.get(line.entry, 0):
        raise Conflict(
            f"{line.section} {line.key} has been changed since you looked at it "
            f"(change {present.touched.get(line.entry, 0)}): look again, then decide"
        )


def days_ahead(directory: Directory, today: date) -> set[date]:
    """The days after today on which somebody comes, is gone, or is back in their own queues."""
    from_then = {person.since for person in directory.staff.values()}
    gone = {person.until + timedelta(days=1) for person in directory.staff.values() if person.until}
    lent = {person.lent.on for person in directory.staff.values() if person.lent}
    back = lent | {day + timedelta(days=1) for day in lent}
    return {day for day in from_then | gone | back if day is not None and day > today}


def digest(change: Change) -> str:
    """SHA-256 over what a change says: who, why, from when, which entries and what becomes of them."""
    lines = [[line.section, line.key, line.after] for line in change.lines]
    said = [change.number, change.by, change.reason, change.effective_on.isoformat(), lines]
    return "sha256:" + hashlib.sha256(msgspec.json.encode(said, order="sorted")).hexdigest()
