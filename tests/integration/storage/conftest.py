"""An open database with two small tables, on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage import Database
from tests.integration.storage.shelves import tables
from tests.support.databases import Databases, ServerDatabases


@pytest.fixture
async def database(databases: Databases) -> AsyncIterator[Database]:
    database = Database(databases.url("t", None), name="test", busy_timeout_ms=50)
    await database.open()
    async with database.write() as connection:
        await connection.run_sync(tables.create_all)
    yield database
    await database.close()


@pytest.fixture
async def on_server(server_databases: ServerDatabases) -> AsyncIterator[Database]:
    """The same, for what is particular to PostgreSQL."""
    database = Database(
        server_databases.url("t", None), name="test", busy_timeout_ms=300, answer_timeout_ms=500
    )
    await database.open()
    async with database.write() as connection:
        await connection.run_sync(tables.create_all)
    yield database
    await database.close()
