"""The way up and down, with what is stored; and that tables in code and in the database are the same."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Boolean, Column, Connection, Integer, Table, insert, inspect, select, text

from core.clock import instant
from ledger.shelves import Shelves
from storage import Database, SchemaMismatch, check_schema, migrate, migrate_down
from storage.migrate import History, scripts
from storage.partitions import need_months
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


def parts(connection: Connection) -> set[str]:
    """What PostgreSQL keeps of a table of ours in a part of its own."""
    if connection.dialect.name != "postgresql":
        return set()
    return set(
        connection.scalars(text("SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r'"))
    )


def differences(connection: Connection, history: History) -> list[object]:
    of_tables = parts(connection)
    options = {
        "compare_type": True,
        "include_name": lambda name, kind, _of: kind != "table" or name not in of_tables,
    }
    context = MigrationContext.configure(connection, opts=options)
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
    names = set(inspect(connection).get_table_names()) - {"alembic_version"} - parts(connection)
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


async def test_calls_find_their_months_and_keep_their_legs_on_the_way_down_and_up(
    databases: Databases, database: Database
) -> None:
    import_all_tables()
    await migrate(database)
    calls, legs = metadata.tables["calls"], metadata.tables["legs"]
    began = [instant(datetime(2026, month, 28, 23, tzinfo=UTC)) for month in (1, 2, 2, 12)] + [5]
    async with database.write() as connection:
        await need_months(connection, (calls, legs), began)
        for number, at in enumerate(began):
            for table, name in ((calls, "call"), (legs, "leg")):
                row = samples(table)[0] | {name: f"{name}{number}", "call": f"call{number}", "began_at": at}
                await connection.execute(insert(table).values(**row))
    await migrate_down(database, to="0010")
    await migrate(database)
    async with database.read() as connection:
        for table in (calls, legs):
            found = await connection.execute(select(table.c.call, table.c.began_at).order_by(table.c.call))
            assert [tuple(row) for row in found] == [(f"call{n}", at) for n, at in enumerate(began)]
    if databases.kind == "postgresql":
        rows = databases.ask(
            "t", "SELECT tableoid::regclass::text, count(*) FROM calls GROUP BY 1 ORDER BY 1"
        )
        assert rows == [
            ("calls_2026_01", 1),
            ("calls_2026_02", 2),
            ("calls_2026_12", 1),
            ("calls_before_2000", 1),
        ]


async def test_what_was_counted_before_has_its_service_level_from_the_ten_seconds(
    databases: Databases, database: Database
) -> None:
    import_all_tables()
    await migrate(database)
    counted = metadata.tables["interval_queues"]
    rows = [row | {"answered_10": 7 + n, "answered_in_sl": 1} for n, row in enumerate(samples(counted))]
    async with database.write() as connection:
        await connection.execute(insert(counted), rows)
    await migrate_down(database, to="0020")
    await migrate(database)
    found = databases.ask("t", "SELECT answered_10, answered_in_sl FROM interval_queues ORDER BY start")
    assert found == [(7, 7), (8, 8), (9, 9)]


async def test_facts_in_several_parts_come_together_and_apart_again(
    databases: Databases, database: Database
) -> None:
    import_all_tables()
    await migrate(database, "ledger")
    facts = ledger_metadata.tables["facts"]
    numbers = [1, 999_999, 1_000_001, 2_500_000]
    await Shelves(database).make_room(numbers[-1])
    async with database.write() as connection:
        await connection.execute(insert(facts), [samples(facts)[0] | {"seq": seq} for seq in numbers])
    await migrate_down(database, "ledger", to="0001")
    await migrate(database, "ledger")
    assert [row[0] for row in databases.ask("t", "SELECT seq FROM facts ORDER BY seq")] == numbers
    async with database.write() as connection:
        await connection.execute(insert(facts), [samples(facts)[0] | {"seq": numbers[-1] + 1}])


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
