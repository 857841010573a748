"""The way up and down, with what is stored; and that tables in code and in the database are the same."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Boolean, Column, Connection, Integer, Table, insert, inspect, text

from storage import Database, SchemaMismatch, check_schema, migrate, migrate_down
from storage.migrate import History, scripts
from storage.schema import ledger_metadata, metadata
from tests.support.databases import Databases

ROOT = Path(__file__).parents[3]
METADATA = {"main": metadata, "ledger": ledger_metadata}
ROWS = 3
histories = pytest.mark.parametrize("history", ["main", "ledger"])


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    database = Database(databases.url("t", None), name="test")
    await database.open()
    yield database
    await database.close()


def import_all_tables() -> None:
    """Every module that registers tables, found by what it says, so that none can be forgotten."""
    for file in sorted(ROOT.glob("[a-z]*/**/*.py")):
        module = file.relative_to(ROOT).with_suffix("").parts
        if module[0] not in {"tests", "bench"} and "storage.schema import" in file.read_text("utf-8"):
            importlib.import_module(".".join(module))


def differences(connection: Connection, history: History) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, METADATA[history]))


@histories
async def test_the_migrated_database_is_what_the_code_declares(database: Database, history: History) -> None:
    import_all_tables()
    await migrate(database, history)
    async with database.read() as connection:
        assert await connection.run_sync(differences, history) == []


@histories
async def test_every_step_can_be_taken_back_and_forth(database: Database, history: History) -> None:
    steps = [script.revision for script in reversed(list(scripts(history).walk_revisions()))]
    for step in steps:
        await migrate(database, history, to=step)
    await check_schema(database, history)
    for step in [*reversed(steps[:-1]), "base"]:
        await migrate_down(database, history, to=step)
    async with database.read() as connection:
        left = await connection.run_sync(lambda c: inspect(c).get_table_names())
    assert left == ["alembic_version"]
    await migrate(database, history)
    await check_schema(database, history)


def samples(table: Table) -> list[dict[str, object]]:
    """ROWS rows that keep to the table's types and references."""
    return [
        {column.name: _sample(column, number) for column in table.columns} for number in range(1, ROWS + 1)
    ]


def _sample(column: Column[object], number: int) -> object:
    if column.foreign_keys:
        return _sample(next(iter(column.foreign_keys)).column, number)
    if isinstance(column.type, Boolean):
        return number % 2 == 0
    return number if isinstance(column.type, Integer) else f"{column.name}{number}"


def filled(connection: Connection) -> dict[str, int]:
    """How many rows each table has that is there."""
    names = set(inspect(connection).get_table_names()) - {"alembic_version"}
    return {name: connection.scalar(text(f"SELECT count(*) FROM {name}")) or 0 for name in names}  # noqa: S608


@histories
async def test_what_is_stored_outlives_every_step_that_keeps_its_table(
    database: Database, history: History
) -> None:
    import_all_tables()
    await migrate(database, history)
    tables = METADATA[history].sorted_tables
    async with database.write() as connection:
        for table in tables:
            await connection.execute(insert(table), samples(table))
    steps = [script.revision for script in scripts(history).walk_revisions()]
    for step in steps[1:]:
        await migrate_down(database, history, to=step)
        async with database.read() as connection:
            left = await connection.run_sync(filled)
        assert left
        assert set(left.values()) == {ROWS}
    await migrate(database, history)
    async with database.read() as connection:
        after = await connection.run_sync(filled)
    kept = after if len(steps) == 1 else left
    assert after == {table.name: ROWS if table.name in kept else 0 for table in tables}


@histories
async def test_programs_that_start_together_migrate_once(
    databases: Databases, database: Database, history: History
) -> None:
    others = [Database(databases.url("t", None), name=f"test{n}") for n in range(3)]
    for other in others:
        await other.open()
    await asyncio.gather(*(migrate(one, history) for one in (database, *others)))
    for other in others:
        await check_schema(other, history)
        await other.close()


@histories
def test_each_history_is_one_line(history: History) -> None:
    revisions = list(scripts(history).walk_revisions())
    assert len(scripts(history).get_heads()) == 1
    assert [script.revision for script in revisions] == [f"{n:04}" for n in range(len(revisions), 0, -1)]


async def test_an_unmigrated_database_is_told_apart_from_a_current_one(database: Database) -> None:
    with pytest.raises(SchemaMismatch, match="stands at revision none, this program needs"):
        await check_schema(database)
    await migrate(database)
    await check_schema(database)


async def test_a_database_of_a_newer_program_is_left_alone(database: Database) -> None:
    await migrate(database)
    async with database.write() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaMismatch, match=r"9999.*written by a newer one"):
        await migrate(database)
