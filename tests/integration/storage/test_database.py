"""Units of work on real databases of every kind, and what is said when they cannot serve."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select
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
    after_commit,
    fill_in,
    insert_new,
    take_turn,
    upsert,
)
from tests.integration.storage.shelves import book, count, shelf
from tests.support.databases import Databases


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


async def test_one_that_is_cancelled_between_two_rows_holds_nobody_up(databases: Databases) -> None:
    if databases.kind != "sqlite":
        pytest.skip("a server undoes what its client leaves")
    url = databases.url("left", None)
    database = Database(url, name="test", busy_timeout_ms=100)
    await database.open()
    began, kept = asyncio.Event(), []

    async def work() -> None:
        async with database.write() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            kept.append(await driver.execute("VALUES (1), (2)"))
            began.set()
            while True:
                await connection.exec_driver_sql("SELECT 1")

    task = asyncio.create_task(work())
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.write() as connection:
        await connection.exec_driver_sql("CREATE TABLE afterwards (id INTEGER)")
    await database.close()


async def test_who_still_reads_when_it_is_closed_reads_on_and_leaves_no_connection_behind(
    databases: Databases,
) -> None:
    database = Database(databases.url("left", None), name="test")
    await database.open()
    began, closed = asyncio.Event(), asyncio.Event()

    async def read() -> int:
        async with database.read() as connection:
            await connection.execute(select(1))
            began.set()
            await closed.wait()
            return int((await connection.execute(select(2))).scalar_one())

    gc.collect()  # what others left is not asked about here
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always", ResourceWarning)
        reading = asyncio.create_task(read())
        await began.wait()
        await database.close()
        closed.set()
        assert await reading == 2
        del reading
        gc.collect()
    assert [str(warning.message) for warning in left] == []


@pytest.mark.parametrize("turns", range(0, 48, 3))
async def test_one_that_is_closed_while_a_reader_is_cancelled_leaves_no_connection_behind(
    databases: Databases, turns: int
) -> None:
    database = Database(databases.url("left", None), name="test")
    await database.open()

    async def read() -> None:
        async with database.read() as connection:
            await connection.execute(select(1))

    gc.collect()
    with warnings.catch_warnings(record=True) as left:
        warnings.simplefilter("always", ResourceWarning)
        reading = asyncio.create_task(read())
        for _ in range(turns):
            await asyncio.sleep(0)
        reading.cancel()
        await database.close()
        await asyncio.gather(reading, return_exceptions=True)
        del reading
        gc.collect()
    assert [str(warning.message) for warning in left] == []


async def test_writers_who_take_turns_decide_by_what_they_read(
    databases: Databases, database: Database
) -> None:
    patient = Database(databases.url("t", None), name="test")  # fifty may have to wait for each other
    await patient.open()

    async def add_one() -> None:
        async with patient.write() as connection:
            await take_turn(connection, "shelf")
            highest = await connection.scalar(select(shelf.c.id).order_by(shelf.c.id.desc()).limit(1)) or 0
            await connection.execute(insert(shelf).values(id=highest + 1))

    await asyncio.gather(*(add_one() for _ in range(50)))
    await patient.close()
    assert await count(database, shelf) == 50


async def test_a_reader_sees_one_state_while_a_writer_goes_on(database: Database) -> None:
    async with database.read() as reader:
        assert (await reader.execute(select(shelf))).all() == []
        async with database.write() as writer:
            await writer.execute(insert(shelf).values(id=1))
        assert (await reader.execute(select(shelf))).all() == []
    assert await count(database, shelf) == 1


async def test_a_reading_connection_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseDown, match=r"read-?only"):
        async with database.read() as connection:
            await connection.execute(insert(shelf).values(id=1))


async def test_who_asked_to_be_told_hears_of_a_commit_when_all_can_see_it(database: Database) -> None:
    told: list[str] = []
    async with database.write() as connection:
        after_commit(connection, lambda: told.append("first"))
        await connection.execute(insert(shelf).values(id=1))
        assert told == []
    with pytest.raises(RuntimeError):
        async with database.write() as connection:
            after_commit(connection, lambda: told.append("undone"))
            raise RuntimeError
    async with database.write():
        pass
    assert told == ["first"]


async def test_references_are_enforced_and_left_to_the_feature_to_judge(database: Database) -> None:
    with pytest.raises(IntegrityError) as refused:
        async with database.write() as connection:
            await connection.execute(insert(book).values(id=1, shelf=99, title="a customer's name"))
    assert "a customer's name" not in str(refused.value)


async def test_a_database_held_by_another_program_is_named(database: Database, databases: Databases) -> None:
    with databases.held("t"), pytest.raises(DatabaseDown, match=r"test database .*does not serve.* lock"):
        async with database.write() as connection:
            await connection.execute(insert(shelf).values(id=1))
    async with database.write() as connection:
        await connection.execute(insert(shelf).values(id=1))


async def test_a_missing_table_asks_for_the_migrations(database: Database) -> None:
    with pytest.raises(SchemaMismatch, match="run the migrations"):
        async with database.read() as connection:
            await connection.exec_driver_sql("SELECT * FROM nowhere")


async def test_use_before_open_and_after_close_is_told(databases: Databases) -> None:
    database = Database(databases.url("t", None), name="main")
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


async def test_fill_in_leaves_what_is_known(database: Database) -> None:
    known = Table(
        "known",
        MetaData(),
        Column("id", Integer, primary_key=True),
        Column("first", Integer),
        Column("state", Integer, nullable=False),
        Column("owner", Integer, nullable=False),
    )
    rounds: list[list[dict[str, Any]]] = [
        [{"id": 1, "first": None, "state": 0, "owner": 1}, {"id": 2, "first": 5, "state": 7, "owner": 1}],
        [{"id": 1, "first": 6, "state": 8, "owner": 2}, {"id": 2, "first": 6, "state": 8, "owner": 2}],
        [{"id": 1, "first": None, "state": 0, "owner": 3}],
        [],
    ]
    async with database.write() as connection:
        await connection.run_sync(known.create)
        for rows in rounds:
            await fill_in(connection, known, rows, empty={"state": 0})
        kept = (await connection.execute(select(known).order_by(known.c.id))).all()
    assert [tuple(row) for row in kept] == [(1, 6, 8, 1), (2, 5, 7, 1)]


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


async def test_an_appender_keeps_each_batch_whole(database: Database) -> None:
    appender = Appender(database, book)
    assert await appender.claim()
    await appender.append([(1, None, "a\tb\\n\n张三", None), (2, None, "b", "")])
    with pytest.raises(RowsRefused, match="book in the test database takes no such rows"):
        await appender.append([(3, None, "c", None), (1, None, "again", None)])
    await appender.append([(4, None, "d", None)])
    await appender.close()
    async with database.read() as connection:
        rows = (await connection.execute(select(book).order_by(book.c.id))).all()
    assert rows == [(1, None, "a\tb\\n\n张三", None), (2, None, "b", ""), (4, None, "d", None)]


async def test_a_length_is_no_trap_for_what_comes_from_outside(database: Database) -> None:
    async with database.write() as connection:
        await upsert(connection, book, [{"id": 1, "mark": "longer than it should be"}])
    assert await count(database, book) == 1


@pytest.mark.parametrize("url", ["sqlite+aiosqlite:////no/such/folder/x.db", "what?"])
def test_a_url_that_cannot_work_is_refused_at_once(url: str) -> None:
    with pytest.raises(BadInput, match="URL of the main database: "):
        Database(url, name="main")
