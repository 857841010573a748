"""Insert, or change what is there: one spelling for the databases we know."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sqlalchemy import Table, case, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection


def insert_into(connection: AsyncConnection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows what to do on a conflict, as the database of this connection spells it."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


async def upsert(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows` (all with the same columns); where the primary key exists, replace the other columns."""
    if not rows:
        return
    statement = insert_into(connection, table)
    key = [column.name for column in table.primary_key]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key}
    await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), list(rows))


async def insert_new(connection: AsyncConnection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert those of `rows` that break no uniqueness rule; leave what is there as it is."""
    if rows:
        statement = insert_into(connection, table)
        await connection.execute(statement.on_conflict_do_nothing(), list(rows))


async def fill_in(
    connection: AsyncConnection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    empty: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Insert `rows` (all with the same columns); where the primary key exists, fill what is NULL there and
    leave the rest. `empty`: columns that are never NULL, and what stands in each while nothing is known."""
    if not rows:
        return
    statement = insert_into(connection, table)
    key = [column.name for column in table.primary_key]
    there, given = table.c, statement.excluded
    changed = {
        name: case((there[name] == empty[name], given[name]), else_=there[name])
        if name in empty
        else func.coalesce(there[name], given[name])
        for name in rows[0]
        if name in empty or (name not in key and table.c[name].nullable)
    }
    await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), list(rows))


async def add_up(
    connection: AsyncConnection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *,
    largest: Collection[str] = (),
) -> None:
    """Insert `rows` (all with the same columns); where the primary key exists, add the other columns to what
    is there. Of those named in `largest`, the larger value stays."""
    if not rows:
        return
    statement = insert_into(connection, table)
    key = [column.name for column in table.primary_key]
    there, given = table.c, statement.excluded
    changed = {
        name: case((given[name] > there[name], given[name]), else_=there[name])
        if name in largest
        else there[name] + given[name]
        for name in rows[0]
        if name not in key
    }
    await connection.execute(statement.on_conflict_do_update(index_elements=key, set_=changed), list(rows))
