"""The way up, the way down, and that tables in code and in the database are the same."""

from __future__ import annotations

import importlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from storage import Database, SchemaMismatch, check_schema, migrate, migrate_down
from storage.migrate import History, scripts
from storage.schema import ledger_metadata, metadata

ROOT = Path(__file__).parents[3]
METADATA = {"main": metadata, "ledger": ledger_metadata}
histories = pytest.mark.parametrize("history", ["main", "ledger"])


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/t.db", name="test")
    await database.open()
    yield database
    await database.close()


def import_all_tables() -> None:
    """Every module that registers tables, found by what it says, so that none can be forgotten."""
    for file in ROOT.glob("[a-z]*/*.py"):
        if file.parent.name not in {"tests", "bench"} and "storage.schema import" in file.read_text("utf-8"):
            importlib.import_module(f"{file.parent.name}.{file.stem}")


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


@histories
def test_each_history_is_one_line(history: History) -> None:
    revisions = list(scripts(history).walk_revisions())
    assert len(scripts(history).get_heads()) == 1
    numbers = [script.revision for script in revisions]
    assert numbers == sorted(set(numbers), reverse=True)  # gaps are allowed: lines are joined
    assert numbers[-1] == "0001"


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
