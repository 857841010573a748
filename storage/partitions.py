"""Tables that PostgreSQL keeps in parts, by ranges of one whole number: made ahead, and dropped as a whole.

A part is made beside the table and then attached: that holds up neither readers nor writers. Dropping one
needs the table alone for a moment, and gives up rather than have everybody queue up behind it. SQLite has no
parts; there is nothing to do for it here (docs/adr/0040).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import Instant
from storage.months import has_month, month_of, name_of, shifted
from storage.turns import take_turn

ALONE_MS = 1_000
"""How long the dropping of a part may make others wait."""
_BOUND = re.compile(r"FOR VALUES FROM \('?(-?\d+|MINVALUE)'?\) TO \('?(-?\d+|MAXVALUE)'?\)")
_PARTS = text(
    "SELECT c.relname AS name, pg_get_expr(c.relpartbound, c.oid) AS bound "
    "FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
    "WHERE i.inhparent = CAST(:parent AS regclass)"
)
_MISSING = text("SELECT name FROM unnest(CAST(:names AS text[])) AS name WHERE to_regclass(name) IS NULL")


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """Rows from number `first` on, before number `end`."""

    first: int
    end: int
    name: str


def has_parts(connection: AsyncConnection) -> bool:
    """Whether this database keeps tables in parts."""
    return connection.dialect.name == "postgresql"


async def parts_of(connection: AsyncConnection, table: Table) -> list[Part]:
    """The parts of a table in their order, without those that have an open end."""
    found = []
    for row in await connection.execute(_PARTS, {"parent": table.name}):
        bound = _BOUND.fullmatch(row.bound)
        if bound is not None and "MINVALUE" not in bound.groups() and "MAXVALUE" not in bound.groups():
            found.append(Part(int(bound[1]), int(bound[2]), row.name))
    return sorted(found)


async def add_part(connection: AsyncConnection, table: Table, part: Part) -> None:
    """Make and attach it, in this unit of work. Whoever may not be alone in this takes a turn first."""
    await connection.execute(text(f"CREATE TABLE {part.name} (LIKE {table.name} INCLUDING ALL)"))
    await connection.execute(
        text(
            f"ALTER TABLE {table.name} ATTACH PARTITION {part.name} "
            f"FOR VALUES FROM ({part.first:d}) TO ({part.end:d})"
        )
    )


async def drop_part(connection: AsyncConnection, part: Part) -> None:
    """Remove it with its rows. `DatabaseDown` if somebody reads there for longer than ALONE_MS."""
    await connection.execute(text(f"SET LOCAL lock_timeout = {ALONE_MS:d}"))
    await connection.execute(text(f"DROP TABLE IF EXISTS {part.name}"))


def month_part(table: Table, month: Instant) -> Part:
    """The part of a table that holds a month."""
    return Part(month, shifted(month, 1), f"{table.name}_{name_of(month).replace('-', '_')}")


async def need_months(connection: AsyncConnection, tables: Iterable[Table], at: Iterable[Instant]) -> None:
    """See to it that rows of these instants have a part to go to, in this unit of work.

    Whoever writes asks for it with each unit of work: so no absence is too long for what was made ahead, and
    a row of a month that is gone finds its place again.
    """
    if not has_parts(connection):
        return
    wanted = {month_of(one) for one in at if has_month(one)}
    parts = {part.name: (table, part) for table in tables for part in (month_part(table, m) for m in wanted)}
    if not parts or not await _missing(connection, parts):
        return
    await take_turn(connection, "parts of months")
    for name in sorted(await _missing(connection, parts)):
        await add_part(connection, *parts[name])


async def _missing(connection: AsyncConnection, names: Iterable[str]) -> list[str]:
    return list((await connection.execute(_MISSING, {"names": list(names)})).scalars())
