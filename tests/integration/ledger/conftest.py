"""A real main database, a real ledger database, and a ledger on them; on SQLite and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ledger.ledger import Ledger
from storage import Database, migrate
from tests.support.databases import Databases


@pytest.fixture
async def main_database(databases: Databases) -> AsyncIterator[Database]:
    database = Database(databases.url("main"), name="main")
    await database.open()
    await migrate(database)
    yield database
    await database.close()


@pytest.fixture
async def ledger_database(databases: Databases) -> AsyncIterator[Database]:
    database = Database(databases.url("ledger", "ledger"), name="ledger", busy_timeout_ms=100)
    await database.open()
    await migrate(database, "ledger")
    yield database
    await database.close()


@pytest.fixture
async def ledger(ledger_database: Database, tmp_path: Path) -> AsyncIterator[Ledger]:
    book = Ledger(ledger_database, spool=tmp_path / "ledger.spool")
    await book.open()
    yield book
    await book.close()
