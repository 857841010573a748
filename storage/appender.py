"""The short way in for a table that only ever grows.

A unit of work through SQLAlchemy costs about 0.5 ms of processor time before its first row. A writer that
commits fifty times a second cannot afford that: on SQLite the rows go in by one call on one thread, which is
a seventh of it (docs/adr/0010), on PostgreSQL by one COPY (docs/adr/0020).
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
from sqlalchemy import Table

from storage import sqlite
from storage.copier import Copier
from storage.database import Database
from storage.errors import DatabaseNotOpen, RowsRefused, StorageError, translated_cause
from storage.lease import Tenure


class Appender:
    """Appends rows, given as tuples in the order of the table's columns, each batch one transaction.

    `tenure`, on a server: under which its program leads; it appends nothing (`Superseded`) under another's.
    """

    def __init__(self, database: Database, table: Table, *, tenure: Tenure | None = None) -> None:
        self._database = database
        self._table = table
        self._way: _Thread | Copier = (
            _Thread(database, table) if database.is_sqlite else Copier(database, table, tenure)
        )

    async def claim(self) -> bool:
        """Whether no other program appends to this table of a server; a file's owner has to see to it."""
        try:
            return await self._way.claim()
        except psycopg.Error as error:
            raise self._told(error) from error

    async def append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """All of `rows`, durably, or none and an error (`StorageError`).

        When the error comes from the commit itself, the rows may have been kept: look before trying again.
        """
        if not self._database.is_open:
            raise DatabaseNotOpen(f"the {self._database.name} database is not open: call open() first")
        try:
            await self._way.append(rows)
        except (sqlite3.Error, psycopg.Error) as error:
            raise self._told(error) from error

    async def close(self) -> None:
        """Finish what is under way and let go of the database; a later append takes hold of it again."""
        await self._way.close()

    def _told(self, error: Exception) -> StorageError:
        ours = translated_cause(error, self._database.name, self._database.place)
        if isinstance(ours, StorageError):
            return ours
        problem = str(error).splitlines()[0]  # the next lines may quote a row
        return RowsRefused(
            f"{self._table.name} in the {self._database.name} database takes no such rows: {problem}"
        )


class _Thread:
    """SQLite's way: one thread with a connection of its own. sqlite3's errors."""

    def __init__(self, database: Database, table: Table) -> None:
        self._database = database
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        marks = ",".join("?" * len(table.columns))
        self._statement = f"INSERT INTO {table.name} VALUES ({marks})"  # noqa: S608 - a name of ours

    async def claim(self) -> bool:
        """Files know no claims."""
        return True

    async def append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """All of `rows` or none, and an error."""
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"{self._database.name}-appender")
        await asyncio.get_running_loop().run_in_executor(self._thread, self._append, rows)

    async def close(self) -> None:
        """Finish what is under way and let go of the file."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self._disconnect)
            thread.shutdown()

    def _append(self, rows: Sequence[tuple[Any, ...]]) -> None:
        if self._connection is None:
            self._connection = sqlite.connect(self._database.file, self._database.busy_timeout_ms)
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany(self._statement, rows)
            connection.execute("COMMIT")
        except BaseException:
            self._disconnect()  # undoes what is not committed; the next batch begins with a fresh connection
            raise

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
