"""Units of work on a real SQLite file, and what is said when it cannot serve."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, Text, insert, select
from sqlalchemy.exc import IntegrityError

from core.errors import BadInput
from storage import (
    Appender,
    Database,
    DatabaseDown,
    DatabaseNotOpen,
    RowsRefused,
    SchemaMismatch,
    add_up,
    insert_new,
    upsert,
)

tables = MetaData()
shelf = Table("shelf", tables, Column("id", Integer, primary_key=True))
book = Table(
    "book",
    tables,
    Column("id", Integer, primary_key=True),
    Column("shelf", ForeignKey("shelf.id", ondelete="CASCADE")),
    Column("title", Text),
)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/t.db", name="test", busy_timeout_ms=50)
    await database.open()
    async with database.write() as connection:
        await connection.run_sync(tables.create_all)
    yield database
    await database.close()


async def count(database: Database, table: Table) -> int:
    async with database.read() as connection:
        return len((await connection.execute(select(table))).all())


async def test_a_unit_of_work_is_kept_whole_or_not_at_all(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(insert(shelf), [{"id": 1}, {"id": 2}])
    with pytest.raises(RuntimeError):
        async with database.write() as connection:
            await connection.execute(insert(shelf).values(id=3))
            raise RuntimeError
    assert await count(database, shelf) == 2


async def test_a_cancelled_unit_of_work_is_undone_and_the_next_one_goes_on(database: Database) -> None:
    began, never = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        async with database.write() as connection:
            await connection.execute(insert(shelf).values(id=1))
            began.set()
            await never.wait()

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.write() as connection:
        await connection.execute(insert(shelf).values(id=1))
    assert await count(database, shelf) == 1


async def test_writers_take_turns_so_none_fails_for_another(database: Database) -> None:
    async def add_one(_: int) -> None:
        async with database.write() as connection:
            highest = await connection.scalar(select(shelf.c.id).order_by(shelf.c.id.desc()).limit(1)) or 0
            await connection.execute(insert(shelf).values(id=highest + 1))

    await asyncio.gather(*(add_one(n) for n in range(50)))
    assert await count(database, shelf) == 50


async def test_a_reader_sees_one_state_while_a_writer_goes_on(database: Database) -> None:
    async with database.read() as reader:
        assert (await reader.execute(select(shelf))).all() == []
        async with database.write() as writer:
            await writer.execute(insert(shelf).values(id=1))
        assert (await reader.execute(select(shelf))).all() == []
    assert await count(database, shelf) == 1


async def test_a_reading_connection_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseDown, match="readonly"):
        async with database.read() as connection:
            await connection.execute(insert(shelf).values(id=1))


async def test_references_are_enforced_and_left_to_the_feature_to_judge(database: Database) -> None:
    with pytest.raises(IntegrityError):
        async with database.write() as connection:
            await connection.execute(insert(book).values(id=1, shelf=99, title="x"))


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


async def test_a_file_held_by_another_program_is_named(database: Database, tmp_path: Path) -> None:
    holder = sqlite3.connect(tmp_path / "t.db", isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(DatabaseDown, match=r"test database .*t\.db.* locked"):
            async with database.write():
                pytest.fail("the unit of work must not begin")
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    async with database.write() as connection:
        await connection.execute(insert(shelf).values(id=1))


async def test_a_missing_table_asks_for_the_migrations(database: Database) -> None:
    with pytest.raises(SchemaMismatch, match="run the migrations"):
        async with database.read() as connection:
            await connection.exec_driver_sql("SELECT * FROM nowhere")


async def test_what_is_no_database_is_refused_at_open(tmp_path: Path) -> None:
    (tmp_path / "t.db").write_text("Dear diary, " * 1000)
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/t.db", name="main")
    with pytest.raises(DatabaseDown, match="file is not a database"):
        await database.open()
    assert not database.is_open


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("what?", "not a database URL"),
        ("sqlite:////tmp/x.db", "begin with sqlite\\+aiosqlite:"),
        ("sqlite+aiosqlite://", "needs a file"),
        ("sqlite+aiosqlite:////no/such/folder/x.db", "the folder /no/such/folder does not exist"),
    ],
)
def test_a_url_that_cannot_work_is_refused_at_once(url: str, problem: str) -> None:
    with pytest.raises(BadInput, match=f"URL of the main database: .*{problem}"):
        Database(url, name="main")


async def test_use_before_open_and_after_close_is_told(tmp_path: Path) -> None:
    database = Database(f"sqlite+aiosqlite:///{tmp_path}/t.db", name="main")
    for _ in range(2):
        with pytest.raises(DatabaseNotOpen, match="call open"):
            async with database.read():
                pass
        with pytest.raises(DatabaseNotOpen, match="call open"):
            await Appender(database, shelf).append([(1,)])
        await database.open()
        await database.close()


async def test_upsert_replaces_and_insert_new_leaves_what_is_there(database: Database) -> None:
    async with database.write() as connection:
        await upsert(connection, book, [{"id": 1, "title": "a"}, {"id": 2, "title": "b"}])
        await upsert(connection, book, [{"id": 2, "title": "B"}])
        await insert_new(connection, book, [{"id": 1, "title": "no"}, {"id": 3, "title": "c"}])
        await upsert(connection, book, [])
        titles = (await connection.execute(select(book.c.title).order_by(book.c.id))).scalars().all()
    assert titles == ["a", "B", "c"]


async def test_add_up_adds_to_what_is_there_and_keeps_the_largest(database: Database) -> None:
    sums = Table(
        "sums",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("many", Integer),
        Column("longest", Integer),
    )
    async with database.write() as connection:
        await connection.run_sync(sums.metadata.create_all)
        for many, longest in ((2, 7), (-1, 9), (5, 0)):
            row = {"id": 1, "many": many, "longest": longest}
            await add_up(connection, sums, [row], largest={"longest"})
        await add_up(connection, sums, [])
        assert (await connection.execute(select(sums))).all() == [(1, 6, 9)]


@pytest.mark.parametrize("short_way", [True, False])
async def test_an_appender_keeps_each_batch_whole_on_both_ways_in(
    database: Database, monkeypatch: pytest.MonkeyPatch, short_way: bool
) -> None:
    if not short_way:  # the way of the other databases, walked on the one at hand
        monkeypatch.setattr(Database, "is_sqlite", False)
    appender = Appender(database, book)
    await appender.append([(1, None, "a"), (2, None, "b")])
    with pytest.raises(RowsRefused, match="book in the test database takes no such rows"):
        await appender.append([(3, None, "c"), (1, None, "again")])
    await appender.append([(4, None, "d")])
    await appender.close()
    assert await count(database, book) == 3
