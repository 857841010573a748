"""The service's databases for a command beside it: opened where they are, made or changed by nobody here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import Connection, Table, inspect
from sqlalchemy.ext.asyncio import AsyncConnection

from core.clock import local_day, system_clock
from directory import store
from directory.entries import calendar_lacking, directory_of
from directory.lookup import Directory
from directory.tables import directory_entries
from hotline.settings import Settings
from storage import Database, DatabaseDown, check_schema
from storage.migrate import History
from storage.urls import database_url, file_of
from web.password_book import staff_with_passwords
from web.tables import passwords


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
    async with _looked_into(settings, directory_entries) as connection:
        kept = None if connection is None else await store.present(connection)
    if kept is None or not kept.entries:
        return seed
    entries = {**kept.entries, **calendar_lacking(kept.entries, seed)}
    return directory_of(entries, local_day(system_clock(), settings.zone_info), settings.zone_info)


async def kept_passwords(settings: Settings) -> frozenset[str]:
    """The numbers of those for whom the service keeps a password. `DatabaseDown` as above."""
    async with _looked_into(settings, passwords) as connection:
        return frozenset() if connection is None else await staff_with_passwords(connection)


@asynccontextmanager
async def _looked_into(settings: Settings, table: Table) -> AsyncIterator[AsyncConnection | None]:
    """The main database; None before the first start of a service that keeps that table. Makes nothing."""
    file = file_of(database_url(settings.main_url, "database.main"))
    if file is not None and not file.exists():
        yield None
        return
    database = Database(settings.main_url, name="main")
    await database.open()

    def keeps(connection: Connection) -> bool:
        return inspect(connection).has_table(table.name)

    try:
        async with database.read() as connection:
            yield connection if await connection.run_sync(keeps) else None
    finally:
        await database.close()
