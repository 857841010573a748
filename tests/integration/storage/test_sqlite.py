"""What is particular to SQLite: tables rebuilt by copying, and files that are no database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from storage import Database, DatabaseDown, SchemaMismatch
from tests.integration.storage.shelves import book, count, shelf, tables


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/t.db", name="test", busy_timeout_ms=50)
    await database.open()
    async with database.write() as connection:
        await connection.run_sync(tables.create_all)
    yield database
    await database.close()


async def test_rebuilding_a_table_sets_off_no_cascade_and_breaks_no_reference(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(insert(shelf).values(id=1))
        await connection.execute(insert(book).values(id=1, shelf=1, title="x"))
    async with database.reshape() as connection:
        for statement in (
            "CREATE TABLE new_shelf (id INTEGER PRIMARY KEY)",
            "INSERT INTO new_shelf SELECT id FROM shelf",
            "DROP TABLE shelf",
            "ALTER TABLE new_shelf RENAME TO shelf",
        ):
            await connection.exec_driver_sql(statement)
    assert await count(database, book) == 1
    with pytest.raises(SchemaMismatch, match="without its row in shelf: nothing was changed"):
        async with database.reshape() as connection:
            await connection.exec_driver_sql("DELETE FROM shelf")
    assert await count(database, shelf) == 1
    with pytest.raises(IntegrityError):  # enforced again for everyone after
        async with database.write() as connection:
            await connection.execute(insert(book).values(id=2, shelf=99, title="x"))


async def test_what_is_no_database_is_refused_at_open(tmp_path: Path) -> None:
    (tmp_path / "t.db").write_text("Dear diary, " * 1000)
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/t.db", name="main")
    with pytest.raises(DatabaseDown, match="file is not a database"):
        await database.open()
    assert not database.is_open
