"""Rows ⇄ entries and changes. Every function works inside the caller's unit of work."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Instant
from directory.changes import Change, ChangeState, Line, Present
from directory.entries import Body, Key
from directory.remit import CLOSED, PEOPLE, Sight
from directory.tables import directory_changes, directory_entries, directory_lines
from storage import upsert

_AT_ONCE = 500
"""Rows per statement: SQLite takes 32,766 values in one."""


async def present(connection: AsyncConnection) -> Present:
    """The entries in their order; none before the seed has been taken in."""
    query = select(directory_entries).order_by(directory_entries.c.position)
    rows = (await connection.execute(query)).all()
    return Present(
        {(row.section, row.key): msgspec.json.decode(row.body) for row in rows},
        {(row.section, row.key): row.change for row in rows},
    )


async def keep(connection: AsyncConnection, change: Change) -> None:
    """Make the lines of an applied change the present; a new entry comes after all others."""
    query = select(directory_entries.c.section, directory_entries.c.key, directory_entries.c.position)
    places = {(row.section, row.key): row.position for row in await connection.execute(query)}
    after_all = itertools.count(max(places.values(), default=0) + 1)
    for line in change.lines:
        if line.after is None:
            here = (directory_entries.c.section == line.section) & (directory_entries.c.key == line.key)
            await connection.execute(delete(directory_entries).where(here))
    rows = [
        {
            "section": line.section,
            "key": line.key,
            "position": places[line.entry] if line.entry in places else next(after_all),
            "body": _json(line.after),
            "change": change.number,
        }
        for line in change.lines
        if line.after is not None
    ]
    for some in _slices(rows):
        await upsert(connection, directory_entries, some)


async def next_number(connection: AsyncConnection) -> int:
    """The number of the next change; call it when it is one's turn."""
    last = (await connection.execute(select(func.max(directory_changes.c.number)))).scalar_one()
    return (last or 0) + 1


async def applied(connection: AsyncConnection) -> tuple[int, int]:
    """The number of the last change that is in force, and how many are: a planned one adds to these alone."""
    query = select(func.max(directory_changes.c.number), func.count())
    query = query.where(directory_changes.c.state == ChangeState.APPLIED)
    last, count = (await connection.execute(query)).one()
    return last or 0, count


async def last_words(connection: AsyncConnection, sections: Iterable[str]) -> dict[Key, Body]:
    """What the history says these sections hold now, in the order in which that came into force."""
    changes, lines = directory_changes.c, directory_lines.c
    query = (
        select(lines.section, lines.key, lines.after)
        .join(directory_changes, lines.change == changes.number)
        .where(lines.section.in_(list(sections)), changes.state == ChangeState.APPLIED)
        .order_by(changes.applied_at, changes.number, lines.position)
    )
    said = {(row.section, row.key): _body(row.after) for row in await connection.execute(query)}
    return {entry: body for entry, body in said.items() if body is not None}


async def insert_change(connection: AsyncConnection, change: Change) -> None:
    """A new change with its lines."""
    await connection.execute(
        insert(directory_changes).values(
            number=change.number,
            at=change.at,
            by=change.by,
            reason=change.reason,
            effective_on=change.effective_on.isoformat(),
            state=change.state,
            applied_at=change.applied_at,
            problem=change.problem,
        )
    )
    rows = _line_rows(change.number, change.lines)
    for some in _slices(rows):
        await connection.execute(insert(directory_lines), some)


async def end_change(
    connection: AsyncConnection,
    number: int,
    state: ChangeState,
    *,
    at: Instant | None = None,
    problem: str = "",
    lines: Sequence[Line] | None = None,
) -> None:
    """What became of a planned change; `lines`: with what was there before on its day."""
    await connection.execute(
        update(directory_changes)
        .where(directory_changes.c.number == number)
        .values(state=state, applied_at=at, problem=problem)
    )
    if lines is not None:
        await connection.execute(delete(directory_lines).where(directory_lines.c.change == number))
        for some in _slices(_line_rows(number, lines)):
            await connection.execute(insert(directory_lines), some)


async def load_changes(connection: AsyncConnection, numbers: Iterable[int]) -> list[Change]:
    """These changes with their lines, in the order asked for; unknown ones are left out."""
    wanted = list(numbers)
    heads = await connection.execute(select(directory_changes).where(directory_changes.c.number.in_(wanted)))
    lines = await connection.execute(
        select(directory_lines)
        .where(directory_lines.c.change.in_(wanted))
        .order_by(directory_lines.c.change, directory_lines.c.position)
    )
    of: dict[int, list[Line]] = {}
    for row in lines:
        of.setdefault(row.change, []).append(
            Line(row.section, row.key, _body(row.after), before=_body(row.before))
        )
    found = {row.number: _change(row, of.get(row.number, [])) for row in heads}
    return [found[number] for number in wanted if number in found]


async def planned(connection: AsyncConnection, until: date | None = None) -> list[Change]:
    """Changes that wait for their day, those of the earliest day first; `until`: only up to that day."""
    changes = directory_changes.c
    query = select(changes.number).where(changes.state == ChangeState.PLANNED)
    if until is not None:
        query = query.where(changes.effective_on <= until.isoformat())
    rows = await connection.execute(query.order_by(changes.effective_on, changes.number))
    return await load_changes(connection, rows.scalars())


async def find_changes(
    connection: AsyncConnection,
    *,
    section: str = "",
    key: str = "",
    state: str = "",
    before: int | None = None,
    limit: int,
    sight: Sight | None = None,
) -> list[Change]:
    """Changes, newest first, of an entry or a section if one is named; only of numbers below `before`.

    `sight`: only those with a line that is open to somebody, and what they planned themselves.
    """
    changes, lines = directory_changes.c, directory_lines.c
    query = select(changes.number).order_by(changes.number.desc()).limit(limit)
    touched = select(lines.change)
    if section:
        touched = touched.where(lines.section == section)
    if key:
        touched = touched.where(lines.key == key)
    if sight is not None:
        theirs = (changes.by == sight.by) & (changes.state != ChangeState.APPLIED)
        shown = touched.where(_shown(sight))
        query = query.where(changes.number.in_(shown) | (theirs & changes.number.in_(touched)))
    elif section:
        query = query.where(changes.number.in_(touched))
    if state:
        query = query.where(changes.state == state)
    if before is not None:
        query = query.where(changes.number < before)
    return await load_changes(connection, (await connection.execute(query)).scalars())


def _shown(sight: Sight) -> ColumnElement[bool]:
    """`Sight.shows`, as the database asks it."""
    people = directory_lines.c.section == PEOPLE
    mine = directory_lines.c.key.in_(sorted(sight.staff))
    return (people & mine) | directory_lines.c.section.not_in([PEOPLE, *sorted(CLOSED)])


def _line_rows(number: int, lines: Sequence[Line]) -> list[dict[str, Any]]:
    return [
        {
            "change": number,
            "position": position,
            "section": line.section,
            "key": line.key,
            "before": _json(line.before),
            "after": _json(line.after),
        }
        for position, line in enumerate(lines)
    ]


def _change(row: Row[Any], lines: Sequence[Line]) -> Change:
    return Change(
        number=row.number,
        at=row.at,
        by=row.by,
        reason=row.reason,
        effective_on=date.fromisoformat(row.effective_on),
        state=ChangeState(row.state),
        lines=tuple(lines),
        applied_at=row.applied_at,
        problem=row.problem,
    )


def _json(body: Body | None) -> str | None:
    return None if body is None else msgspec.json.encode(body).decode()


def _body(text: str | None) -> Body | None:
    return None if text is None else msgspec.json.decode(text)


def _slices(rows: list[dict[str, Any]]) -> Iterable[list[dict[str, Any]]]:
    return (rows[start : start + _AT_ONCE] for start in range(0, len(rows), _AT_ONCE))
