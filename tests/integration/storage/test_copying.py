"""A copy of a database that is in use, and its way back; on both kinds of database."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, select

from core.clock import instant
from core.errors import BadInput
from ledger.tables import calls
from storage import Database, DatabaseDown, migrate
from storage.audit import access_log
from storage.copying import DUMP, FILE, copy_database, put_back
from storage.partitions import need_months
from tests.support.databases import Databases


def access(seq: int) -> dict[str, object]:
    words = {"staff": "7001", "action": "read", "subject": f"summary:{seq}", "purpose": "quality"}
    return {"seq": seq, "at": seq, "reason": "", "chain": "x", **words}


async def migrated(url: str) -> Database:
    """Open, with its tables."""
    database = Database(url, name="main")
    await database.open()
    await migrate(database, "main")
    return database


async def rows(database: Database) -> list[int]:
    async with database.read() as connection:
        return list((await connection.execute(select(access_log.c.seq).order_by(access_log.c.seq))).scalars())


async def write(database: Database, seq: int) -> None:
    async with database.write() as connection:
        await connection.execute(insert(access_log).values(access(seq)))


async def test_a_copy_is_of_one_moment_and_comes_back(databases: Databases, tmp_path: Path) -> None:
    """While it is made somebody writes; afterwards the database is spoilt, then as it was."""
    url = databases.url("main")
    database = await migrated(url)
    await write(database, 1)
    copying = asyncio.create_task(copy_database(Database(url, name="main"), tmp_path / "copy"))
    for seq in range(2, 30):
        await write(database, seq)
    await copying
    await write(database, 99)
    async with database.write() as connection:  # a part of a table that the copy knows nothing of
        await need_months(connection, [calls], [instant(datetime(2027, 5, 1, tzinfo=UTC))])
    await database.close()
    databases.ask("main", "UPDATE access_log SET staff = '6666'")
    kept = await put_back(Database(url, name="main"), tmp_path / "copy", tmp_path)
    assert kept
    assert all(path.exists() for path in kept)
    await database.open()
    found = await rows(database)
    assert found == list(
        range(1, len(found) + 1)
    )  # as of one moment: no hole, and nothing of what came after
    assert databases.ask("main", "SELECT count(*) FROM access_log WHERE staff = '6666'") == [(0,)]
    await database.close()


async def test_a_copy_of_the_other_kind_is_refused_before_anything_is_touched(
    databases: Databases, tmp_path: Path
) -> None:
    url = databases.url("main")
    await (await migrated(url)).close()
    copy = tmp_path / "copy"
    await copy_database(Database(url, name="main"), copy)
    shutil.move(copy / (FILE if databases.kind == "sqlite" else DUMP), copy / "other")
    with pytest.raises(BadInput, match="another kind of database"):
        await put_back(Database(url, name="main"), copy, tmp_path)


async def test_a_copy_that_is_damaged_leaves_the_database_as_it_was(
    server_databases: Databases, tmp_path: Path
) -> None:
    url = server_databases.url("main")
    database = await migrated(url)
    await write(database, 1)
    await database.close()
    copy = tmp_path / "copy"
    await copy_database(Database(url, name="main"), copy)
    dump = copy / DUMP
    dump.write_bytes(dump.read_bytes()[:-200])
    with pytest.raises(DatabaseDown, match="pg_restore of the main database"):
        await put_back(Database(url, name="main"), copy, tmp_path)
    assert server_databases.ask("main", "SELECT count(*) FROM access_log") == [(1,)]


async def test_nobody_there_is_said_without_the_password(tmp_path: Path) -> None:
    url = "postgresql+psycopg://hotline:open-sesame@127.0.0.1:1/hotline"
    with pytest.raises(DatabaseDown, match="pg_dump of the main database") as refused:
        await copy_database(Database(url, name="main"), tmp_path / "copy")
    assert "open-sesame" not in str(refused.value)
