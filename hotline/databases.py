"""The service's databases for a command beside it: opened where they are, made or changed by nobody here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from storage import Database, DatabaseDown, check_schema
from storage.migrate import History


@asynccontextmanager
async def existing(
    url: str, history: History, *, missing: str = "{file} is not there"
) -> AsyncIterator[Database]:
    """A database that is there already, open, with the tables of this program; closed at the end.

    `DatabaseDown` with `missing` if it is a file that is not there: to open it would make it.
    """
    database = Database(url, name=history)
    if database.is_sqlite and not database.file.exists():
        raise DatabaseDown(missing.format(file=database.file))
    await database.open()
    try:
        await check_schema(database, history)
        yield database
    finally:
        await database.close()
