"""The service's databases for a command beside it: opened where they are, made or changed by nobody here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import Connection, inspect

from core.clock import local_day, system_clock
from directory import store
from directory.entries import calendar_lacking, directory_of
from directory.lookup import Directory
from directory.tables import directory_entries
from hotline.settings import Settings
from storage import Database, DatabaseDown, check_schema
from storage.migrate import History
from storage.urls import database_url, file_of


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


async def kept_directory(settings: Settings, seed: Directory) -> Directory:
    """The directory as the service keeps it; `seed` as long as no service has taken that in.

    `DatabaseDown` if it may be kept in a server that does not answer: nobody knows then what it says.
    """
    file = file_of(database_url(settings.main_url, "database.main"))
    if file is not None and not file.exists():
        return seed
    database = Database(settings.main_url, name="main")
    await database.open()
    try:
        async with database.read() as connection:
            if not await connection.run_sync(_keeps_entries):
                return seed
            kept = await store.present(connection)
    finally:
        await database.close()
    if not kept.entries:
        return seed
    entries = {**kept.entries, **calendar_lacking(kept.entries, seed)}
    return directory_of(entries, local_day(system_clock(), settings.zone_info), settings.zone_info)


def _keeps_entries(connection: Connection) -> bool:
    """Not before the first start of a service that keeps them."""
    return inspect(connection).has_table(directory_entries.name)
