"""The main database of the customers' tests, on each of the databases in turn."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage import Database, migrate
from tests.support.databases import Databases


@pytest.fixture
async def main(databases: Databases) -> AsyncIterator[Database]:
    database = Database(databases.url("main"), name="main")
    await database.open()
    await migrate(database)
    yield database
    await database.close()
