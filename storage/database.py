"""One database: many readers, units of work, and errors that say what to do.

    async with database.read() as connection:      # one unchanging state
        rows = (await connection.execute(select(...))).all()
    async with database.write() as connection:     # one transaction: all of it or nothing
        await connection.execute(insert(...))

SQLite by default; any other SQLAlchemy URL with an asynchronous driver works the same way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from core.errors import BadInput
from storage import sqlite
from storage.errors import DatabaseDown, DatabaseNotOpen, SchemaMismatch, translated

_READERS = 4


class Database:
    """`name` appears in messages (`main`, `ledger`); `url` as SQLAlchemy takes it.

    `BadInput` at once for a URL that cannot work. `busy_timeout_ms`: how long a unit of work waits for
    another program that holds the file, before it is `DatabaseDown`.
    """

    def __init__(self, url: str, *, name: str, busy_timeout_ms: int = 5_000) -> None:
        where = f"URL of the {name} database"
        try:
            self._url = make_url(url)
        except ArgumentError as error:
            raise BadInput(
                where, f"{url!r} is not a database URL; try sqlite+aiosqlite:////path.db"
            ) from error
        if self._url.get_backend_name() == "sqlite":
            if self._url.get_driver_name() != "aiosqlite":
                raise BadInput(where, "SQLite is spoken through aiosqlite: begin with sqlite+aiosqlite:")
            sqlite.file_of(self._url, where)
        self.name = name
        self.busy_timeout_ms = busy_timeout_ms
        self._one_writer = asyncio.Lock()
        self._reader: AsyncEngine | None = None
        self._writer: AsyncEngine | None = None

    @property
    def is_sqlite(self) -> bool:
        """Whether writers have to queue up in this program."""
        return self._url.get_backend_name() == "sqlite"

    @property
    def is_open(self) -> bool:
        """Between open() and close()."""
        return self._writer is not None

    @property
    def file(self) -> Path:
        """The database file of SQLite; `BadInput` for any other."""
        return sqlite.file_of(self._url, f"URL of the {self.name} database")

    @property
    def place(self) -> str:
        """Where the database is, without its password."""
        return self._url.render_as_string(hide_password=True)

    async def open(self) -> None:
        """Connect once, so that a wrong path or password is known now. `DatabaseDown` if it fails."""
        if self._writer is not None:
            return
        if self.is_sqlite:
            # The first writer switches the file to WAL; readers come after it.
            self._writer = create_async_engine(self._url, pool_size=1, max_overflow=0)
            self._reader = create_async_engine(self._url, pool_size=_READERS, max_overflow=0)
            sqlite.prepare(self._writer.sync_engine, writes=True, busy_timeout_ms=self.busy_timeout_ms)
            sqlite.prepare(self._reader.sync_engine, writes=False, busy_timeout_ms=self.busy_timeout_ms)
        else:
            self._writer = create_async_engine(self._url, pool_pre_ping=True)
            self._reader = self._writer
        try:
            async with self.write() as connection:
                await connection.exec_driver_sql("SELECT 1")
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Let go of every connection; a second call does nothing."""
        writer, reader = self._writer, self._reader
        self._writer = self._reader = None
        if reader is not None and reader is not writer:
            await reader.dispose()
        if writer is not None:
            async with self._one_writer:
                await writer.dispose()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A connection for reading; everything read through it belongs to one state of the database."""
        async with self._connected(self._reader) as connection:
            yield connection

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A unit of work: committed when the block ends well, undone when it raises or is cancelled."""
        async with self._turn(), self._connected(self._writer) as connection, connection.begin():
            yield connection

    @asynccontextmanager
    async def reshape(self) -> AsyncIterator[AsyncConnection]:
        """A unit of work that may rebuild tables, for migrations only.

        SQLite changes a table by copying and dropping it, which would set off cascades: references are
        switched off meanwhile and checked before the commit (`SchemaMismatch` if one is broken).
        """
        async with self._turn(), self._connected(self._writer) as connection:
            await self._references(connection, on=False)
            try:
                async with connection.begin():
                    yield connection
                    await self._check_references(connection)
            finally:
                await self._references(connection, on=True)

    def _turn(self) -> AbstractAsyncContextManager[None]:
        return self._one_writer if self.is_sqlite else nullcontext()

    @asynccontextmanager
    async def _connected(self, engine: AsyncEngine | None) -> AsyncIterator[AsyncConnection]:
        if engine is None:
            raise DatabaseNotOpen(f"the {self.name} database is not open: call open() first")
        try:
            async with AsyncExitStack() as stack:
                try:
                    connection = await stack.enter_async_context(engine.connect())
                except (OSError, PoolTimeout) as error:
                    raise DatabaseDown(
                        f"the {self.name} database ({self.place}) does not answer: {error}"
                    ) from error
                yield connection
        except DBAPIError as error:
            ours = translated(error, self.name, self.place)
            if ours is None:
                raise
            raise ours from error

    async def _references(self, connection: AsyncConnection, *, on: bool) -> None:
        if self.is_sqlite:  # past SQLAlchemy, which would begin a transaction: the pragma is void inside one
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute(f"PRAGMA foreign_keys={'ON' if on else 'OFF'}")

    async def _check_references(self, connection: AsyncConnection) -> None:
        if self.is_sqlite:
            broken = (await connection.exec_driver_sql("PRAGMA foreign_key_check")).mappings().first()
            if broken is not None:
                raise SchemaMismatch(
                    f"a migration of the {self.name} database would leave row {broken['rowid']} of "
                    f"{broken['table']} without its row in {broken['parent']}: nothing was changed"
                )
